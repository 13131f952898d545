"""A function in subnets: its environments get sandboxes that are in them, also after a start."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.domain.errors import ServiceFailure
from orchestrator.domain.functions import Function
from orchestrator.domain.version_options import VersionOptions, VpcConfig
from orchestrator.driver.protocol import EngineUnreachable, StartFailed
from tests.support.builders import KEY, a_version
from tests.support.engine import Engine, EngineMaker, answer_of
from tests.unit.engine.test_deployments import deployments_of


def in_subnets(*subnet_ids: str) -> VersionOptions:
    """As a version has them."""
    return VersionOptions(vpc=VpcConfig(subnet_ids=subnet_ids, security_group_ids=("sg-1",)))


async def _answered(engine: Engine, **how: Any) -> None:
    call = engine.call(**how)
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    runtime.ask()


async def test_an_environment_gets_a_sandbox_in_the_subnets_of_its_version(make_engine: EngineMaker) -> None:
    """Each once and in order, however they were given; a version without any gets one in none."""
    engine = make_engine()
    await engine.deploy(options=in_subnets("subnet-b", "subnet-a", "subnet-b"))
    await engine.publish("1", options=VersionOptions())
    await _answered(engine)
    await _answered(engine, qualifier="1")
    assert engine.driver.taken == [("subnet-a", "subnet-b"), ()]


async def test_an_environment_that_is_in_other_subnets_than_its_version_is_replaced(make_engine: EngineMaker) -> None:
    """It cannot change them."""
    engine = make_engine()
    await engine.deploy(options=in_subnets("subnet-a"))
    await _answered(engine)
    await engine.configure(options=in_subnets("subnet-b"))
    await engine.until_gone()
    await _answered(engine)
    assert engine.driver.taken == [("subnet-a",), ("subnet-b",)]


async def test_after_a_start_sandboxes_are_kept_ready_for_the_functions_that_there_are(
    make_engine: EngineMaker,
) -> None:
    """Before anybody calls one; each set once."""
    engine = make_engine()
    versions = {"1": a_version(version="1", options=in_subnets("subnet-b"))}
    latest = a_version(options=in_subnets("subnet-b", "subnet-a"))
    await engine.store.functions.create(Function(key=KEY, latest=latest, versions=versions, last_published=1))
    other = KEY._replace(name="other")
    await engine.deploy(key=other, options=in_subnets("subnet-b"))
    await engine.deploy(key=KEY._replace(name="third"))
    deployments = deployments_of(engine)
    deployments.resume()
    await engine.settle()
    assert engine.driver.kept == [(("subnet-a", "subnet-b"), ("subnet-b",))]
    await deployments.close()


async def test_where_no_function_is_in_a_subnet_the_driver_is_told_of_none(make_engine: EngineMaker) -> None:
    """It keeps none by itself."""
    engine = make_engine()
    await engine.deploy()
    deployments = deployments_of(engine)
    deployments.resume()
    await engine.settle()
    assert engine.driver.kept == []
    await deployments.close()


async def test_a_driver_that_cannot_be_told_keeps_no_function_from_being_changed(make_engine: EngineMaker) -> None:
    """It is told when it is back; who calls meanwhile waits for a sandbox that is made then."""
    engine = make_engine()
    await engine.deploy(options=in_subnets("subnet-a"))
    deployments = deployments_of(engine)

    async def away(_sets: tuple[tuple[str, ...], ...]) -> None:
        raise EngineUnreachable("start it")

    engine.driver.keep_subnets = away  # type: ignore[method-assign]
    deployments.resume()
    await engine.settle()
    await deployments.delete(KEY)
    assert engine.store.functions.get(KEY) is None
    await deployments.close()


async def test_a_subnet_that_has_gone_is_told_to_who_calls(make_engine: EngineMaker) -> None:
    """500: it is this side that cannot."""
    engine = make_engine()
    await engine.deploy(options=in_subnets("subnet-a"))
    reason = "the function's subnets cannot be joined: The subnet ID 'subnet-a' does not exist"
    engine.driver.sandbox_failures.append(StartFailed("Sandbox.Failure", reason))
    call = engine.call()
    await engine.scale()
    await engine.pass_time(11)
    with pytest.raises(ServiceFailure, match="The subnet ID 'subnet-a' does not exist"):
        await answer_of(call)
