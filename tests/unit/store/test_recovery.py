"""What a start does with what ran when the last one ended."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.domain.invocations import InvocationState
from orchestrator.store.invocation_queries import Target
from orchestrator.store.recovery import SET_ASIDE, after_crash
from tests.support.builders import KEY, NOW, an_event, an_invocation
from tests.unit.store.conftest import Starts

QUEUED, RUNNING = InvocationState.QUEUED, InvocationState.RUNNING
LATER = NOW + timedelta(minutes=5)


async def test_an_event_that_was_running_waits_again_under_the_same_request_id(starts: Starts) -> None:
    """The attempt that was cut off is not one of the function's tries."""
    store = await starts.again()
    event = an_event()
    await store.invocations.accept(event, b"payload", promised=True)
    store.invocations.attempt_begun(event.dispatched())
    store = await starts.again()
    recovered = await store.invocations.recover(LATER)
    ((found, payload),) = await store.invocations.due(KEY, LATER, 10)
    assert (found.request_id, found.state, found.attempts, found.crashes) == (event.request_id, QUEUED, 0, 1)
    assert payload == b"payload"
    assert recovered.requeued == (found,)
    assert (recovered.set_aside, recovered.unknown) == ((), 0)


async def test_an_event_that_was_running_in_three_crashes_is_set_aside_and_named(starts: Starts) -> None:
    """It may be what crashes the host, so it is not tried for ever."""
    store = await starts.again()
    event = an_event()
    await store.invocations.accept(event, b"{}", promised=True)
    for _ in range(3):
        ((waiting, _payload),) = await store.invocations.due(KEY, LATER, 10)
        store.invocations.attempt_begun(waiting.dispatched())
        store = await starts.again()
        recovered = await store.invocations.recover(LATER)
    (set_aside,) = recovered.set_aside
    assert set_aside == await store.invocations.get(event.request_id)
    assert (set_aside.state, set_aside.crashes) == (InvocationState.DEAD_LETTERED, 3)
    assert set_aside.error_type == SET_ASIDE
    assert "3 crashes" in (set_aside.diagnosis or "")
    assert set_aside.ended_at == LATER
    assert await store.invocations.due(KEY, LATER, 10) == []


async def test_a_synchronous_invocation_that_was_running_is_unknown_never_failed(starts: Starts) -> None:
    """Nobody saw how it ended."""
    store = await starts.again()
    call = an_invocation()
    await store.invocations.accept(call, b"{}", promised=False)
    store = await starts.again()
    recovered = await store.invocations.recover(LATER)
    found = await store.invocations.get(call.request_id)
    assert found is not None
    assert (recovered.unknown, found.state, found.ended_at) == (1, InvocationState.UNKNOWN, LATER)


async def test_what_this_start_runs_and_what_waits_or_ended_is_left_alone(starts: Starts) -> None:
    """Only rows with a lost owner are taken."""
    store = await starts.again()
    await store.invocations.accept(an_event(1), b"{}", promised=True)
    ended = an_event(2).failed("E", None, NOW)
    await store.invocations.accept(an_event(2), b"{}", promised=True)
    await store.invocations.ended(ended, before=QUEUED, promised=True)
    store = await starts.again()
    await store.invocations.accept(an_invocation(3), b"{}", promised=True)
    recovered = await store.invocations.recover(LATER)
    assert (recovered.requeued, recovered.set_aside, recovered.unknown) == ((), (), 0)


async def test_each_start_has_a_greater_epoch(starts: Starts) -> None:
    """It names the start, and owns what runs."""
    first = await starts.again()
    second = await starts.again()
    assert second.epoch > first.epoch


def test_a_recovered_event_keeps_its_place_and_its_earlier_tries() -> None:
    """Two tries were the function's, the third was cut off."""
    running = an_event(state=RUNNING, attempts=3, crashes=1)
    recovered = after_crash(running, LATER, max_crashes=3)
    assert (recovered.state, recovered.attempts, recovered.crashes) == (QUEUED, 2, 2)
    assert recovered.due_at == running.due_at


async def test_what_waits_for_a_clock_that_was_set_back_before_the_start_is_due_now(starts: Starts) -> None:
    """What waits for its retry goes on to wait: nothing is ever due later than the longest delay."""
    store = await starts.again()
    early, late = an_event(1 << 40), an_event((1 << 40) + 1)
    for event in (early, late):
        await store.invocations.accept(event, b"{}", promised=True)
        running = event.dispatched()
        store.invocations.attempt_begun(running)
        delay = timedelta(minutes=2) if event is early else timedelta(hours=1)
        retrying = running.retry_at(LATER + delay, "Unhandled", None)
        await store.invocations.ended(retrying, before=RUNNING, promised=True)
    store = await starts.again()
    await store.invocations.recover(LATER)
    assert [found.key for found, _ in await store.invocations.due(KEY, LATER, 10)] == [late.key]
    due_later = await store.invocations.due(KEY, LATER + timedelta(minutes=2), 10)
    assert {found.key for found, _ in due_later} == {early.key, late.key}


async def test_an_event_is_for_the_same_tenant_after_a_crash(starts: Starts) -> None:
    """Whether it waited or ran."""
    store = await starts.again()
    waited, ran = an_event(1 << 40, tenant_id="blue"), an_event((1 << 40) + 1, tenant_id="green")
    for event in (waited, ran):
        await store.invocations.accept(event, b"{}", promised=True)
    store.invocations.attempt_begun(ran.dispatched())
    store = await starts.again()
    await store.invocations.recover(LATER)
    assert await store.invocations.due(KEY, LATER, 10) == []
    for event in (waited, ran):
        ((found, _),) = await store.invocations.due(KEY, LATER, 10, target=Target(None, event.tenant_id))
        assert (found.request_id, found.tenant_id) == (event.request_id, event.tenant_id)
