"""Who gets which environment, and when a new one is started."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from orchestrator.domain.environments import EnvironmentState
from orchestrator.domain.errors import ServiceFailure, TooManyRequests
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import FunctionError
from orchestrator.driver.messages import DriverFailed
from orchestrator.driver.protocol import EngineUnreachable, StartFailed
from orchestrator.invocations.events import UnknownRequest
from tests.support.engine import ROOM_WAIT_S, Engine, EngineMaker, answer_of, error_of
from tests.support.runtime import ScriptedRuntime


async def test_a_cold_call_starts_one_environment_and_gets_its_answer(engine: Engine) -> None:
    """Created, initialised, busy, answered; the payload untouched both ways."""
    call = engine.call({"n": 1})
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    assert json.loads(event.body) == {"n": 1}
    runtime.answer(event)
    answer = await answer_of(call)
    assert (answer.status_code, json.loads(answer.payload), answer.function_error) == (200, {"n": 1}, None)
    assert answer.executed_version == "$LATEST"
    assert len(engine.driver.opened) == 1


async def test_a_warm_environment_is_reused(engine: Engine) -> None:
    """No second one is started."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    runtime.answer(event)
    await answer_of(call)
    assert len(engine.driver.opened) == 1


async def test_the_most_recently_used_environment_goes_first(engine: Engine) -> None:
    """So that the others become old and go."""
    first_call, second_call = engine.call(), engine.call()
    await engine.scale()
    await engine.scale()
    first, second = (ScriptedRuntime(engine.dispatcher, live) for live in engine.live())
    for runtime in (first, second):
        runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(first_call)
    await answer_of(second_call)
    second.ask()
    first.ask()
    third = engine.call()
    runtime_event = await first.event()
    assert second.poll is not None
    assert not second.poll.done()
    first.answer(runtime_event)
    await answer_of(third)


async def test_a_call_behind_a_long_run_gets_an_environment_of_its_own(engine: Engine) -> None:
    """Runs were short so far, and this one is not: who waits for longer than a cold start does not wait for its end."""
    runtime = await engine.warm()
    engine.call()
    await runtime.event()
    second = engine.call()
    await engine.scale()
    assert len(engine.driver.opened) == 1
    engine.clock.advance(1)
    await engine.scale()
    assert len(engine.driver.opened) == 2
    new = ScriptedRuntime(engine.dispatcher, engine.live()[1])
    new.answer(new.ask() or await new.event())
    await answer_of(second)


async def test_a_cold_start_that_would_end_nobodys_wait_is_not_made(engine: Engine) -> None:
    """Thirty calls of a millisecond are sooner served by the one environment there is."""
    runtime = await engine.warm()
    calls = [engine.call() for _ in range(30)]
    await engine.scale()
    assert len(engine.live()) == 1
    for call in calls:
        runtime.answer(await runtime.event())
        await answer_of(call)
        runtime.ask()


async def test_inits_that_take_long_keep_others_from_starting_for_two_seconds_only(engine: Engine) -> None:
    """Two at first, four later are started at once here: more would make the first late. An init may wait, though."""
    calls = [engine.call() for _ in range(50)]
    await engine.scale()
    assert len(engine.live()) == 2
    engine.clock.advance(1.9)
    await engine.scale()
    assert len(engine.live()) == 2
    engine.clock.advance(0.2)
    await engine.scale()
    assert len(engine.live()) == 6
    for call in calls:
        call.cancel()


async def test_a_client_that_vanishes_while_parked_swallows_nothing(engine: Engine) -> None:
    """The event waits for its next poll."""
    runtime = await engine.warm()
    assert runtime.poll is not None
    engine.dispatcher.poll_left(runtime.live, runtime.poll)
    call = engine.call({"kept": True})
    await engine.settle()
    event = runtime.ask()
    assert event is not None
    assert json.loads(event.body) == {"kept": True}
    runtime.answer(event)
    await answer_of(call)


