"""The host's clock is set an hour forwards or back while everything runs: what waits, runs and idles does not care."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import FunctionError
from orchestrator.domain.names import VersionKey, key_of_request_id
from tests.support.builders import KEY
from tests.support.engine import RETRY_DELAYS_S, Engine, EngineMaker, answer_of, error_of

ERROR = FunctionError(payload=b"{}", error_type="Runtime.Unknown")
HOUR = timedelta(hours=1)
either_way = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forwards", "back"])


@either_way
async def test_a_running_invocation_keeps_its_time(engine: Engine, step: timedelta) -> None:
    """Neither cut off at once nor given an hour more."""
    runtime = await engine.warm()
    call = engine.call()
    await runtime.event()
    engine.clock.step_wall(step)
    await engine.pass_time(2.9)
    assert not call.done()
    await engine.pass_time(0.1)
    assert (await error_of(call))["errorType"] == "Sandbox.Timedout"


@either_way
async def test_a_retry_comes_after_its_delay(engine: Engine, step: timedelta) -> None:
    """A minute, as on AWS: not at once, nor an hour and a minute later."""
    runtime = await engine.warm()
    request_id = await engine.send()
    runtime.answer(await runtime.event(), ERROR)
    await engine.until_state(request_id, "retrying")
    await engine.settle()
    runtime.ask()
    engine.clock.step_wall(step)
    engine.clock.advance(RETRY_DELAYS_S[0] - 1)
    await engine.events.tick()
    await engine.settle()
    assert runtime.poll is not None
    assert not runtime.poll.done(), "not before its time"
    engine.clock.advance(1)
    await engine.events.tick()
    runtime.answer(await runtime.event())
    await engine.until_state(request_id, "succeeded")


@either_way
async def test_an_event_that_waits_in_the_store_runs_as_soon_as_there_is_a_place(
    make_engine: EngineMaker, step: timedelta
) -> None:
    """It was due before the step, and still is."""
    engine = make_engine()
    await engine.deploy(reserved=1)
    first = await engine.send()
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    second = await engine.send()
    engine.clock.step_wall(step)
    third = await engine.send()
    runtime.answer(event)
    runtime.ask()
    for waits in (second, third):
        await engine.until_written()
        await engine.events.tick()
        runtime.answer(await runtime.event())
        await engine.until_state(waits, "succeeded")
        runtime.ask()
    assert await engine.state_of(first) == "succeeded"


async def test_keys_grow_over_steps_in_both_directions(engine: Engine) -> None:
    """Request ids carry them; what was accepted later is later."""
    sent = [await engine.send()]
    for step in (HOUR, -HOUR, -HOUR, HOUR):
        engine.clock.step_wall(step)
        sent += [await engine.send(), await engine.send()]
    keys = [key_of_request_id(one) or 0 for one in sent]
    assert keys == sorted(set(keys))


@either_way
async def test_environments_idle_and_start_as_long_as_before(engine: Engine, step: timedelta) -> None:
    """The scaler's idea of a cold start is not an hour, nor less than nothing; nor is an init in the log."""
    call = engine.call()
    runtime = await engine.environment()
    engine.clock.step_wall(step)
    await engine.pass_time(0.5)
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    runtime.ask()
    (done,) = engine.seen(LifecycleEvent.INIT_DONE)
    assert done.detail["init_ms"] == 500
    assert timedelta() < engine.fleet.pool(VersionKey(KEY)).learnt.cold_start < timedelta(seconds=1)
    engine.clock.step_wall(-step)
    await engine.pass_time(599)
    assert engine.live()
    await engine.pass_time(2)
    assert not engine.live()


@either_way
async def test_an_event_is_no_older_than_it_was(engine: Engine, step: timedelta) -> None:
    """One of a moment ago is not given up, for it is not six hours old."""
    runtime = await engine.warm()
    request_id = await engine.send()
    engine.clock.step_wall(step)
    runtime.answer(await runtime.event(), ERROR)
    await engine.until_state(request_id, "retrying")
