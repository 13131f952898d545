"""An engine that takes long, hangs, or fails in ways nobody thought of: no function's fault, and no endless wait."""

from __future__ import annotations

import pytest

from orchestrator.domain.errors import ServiceFailure
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import VersionKey
from orchestrator.driver.messages import DriverFailed
from orchestrator.driver.protocol import EngineBack, EngineLost, EngineUnreachable
from orchestrator.fleet import fleet
from tests.support.builders import KEY
from tests.support.engine import ROOM_WAIT_S, Engine, answer_of
from tests.support.runtime import ScriptedRuntime

INIT_TIMEOUT_S = 10
ENGINE_PATIENCE_S = 3 * ROOM_WAIT_S
FUNCTION_TIMEOUT_S = 3


async def test_what_the_engine_takes_to_start_a_container_is_not_its_inits_time(engine: Engine) -> None:
    """A call that waited for it is served, however long its init timeout is over."""
    may_open = engine.driver.hold_opening()
    call = engine.call({"n": 1})
    await engine.scale()
    await engine.pass_time(INIT_TIMEOUT_S + 5)
    may_open.set()
    await engine.settle()
    await engine.pass_time(INIT_TIMEOUT_S - 1)
    (live,) = engine.live()
    runtime = ScriptedRuntime(engine.dispatcher, live)
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).payload == b'{"n": 1}'
    assert not engine.seen(LifecycleEvent.INIT_FAILED)
    (done,) = engine.seen(LifecycleEvent.INIT_DONE)
    assert done.detail["init_ms"] == (INIT_TIMEOUT_S - 1) * 1000


async def test_nor_is_it_the_time_of_the_invocation_whose_init_runs_inside_it(engine: Engine) -> None:
    """The function has all of its timeout once its program runs."""
    call = engine.call({"n": 1})
    await engine.scale()
    await engine.pass_time(INIT_TIMEOUT_S)
    assert len(engine.seen(LifecycleEvent.INIT_FAILED)) == 1
    may_open = engine.driver.hold_opening()
    await engine.scale()
    await engine.pass_time(FUNCTION_TIMEOUT_S + 5)
    may_open.set()
    await engine.settle()
    await engine.pass_time(FUNCTION_TIMEOUT_S - 1)
    (live,) = engine.live()
    runtime = ScriptedRuntime(engine.dispatcher, live)
    runtime.answer(runtime.ask() or await runtime.event())
    answer = await answer_of(call)
    assert (answer.payload, answer.function_error) == (b'{"n": 1}', None)


async def test_a_runtime_may_ask_before_the_engine_has_said_that_it_runs(engine: Engine) -> None:
    """The answer to `start` may be the slow one: the whole timeout is still the function's."""
    call = engine.call({"n": 1})
    await engine.scale()
    await engine.pass_time(INIT_TIMEOUT_S)
    may_open = engine.driver.hold_opening()
    await engine.scale()
    await engine.pass_time(FUNCTION_TIMEOUT_S + 5)
    (live,) = engine.live()
    runtime = ScriptedRuntime(engine.dispatcher, live)
    event = runtime.ask() or await runtime.event()
    await engine.pass_time(FUNCTION_TIMEOUT_S - 1)
    runtime.answer(event)
    assert (await answer_of(call)).payload == b'{"n": 1}'
    may_open.set()
    await engine.settle()


async def test_a_caller_learns_in_time_that_the_engine_is_stuck_and_an_event_waits(engine: Engine) -> None:
    """A start that takes for ever is no hope; when it goes on, so does everything."""
    may_open = engine.driver.hold_opening()
    call = engine.call()
    request_id = await engine.send({"n": 2})
    await engine.scale()
    await engine.pass_time(ENGINE_PATIENCE_S - 1)
    assert not call.done()
    await engine.pass_time(2)
    with pytest.raises(ServiceFailure, match="Docker engine has not started a container within 30 s"):
        await answer_of(call)
    assert await engine.state_of(request_id) == "queued"
    may_open.set()
    await engine.settle()
    runtime = ScriptedRuntime(engine.dispatcher, engine.live()[0])
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(request_id, "succeeded")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.attempts == 1