async def test_a_repeated_poll_of_a_busy_environment_gets_the_same_event_again(engine: Engine) -> None:
    """ADR 2, as AWS's emulator does."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    assert runtime.ask() is event
    runtime.answer(event)
    await answer_of(call)


async def test_an_answer_for_another_request_or_attempt_is_refused(engine: Engine) -> None:
    """By its id, and by the nonce of its attempt."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    with pytest.raises(UnknownRequest):
        engine.dispatcher.check_request(runtime.live, "another", None)
    with pytest.raises(UnknownRequest):
        engine.dispatcher.check_request(runtime.live, event.request_id, "another")
    engine.dispatcher.check_request(runtime.live, event.request_id, None)
    runtime.answer(event)
    await answer_of(call)


async def test_a_frozen_environment_thaws_before_it_is_given_work(engine: Engine) -> None:
    """Frozen after a second of idleness."""
    runtime = await engine.warm()
    await engine.pass_time(1.5)
    assert engine.driver.frozen == {runtime.live.environment_id}
    assert runtime.live.state is EnvironmentState.FROZEN
    call = engine.call()
    event = await runtime.event()
    assert not engine.driver.frozen
    runtime.answer(event)
    await answer_of(call)


async def test_an_environment_that_does_not_thaw_is_replaced_and_the_call_served(engine: Engine) -> None:
    """The caller never notices."""
    runtime = await engine.warm()
    await engine.pass_time(1.5)
    engine.driver.thaw_failures.append(StartFailed("Sandbox.Failure", "unpause failed"))
    call = engine.call()
    await engine.settle()
    assert runtime.live.environment.is_ending
    fresh = await engine.environment()
    fresh.answer(fresh.ask() or await fresh.event())
    await answer_of(call)


