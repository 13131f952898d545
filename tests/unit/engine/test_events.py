"""Asynchronous events: kept, run at least once, retried by AWS's rules, set aside in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import FunctionError, Invocation, InvocationState
from orchestrator.driver.protocol import ContainerEnded
from orchestrator.store.invocation_queries import Target
from tests.support.builders import KEY
from tests.support.engine import RETRY_DELAYS_S, Engine, EngineMaker, answer_of

ERROR = FunctionError(payload=b"{}", error_type="Runtime.Unknown")


async def test_an_event_is_in_the_store_before_it_is_acknowledged(engine: Engine) -> None:
    """With its payload."""
    request_id = await engine.send({"n": 1})
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert await engine.store.invocations.payload(found.key) == b'{"n": 1}'


async def test_an_event_runs_and_succeeds(engine: Engine) -> None:
    """On the environment that the scaler starts for it."""
    request_id = await engine.send()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(request_id, "succeeded")


async def test_a_function_error_is_retried_after_one_and_two_minutes_then_set_aside(engine: Engine) -> None:
    """Under the same request id, three attempts in all."""
    runtime = await engine.warm()
    request_id = await engine.send()
    for delay_s in RETRY_DELAYS_S:
        event = await runtime.event()
        assert event.request_id == request_id
        runtime.answer(event, ERROR)
        await engine.until_state(request_id, "retrying")
        await engine.settle()
        runtime.ask()
        engine.clock.advance(delay_s - 1)
        await engine.events.tick()
        await engine.settle()
        assert runtime.poll is not None
        assert not runtime.poll.done(), "not before its time"
        engine.clock.advance(1)
        await engine.events.tick()
    runtime.answer(await runtime.event(), ERROR)
    await engine.until_state(request_id, "failed")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.attempts == 3
    assert [entry.detail["condition"] for entry in engine.seen(LifecycleEvent.INVOCATION_SET_ASIDE)] == [
        "RetriesExhausted"
    ]


async def test_an_event_cut_off_by_the_engine_waits_again_and_the_attempt_does_not_count(engine: Engine) -> None:
    """It was no fault of the function."""
    runtime = await engine.warm()
    request_id = await engine.send()
    await runtime.event()
    engine.fleet.happened(
        ContainerEnded(environment_id=runtime.live.environment_id, at=engine.clock.now(), engine_lost=True)
    )
    await engine.until_written()
    assert await engine.state_of(request_id) == "queued"
    engine.clock.advance(5)
    await engine.events.tick()
    fresh = await engine.environment()
    fresh.answer(fresh.ask() or await fresh.event())
    await engine.until_state(request_id, "succeeded")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.attempts == 1


async def test_events_over_the_reservation_wait_in_the_store(make_engine: EngineMaker) -> None:
    """None is lost, none runs beside another."""
    engine = make_engine()
    await engine.deploy(reserved=1)
    ids = [await engine.send() for _ in range(3)]
    runtime = await engine.environment()
    event = runtime.ask()
    for _ in ids:
        event = event or await runtime.event()
        assert len(engine.live()) == 1
        runtime.answer(event)
        await engine.until_state(event.request_id, "succeeded")
        event = runtime.ask()
        await engine.settle()
        await engine.events.tick()
        await engine.settle()
    assert [await engine.state_of(request_id) for request_id in ids] == ["succeeded"] * 3


async def test_a_lease_that_is_given_back_wakes_the_feeding_where_an_event_waits_for_one(
    make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for the next look (ADR 3). Where none waits, a call's end wakes nothing."""
    engine = make_engine()
    await engine.deploy(reserved=1)
    wakes: list[None] = []
    monkeypatch.setattr(engine.events, "_wake", lambda: wakes.append(None))
    runtime = await engine.warm()
    assert wakes == []
    call = engine.call()
    event = await runtime.event()
    request_id = await engine.send()
    await engine.events.tick()
    assert wakes == []
    runtime.answer(event)
    await answer_of(call)
    runtime.ask()
    assert len(wakes) == 1
    await engine.events.tick()
    runtime.answer(await runtime.event())
    await engine.until_state(request_id, "succeeded")
    runtime.ask()
    await engine.events.tick()
    wakes.clear()
    await engine.settle()
    call = engine.call()
    runtime.answer(await runtime.event())
    await answer_of(call)
    runtime.ask()
    assert wakes == []


async def test_with_a_reservation_of_zero_an_event_is_set_aside_at_once(make_engine: EngineMaker) -> None:
    """As on AWS, where it goes to the dead letters."""
    engine = make_engine()
    await engine.deploy(reserved=0)
    request_id = await engine.send()
    await engine.until_state(request_id, "failed")


async def test_an_event_of_a_function_that_was_deleted_is_set_aside_and_named(engine: Engine) -> None:
    """It stays findable."""
    engine.events._is_closed = True  # nothing takes it yet
    request_id = await engine.send()
    engine.events._is_closed = False
    await engine.store.functions.delete(KEY)
    await engine.events.tick()
    await engine.until_state(request_id, "failed")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.error_type == "FunctionDeleted"


