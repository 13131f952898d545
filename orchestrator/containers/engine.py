"""
The Docker engine's API, asynchronous: the SDK's blocking calls in a bounded pool of threads, its exceptions as ours.

No policy here: what is created and why is decided by `spec.py`, `network.py` and the driver.
"""

from __future__ import annotations

import asyncio
import functools
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from orchestrator.containers.driver import EngineUnreachable, StartFailed

_THREADS = 16
_TIMEOUT_S = 120

Result = TypeVar("Result")


class Engine:
    """
    One Docker engine, at `DOCKER_HOST` or the local socket.

    Raises (every call):
        EngineUnreachable: If it does not answer.
        docker.errors.APIError: What it answered, where the caller is expected to know it.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._client: Any = None

    async def connect(self) -> None:
        """Find the engine and agree on an API version."""
        self._client = await self._in_thread(_connect)

    @property
    def client(self) -> Any:
        """The SDK's low-level client, for calls that block; use `call` in the loop."""
        return self._client

    async def call(self, method: str, *arguments: object, **options: object) -> Any:
        """Call one method of the SDK's low-level client."""
        return await self._in_thread(functools.partial(getattr(self._client, method), *arguments, **options))

    async def call_if_there(self, method: str, *arguments: object, **options: object) -> Any:
        """The same, but None where the subject does not exist (any more)."""
        try:
            return await self.call(method, *arguments, **options)
        except NotFound:
            return None
        except APIError as error:
            # 409: removal is in progress already; 304: it is in that state already.
            if error.status_code in (304, 409):
                return None
            raise

    async def create(self, specification: dict[str, Any], name: str) -> str:
        """Create a container from the API's own form; its id."""
        created: dict[str, Any] = await self._in_thread(lambda: self._create(specification, name))
        container_id: str = created["Id"]
        return container_id

    async def attach(self, container_id: str) -> socket.socket:
        """The container's output as a raw socket, attached before it starts."""
        return await self._in_thread(lambda: self._attach(container_id))

    def events(self, since: int, filters: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
        """The engine's events, blocking; ends when the engine goes away."""
        stream: Iterator[dict[str, Any]] = self._client.events(since=since, filters=filters, decode=True)
        return stream

    def close(self) -> None:
        """Let go of the engine."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _create(self, specification: dict[str, Any], name: str) -> dict[str, Any]:
        created: dict[str, Any] = self._client.create_container_from_config(specification, name=name)
        return created

    def _attach(self, container_id: str) -> socket.socket:
        wrapped = self._client.attach_socket(container_id, params={"stdout": 1, "stderr": 1, "stream": 1})
        # Nothing has been written before the start, so no byte can be left in the reader that is thrown away here.
        raw: socket.socket = getattr(wrapped, "_sock", wrapped)
        duplicate = raw.dup()
        wrapped.close()
        return duplicate

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except APIError:
            # It is a RequestException too, and what it says is the engine's answer.
            raise
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError) as error:
            raise unreachable(error) from error


def unreachable(error: Exception) -> EngineUnreachable:
    """The engine did not answer."""
    return EngineUnreachable(
        f"Docker engine does not answer ({_first_line(error)}); start it (`systemctl start docker`, or dockerd), "
        "or point DOCKER_HOST at one"
    )


def start_failed(error: APIError) -> StartFailed:
    """Why a container did not start, in AWS's types."""
    text = str(error.explanation or error)
    message = _readable(text)
    lower = text.lower()
    if "exec format error" in lower:
        return StartFailed(
            "Runtime.InvalidEntrypoint",
            f"{message}: the image is for another processor architecture than this host, or its entry point has no "
            "#! line; build it for this host (docker build --platform)",
        )
    if any(words in lower for words in ("chdir", "working directory", "cwd", "cannot mkdir", "not a directory")):
        return StartFailed("Runtime.InvalidWorkingDir", message)
    if any(
        words in lower for words in ("executable file not found", "no such file", "permission denied", "no command")
    ):
        return StartFailed("Runtime.InvalidEntrypoint", message)
    return StartFailed("Sandbox.Failure", message)


def _readable(text: str) -> str:
    """The innermost cause of runc's chain of errors."""
    match = re.search(r"(exec: .*|chdir to cwd .*|starting container process caused: .*)", text)
    return (match[1] if match else text).strip().removesuffix(": unknown")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _connect() -> Any:
    return APIClient(
        version="auto", timeout=_TIMEOUT_S, num_pools=_THREADS, max_pool_size=2 * _THREADS, **kwargs_from_env()
    )
