"""Environments that a new one would no longer be like: they serve nobody who called what is there now."""

from __future__ import annotations

import pytest

from orchestrator.domain.environments import StopReason
from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.names import LATEST, VersionKey
from tests.support.builders import KEY, an_image
from tests.support.engine import Engine, answer_of

_FIXED = an_image("sha256:" + "b" * 64)


async def test_one_on_its_way_is_not_waited_for_once_its_code_was_replaced(engine: Engine) -> None:
    """Its init may hang, or fail: whoever calls now has called the new code."""
    earlier = engine.call()
    await engine.scale()
    (old,) = engine.live()
    earlier.cancel()
    await engine.configure(image=_FIXED)
    assert old.environment.stop_reason is StopReason.REPLACED
    call = engine.call()
    runtime = await engine.environment()
    assert runtime.live.version.image == _FIXED
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)


async def test_one_that_an_invocation_has_for_itself_runs_it_to_its_end(engine: Engine) -> None:
    """Its init is inside of it: the earlier init failed. It serves nobody after that."""
    call = engine.call()
    await engine.scale()
    await engine.pass_time(10)
    runtime = await engine.environment()
    await engine.configure(image=_FIXED)
    assert not runtime.live.environment.is_ending
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    runtime.ask()
    assert runtime.live.environment.stop_reason is StopReason.REPLACED


@pytest.mark.parametrize("is_frozen", [False, True], ids=["for a start", "for a thaw"])
async def test_who_waits_for_a_deleted_function_is_not_run_by_one_that_is_created_by_its_name(
    engine: Engine, is_frozen: bool
) -> None:
    """Though nothing has looked at the waits in between."""
    if is_frozen:
        await engine.warm()
        await engine.pass_time(1.5)
        engine.driver.hold_thawing()
    call = engine.call()
    await engine.settle()
    await engine.store.functions.delete(KEY)
    engine.fleet.retire_outdated(KEY)
    await engine.deploy()
    with pytest.raises(ResourceNotFound):
        await answer_of(call)


async def test_none_is_started_for_a_tenant_of_a_function_that_knows_none(engine: Engine) -> None:
    """It was another function of this name that told them apart."""
    assert not engine.dispatcher.start_environment(VersionKey(KEY, LATEST, "tenant"))
    assert engine.live() == []


async def test_one_of_a_deleted_function_serves_none_that_is_created_alike(engine: Engine) -> None:
    """It has the other's globals and files."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    await engine.store.functions.delete(KEY)
    engine.fleet.retire_outdated(KEY)
    await engine.deploy()
    runtime.answer(event)
    await answer_of(call)
    runtime.ask()
    await engine.settle()
    assert runtime.live.environment.stop_reason is StopReason.REPLACED
