"""A function that isolates its tenants: an environment serves one of them for its whole life."""

from __future__ import annotations

import json

import pytest

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.invocations import FunctionError
from orchestrator.domain.version_options import LoggingConfig, VersionOptions
from orchestrator.fleet.live import LiveEnvironment
from tests.support.builders import KEY, a_version
from tests.support.engine import Engine, EngineMaker, answer_of, error_of
from tests.support.runtime import ScriptedRuntime

_ISOLATED = VersionOptions(is_tenant_isolated=True)


@pytest.fixture
async def engine(make_engine: EngineMaker) -> Engine:
    """With the function `hello`, which isolates its tenants."""
    made = make_engine()
    await made.deploy(options=_ISOLATED)
    return made


async def _served(engine: Engine, tenant_id: str) -> ScriptedRuntime:
    """An idle environment that has answered one call of this tenant."""
    call = engine.call(tenant_id=tenant_id)
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    assert runtime.ask() is None
    return runtime


async def test_a_runtime_is_told_for_whom_it_runs(engine: Engine) -> None:
    """In a header of its next invocation."""
    call = engine.call(tenant_id="blue")
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    assert dict(event.headers)[b"lambda-runtime-aws-tenant-id"] == b"blue"
    runtime.answer(event)
    await answer_of(call)


async def test_a_function_without_tenants_is_told_of_none(make_engine: EngineMaker) -> None:
    """The header is left out, not sent empty."""
    engine = make_engine()
    await engine.deploy()
    call = engine.call()
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    assert b"lambda-runtime-aws-tenant-id" not in dict(event.headers)
    runtime.answer(event)
    await answer_of(call)


async def test_an_idle_environment_of_one_tenant_is_not_given_the_call_of_another(engine: Engine) -> None:
    """The other gets an environment of its own, and each comes back to its own."""
    blue = await _served(engine, "blue")
    green = await _served(engine, "green")
    assert blue.live is not green.live
    for tenant_id, runtime in (("blue", blue), ("green", green), ("blue", blue)):
        call = engine.call({"for": tenant_id}, tenant_id=tenant_id)
        event = await runtime.event()
        assert json.loads(event.body) == {"for": tenant_id}
        runtime.answer(event)
        await answer_of(call)
        assert runtime.ask() is None
    assert len(engine.live()) == 2


async def test_an_environment_that_comes_for_one_tenant_is_not_taken_by_another_who_waits(engine: Engine) -> None:
    """Not even by one who has waited longer."""
    first = engine.call(tenant_id="blue")
    engine.scaler.max_starting = 1
    blue = await engine.environment()
    second = engine.call(tenant_id="green")
    third = engine.call(tenant_id="blue")
    blue.answer(blue.ask() or await blue.event())
    await answer_of(first)
    event = blue.ask() or await blue.event()
    assert dict(event.headers)[b"lambda-runtime-aws-tenant-id"] == b"blue"
    blue.answer(event)
    await answer_of(third)
    assert blue.ask() is None
    assert not second.done()
    green = await engine.environment()
    green.answer(green.ask() or await green.event())
    await answer_of(second)


async def test_a_frozen_environment_is_thawed_for_its_own_tenant_alone(engine: Engine) -> None:
    """A freeze changes nothing of whose it is."""
    blue = await _served(engine, "blue")
    await engine.pass_time(2)
    assert blue.live.state == "frozen"
    green = await _served(engine, "green")
    assert (blue.live.state, green.live is blue.live) == ("frozen", False)


async def test_the_init_inside_an_invocation_is_for_the_tenant_of_that_invocation(engine: Engine) -> None:
    """After one that failed ahead."""
    call = engine.call(tenant_id="blue")
    ahead = await engine.environment()
    engine.dispatcher.init_failed(ahead.live, FunctionError(payload=b"{}", error_type="Runtime.Init"))
    inside = await engine.environment()
    assert [one.environment.version.tenant_id for one in (ahead.live, inside.live)] == ["blue", "blue"]
    event = inside.ask() or await inside.event()
    assert dict(event.headers)[b"lambda-runtime-aws-tenant-id"] == b"blue"
    inside.answer(event)
    await answer_of(call)


async def test_an_init_that_always_fails_ends_the_call_of_its_tenant(engine: Engine) -> None:
    """What is known of a tenant's environments lasts as long as somebody waits for one: it is not tried for ever."""
    call = engine.call(tenant_id="blue")
    for _ in range(2):
        live = (await engine.environment()).live
        failure = FunctionError(payload=b'{"errorType": "Runtime.Init"}', error_type="Runtime.Init")
        engine.dispatcher.init_failed(live, failure)
        await engine.pass_time(0.1)
    assert await error_of(call) == {"errorType": "Runtime.Init"}


