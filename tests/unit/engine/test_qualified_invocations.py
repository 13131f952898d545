"""Invoking a version or an alias: where it runs, what it sees, and what becomes of it when that is deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.domain.errors import ResourceConflict, ResourceNotFound
from orchestrator.domain.functions import FunctionState
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import VersionKey
from tests.support.builders import KEY
from tests.support.engine import Engine, answer_of


@pytest.mark.parametrize(
    ("qualifier", "version", "arn_ends"),
    [
        (None, "$LATEST", ":function:hello"),
        ("$LATEST", "$LATEST", ":function:hello:$LATEST"),
        ("1", "1", ":function:hello:1"),
        ("live", "1", ":function:hello:live"),
        ("dev", "$LATEST", ":function:hello:dev"),
    ],
)
async def test_a_call_runs_on_what_its_qualifier_leads_to_and_sees_the_arn_it_was_called_by(
    engine: Engine, qualifier: str | None, version: str, arn_ends: str
) -> None:
    """Its variables, its log and its answer have the version."""
    await engine.publish("1")
    await engine.alias("live", "1")
    await engine.alias("dev", "$LATEST")
    call = engine.call(qualifier=qualifier, log_tail=True)
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    assert dict(event.headers)[b"lambda-runtime-invoked-function-arn"].decode().endswith(arn_ends)
    (spec,) = engine.driver.opened
    assert (spec.function_version, spec.environment["AWS_LAMBDA_FUNCTION_VERSION"]) == (version, version)
    assert f"/[{version}]" in spec.environment["AWS_LAMBDA_LOG_STREAM_NAME"]
    runtime.answer(event)
    await engine.settle()
    engine.clock.advance(5)
    await engine.output.tick()
    answer = await answer_of(call)
    assert answer.executed_version == version
    assert answer.log_tail is not None
    assert f"Version: {version}" in answer.log_tail


async def test_versions_do_not_share_environments(engine: Engine) -> None:
    """Each has a pool of its own."""
    await engine.publish("1")
    runtime = await engine.warm()
    call = engine.call(qualifier="1")
    of_one = await engine.environment()
    of_one.answer(of_one.ask() or await of_one.event())
    assert (await answer_of(call)).executed_version == "1"
    assert (runtime.live.version.version, of_one.live.version.version) == ("$LATEST", "1")
    assert [engine.fleet.pool(VersionKey(KEY, version)).serving() for version in ("$LATEST", "1")] == [1, 1]


@pytest.mark.parametrize("qualifier", ["1", "live"])
async def test_what_is_not_there_is_not_found(engine: Engine, qualifier: str) -> None:
    """AWS names what was asked for."""
    with pytest.raises(ResourceNotFound, match=f"^Function not found: arn:.*:function:hello:{qualifier}$"):
        await answer_of(engine.call(qualifier=qualifier))


async def test_a_version_that_is_pending_is_a_conflict_though_latest_is_active(engine: Engine) -> None:
    """By its number and by an alias."""
    await engine.publish("1", state=FunctionState.PENDING)
    await engine.alias("live", "1")
    for qualifier in ("1", "live"):
        with pytest.raises(ResourceConflict, match="following state: Pending"):
            await answer_of(engine.call(qualifier=qualifier))


async def test_an_event_runs_on_what_its_alias_leads_to_when_it_runs(engine: Engine) -> None:
    """Not on what it led to when it was accepted."""
    await engine.publish("1")
    await engine.publish("2")
    await engine.alias("live", "1")
    engine.events._is_closed = True  # nothing takes it yet
    request_id = await engine.send(qualifier="live")
    engine.events._is_closed = False
    await engine.alias("live", "2")
    await engine.events.tick()
    runtime = await engine.environment()
    assert runtime.live.version.version == "2"
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(request_id, "succeeded")


@pytest.mark.parametrize(("qualifier", "named"), [("live", "AliasDeleted"), ("1", "VersionDeleted")])
async def test_an_event_whose_target_was_deleted_is_set_aside_and_named(
    engine: Engine, qualifier: str, named: str
) -> None:
    """The function is still there."""
    await engine.publish("1")
    await engine.alias("live", "1")
    engine.events._is_closed = True  # nothing takes it yet
    request_id = await engine.send(qualifier=qualifier)
    engine.events._is_closed = False
    await engine.store.functions.delete_alias(KEY, "live")
    await engine.store.functions.delete_version(KEY, "1")
    await engine.events.tick()
    await engine.until_state(request_id, "failed")
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.error_type == named


async def test_an_event_that_waits_for_an_environment_of_a_deleted_version_goes_where_its_alias_leads(
    engine: Engine,
) -> None:
    """It had been handed to the dispatcher."""
    await engine.publish("1")
    await engine.alias("live", "1")
    request_id = await engine.send(qualifier="live")
    await engine.publish("2")
    await engine.alias("live", "2")
    await engine.store.functions.delete_version(KEY, "1")
    await engine.pass_time(0.1)
    await engine.events.tick()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(request_id, "succeeded")
    assert runtime.live.version.version == "2"


async def test_events_of_an_alias_wait_while_it_leads_to_a_version_that_is_pending(engine: Engine) -> None:
    """They are kept, and run once it is active; others do not wait for them."""
    await engine.publish("1")
    await engine.publish("2", state=FunctionState.PENDING)
    await engine.alias("live", "1")
    engine.events._is_closed = True  # nothing takes it yet
    waiting = await engine.send(qualifier="live")
    engine.events._is_closed = False
    await engine.alias("live", "2")
    other = await engine.send()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(other, "succeeded")
    await engine.events.tick()
    assert await engine.state_of(waiting) == "queued"
    function = engine.store.functions.get(KEY)
    assert function is not None
    second = function.versions["2"]
    active = replace(second, state=FunctionState.ACTIVE)
    assert await engine.store.functions.replace_version(active, expected_revision=second.revision_id)
    await engine.events.tick()
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await engine.until_state(waiting, "succeeded")


async def test_a_backlog_counts_for_the_version_that_it_will_run_on(engine: Engine) -> None:
    """An alias's by its weights."""
    await engine.publish("1")
    await engine.publish("2")
    await engine.alias("live", "1", {"2": 0.25})
    for _ in range(48):
        await engine.send(qualifier="live")
    for _ in range(12):
        await engine.send(qualifier="1")
    engine.draw = iter([0.1, 0.9] * 100).__next__
    await engine.events.tick()
    # Eight sent to the alias are in hand, and one sent to the version.
    assert engine.dispatcher.waiting._backlog == {VersionKey(KEY, "1"): 30 + 11, VersionKey(KEY, "2"): 10}


async def test_many_events_of_one_alias_do_not_keep_those_of_another_from_running(engine: Engine) -> None:
    """What is in hand is bounded for each."""
    await engine.publish("1")
    await engine.alias("slow", "1")
    for _ in range(40):
        await engine.send(qualifier="slow")
    request_id = await engine.send()
    await engine.events.tick()
    await engine.scale()
    assert {live.version.version for live in engine.live()} == {"$LATEST", "1"}
    assert await engine.state_of(request_id) == "queued"


async def test_deleting_a_version_ends_its_environments_and_no_others(engine: Engine) -> None:
    """As deleted."""
    await engine.publish("1")
    kept = await engine.warm()
    call = engine.call(qualifier="1")
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    runtime.ask()
    await engine.store.functions.delete_version(KEY, "1")
    engine.fleet.retire_outdated(KEY)
    await engine.settle()
    assert engine.live() == [kept.live]
    assert [entry.detail["reason"] for entry in engine.seen(LifecycleEvent.GONE)] == ["deleted"]
