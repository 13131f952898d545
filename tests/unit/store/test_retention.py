"""Retention keeps both files within their bounds and touches nothing unfinished."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from orchestrator.domain.invocations import InvocationState
from orchestrator.store.store import Store
from tests.support.builders import KEY, NOW, an_event, an_invocation
from tests.unit.store.conftest import Starts
from tests.unit.store.test_history import a_batch, an_entry

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
WEEK = timedelta(days=8)


def size_of(directory: Path) -> int:
    """Bytes of all files in it."""
    return sum(path.stat().st_size for path in directory.iterdir())


async def end(store: Store, key: int, payload: bytes = b"{}") -> str:
    """Accept an event and end it; its request id."""
    event = an_event(key)
    await store.invocations.accept(event, payload, promised=False)
    failed = event.failed("E", None, NOW)
    assert await store.invocations.ended(failed, before=InvocationState.QUEUED, promised=True)
    return event.request_id


async def test_ended_invocations_and_their_payloads_go_by_age(starts: Starts, store: Store) -> None:
    """Younger ones and unfinished ones stay."""
    old = await end(store, store.invocations.next_key())
    waiting = an_event(store.invocations.next_key())
    await store.invocations.accept(waiting, b"waits", promised=True)
    running = an_invocation(store.invocations.next_key())
    await store.invocations.accept(running, b"runs", promised=True)
    starts.clock.advance(WEEK)
    young = await end(store, store.invocations.next_key(), b"young")
    swept = await store.retention.tick(starts.clock.now())
    assert (swept.payloads, swept.invocations) == (1, 1)
    assert await store.invocations.get(old) is None
    assert await store.invocations.get(young) is not None
    assert await store.invocations.payload(waiting.key) == b"waits"
    assert await store.invocations.payload(running.key) == b"runs"


async def test_the_newest_key_outlives_everything_so_that_keys_never_go_back(starts: Starts, store: Store) -> None:
    """Even if all is over age and the clock is set back before the next start."""
    key = store.invocations.next_key()
    await end(store, key)
    await store.retention.tick(NOW + 10 * WEEK)
    starts.clock.step_wall(timedelta(hours=-1))
    assert (await starts.again()).invocations.next_key() > key


async def test_payloads_go_oldest_first_when_they_are_over_their_bytes(starts: Starts, store: Store) -> None:
    """The invocations themselves are kept longer; what waits keeps its payload."""
    waiting = an_event(store.invocations.next_key())
    await store.invocations.accept(waiting, b"waits", promised=True)
    ids = []
    for _ in range(30):
        starts.clock.advance(1)
        ids.append(await end(store, store.invocations.next_key(), b"x" * (MIB // 8)))
    swept = await store.retention.tick(starts.clock.now())
    assert swept.payloads >= 20
    found = [await store.invocations.get(one) for one in ids]
    kept = [one is not None and await store.invocations.payload(one.key) is not None for one in found]
    assert kept == sorted(kept)
    assert kept[-1]
    assert await store.invocations.payload(waiting.key) == b"waits"


async def test_the_directory_stays_within_its_bounds_under_load(starts: Starts, store: Store) -> None:
    """Many times the bounds are written; neither the files nor their logs of writes grow with it."""
    for _ in range(12):
        await asyncio.gather(*(end(store, store.invocations.next_key(), b"x" * (MIB // 4)) for _ in range(48)))
        for _ in range(60):
            store.history.record_output(a_batch("y" * (MIB // 8)))
            store.history.record(an_entry())
        await store.history_writer.run(lambda _: None)
        await store.retention.tick(starts.clock.now())
        starts.clock.advance(1)
        assert size_of(starts.settings.data_dir) < 96 * MIB
    lines = await store.history.output(KEY, limit_lines=1000)
    assert 0 < sum(len(line.text) for _, batch in lines for line in batch.lines) <= MIB
    await starts.end()
    assert size_of(starts.settings.data_dir) < 24 * MIB


async def test_a_file_shrinks_again_after_a_burst(starts: Starts, store: Store) -> None:
    """Free pages beyond a reserve are given back to the file system."""
    await asyncio.gather(*(end(store, store.invocations.next_key(), b"x" * (MIB // 2)) for _ in range(48)))
    swept = await store.retention.tick(starts.clock.now())
    await starts.end()
    assert swept.freed_pages > 0
    assert size_of(starts.settings.data_dir) < 12 * MIB


async def test_output_is_bounded_for_each_function_and_history_by_age(starts: Starts, store: Store) -> None:
    """The chatty function loses its own oldest lines."""
    for number in range(40):
        store.history.record_output(a_batch(f"{number:02}" + "z" * (MIB // 16)))
    store.history.record(an_entry())
    await store.history_writer.run(lambda _: None)
    swept = await store.retention.tick(starts.clock.now())
    assert swept.output_batches == 25
    first = (await store.history.output(KEY))[0][1].lines[0].text
    assert first.startswith("25")
    starts.clock.advance(WEEK)
    swept = await store.retention.tick(starts.clock.now())
    assert (swept.output_batches, swept.lifecycle_entries) == (15, 1)


async def test_however_many_rows_go_the_statements_are_the_same_few(starts: Starts, store: Store) -> None:
    """The driver keeps the statements it has seen, prepared: one for each number of rows would fill its cache."""
    seen: set[str] = set()
    engines = [database._write_engine for database in (store._main, store._history_file)]

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("DELETE"):
            seen.add(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    for count in range(1, 12):
        for _ in range(count):
            await end(store, store.invocations.next_key(), b"x" * 1000)
            store.history.record_output(a_batch("z" * (MIB // 4)))
        await store.history_writer.run(lambda _: None)
        starts.clock.advance(WEEK)
        await store.retention.tick(starts.clock.now())
    assert 3 <= len(seen) <= 6
    assert max(len(statement) for statement in seen) < 300


async def test_a_backlog_of_unfinished_invocations_is_passed_on_the_way_to_what_may_go(
    starts: Starts, store: Store
) -> None:
    """More of them than one look takes in."""
    await asyncio.gather(
        *(store.invocations.accept(an_event(store.invocations.next_key()), b"", promised=True) for _ in range(5000))
    )
    old = await end(store, store.invocations.next_key())
    await end(store, store.invocations.next_key())
    swept = await store.retention.tick(NOW + WEEK)
    assert (swept.payloads, swept.invocations) == (1, 1)
    assert await store.invocations.get(old) is None