async def test_a_call_without_a_tenant_is_refused(engine: Engine) -> None:
    """In AWS's words, before anything is kept or started."""
    for call in (engine.call(), engine.call(qualifier="$LATEST")):
        with pytest.raises(InvalidParameterValue) as caught:
            await answer_of(call)
        assert caught.value.message == (
            "The invoked function is enabled with tenancy configuration. "
            "Add a valid tenant ID in your request and try again."
        )
    with pytest.raises(InvalidParameterValue):
        await engine.send()
    assert engine.live() == []
    assert await engine.store.invocations.count_unfinished(KEY) == 0


async def test_a_tenant_of_a_function_that_has_none_is_refused(make_engine: EngineMaker) -> None:
    """Whoever names one relies on being kept apart."""
    engine = make_engine()
    await engine.deploy()
    with pytest.raises(InvalidParameterValue, match="is not enabled with tenancy configuration"):
        await answer_of(engine.call(tenant_id="blue"))
    with pytest.raises(InvalidParameterValue, match="is not enabled with tenancy configuration"):
        await engine.send(tenant_id="blue")


async def test_an_event_runs_in_an_environment_of_its_tenant(engine: Engine) -> None:
    """Though one of another is idle."""
    green = await _served(engine, "green")
    request_id = await engine.send({"n": 1}, tenant_id="blue")
    blue = await engine.environment()
    event = blue.ask() or await blue.event()
    assert (json.loads(event.body), dict(event.headers)[b"lambda-runtime-aws-tenant-id"]) == ({"n": 1}, b"blue")
    assert green.live.state == "idle"
    blue.answer(event)
    await engine.until_state(request_id, "succeeded")


async def test_many_events_of_one_tenant_do_not_keep_those_of_another_from_running(engine: Engine) -> None:
    """What is in hand is bounded for each, and each counts for environments of its own."""
    for _ in range(40):
        await engine.send(tenant_id="loud")
    request_id = await engine.send(tenant_id="quiet")
    await engine.events.tick()
    assert engine.dispatcher.waiting._backlog == {
        a_version().version_key._replace(tenant_id="loud"): 32,
        a_version().version_key._replace(tenant_id="quiet"): 0,
    }
    await engine.scale()
    quiet = ScriptedRuntime(engine.dispatcher, _of(engine, "quiet"))
    quiet.answer(quiet.ask() or await quiet.event())
    await engine.until_state(request_id, "succeeded")


async def test_an_event_whose_function_came_back_without_tenants_is_set_aside_and_named(engine: Engine) -> None:
    """It would run where others are served as well."""
    engine.events._is_closed = True  # nothing takes it yet
    request_id = await engine.send(tenant_id="blue")
    engine.events._is_closed = False
    await engine.store.functions.delete(KEY)
    await engine.deploy()
    await engine.events.tick()
    await engine.until_state(request_id, "failed")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.error_type == "TenancyChanged"


async def test_no_pool_is_kept_for_a_tenant_who_has_no_environment(engine: Engine) -> None:
    """There may be any number of tenants, over the life of a function."""
    for number in range(5):
        runtime = await _served(engine, f"tenant-{number}")
        await engine.pass_time(700)
        assert runtime.live.environment.is_ending
        await engine.pass_time(1)
    assert len(engine.fleet.pools) == 0
    assert engine.dispatcher.waiting.queues() == []


async def test_a_tenant_is_named_in_lines_of_json(make_engine: EngineMaker) -> None:
    """As on AWS; text has no place for it."""
    engine = make_engine()
    logging = LoggingConfig().changed("JSON", None, "DEBUG", None)
    await engine.deploy(options=VersionOptions(is_tenant_isolated=True, logging=logging))
    await _served(engine, "blue")
    engine.clock.advance(5)
    await engine.output.tick()
    lines = [json.loads(line.text) for batch in engine.batches for line in batch.lines]
    assert [(line["type"], line["record"].get("tenantId")) for line in lines] == [
        ("platform.start", "blue"),
        ("platform.runtimeDone", "blue"),
        ("platform.report", "blue"),
    ]


async def test_a_timeout_ends_the_environment_of_its_own_tenant(engine: Engine) -> None:
    """The other's goes on."""
    green = await _served(engine, "green")
    call = engine.call(tenant_id="blue")
    blue = await engine.environment()
    assert (blue.ask() or await blue.event()).body == b"{}"
    await engine.pass_time(4)
    assert (await error_of(call))["errorType"] == "Sandbox.Timedout"
    assert engine.live() == [green.live]


def _of(engine: Engine, tenant_id: str) -> LiveEnvironment:
    (live,) = (one for one in engine.live() if one.environment.version.tenant_id == tenant_id)
    return live
