"""A real control plane in a process of its own, straight on the host, that tests may stop and kill."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import docker
from botocore.config import Config

from tests.support.ports import free_port
from tests.support.waiting import until

_CHECKOUT = Path(__file__).parent.parent.parent
_START_TIMEOUT_S = 60
_POLL_S = 0.02
_ASKED_AGAIN_SOON = {"Delay": 0.05, "MaxAttempts": 1200}
"""After 50 ms, and for a minute at least: the waiters of boto3 would ask once a second."""


class PaddockProcess:
    """
    `paddock up` with a data directory and a port of its own.

    Args:
        data_dir: Kept over restarts.
        docker_host: Of the engine to use, if not the machine's.
        log_path: Where it writes its log; in the data directory if not told.
        variables: Further environment variables.
        open_files: As many as it may have, if fewer than this process.
        checkout: Whose code it runs, if not this one's.
        python: What runs it.
        settings: Further PADDOCK_* variables, without the prefix.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        docker_host: str | None = None,
        log_path: Path | None = None,
        variables: Mapping[str, str] | None = None,
        open_files: int | None = None,
        checkout: Path = _CHECKOUT,
        python: str = sys.executable,
        **settings: object,
    ) -> None:
        self.port = free_port()
        self.data_dir = data_dir
        self._open_files = open_files
        self._checkout = checkout
        self._python = python
        self.log_path = log_path or data_dir / "paddock.log"
        # A variable of test machines that costs a start three seconds.
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = {
            **inherited,
            "PADDOCK_DATA_DIR": str(data_dir),
            "PADDOCK_PORT": str(self.port),
            "PADDOCK_LOG_FORMAT": "json",
            **{f"PADDOCK_{name.upper()}": str(value) for name, value in settings.items()},
            **({"DOCKER_HOST": docker_host} if docker_host else {}),
            **(variables or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Any] = []

    @property
    def endpoint(self) -> str:
        """The front port's URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None, "start it first"
        return self._process.pid

    def start(self) -> float:
        """Start, wait until ready; the seconds that took."""
        began = time.monotonic()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [self._python, "-m", "orchestrator", "up"],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._checkout,
                preexec_fn=self._limit_files if self._open_files is not None else None,
            )
        self._wait_until_ready(began)
        return time.monotonic() - began

    def terminate(self, patience_s: float = 60) -> int:
        """SIGTERM, and wait; the exit code. Its clients are closed."""
        assert self._process is not None, "start it first"
        while self._clients:
            self._clients.pop().close()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(patience_s)

    def kill(self) -> None:
        """SIGKILL, as a crash is."""
        assert self._process is not None, "start it first"
        self._process.kill()
        self._process.wait(10)

    def kill_driver(self, patience_s: float = 15) -> None:
        """SIGKILL to its driver, the process that holds the Docker socket; returns when another runs."""
        (before,) = children(self.pid)
        os.kill(before, signal.SIGKILL)
        until(lambda: children(self.pid) not in ([before], []), "another driver runs", patience_s)

    def ended(self) -> int | None:
        """Its exit code, once it has ended; negative for a signal."""
        return self._process.poll() if self._process is not None else None

    def is_running(self) -> bool:
        """Has it not ended?"""
        return self._process is not None and self._process.poll() is None

    @property
    def variables(self) -> dict[str, str]:
        """What it is started with; for other commands on the same data directory."""
        return dict(self._environment)

    def client(self, access_key: str = "test", secret: str = "test", **config: Any) -> Any:
        """A boto3 Lambda client that tries once and is patient."""
        values: dict[str, Any] = {
            "retries": {"max_attempts": 0},
            "read_timeout": 120,
            "connect_timeout": 10,
            "max_pool_connections": 100,
        }
        client = boto3.client(
            "lambda",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            config=Config(**(values | config)),
        )
        self._clients.append(client)
        return client

    def log(self) -> str:
        """What it wrote so far."""
        return self.log_path.read_text(errors="replace")

    def environments(self, function: str | None = None) -> list[dict[str, Any]]:
        """Its live environments, of one function or all."""
        found = self._read("/_paddock/environments")["environments"]
        return [one for one in found if function in (None, one["function_name"])]

    def invocation(self, request_id: str) -> dict[str, Any]:
        """What became of an invocation."""
        found: dict[str, Any] = self._read(f"/_paddock/invocations/{request_id}")
        return found

    def check(self, name: str) -> dict[str, Any]:
        """One check of `paddock doctor`."""
        found: dict[str, Any] = next(one for one in self._read("/_paddock/doctor")["checks"] if one["name"] == name)
        return found

    def doctor(self) -> Any:
        """What it says of this machine."""
        return self._read("/_paddock/doctor")

    def count_log(self, event: str, function: str) -> int:
        """How many lifecycle lines of this event and function it wrote."""
        lines = (json.loads(line) for line in self.log().splitlines() if line.startswith("{"))
        return sum(1 for line in lines if line.get("event") == event and line.get("function") == function)

    def wait_for_output(self, function: str, text: str, limit: int = 1000) -> None:
        """Until the function's log has this text, in its last lines."""
        until(lambda: text in self.output(function, limit), f"{function} prints {text!r}")

    def output(self, function: str, limit: int = 1000) -> str:
        """The last lines of the function's log so far."""
        url = f"{self.endpoint}/_paddock/functions/{function}/output?limit={limit}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            text: str = answer.read().decode()
            return text

    def containers(self, engine: docker.DockerClient, function: str) -> list[Any]:
        """The containers of a function's environments, in any state."""
        ours = {one["environment_id"] for one in self.environments(function)}
        labelled = engine.containers.list(
            all=True, filters={"label": f"paddock.function={function}"}, ignore_removed=True
        )
        return [one for one in labelled if one.labels["paddock.environment"] in ours]

    def busy_container(self, engine: docker.DockerClient, function: str) -> Any:
        """The container of an environment that works now, or None."""
        busy = {one["environment_id"] for one in self.environments(function) if one["state"] == "busy"}
        return next(
            (one for one in self.containers(engine, function) if one.labels["paddock.environment"] in busy), None
        )

    def owner(self, engine: docker.DockerClient) -> str:
        """The owner id on its containers' labels."""
        for one in self.environments():
            for container in self.containers(engine, one["function_name"]):
                owner: str = container.labels["paddock.owner"]
                return owner
        raise AssertionError("it has no environment to ask")

    def orphans(self, engine: docker.DockerClient, owner: str) -> list[str]:
        """
        The containers that are labelled as environments of this owner, and are of none that lives.

        Args:
            owner: As `owner` told while there was an environment.
        """
        ours = engine.api.containers(all=True, filters={"label": [f"paddock.owner={owner}", "paddock.environment"]})
        live = {one["environment_id"] for one in self.environments()}
        return [one["Names"][0] for one in ours if one["Labels"]["paddock.environment"] not in live]

    def _limit_files(self) -> None:
        assert self._open_files is not None
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._open_files, self._open_files))

    def _read(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.endpoint}{path}", timeout=10) as answer:
            return json.load(answer)

    def _wait_until_ready(self, began: float) -> None:
        while time.monotonic() - began < _START_TIMEOUT_S:
            if not self.is_running():
                raise AssertionError(f"paddock ended at once:\n{self.log()[-4000:]}")
            try:
                with urllib.request.urlopen(f"{self.endpoint}/readyz", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                # Not a wait for something to have happened: a poll of the condition itself.
                time.sleep(_POLL_S)
        raise AssertionError(f"paddock was not ready in {_START_TIMEOUT_S} s:\n{self.log()[-4000:]}")


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(one) for file in Path(f"/proc/{pid}/task").glob("*/children") for one in file.read_text().split()]


def deploy(client: Any, name: str, image: str, **configuration: Any) -> None:
    """Create a function and wait until it is active."""
    client.create_function(
        FunctionName=name,
        Role="arn:aws:iam::000000000000:role/any",
        PackageType="Image",
        Code={"ImageUri": image},
        **configuration,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=_ASKED_AGAIN_SOON)


def wait_until_updated(client: Any, name: str) -> None:
    """Until a change of a function is over, and has not failed."""
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=_ASKED_AGAIN_SOON)
