"""Which environments are counted on by those who wait: such as come soon, and are of the code that was called."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.environments import Initialization
from orchestrator.domain.errors import TooManyRequests
from orchestrator.domain.names import VersionKey
from orchestrator.domain.provisioned_concurrency import ProvisionedStatus
from tests.support.builders import KEY, an_image
from tests.support.engine import ROOM_WAIT_S, Engine, EngineMaker, answer_of
from tests.support.runtime import ScriptedRuntime


@pytest.fixture
async def published(engine: Engine) -> Engine:
    """The function has version 1."""
    await engine.publish("1")
    return engine


async def test_a_call_is_not_kept_waiting_for_a_provisioned_init_that_hangs(published: Engine) -> None:
    """That has 130 seconds; one on demand is started, as on AWS."""
    engine = published
    await engine.provision("1", 1)
    call = engine.call(qualifier="1")
    await engine.scale()
    assert len(engine.live()) == 1, "it may come in time"
    engine.clock.advance(3)
    runtime = await engine.environment()
    assert runtime.live.environment.initialization is Initialization.ON_DEMAND
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).function_error is None


async def test_where_only_a_provisioned_init_that_hangs_is_on_its_way_there_is_no_hope(
    make_engine: EngineMaker,
) -> None:
    """Nothing more can be started: the caller is told in time."""
    engine = make_engine(memory_mib=160)
    await engine.deploy()
    await engine.publish("1")
    await engine.provision("1", 1)
    call = engine.call(qualifier="1")
    await engine.scale()
    await engine.pass_time(ROOM_WAIT_S - 1)
    assert not call.done()
    await engine.pass_time(2)
    with pytest.raises(TooManyRequests):
        await answer_of(call)


async def test_the_environment_of_a_deleted_function_is_not_taken_for_a_provisioned_one(published: Engine) -> None:
    """It works still, for minutes perhaps; another is started for the function that is there now."""
    engine = published
    await engine.provision("1", 1)
    (live,) = engine.live()
    runtime = ScriptedRuntime(engine.dispatcher, live)
    runtime.ask()
    await engine.keep_provisioned()
    call = engine.call(qualifier="1")
    event = await runtime.event()
    await engine.store.functions.delete(KEY)
    engine.fleet.retire_outdated(KEY)
    await engine.deploy()
    await engine.publish("1")
    await engine.provision("1", 1)
    found = engine.provisioned("1")
    assert (found.status, found.allocated, found.available) == (ProvisionedStatus.IN_PROGRESS, 1, 0)
    (fresh,) = (one for one in engine.live() if one is not live)
    assert fresh.environment.is_provisioned
    runtime.answer(event)
    await answer_of(call)


async def test_what_works_on_for_the_old_code_serves_nobody_who_calls_the_new(engine: Engine) -> None:
    """Who waits is not told that it will be free soon."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    assert engine.fleet.pool(VersionKey(KEY)).serving() == 1
    await engine.configure(image=an_image("sha256:" + "b" * 64))
    assert engine.fleet.pool(VersionKey(KEY)).serving() == 0
    runtime.answer(event)
    await answer_of(call)


async def test_events_have_no_more_of_the_room_because_a_caller_waits_as_well(make_engine: EngineMaker) -> None:
    """The last fifth is for the caller."""
    engine = make_engine(memory_mib=640)
    await engine.deploy()
    engine.scaler.max_starting = 20
    await asyncio.gather(*(engine.send() for _ in range(8)))
    calls = [engine.call()]
    await engine.scale()
    assert len(engine.live()) == 4
    for live in engine.live():
        ScriptedRuntime(engine.dispatcher, live).ask()
    calls.append(engine.call())
    await engine.scale()
    assert len(engine.live()) == 5
    for call in calls:
        call.cancel()
