"""Invocations: accepted, begun, ended, due, found, and never lost."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.domain.invocations import InvocationState
from orchestrator.domain.names import FunctionKey, request_id_for
from orchestrator.store.invocation_queries import Target
from orchestrator.store.store import Store
from tests.support.builders import KEY, NOW, an_event, an_invocation
from tests.unit.store.conftest import Starts

QUEUED, RUNNING = InvocationState.QUEUED, InvocationState.RUNNING
RETRYING, SUCCEEDED = InvocationState.RETRYING, InvocationState.SUCCEEDED
LATER = NOW + timedelta(minutes=1)


async def state_of(store: Store, request_id: str) -> InvocationState | None:
    """The state an invocation has in the store."""
    found = await store.invocations.get(request_id)
    return None if found is None else found.state


async def test_an_accepted_event_is_found_as_it_was_with_its_payload(store: Store) -> None:
    """Every member of an event and each byte of its payload come back."""
    event = an_event(qualifier="7", client_context='{"a":1}', trace_id="Root=1-2-3", caller="c", tenant_id="blue")
    await store.invocations.accept(event, b"\x00\xff{}", promised=True)
    assert await store.invocations.get(event.request_id) == event
    assert await store.invocations.payload(event.key) == b"\x00\xff{}"


async def test_a_request_id_with_the_right_key_and_other_random_bits_finds_nothing(store: Store) -> None:
    """Keys can be guessed; the random part is compared."""
    event = an_event()
    await store.invocations.accept(event, b"{}", promised=True)
    assert await store.invocations.get(request_id_for(event.key, 54321)) is None
    assert await store.invocations.get("no request id") is None
    assert await store.invocations.payload(event.key + 1) is None


async def test_a_synchronous_invocation_runs_from_the_start_and_is_never_due(store: Store) -> None:
    """It is not work that waits in the store, not even while its caller waits for room."""
    call = an_invocation()
    await store.invocations.accept(call, b"{}", promised=False)
    assert await state_of(store, call.request_id) is RUNNING
    assert await store.invocations.due(KEY, LATER, 10) == []
    cancelled = call.failed("Caller.Left", None, NOW)
    assert await store.invocations.ended(cancelled, before=QUEUED, promised=True)
    assert await state_of(store, call.request_id) is InvocationState.FAILED


async def test_an_attempt_and_its_end_are_written_even_if_both_are_queued_at_once(store: Store) -> None:
    """The rows of one invocation keep their order within one transaction."""
    event = an_event()
    accepted = store.invocations.accept(event, b"{}", promised=True)
    running = event.dispatched()
    store.invocations.attempt_begun(running)
    ended = store.invocations.ended(running.succeeded(NOW), before=RUNNING, promised=True)
    await accepted
    assert await ended
    found = await store.invocations.get(event.request_id)
    assert found == running.succeeded(NOW)


async def test_attempts_that_follow_each_other_within_one_batch_keep_their_order(store: Store) -> None:
    """Begun, queued again, begun again: the last one counts."""
    event = an_event()
    await store.invocations.accept(event, b"{}", promised=True)
    running = event.dispatched()
    store.invocations.attempt_begun(running)
    again = store.invocations.ended(running.requeued(NOW), before=RUNNING, promised=False)
    store.invocations.attempt_begun(running.requeued(NOW).dispatched())
    last = store.invocations.ended(running.retry_at(LATER, "Oops", "it said so"), before=RUNNING, promised=True)
    assert (await again, await last) == (True, True)
    found = await store.invocations.get(event.request_id)
    assert found is not None
    assert (found.state, found.attempts, found.due_at, found.error_type) == (RETRYING, 1, LATER, "Oops")


async def test_of_two_who_end_an_invocation_one_wins(store: Store) -> None:
    """The second finds another state and writes nothing."""
    event = an_event()
    await store.invocations.accept(event, b"{}", promised=True)
    running = event.dispatched()
    store.invocations.attempt_begun(running)
    first = store.invocations.ended(running.succeeded(NOW), before=RUNNING, promised=True)
    second = store.invocations.ended(running.failed("Late", None, NOW), before=RUNNING, promised=True)
    assert (await first, await second) == (True, False)
    assert await state_of(store, event.request_id) is SUCCEEDED


async def test_one_lost_race_costs_nobody_else_of_the_batch_anything(store: Store) -> None:
    """Each of a batch hears its own result."""
    events = [an_event(1000 + n) for n in range(40)]
    await asyncio.gather(*(store.invocations.accept(one, b"{}", promised=True) for one in events))
    for one in events[1:]:
        store.invocations.attempt_begun(one.dispatched())
    won = await asyncio.gather(
        *(store.invocations.ended(one.dispatched().succeeded(NOW), before=RUNNING, promised=True) for one in events)
    )
    assert won == [False] + [True] * 39


async def test_text_that_has_no_utf8_form_fails_no_batch(store: Store) -> None:
    """Any function may send half a surrogate pair as its error type."""
    event = an_event()
    await store.invocations.accept(event, b"{}", promised=True)
    failed = event.failed("\ud800", "caf\u00e9", NOW)
    assert await store.invocations.ended(failed, before=QUEUED, promised=True)
    found = await store.invocations.get(event.request_id)
    assert found is not None
    assert (found.error_type, found.diagnosis) == ("?", "caf\u00e9")


async def test_what_is_due_comes_longest_due_first_without_what_is_in_hand(store: Store) -> None:
    """Later ones wait, and those the caller names are left out."""
    dues = {3: 30, 4: 10, 5: 20, 6: 90}
    events = {key: an_event(key, due_at=NOW + timedelta(seconds=s)) for key, s in dues.items()}
    for key, event in events.items():
        await store.invocations.accept(event, str(key).encode(), promised=True)
    found = await store.invocations.due(KEY, LATER, 10)
    assert found == [(events[key], str(key).encode()) for key in (4, 5, 3)]
    assert [one.key for one, _ in await store.invocations.due(KEY, LATER, 1, {4, 6})] == [5]


async def test_what_begins_while_due_is_asked_is_not_given_out_again(store: Store) -> None:
    """However the reader's snapshot and the writer's commit fall: it would run twice."""
    events = [an_event(key) for key in (1, 2, 3)]
    for event in events:
        await store.invocations.accept(event, b"{}", promised=True)
    asked = asyncio.create_task(store.invocations.due(KEY, LATER, 10))
    await asyncio.sleep(0)
    store.invocations.attempt_begun(events[0].dispatched())
    store.invocations.ended(events[1].failed("TooOld", None, NOW), before=QUEUED, promised=True)
    assert [one.key for one, _ in await asked] == [3]


async def test_functions_with_due_and_the_next_due_time_see_every_function(store: Store) -> None:
    """One entry a function however many wait; running and ended ones are not waiting."""
    assert await store.invocations.next_due_at() is None
    other = FunctionKey("123456789012", "eu-west-1", "later")
    for key in range(1, 6):
        await store.invocations.accept(an_event(key), b"{}", promised=True)
    await store.invocations.accept(an_event(10, function=other, due_at=LATER), b"{}", promised=True)
    assert await store.invocations.functions_with_due(NOW) == [KEY]
    assert await store.invocations.functions_with_due(LATER) == [KEY, other]
    assert await store.invocations.next_due_at() == NOW
    for key in range(1, 6):
        await store.invocations.ended(an_event(key).failed("E", None, NOW), before=QUEUED, promised=True)
    assert await store.invocations.next_due_at() == LATER
    assert await store.invocations.functions_with_due(NOW) == []


async def test_unfinished_are_those_that_wait_or_run(store: Store) -> None:
    """Ended ones and other functions' do not count."""
    await store.invocations.accept(an_event(1), b"{}", promised=True)
    await store.invocations.accept(an_invocation(2), b"{}", promised=True)
    await store.invocations.accept(an_event(3), b"{}", promised=True)
    await store.invocations.ended(an_event(3).failed("E", None, NOW), before=QUEUED, promised=True)
    assert await store.invocations.count_unfinished(KEY) == 2
    assert await store.invocations.count_unfinished(FunctionKey("0", "r", "n")) == 0


