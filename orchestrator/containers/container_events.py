"""
One stream of the engine's events, in one thread: which containers died, and which ran out of memory.

After the engine was away, the stream goes on from where it ended, and what is no longer there is reported as ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from docker.errors import DockerException
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from orchestrator.containers.engine import Engine
from orchestrator.containers.spec import OWNER
from orchestrator.domain.errors import PaddockError

_RECONNECT_S = 0.2
_TROUBLE = (DockerException, RequestException, HTTPError, OSError)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvent:
    """
    One event of the engine.

    Args:
        action: `die` or `oom`.
        exit_code: Of a `die`.
    """

    container_id: str
    action: str
    exit_code: int | None


class ContainerEvents:
    """
    Watches the owner's containers.

    Args:
        happened: Called in the loop with each event.
        lost: Called in the loop when the engine stops answering.
        back: Awaited in the loop when it answers again, to look for what was missed.
    """

    def __init__(
        self,
        engine: Engine,
        owner: str,
        *,
        epoch_s: Callable[[], int],
        happened: Callable[[EngineEvent], None],
        lost: Callable[[], None],
        back: Callable[[], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._filters = {"type": ["container"], "event": ["die", "oom"], "label": [OWNER + "=" + owner]}
        self._epoch_s = epoch_s
        self._happened = happened
        self._lost = lost
        self._back = back
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._watch, name="docker events", daemon=True)

    def start(self) -> None:
        """Begin to watch, from now on."""
        self._since = self._epoch_s()
        self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._closing.set()
        with contextlib.suppress(Exception):
            if self._stream is not None:
                self._stream.close()

    def _watch(self) -> None:
        is_lost = False
        while not self._closing.is_set():
            try:
                self._engine.client.ping()
                self._stream = self._engine.events(self._since, self._filters)
                if is_lost:
                    asyncio.run_coroutine_threadsafe(_as_coroutine(self._back), self._loop).result()
                    # Only now: it may have failed again while it was asked what had been missed.
                    is_lost = False
                for event in self._stream:
                    self._since = int(event["time"])
                    self._loop.call_soon_threadsafe(self._happened, _event_of(event))
            except (*_TROUBLE, PaddockError, ValueError, AttributeError) as error:
                if self._closing.is_set():
                    return
                log.debug("engine.events-interrupted", reason=str(error))
            except RuntimeError:
                return  # the loop is closed: the control plane has ended
            if not is_lost and not self._closing.is_set() and not self._answers():
                is_lost = True
                self._loop.call_soon_threadsafe(self._lost)
            self._closing.wait(_RECONNECT_S)

    def _answers(self) -> bool:
        try:
            return bool(self._engine.client.ping())
        except _TROUBLE:
            return False


def _event_of(event: dict[str, Any]) -> EngineEvent:
    attributes = event.get("Actor", {}).get("Attributes", {})
    code = attributes.get("exitCode")
    return EngineEvent(
        container_id=event.get("id", event.get("Actor", {}).get("ID", "")),
        action=event.get("status", event.get("Action", "")),
        exit_code=int(code) if code is not None else None,
    )


async def _as_coroutine(work: Callable[[], Awaitable[None]]) -> None:
    await work()
