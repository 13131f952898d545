"""
The only loops there are: start, stop, tick, failures; and streams that are read for ever.

Every part that has something to do again and again is a `tick` that a test can call; this runs it. The only
place below the server edges that catches every exception: a tick that fails is logged and tried again later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

_LONGEST_PAUSE_AFTER_FAILURE = timedelta(seconds=5)
_PAUSE_AFTER_FAILED_STREAM_S = 0.1

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Loop:
    """
    Calls a tick at an interval, or sooner when woken.

    Args:
        name: For the log.
        tick: What to do; may be called again right after it returned.
        interval: The longest time between two ticks.
    """

    def __init__(self, name: str, tick: Callable[[], Awaitable[None]], interval: timedelta) -> None:
        self._name = name
        self._tick = tick
        self._interval_s = interval.total_seconds()
        self._woken = asyncio.Event()
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._is_ending = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Tick soon: there is something to do."""
        self._woken.set()

    async def stop(self) -> None:
        """End; a tick in progress is cancelled."""
        if self._task is None:
            return
        # A tick may swallow its cancellation: until Python 3.12 `wait_for` does, if what it waits for ends just then.
        self._is_ending = True
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _run(self) -> None:
        failures = 0
        while not self._is_ending:
            self._woken.clear()
            try:
                await self._tick()
                failures = 0
            except Exception:
                failures += 1
                log.exception("loop.tick-failed", loop=self._name, failures=failures)
            if self._is_ending:
                return
            pause_s = min(self._interval_s * 2**failures, _LONGEST_PAUSE_AFTER_FAILURE.total_seconds())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), max(pause_s, self._interval_s))


async def kept_up(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """
    Do what goes on until it ends by itself; after a failure, which is logged, it is begun again.

    Args:
        name: For the log.
        work: Must be such that it can be begun again: a stream that is read, of which one piece is lost.
    """
    while True:
        try:
            await work()
        except Exception:
            log.exception("stream.failed", stream=name)
            await asyncio.sleep(_PAUSE_AFTER_FAILED_STREAM_S)
        else:
            return


class Tasks:
    """
    Owns the short pieces of work that run beside the loops, so that none is forgotten.

    Args:
        name: For the log.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Awaitable[None]) -> None:
        """Run this; a failure is logged."""
        task = asyncio.ensure_future(self._guarded(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self, patience: timedelta) -> None:
        """Wait for what runs; cancel what takes longer than this."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=patience.total_seconds())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("task.failed", tasks=self._name)