async def test_keys_only_grow_while_the_clock_steps_back_an_hour(starts: Starts, store: Store) -> None:
    """Nor do they collide within a millisecond."""
    keys = [store.invocations.next_key() for _ in range(100)]
    starts.clock.step_wall(timedelta(hours=-1))
    keys += [store.invocations.next_key() for _ in range(100)]
    starts.clock.step_wall(timedelta(hours=2))
    keys.append(store.invocations.next_key())
    assert keys == sorted(set(keys))
    assert keys[-1] >> 15 == starts.clock.epoch_ms()


async def test_keys_go_on_after_a_restart_with_the_clock_set_back(starts: Starts, store: Store) -> None:
    """The greatest key is in the database, not in the clock."""
    key = store.invocations.next_key()
    await store.invocations.accept(an_event(key), b"{}", promised=True)
    starts.clock.step_wall(timedelta(hours=-1))
    assert (await starts.again()).invocations.next_key() > key


async def test_everything_queued_is_committed_when_the_store_closes(starts: Starts, store: Store) -> None:
    """Rows that nobody waited for are written too."""
    event = an_event()
    store.invocations.accept(event, b"{}", promised=True)
    store.invocations.attempt_begun(event.dispatched())
    again = await starts.again()
    assert await state_of(again, event.request_id) is RUNNING


async def test_kill_9_loses_no_acknowledged_event(starts: Starts) -> None:
    """What was acknowledged before the kill is there after it, with its payload."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.store.accepting_process",
        str(starts.settings.data_dir),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    acknowledged = [await process.stdout.readline() for _ in range(500)]
    process.kill()
    acknowledged += (await process.stdout.read()).splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    store = await starts.again()
    for line in filter(lambda line: line.endswith(b"\n"), acknowledged):
        assert await store.invocations.payload(int(line)) == b"payload of " + line.strip()


@pytest.mark.parametrize("full", [True, False], ids=["promised", "saved"])
async def test_only_promises_are_flushed_to_the_disk(store: Store, full: bool) -> None:
    """A batch without a promise survives the process only, and is cheaper."""
    before = store.writer.figures.flushed
    await store.invocations.accept(an_invocation(), b"{}", promised=full)
    assert store.writer.figures.flushed == before + full


async def test_what_is_due_is_found_by_its_qualifier(store: Store) -> None:
    """Each version and alias has a queue of its own."""
    for key, qualifier in ((1, None), (2, "live"), (3, "live"), (4, "$LATEST")):
        await store.invocations.accept(an_event(key, qualifier=qualifier), b"{}", promised=True)
    for qualifier, keys in ((None, [1]), ("live", [2, 3]), ("$LATEST", [4]), ("other", [])):
        found = await store.invocations.due(KEY, LATER, 10, target=Target(qualifier))
        assert [one.key for one, _ in found] == keys
