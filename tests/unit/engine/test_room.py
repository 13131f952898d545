"""The host's room: who goes for whom, and how many start at once."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.allowance import Allowances
from orchestrator.domain.environments import EnvironmentState
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import InvocationType
from orchestrator.domain.names import FunctionKey, FunctionReference
from orchestrator.fleet import scaler
from orchestrator.invocations.requests import InvokeRequest
from tests.support.builders import KEY, an_image
from tests.support.engine import Engine, EngineMaker, answer_of
from tests.support.runtime import ScriptedRuntime


async def test_the_environment_idle_for_longest_goes_for_one_that_is_needed(make_engine: EngineMaker) -> None:
    """Straight to SIGKILL: somebody waits."""
    engine = make_engine(memory_mib=256)
    first, second = await _warm_of(engine, "first"), await _warm_of(engine, "second")
    engine.clock.advance(5)
    third = await _warm_of(engine, "third")
    assert first.live.environment.is_ending
    assert not second.live.environment.is_ending
    assert not third.live.environment.is_ending
    assert [entry.detail["reason"] for entry in engine.seen(LifecycleEvent.STOPPING)] == ["capacity"]
    ((environment_id, grace),) = engine.driver.stopped
    assert (environment_id, grace.total_seconds()) == (first.live.environment_id, 0)


async def test_no_more_start_at_once_than_the_host_can_take(engine: Engine) -> None:
    """Four here, for fifty callers; until the first of them has come up only half as many, so that it does soon."""
    calls = [engine.call() for _ in range(50)]
    await engine.scale()
    await engine.scale()
    first, _ = (ScriptedRuntime(engine.dispatcher, live) for live in engine.live())
    first.ask()
    await engine.scale()
    await engine.scale()
    starting = [live for live in engine.live() if live is not first.live]
    assert len(starting) == 4
    for call in calls:
        call.cancel()


async def test_one_function_s_environments_come_no_faster_than_aws_lets_them(
    make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many at once, then so many a second, however many wait."""
    monkeypatch.setattr(scaler, "STARTED_AT_ONCE", 1)
    monkeypatch.setattr(scaler, "STARTED_PER_S", 1)
    engine = make_engine()
    await engine.deploy()
    engine.driver.hold_opening()
    calls = [engine.call() for _ in range(50)]
    await engine.scale()
    await engine.scale()
    assert len(engine.live()) == 1
    engine.clock.advance(1)
    await engine.scale()
    assert len(engine.live()) == 2
    for call in calls:
        call.cancel()


async def test_what_was_not_started_is_not_counted_as_a_start(engine: Engine) -> None:
    """The version's image may be gone since it was asked for."""
    call = engine.call()
    await engine.settle()
    await engine.configure(image=None)
    engine.driver.hold_opening()
    engine.scaler._starts = Allowances(1, 0.001)
    await engine.scale()
    assert engine.live() == []
    await engine.configure(image=an_image())
    await engine.scale()
    assert len(engine.live()) == 1
    call.cancel()


async def _warm_of(engine: Engine, name: str) -> ScriptedRuntime:
    key = FunctionKey(KEY.account, KEY.region, name)
    await engine.deploy(key=key)
    request = InvokeRequest(
        reference=FunctionReference(key), invocation_type=InvocationType.REQUEST_RESPONSE, payload=b"{}"
    )
    call = asyncio.create_task(engine.front_desk.invoke(request))
    known = set(engine.live())
    await engine.scale()
    await engine.scale()
    (live,) = set(engine.live()) - known
    runtime = ScriptedRuntime(engine.dispatcher, live)
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    runtime.ask()
    return runtime


async def test_events_run_beside_as_much_as_may_be_provisioned(make_engine: EngineMaker) -> None:
    """What is provisioned goes for nobody, and is no reason to wait for ever."""
    engine = make_engine(memory_mib=1280)
    await engine.deploy()
    await engine.publish("1")
    await engine.provision("1", 8)
    for _ in range(3):
        for runtime in [ScriptedRuntime(engine.dispatcher, live) for live in engine.live()]:
            if runtime.live.state is EnvironmentState.INITIALIZING:
                runtime.ask()
        await engine.keep_provisioned()
    assert len(engine.live()) == 8
    sent = await engine.send()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(sent, "succeeded")