async def test_synchronous_callers_go_before_events(engine: Engine) -> None:
    """Somebody waits for them."""
    runtime = await engine.warm()
    busy = engine.call()
    event = await runtime.event()
    request_id = await engine.send()
    await engine.settle()
    call = engine.call({"first": True})
    await engine.settle()
    runtime.answer(event)
    await answer_of(busy)
    following = runtime.ask()
    assert following is not None
    assert following.body == b'{"first": true}'
    runtime.answer(following)
    await answer_of(call)
    last = runtime.ask()
    assert last is not None
    assert last.request_id == request_id


async def test_an_event_older_than_its_age_is_set_aside(engine: Engine) -> None:
    """AWS: six hours."""
    engine.events._is_closed = True  # nothing takes it yet
    request_id = await engine.send()
    engine.events._is_closed = False
    engine.clock.advance(7 * 3600)
    await engine.events.tick()
    await engine.until_state(request_id, "failed")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.error_type == "EventAgeExceeded"


async def test_a_backlog_in_the_store_makes_more_environments_start(engine: Engine) -> None:
    """Only few events are in memory at once; the others want environments all the same."""
    runtime = await engine.warm()
    for _ in range(3):
        call = engine.call()
        event = await runtime.event()
        engine.clock.advance(0.05)
        runtime.answer(event)
        await answer_of(call)
        runtime.ask()
    for _ in range(60):
        await engine.send()
    await engine.events.tick()
    await engine.scale()
    assert len(engine.live()) > 1


async def test_an_answer_after_shutdown_has_interrupted_its_event_is_taken_without_harm(engine: Engine) -> None:
    """Its event waits again in the store: it may have run, and will run once more."""
    runtime = await engine.warm()
    request_id = await engine.send()
    event = await runtime.event()
    engine.dispatcher.interrupt_all("Paddock is shutting down")
    runtime.answer(event)
    await engine.until_written()
    assert await engine.state_of(request_id) == "queued"


async def test_an_event_that_is_read_before_its_acceptance_is_told_runs_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the store before whoever wrote it goes on."""
    runtime = await engine.warm()
    accept = engine.store.invocations.accept

    async def accept_late(invocation: Invocation, payload: bytes, *, promised: bool) -> None:
        await accept(invocation, payload, promised=promised)
        await engine.events.tick()

    monkeypatch.setattr(engine.store.invocations, "accept", accept_late)
    request_id = await engine.send()
    runtime.answer(await runtime.event())
    await engine.until_state(request_id, "succeeded")
    await engine.settle()
    assert runtime.ask() is None


async def test_an_event_that_has_ended_since_it_was_read_does_not_run_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read is how it was."""
    runtime = await engine.warm()
    database, accept = engine.store.invocations._database, engine.store.invocations.accept
    read = database.read
    ended: list[str] = []

    async def read_and_then_late(work: Callable[[Connection], list[tuple[Invocation, bytes]]]) -> object:
        monkeypatch.setattr(database, "read", read)
        found: list[tuple[Invocation, bytes]] = []

        async def accept_and_read(invocation: Invocation, payload: bytes, *, promised: bool) -> None:
            await accept(invocation, payload, promised=promised)
            found.extend(await read(work))

        monkeypatch.setattr(engine.store.invocations, "accept", accept_and_read)
        sent = await engine.send()
        assert [invocation.request_id for invocation, _ in found] == [sent], "read before its attempt is written"
        runtime.answer(await runtime.event())
        await engine.until_state(sent, "succeeded")
        ended.append(sent)
        return found

    monkeypatch.setattr(database, "read", read_and_then_late)
    await engine.events._feed(KEY, Target(), engine.clock.steady(), 1)
    assert len(ended) == 1
    await engine.settle()
    assert runtime.ask() is None


async def test_an_event_that_is_taken_while_an_older_one_is_given_up_runs_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were read together; the newer was taken by its acceptance, and has ended."""
    runtime = await engine.warm()
    with monkeypatch.context() as untaken:
        untaken.setattr(engine.events, "accepted", lambda invocation, payload: None)
        old = await engine.send()
    engine.clock.advance(timedelta(hours=7))
    accept, ended = engine.store.invocations.accept, engine.store.invocations.ended
    gives_up, may_give_up = asyncio.Event(), asyncio.Event()
    feeding: list[asyncio.Task[None]] = []

    async def ended_late(after: Invocation, *, before: InvocationState, promised: bool) -> bool:
        if after.request_id == old:
            gives_up.set()
            await may_give_up.wait()
        return await ended(after, before=before, promised=promised)

    async def accept_late(invocation: Invocation, payload: bytes, *, promised: bool) -> None:
        await accept(invocation, payload, promised=promised)
        feeding.append(asyncio.create_task(engine.events.tick()))
        await gives_up.wait()

    monkeypatch.setattr(engine.store.invocations, "ended", ended_late)
    monkeypatch.setattr(engine.store.invocations, "accept", accept_late)
    newer = await engine.send()
    runtime.answer(await runtime.event())
    await engine.until_state(newer, "succeeded")
    may_give_up.set()
    await asyncio.gather(*feeding)
    assert await engine.state_of(old) == "failed"
    assert runtime.ask() is None
