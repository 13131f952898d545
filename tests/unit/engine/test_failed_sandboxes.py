"""An environment whose sandbox fails while it starts: it is no fault of the function, and whoever waits hears why."""

from __future__ import annotations

import pytest

from orchestrator.domain.errors import ServiceFailure
from orchestrator.domain.provisioned_concurrency import ProvisionedStatus
from orchestrator.driver.protocol import ContainerEnded, StartFailed
from tests.support.builders import KEY
from tests.support.engine import ROOM_WAIT_S, Engine, answer_of


def _its_sandbox_dies(engine: Engine) -> None:
    (live,) = engine.live()
    engine.fleet.happened(
        ContainerEnded(environment_id=live.environment_id, at=engine.clock.now(), exit_code=137, sandbox_failed=True)
    )


async def test_a_caller_is_told_that_the_sandbox_failed_and_not_that_there_were_too_many(engine: Engine) -> None:
    """Its init had begun."""
    call = engine.call()
    await engine.scale()
    _its_sandbox_dies(engine)
    engine.driver.hold_stopping()
    await engine.pass_time(ROOM_WAIT_S + 1)
    with pytest.raises(ServiceFailure, match="sandbox"):
        await answer_of(call)


async def test_a_provisioned_one_is_told_as_what_it_is(engine: Engine) -> None:
    """Not as an init that the function failed."""
    await engine.publish("1")
    await engine.provision("1", 1)
    _its_sandbox_dies(engine)
    await engine.keep_provisioned()
    found = engine.provisioned("1")
    assert found.status is ProvisionedStatus.FAILED
    assert found.reason is not None
    assert "sandbox" in found.reason


async def test_another_environment_s_failure_is_not_told_as_a_provisioned_one_s(engine: Engine) -> None:
    """Each has its own."""
    await engine.publish("1")
    await engine.provision("1", 1)
    engine.driver.sandbox_failures.append(StartFailed("Sandbox.Failure", "the subnet is full"))
    call = engine.call(qualifier="1")
    await engine.settle()
    engine.clock.advance(3)
    await engine.scale()
    _its_sandbox_dies(engine)
    await engine.keep_provisioned()
    found = engine.provisioned("1")
    assert found.reason is not None
    assert "the subnet is full" not in found.reason
    call.cancel()
    assert engine.store.functions.get(KEY) is not None