async def test_a_new_configuration_replaces_idle_environments_and_lets_busy_ones_answer(engine: Engine) -> None:
    """What works finishes; what comes after runs with the new configuration."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    await engine.configure(memory_mib=256)
    assert not runtime.live.environment.is_ending
    runtime.answer(event)
    await answer_of(call)
    runtime.ask()
    await engine.settle()
    assert [entry.detail["reason"] for entry in engine.seen(LifecycleEvent.STOPPING)] == ["replaced"]
    later = engine.call()
    fresh = await engine.environment()
    assert fresh.live.environment.memory_mib == 256
    fresh.answer(fresh.ask() or await fresh.event())
    await answer_of(later)


async def test_with_no_room_a_call_waits_then_gets_a_429(make_engine: EngineMaker) -> None:
    """Nothing idle to evict, nothing being started for it."""
    engine = make_engine(memory_mib=128)
    await engine.deploy()
    first = engine.call()
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    second = engine.call()
    await engine.scale()
    assert len(engine.live()) == 1
    await engine.pass_time(1)
    assert not second.done()
    engine.clock.advance(ROOM_WAIT_S)
    await engine.dispatcher.tick()
    with pytest.raises(TooManyRequests) as caught:
        await answer_of(second)
    assert caught.value.reason == "ConcurrentInvocationLimitExceeded"
    runtime.answer(event)
    await answer_of(first)


async def test_a_sandbox_that_cannot_be_made_is_told_to_the_caller_with_its_reason(engine: Engine) -> None:
    """After the wait; starts are backed off meanwhile."""
    engine.driver.sandbox_failures.append(StartFailed("Sandbox.Failure", "the firewall could not be set"))
    call = engine.call()
    await engine.scale()
    await engine.scale()
    assert len(engine.seen(LifecycleEvent.CREATED)) == 1, "the second start waits its time"
    engine.clock.advance(ROOM_WAIT_S + 1)
    await engine.dispatcher.tick()
    with pytest.raises(ServiceFailure, match="the firewall could not be set"):
        await answer_of(call)


async def test_an_engine_that_is_away_is_named_to_the_caller(engine: Engine) -> None:
    """With what to do."""
    engine.driver.sandbox_failures.append(EngineUnreachable("Docker engine does not answer; start it"))
    call = engine.call()
    await engine.scale()
    engine.clock.advance(ROOM_WAIT_S + 1)
    await engine.dispatcher.tick()
    with pytest.raises(ServiceFailure, match="Docker engine does not answer"):
        await answer_of(call)


@pytest.mark.parametrize("fails", ["sandbox_failures", "open_failures"])
async def test_a_failure_that_the_driver_has_no_name_for_leaves_no_environment_behind(
    engine: Engine, fails: str
) -> None:
    """One that stays for ever on its way would count against all others."""
    getattr(engine.driver, fails).append(DriverFailed("KeyError: 'x'"))
    call = engine.call()
    await engine.scale()
    assert engine.live() == []
    engine.clock.advance(ROOM_WAIT_S - 1)
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).function_error is None


async def test_a_thaw_that_fails_without_a_name_costs_the_environment_and_not_the_call(engine: Engine) -> None:
    """It waits for another."""
    frozen = await engine.warm()
    await engine.pass_time(2)
    engine.driver.thaw_failures.append(DriverFailed("KeyError: 'x'"))
    call = engine.call()
    await engine.settle()
    assert frozen.live.environment.is_ending
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).function_error is None


async def test_a_function_that_reports_an_error_has_its_payload_passed_on_untouched(engine: Engine) -> None:
    """Unhandled, byte for byte."""
    runtime = await engine.warm()
    call = engine.call()
    payload = b'{"errorType":"ValueError","errorMessage":"no","requestId":"x","stackTrace":[]}'
    runtime.answer(await runtime.event(), FunctionError(payload=payload, error_type="Runtime.Unknown"))
    answer = await answer_of(call)
    assert (answer.payload, answer.function_error) == (payload, "Unhandled")


async def test_at_shutdown_what_runs_is_interrupted_and_what_waits_is_refused(engine: Engine) -> None:
    """Each caller hears why."""
    runtime = await engine.warm()
    running = engine.call()
    await runtime.event()
    waiting = engine.call()
    await engine.settle()
    engine.dispatcher.interrupt_all("Paddock is shutting down")
    for call in (running, waiting):
        with pytest.raises(ServiceFailure, match="Paddock is shutting down"):
            await answer_of(call)
    assert engine.dispatcher.running() == 0


async def test_at_shutdown_what_waits_for_a_thaw_is_refused_and_begins_no_more(engine: Engine) -> None:
    """An event that began then would be taken for one that crashed Paddock; it waits in the store."""
    runtime = await engine.warm()
    await engine.pass_time(1.5)
    may_thaw = engine.driver.hold_thawing()
    sent = await engine.send()
    await engine.settle()
    assert engine.dispatcher.running() == 1, "a clean stop waits for it"
    engine.dispatcher.interrupt_all("Paddock is shutting down")
    assert engine.dispatcher.running() == 0
    may_thaw.set()
    await engine.until_written()
    await engine.settle()
    assert await engine.state_of(sent) == "queued"
    assert runtime.live.state is EnvironmentState.IDLE


async def test_a_stop_waits_no_longer_for_a_thaw_whose_caller_has_gone(engine: Engine) -> None:
    """Nothing runs once it has thawed."""
    await engine.warm()
    await engine.pass_time(1.5)
    may_thaw = engine.driver.hold_thawing()
    call = engine.call()
    await engine.settle()
    drained = asyncio.create_task(engine.dispatcher.drain(timedelta(seconds=60)))
    call.cancel()
    await engine.settle()
    assert not drained.done()
    may_thaw.set()
    await asyncio.wait_for(drained, 5)


async def test_an_error_of_an_init_goes_to_the_call_whose_invocation_runs_it_again(engine: Engine) -> None:
    """The first init has no caller; the second runs inside the invocation (suppressed init)."""
    call = engine.call()
    first = await engine.environment()
    error = FunctionError(payload=b'{"errorMessage":"at import"}', error_type="Runtime.ImportModuleError")
    engine.dispatcher.init_failed(first.live, error)
    await engine.settle()
    assert not call.done()
    second = await engine.environment()
    engine.dispatcher.init_failed(second.live, error)
    assert (await error_of(call))["errorMessage"] == "at import"
