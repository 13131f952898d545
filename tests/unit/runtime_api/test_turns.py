"""Turns at the Runtime API: who asks in vain again and again waits, and nobody else."""

from __future__ import annotations

import asyncio

from orchestrator.runtime_api.turns import Turns
from tests.support.fake_clock import FakeClock


async def goes_at_once(turns: Turns, address: str) -> bool:
    """Is it this one's turn without any wait?"""
    waiting = asyncio.create_task(turns.wait(address))
    await asyncio.sleep(0)
    has_gone = waiting.done()
    waiting.cancel()
    return has_gone


async def test_a_hundred_at_once_then_a_hundred_a_second_to_each_address() -> None:
    """Others are not held up by one who asks often."""
    clock = FakeClock()
    turns = Turns(clock)
    assert all([await goes_at_once(turns, "10.0.0.1") for _ in range(100)])
    assert not await goes_at_once(turns, "10.0.0.1")
    assert await goes_at_once(turns, "10.0.0.2")
    clock.advance(0.5)
    assert [await goes_at_once(turns, "10.0.0.1") for _ in range(50)] == [True] * 49 + [False]


async def test_who_waits_gets_its_turn() -> None:
    """After as long as it owes, not never."""
    turns = Turns(FakeClock())
    for _ in range(100):
        await turns.wait("10.0.0.1")
    async with asyncio.timeout(5):
        await asyncio.gather(*(turns.wait("10.0.0.1") for _ in range(5)))
