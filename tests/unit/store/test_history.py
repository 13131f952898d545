"""Output and lifecycle: kept, read back, followed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from orchestrator.domain.history import LifecycleEntry, LifecycleEvent, LineSource, OutputBatch, OutputLine
from orchestrator.domain.names import FunctionKey, request_id_for
from orchestrator.store.encoding import to_us
from orchestrator.store.followers import CAPACITY_BYTES
from orchestrator.store.store import Store
from tests.support.builders import KEY, NOW
from tests.unit.store.conftest import Starts

OTHER = FunctionKey("000000000000", "us-east-1", "other")


def a_batch(*texts: str, environment_id: str = "e1", request_id: str | None = None, seconds: int = 0) -> OutputBatch:
    """Lines of one environment."""
    at_us = to_us(NOW + timedelta(seconds=seconds))
    return OutputBatch(
        function=KEY,
        version="$LATEST",
        environment_id=environment_id,
        log_stream="2026/11/23/[$LATEST]e1",
        lines=tuple(OutputLine(at_us, LineSource.STDOUT, text, request_id) for text in texts),
    )


def an_entry(event: LifecycleEvent = LifecycleEvent.BUSY, **changes: str) -> LifecycleEntry:
    """Something that happened."""
    return LifecycleEntry(
        at=NOW,
        event=event,
        function=KEY,
        version="$LATEST",
        environment_id=changes.get("environment_id", "e1"),
        request_id=changes.get("request_id"),
        detail={"init_ms": 1.5, "reason": "idle", "cold": True, "nothing": None},
    )


def texts(found: list[tuple[int, OutputBatch]]) -> list[str]:
    """Every line of what was found."""
    return [line.text for _, batch in found for line in batch.lines]


async def test_output_comes_back_as_it_was_after_a_restart(starts: Starts, store: Store) -> None:
    """What was queued when the store closed is kept, whatever characters it has."""
    batch = a_batch("one \ud800", "caf\u00e9\x00", request_id="r")
    store.history.record_output(batch)
    again = await starts.again()
    ((_, found),) = await again.history.output(KEY)
    assert found == batch
    assert await again.history.output(OTHER) == []


async def test_without_a_cursor_the_last_lines_are_given_oldest_first(starts: Starts, store: Store) -> None:
    """As tail does, cut in the middle of a batch if need be."""
    for number in range(4):
        store.history.record_output(a_batch(f"{number}a", f"{number}b"))
    again = await starts.again()
    assert texts(await again.history.output(KEY, limit_lines=3)) == ["2b", "3a", "3b"]
    assert len(texts(await again.history.output(KEY))) == 8


async def test_with_a_cursor_reading_goes_on_after_it_without_a_gap(starts: Starts, store: Store) -> None:
    """Whole batches, so that the last row id is the next cursor."""
    for number in range(4):
        store.history.record_output(a_batch(f"{number}a", f"{number}b"))
    again = await starts.again()
    first = (await again.history.output(KEY))[0][0]
    page = await again.history.output(KEY, after_id=first, limit_lines=3)
    assert texts(page) == ["1a", "1b", "2a", "2b"]
    assert texts(await again.history.output(KEY, after_id=page[-1][0])) == ["3a", "3b"]


async def test_output_is_found_by_environment_by_request_and_since_a_time(starts: Starts, store: Store) -> None:
    """Lines of other invocations in the same batch are left out."""
    key = store.invocations.next_key()
    request_id = request_id_for(key, 1)
    mine = OutputLine(to_us(NOW), LineSource.PLATFORM, "mine", request_id)
    batch = a_batch("before")
    store.history.record_output(a_batch("elsewhere", environment_id="e2"))
    store.history.record_output(
        OutputBatch(
            function=KEY,
            version="$LATEST",
            environment_id="e1",
            log_stream=batch.log_stream,
            lines=(*batch.lines, mine),
        )
    )
    starts.clock.advance(60)
    store.history.record_output(a_batch("later", seconds=60))
    again = await starts.again()
    assert texts(await again.history.output(KEY, environment_id="e2")) == ["elsewhere"]
    assert texts(await again.history.output(KEY, request_id=request_id)) == ["mine"]
    assert texts(await again.history.output(KEY, since=NOW + timedelta(seconds=1))) == ["later"]


async def test_a_follower_gets_what_is_recorded_from_now_on_with_the_ids_of_its_rows(
    starts: Starts, store: Store
) -> None:
    """So that it can skip what it has read from the disk already."""
    store.history.record_output(a_batch("before"))
    with store.history.follow(KEY) as follower:
        store.history.record_output(a_batch("after"))
        row_id, batch = await anext(follower)
    assert texts([(row_id, batch)]) == ["after"]
    again = await starts.again()
    assert [found_id for found_id, _ in await again.history.output(KEY)][-1] == row_id


async def test_a_follower_that_reads_too_slowly_learns_how_much_it_missed(store: Store) -> None:
    """It neither holds up others nor fills the memory."""
    line = "x" * (CAPACITY_BYTES // 4)
    with store.history.follow(KEY) as follower:
        for _ in range(8):
            store.history.record_output(a_batch(line))
        for _ in range(3):
            _, batch = await anext(follower)
            assert batch.dropped_bytes == 0
        store.history.record_output(a_batch("last"))
        _, batch = await anext(follower)
        assert batch.dropped_bytes > 4 * len(line)


async def test_followers_end_when_they_are_closed_and_when_the_store_is(starts: Starts, store: Store) -> None:
    """Nobody waits for ever."""
    closed, left = store.history.follow(KEY), store.history.follow(KEY)
    waiting = asyncio.ensure_future(_all(left))
    closed.close()
    assert await _all(closed) == []
    store.history.record_output(a_batch("still"))
    await starts.end()
    assert await waiting == ["still"]


async def test_lifecycle_entries_come_back_newest_first_by_function_environment_and_request(
    starts: Starts, store: Store
) -> None:
    """With every detail."""
    store.history.record(an_entry(LifecycleEvent.CREATED))
    store.history.record(an_entry(LifecycleEvent.IDLE, environment_id="e2"))
    store.history.record(an_entry(LifecycleEvent.BUSY, request_id="r1"))
    history = (await starts.again()).history
    assert [entry.event.value for entry in await history.lifecycle(KEY)] == [
        "environment.busy",
        "environment.idle",
        "environment.created",
    ]
    assert await history.lifecycle(environment_id="e2") == [an_entry(LifecycleEvent.IDLE, environment_id="e2")]
    assert await history.lifecycle(request_id="r1") == [an_entry(request_id="r1")]
    assert len(await history.lifecycle(limit=2)) == 2
    assert await history.lifecycle(OTHER) == []


async def _all(follower: object) -> list[str]:
    return [line.text async for _, batch in follower for line in batch.lines]  # type: ignore[attr-defined]
