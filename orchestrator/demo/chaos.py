"""
`paddock demo chaos`: a thousand events, and everything that runs them is killed again and again meanwhile.

A control plane of the demo's own, on a data directory and a port of its own, is started, killed with SIGKILL and
started again; its functions' containers are killed, too. At the end every event that was acknowledged is looked up:
what became of it, and how often it was run. Nothing of it is left behind.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import docker
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from docker.errors import APIError, BuildError, DockerException
from rich.console import Console
from rich.live import Live
from rich.table import Table

from orchestrator.domain.errors import PaddockError

IMAGE = "paddock/demo-chaos:latest"
_FUNCTION = "chaos"
_APP = b"""import time


def handler(event, context):
    time.sleep(0.1)
    return event
"""
_DOCKERFILE = b'FROM paddock/python:latest\nCOPY app.py ${LAMBDA_TASK_ROOT}\nCMD ["app.handler"]\n'
_FINAL = ("succeeded", "failed", "dead-lettered")
_SENDERS = 4
_READY_WITHIN_S = 60
_SETTLED_WITHIN_S = 300
_SHOWN = 10


class DemoFailed(PaddockError):
    """The demo could not be held; the message says why and what helps."""


@dataclass(slots=True)
class Tally:
    """What happened so far."""

    accepted: list[str] = field(default_factory=list)
    refused: int = 0
    control_plane_kills: int = 0
    container_kills: int = 0
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    doing: str = ""

    def lost(self) -> list[str]:
        """Acknowledged, and not succeeded."""
        return [one for one in self.accepted if self.ended.get(one, {}).get("state") != "succeeded"]

    def run_again(self) -> dict[str, int]:
        """How often each was run that was run more than once."""
        return {one: found["attempts"] for one, found in self.ended.items() if found["attempts"] > 1}


def run_chaos(events: int, kills: int, seed: int, console: Console) -> Tally:
    """
    Hold the demo.

    Args:
        events: To be acknowledged.
        kills: Of the control plane; containers are killed as often in between.
        seed: Of the moments.

    Raises:
        DemoFailed: If there is no engine, no base image, or the control plane does not start.
    """
    engine = _engine()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="paddock-chaos-") as folder:
        plane = _ControlPlane(Path(folder))
        with Live(console=console, refresh_per_second=8, get_renderable=lambda: _shown(tally, events)):
            tally.doing = "building the function's image"
            _build(engine)
            tally.doing = "starting a control plane"
            plane.start()
            try:
                _deploy(plane)
                _hold(plane, engine, tally, events, kills, random.Random(seed))
            finally:
                tally.doing = "cleaning up"
                plane.end()
            tally.doing = "done"
    return tally


def _hold(
    plane: _ControlPlane, engine: docker.DockerClient, tally: Tally, events: int, kills: int, chance: random.Random
) -> None:
    wanted = iter(range(events))
    senders = [threading.Thread(target=_send, args=(plane, tally, wanted), daemon=True) for _ in range(_SENDERS)]
    for sender in senders:
        sender.start()
    for number in range(kills):
        _until_share_is_accepted(tally, events, (number + chance.random()) / kills)
        tally.doing = f"kill -9 of the control plane, {number + 1} of {kills}"
        plane.kill()
        tally.control_plane_kills += 1
        plane.start()
        tally.doing = f"docker kill of a container, {number + 1} of {kills}"
        tally.container_kills += _kill_one(plane, engine, chance)
    tally.doing = "accepting the rest"
    for sender in senders:
        sender.join()
    tally.doing = "looking up every event"
    _settle(plane, tally)


def _send(plane: _ControlPlane, tally: Tally, wanted: Iterator[int]) -> None:
    client = plane.client()
    for number in wanted:
        request_id = None
        while request_id is None:
            try:
                answer = client.invoke(
                    FunctionName=_FUNCTION, InvocationType="Event", Payload=json.dumps({"n": number}).encode()
                )
                request_id = answer["ResponseMetadata"]["RequestId"]
            except (BotoCoreError, ClientError):
                # Not acknowledged, so nothing was promised.
                tally.refused += 1
                time.sleep(0.05)
        tally.accepted.append(request_id)
        time.sleep(0.02)


def _until_share_is_accepted(tally: Tally, events: int, share: float) -> None:
    while len(tally.accepted) < share * events:
        time.sleep(0.02)


def _kill_one(plane: _ControlPlane, engine: docker.DockerClient, chance: random.Random) -> int:
    """Kill a container of a function that is working, if there is one."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        live = {one["environment_id"] for one in plane.read("environments")["environments"] if one["state"] == "busy"}
        found = engine.containers.list(filters={"label": f"paddock.function={_FUNCTION}"}, ignore_removed=True)
        busy = [one for one in found if one.labels.get("paddock.environment") in live]
        if busy:
            try:
                chance.choice(busy).kill()
            except APIError:
                continue  # it has ended by itself
            return 1
        time.sleep(0.05)
    return 0


