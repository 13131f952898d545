"""What was learnt of a version's starts and runs is of its code and configuration, and ends with them."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.domain.environments import InitPhase
from orchestrator.domain.invocations import FunctionError
from orchestrator.domain.names import VersionKey
from orchestrator.driver.protocol import StartFailed
from tests.support.builders import KEY, an_image
from tests.support.engine import Engine, EngineMaker, answer_of
from tests.support.runtime import ScriptedRuntime

_FIXED = an_image("sha256:" + "b" * 64)
_ERROR = FunctionError(payload=b'{"errorMessage":"at import"}', error_type="Runtime.ImportModuleError")
_NO_SUBNET = StartFailed("Sandbox.Failure", "the function's subnets cannot be joined")


async def _its_init_fails(engine: Engine) -> None:
    call = engine.call()
    runtime = await engine.environment()
    engine.dispatcher.init_failed(runtime.live, _ERROR)
    await engine.settle()
    call.cancel()
    await engine.settle()


async def test_new_code_has_an_init_of_its_own_after_one_of_the_old_code_failed(engine: Engine) -> None:
    """It may take ten seconds, where an init inside an invocation has the function's timeout."""
    await _its_init_fails(engine)
    await engine.configure(image=_FIXED)
    call = engine.call()
    runtime = await engine.environment()
    assert runtime.live.environment.phase is InitPhase.INIT
    await engine.pass_time(5)
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).function_error is None


async def test_a_start_that_failed_of_the_old_configuration_keeps_the_new_one_waiting_no_longer(
    engine: Engine,
) -> None:
    """Nor is its reason told any more."""
    engine.driver.sandbox_failures.extend([_NO_SUBNET] * 6)
    waiting = engine.call()
    for _ in range(6):
        await engine.scale()
        engine.clock.advance(60)
    waiting.cancel()
    await engine.settle()
    learnt = engine.fleet.pool(VersionKey(KEY)).learnt
    assert learnt.not_before > engine.clock.monotonic() - 30
    await engine.configure(image=_FIXED)
    call = engine.call()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    assert (await answer_of(call)).function_error is None
    assert engine.fleet.pool(VersionKey(KEY)).learnt.last_failure is None


async def test_a_function_that_is_created_again_is_known_nothing_of(engine: Engine) -> None:
    """Though an environment of the deleted one still works, and its end tells of that one only."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    engine.fleet.pool(VersionKey(KEY)).learnt.last_init_failed = True
    await engine.store.functions.delete(KEY)
    engine.fleet.retire_outdated(KEY)
    await engine.deploy()
    engine.clock.advance(2)
    runtime.answer(event)
    await answer_of(call)
    learnt = engine.fleet.pool(VersionKey(KEY)).learnt
    assert (learnt.last_init_failed, learnt.run_time) == (False, None)


async def test_what_means_nothing_to_environments_changes_nothing_of_what_is_known(engine: Engine) -> None:
    """A description is none of the code's business."""
    await engine.warm()
    await engine.configure(description="another")
    assert engine.fleet.pool(VersionKey(KEY)).learnt.run_time is not None
    await engine.configure(timeout=timedelta(seconds=20))
    assert engine.fleet.pool(VersionKey(KEY)).learnt.run_time is None


async def test_provisioning_that_is_configured_anew_waits_for_no_earlier_failure(make_engine: EngineMaker) -> None:
    """Neither its own nor the version's."""
    engine = make_engine()
    await engine.deploy()
    await engine.publish("1")
    engine.driver.sandbox_failures.append(_NO_SUBNET)
    await engine.provision("1", 1)
    await engine.keep_provisioned()
    assert engine.live() == []
    engine.provisioning.begin_anew(KEY)
    (runtime,) = await engine.keep_provisioned()
    assert isinstance(runtime, ScriptedRuntime)
