"""
The Docker engine's API, asynchronous: the SDK's blocking calls in a bounded pool of threads, its exceptions as ours.

No policy here: what is created and why is decided by `spec.py`, `network.py` and the driver.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from orchestrator.domain.start_failures import start_failure
from orchestrator.driver.protocol import EngineUnreachable, StartFailed

_THREADS = 16
_PULLS_AT_ONCE = 4
_TIMEOUT_S = 120
_NOT_FOUND = 404

Result = TypeVar("Result")


class Engine:
    """
    One Docker engine, at `DOCKER_HOST` or the local socket.

    Args:
        labels: On every container that is created.

    Raises (every call):
        EngineUnreachable: If it does not answer.
        docker.errors.APIError: What it answered, where the caller is expected to know it.
    """

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        self._labels = labels or {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._pulling = ThreadPoolExecutor(_PULLS_AT_ONCE, thread_name_prefix="docker pull")
        self._client: Any = None
        self.about: dict[str, Any] = {}

    async def connect(self) -> None:
        """Find the engine, agree on a version of the API, and ask it about itself: `about` is that answer."""
        self._client = await self._in_thread(_connect)
        self.about = await self.call("info")

    @property
    def major_version(self) -> int:
        """Of the engine that was found; 0 for one that numbers itself in another way, which counts as old."""
        number = self.about["ServerVersion"].partition(".")[0]
        return int(number) if number.isdigit() else 0

    @property
    def client(self) -> Any:
        """The SDK's low-level client, for calls that block; use `call` in the loop."""
        if self._client is None:
            raise EngineUnreachable("the Docker engine has not been reached yet")
        return self._client

    async def call(self, method: str, *arguments: object, **options: object) -> Any:
        """Call one method of the SDK's low-level client."""
        return await self._in_thread(functools.partial(getattr(self.client, method), *arguments, **options))

    async def pull(self, repository: str, tag: str | None) -> None:
        """Pull an image, in threads kept for that: a registry may take minutes, or never answer."""
        await self._in_thread(functools.partial(self.client.pull, repository, tag=tag), self._pulling)

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
        labelled = {**specification, "Labels": {**specification.get("Labels", {}), **self._labels}}
        created: dict[str, Any] = await self._in_thread(lambda: self._create(labelled, name))
        container_id: str = created["Id"]
        return container_id

    async def has_path(self, container_id: str, path: str) -> bool:
        """Is there anything at this path of a container, which need not run?"""
        return await self._in_thread(lambda: self._has_path(container_id, path))

    async def attach(self, container_id: str) -> socket.socket:
        """The container's output as a raw socket, attached before it starts."""
        return await self._in_thread(lambda: self._attach(container_id))

    def events(self, since: int, filters: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
        """The engine's events, blocking; ends when the engine goes away."""
        stream: Iterator[dict[str, Any]] = self.client.events(since=since, filters=filters, decode=True)
        return stream

    def close(self) -> None:
        """Let go of the engine."""
        for threads in (self._threads, self._pulling):
            threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _create(self, specification: dict[str, Any], name: str) -> dict[str, Any]:
        created: dict[str, Any] = self.client.create_container_from_config(specification, name=name)
        return created

    def _has_path(self, container_id: str, path: str) -> bool:
        place = self._client._url("/containers/{0}/archive", container_id)
        status: int = self._client.head(place, params={"path": path}, timeout=_TIMEOUT_S).status_code
        return status != _NOT_FOUND

    def _attach(self, container_id: str) -> socket.socket:
        wrapped = self.client.attach_socket(container_id, params={"stdout": 1, "stderr": 1, "stream": 1})
        # Nothing has been written before the start, so no byte can be left in the reader that is thrown away here.
        raw: socket.socket = getattr(wrapped, "_sock", wrapped)
        duplicate = raw.dup()
        wrapped.close()
        return duplicate

    async def _in_thread(self, work: Callable[[], Result], threads: ThreadPoolExecutor | None = None) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads or self._threads, work)
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
    """Why a container was not created or did not start."""
    failure = start_failure(str(error.explanation or error))
    return StartFailed(failure.error_type, failure.message, failure.diagnosis)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _connect() -> Any:
    return APIClient(
        version="auto", timeout=_TIMEOUT_S, num_pools=_THREADS, max_pool_size=2 * _THREADS, **kwargs_from_env()
    )