def _settle(plane: _ControlPlane, tally: Tally) -> None:
    deadline = time.monotonic() + _SETTLED_WITHIN_S
    left = list(tally.accepted)
    while left and time.monotonic() < deadline:
        for request_id in left:
            found = plane.read(f"invocations/{request_id}")
            tally.ended[request_id] = found
        left = [one for one in left if tally.ended[one]["state"] not in _FINAL]
        if left:
            time.sleep(0.5)


def _shown(tally: Tally, events: int) -> Table:
    table = Table(show_header=False, box=None)
    table.add_row("now", tally.doing)
    table.add_row("accepted", f"{len(tally.accepted)} of {events}")
    table.add_row("not accepted (told so)", str(tally.refused))
    table.add_row("kill -9 of the control plane", str(tally.control_plane_kills))
    table.add_row("docker kill of a container", str(tally.container_kills))
    table.add_row("looked up", str(len(tally.ended)))
    return table


def report(tally: Tally, console: Console) -> None:
    """Print what became of everything."""
    lost, again = tally.lost(), tally.run_again()
    table = Table(title="what became of every event that was acknowledged", title_justify="left")
    table.add_column("")
    table.add_column("events", justify="right")
    table.add_column("which")
    table.add_row("acknowledged", str(len(tally.accepted)), "")
    table.add_row("succeeded", str(len(tally.accepted) - len(lost)), "")
    table.add_row("lost", str(len(lost)), _named({one: tally.ended.get(one, {}).get("state", "?") for one in lost}))
    table.add_row("run more than once", str(len(again)), _named(again))
    console.print(table)
    console.print(
        f"The control plane was killed {tally.control_plane_kills} times and a container {tally.container_kills} times "
        "while they worked. An event is run at least once: what a kill cut off was run again under the same request id."
    )


def _named(found: dict[str, Any]) -> str:
    shown = [f"{request_id} ({what})" for request_id, what in list(found.items())[:_SHOWN]]
    if len(found) > _SHOWN:
        shown.append(f"and {len(found) - _SHOWN} more (--json has all)")
    return "\n".join(shown)


class _ControlPlane:
    """`paddock up` on a directory and a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "paddock.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        own = {name: value for name, value in os.environ.items() if not name.startswith("PADDOCK_")}
        self._environment = {
            **own,
            "PADDOCK_DATA_DIR": str(folder / "data"),
            "PADDOCK_PORT": str(self._port),
            "PADDOCK_NETWORK_POOL_SIZE": "4",
            "PADDOCK_ASYNC_RETRY_DELAYS_S": "1,1",
            "PADDOCK_LOG_FORMAT": "json",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it takes invocations."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "up"], env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace")[-1500:]
                raise DemoFailed(f"the demo's control plane did not start; its log ends with:\n{said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """In order, so that it removes everything of its own; also where it was killed and could not start again."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_READY_WITHIN_S)

    def client(self) -> Any:
        """boto3; tries once."""
        return boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name="us-east-1",
            aws_access_key_id="demo",
            aws_secret_access_key="demo",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20),
        )

    def read(self, path: str) -> dict[str, Any]:
        """One of the console's documents."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/_paddock/{path}", timeout=20) as answer:
            document: dict[str, Any] = json.load(answer)
            return document

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _engine() -> docker.DockerClient:
    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except DockerException as error:
        raise DemoFailed(f"the Docker engine does not answer ({error}); start it, or set DOCKER_HOST") from error
    return client


def _build(engine: docker.DockerClient) -> None:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, content in (("Dockerfile", _DOCKERFILE), ("app.py", _APP)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    context.seek(0)
    try:
        engine.images.build(fileobj=context, custom_context=True, tag=IMAGE, rm=True, forcerm=True)
    except (BuildError, APIError) as error:
        raise DemoFailed(
            f"the demo's image could not be built ({error}); its base is paddock/python: make base-images"
        ) from error


def _deploy(plane: _ControlPlane) -> None:
    client = plane.client()
    client.create_function(
        FunctionName=_FUNCTION,
        PackageType="Image",
        Code={"ImageUri": IMAGE},
        Role="arn:aws:iam::000000000000:role/any",
        Timeout=10,
        MemorySize=256,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=_FUNCTION, WaiterConfig={"Delay": 1})
