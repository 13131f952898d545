"""What goes on for ever goes on after a failure, too."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from orchestrator.loop import Loop, kept_up

_PATIENCE_S = 5


async def test_a_stream_whose_reader_fails_is_read_on() -> None:
    """One piece is lost; without this, everything after it would be, and nobody would know."""
    pieces: asyncio.Queue[int | None] = asyncio.Queue()
    read: list[int] = []
    for piece in (1, 0, 2, None):
        pieces.put_nowait(piece)

    async def reader() -> None:
        while (piece := await pieces.get()) is not None:
            read.append(10 // piece)

    await asyncio.wait_for(kept_up("pieces", reader), _PATIENCE_S)
    assert read == [10, 5]


async def test_one_that_is_cancelled_ends() -> None:
    """That is no failure."""
    reading = asyncio.create_task(kept_up("nothing", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait_for(asyncio.wait([reading]), _PATIENCE_S)
    assert reading.cancelled()


async def test_a_loop_ends_though_its_tick_takes_no_notice() -> None:
    """`asyncio.wait_for` swallows a cancellation that comes as what it waits for ends, until Python 3.12."""
    ticking = asyncio.Event()

    async def tick() -> None:
        ticking.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    loop = Loop("deaf", tick, timedelta(hours=1))
    loop.start()
    await asyncio.wait_for(ticking.wait(), _PATIENCE_S)
    await asyncio.wait_for(loop.stop(), _PATIENCE_S)


async def test_a_loop_that_was_ended_can_be_started_again() -> None:
    """It ticks at once."""
    ticks: asyncio.Queue[None] = asyncio.Queue()
    loop = Loop("again", lambda: ticks.put(None), timedelta(hours=1))
    for _ in range(2):
        loop.start()
        await asyncio.wait_for(ticks.get(), _PATIENCE_S)
        await loop.stop()