async def test_an_invocation_whose_own_environment_is_stuck_is_told_too_and_an_event_tried_again(
    engine: Engine,
) -> None:
    """One that runs its init inside it: no other environment can serve it."""
    request_id = await engine.send()
    await engine.scale()
    await engine.pass_time(INIT_TIMEOUT_S)
    may_open = engine.driver.hold_opening()
    await engine.scale()
    await engine.pass_time(ENGINE_PATIENCE_S + 1)
    await engine.until_state(request_id, "queued")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.attempts == 0, "it was no fault of the function"
    may_open.set()
    await engine.settle()
    assert not engine.live()


async def test_a_thaw_that_hangs_is_given_up_and_the_call_served_by_another(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the caller would wait as long as the engine does."""
    monkeypatch.setattr(fleet, "_THAWED_WITHIN_S", 0.01)
    await engine.warm()
    await engine.pass_time(1)
    engine.driver.hold_thawing()
    call = engine.call({"n": 3})
    await engine.until_gone()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).payload == b'{"n": 3}'


async def test_a_freeze_that_hangs_keeps_no_call_waiting(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call that comes meanwhile would have to wait for its end, and then for the thaw."""
    monkeypatch.setattr(fleet, "_THAWED_WITHIN_S", 0.01)
    engine.driver.hold_freezing()
    await engine.warm()
    await engine.pass_time(1)
    call = engine.call({"n": 5})
    await engine.until_gone()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).payload == b'{"n": 5}'


async def test_a_failure_that_nobody_thought_of_leaves_no_environment_and_no_caller_behind(engine: Engine) -> None:
    """Whatever goes wrong in the driver's process, at a start as at an end."""
    engine.driver.open_failures.append(DriverFailed("OSError: the folder is gone"))
    engine.driver.stop_failures.append(DriverFailed("KeyError: 'State'"))
    call = engine.call({"n": 4})
    await engine.scale()
    assert not engine.live()
    await engine.pass_time(2)
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).payload == b'{"n": 4}'
    engine.fleet.stop(runtime.live, fleet.StopReason.IDLE)
    await engine.until_gone()
    assert not engine.events.in_hand(KEY)


async def test_starts_that_fail_together_are_one_failure(engine: Engine) -> None:
    """An engine that ends takes all of them with it: counted one by one, the next try would be minutes away."""
    engine.driver.sandbox_failures.extend(EngineUnreachable("Docker engine does not answer") for _ in range(4))
    # Half of them until the first has come up.
    engine.scaler.max_starting = 8
    calls = [engine.call({"n": number}) for number in range(4)]
    await engine.scale()
    assert not engine.live()
    assert engine.fleet.pool(VersionKey(KEY)).learnt.failures == 1
    await engine.pass_time(1)
    await engine.scale()
    runtimes = [ScriptedRuntime(engine.dispatcher, live) for live in engine.live()]
    assert len(runtimes) == 4
    for runtime in runtimes:
        runtime.answer(runtime.ask() or await runtime.event())
    assert {(await answer_of(call)).status_code for call in calls} == {200}


async def test_who_waited_while_the_engine_was_away_is_not_told_that_there_is_no_room(engine: Engine) -> None:
    """The moment it is back nothing is being started yet, and nothing failed: the wait begins anew."""
    engine.fleet.happened(EngineLost(at=engine.clock.now()))
    engine.clock.advance(1)
    call = engine.call({"n": 6})
    await engine.settle()
    engine.clock.advance(ROOM_WAIT_S - 0.5)
    engine.fleet.happened(EngineBack(at=engine.clock.now()))
    engine.clock.advance(1)
    await engine.dispatcher.tick()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).payload == b'{"n": 6}'


async def test_when_the_engine_is_back_nobody_waits_for_what_it_could_not_do(engine: Engine) -> None:
    """However often that was tried."""
    engine.driver.sandbox_failures.extend(EngineUnreachable("Docker engine does not answer") for _ in range(5))
    request_id = await engine.send()
    for failures in range(1, 6):
        await engine.scale()
        assert engine.fleet.pool(VersionKey(KEY)).learnt.failures == failures
        if failures < 5:
            engine.clock.advance(2 ** (failures - 1))
    engine.fleet.happened(EngineLost(at=engine.clock.now()))
    engine.fleet.happened(EngineBack(at=engine.clock.now()))
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(request_id, "succeeded")
