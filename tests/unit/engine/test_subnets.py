"""A function in subnets: its environments get sandboxes that are in them, also after a start."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.domain.environments import EnvironmentState, StopReason
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


async def test_a_function_is_known_by_its_addresses_in_subnets_for_as_long_as_its_program_may_run(
    make_engine: EngineMaker,
) -> None:
    """From before it is started until it is confirmed gone: the front port goes by that."""
    engine = make_engine()
    addresses = engine.fleet.addresses
    await engine.deploy(options=in_subnets("subnet-a", "subnet-b"))
    may_open, may_stop = engine.driver.hold_opening(), engine.driver.hold_stopping()
    live = engine.fleet.launch(engine.store.functions.get(KEY).latest)  # type: ignore[union-attr]
    await engine.settle()
    both = ("10.217.0.1", "10.217.1.1")
    assert [addresses.is_in_subnet(one) for one in (*both, "10.217.0.2")] == [True, True, False]
    may_open.set()
    await engine.settle()
    engine.fleet.stop(live, StopReason.IDLE)
    await engine.settle()
    assert all(addresses.is_in_subnet(one) for one in both)
    may_stop.set()
    await engine.until_gone()
    assert not any(addresses.is_in_subnet(one) for one in both)


async def test_an_address_that_another_has_got_meanwhile_stays_the_other_s(make_engine: EngineMaker) -> None:
    """The engine gives it away at once, before it has told that the one before is gone."""
    engine = make_engine()
    await engine.deploy(options=in_subnets("subnet-a"))
    version = engine.store.functions.get(KEY).latest  # type: ignore[union-attr]
    may_stop = engine.driver.hold_stopping()
    before = engine.fleet.launch(version)
    await engine.settle()
    engine.fleet.stop(before, StopReason.IDLE)
    await engine.settle()
    engine.driver._sandboxes = 0
    after = engine.fleet.launch(version)
    await engine.settle()
    may_stop.set()
    while before.state is not EnvironmentState.GONE:
        await engine.settle()
    assert engine.fleet.addresses.is_in_subnet("10.217.0.1")
    assert engine.fleet.at_address("10.0.8.1") is after


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
