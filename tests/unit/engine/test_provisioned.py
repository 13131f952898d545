"""Provisioned concurrency: environments that are there before anybody calls, are kept, and are replaced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from orchestrator.domain.environments import EnvironmentState, StopReason
from orchestrator.domain.errors import TooManyRequests
from orchestrator.domain.functions import FunctionState
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import FunctionError
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import ProvisionedStatus
from orchestrator.domain.provisioning import ENDED_UNUSED, INIT_FAILURE
from orchestrator.driver.protocol import ContainerEnded, EngineBack, EngineLost, EngineUnreachable, StartFailed
from tests.support.builders import KEY
from tests.support.engine import Engine, EngineMaker, answer_of
from tests.support.runtime import ScriptedRuntime

READY, IN_PROGRESS, FAILED = ProvisionedStatus.READY, ProvisionedStatus.IN_PROGRESS, ProvisionedStatus.FAILED
AT_IMPORT = FunctionError(payload=b'{"errorMessage":"at import"}', error_type="Runtime.ImportModuleError")
Provisioned = Callable[..., Awaitable[list[ScriptedRuntime]]]


@pytest.fixture
async def published(engine: Engine) -> Engine:
    """The function has version 1, to which `live` leads, and version 2."""
    await engine.publish("1")
    await engine.publish("2")
    await engine.alias("live", "1")
    return engine


@pytest.fixture
def provisioned(published: Engine) -> Provisioned:
    """Asks for so many, and lets them come up."""

    async def provisioned(qualifier: str = "live", count: int = 2) -> list[ScriptedRuntime]:
        known = set(published.live())
        await published.provision(qualifier, count)
        started = [ScriptedRuntime(published.dispatcher, live) for live in published.live() if live not in known]
        assert [runtime.ask() for runtime in started] == [None] * len(started)
        await published.keep_provisioned()
        return started

    return provisioned


def progress(engine: Engine, qualifier: str = "live") -> tuple[ProvisionedStatus, int, int]:
    """Its status, how many are allocated, and how many available."""
    found = engine.provisioned(qualifier)
    return found.status, found.allocated, found.available


def dies(engine: Engine, runtime: ScriptedRuntime) -> None:
    """Its program exits."""
    engine.fleet.happened(
        ContainerEnded(environment_id=runtime.live.environment_id, at=engine.clock.now(), exit_code=1)
    )


async def test_environments_are_there_before_anybody_calls(published: Engine) -> None:
    """They tell the function so, and are counted truly on the way."""
    engine = published
    may_open = engine.driver.hold_opening()
    assert [engine.provisioning.found(VersionKey(KEY, one)).allocated for one in ("1", "2")] == [0, 0]
    await engine.provision("live", 2)
    assert progress(engine) == (IN_PROGRESS, 2, 0)
    may_open.set()
    await engine.settle()
    first, second = (ScriptedRuntime(engine.dispatcher, live) for live in engine.live())
    first.ask()
    assert progress(engine) == (IN_PROGRESS, 2, 1)
    second.ask()
    assert progress(engine) == (READY, 2, 2)
    assert [spec.function_version for spec in engine.driver.opened] == ["1", "1"]
    assert {spec.environment["AWS_LAMBDA_INITIALIZATION_TYPE"] for spec in engine.driver.opened} == {
        "provisioned-concurrency"
    }


async def test_a_call_finds_one_and_starts_none(published: Engine, provisioned: Provisioned) -> None:
    """Through the alias, or by the version's number: they share its environments. At work it is still available."""
    await provisioned()
    for qualifier in ("live", "1"):
        call = published.call(qualifier=qualifier)
        await published.scale()
        assert len(published.live()) == 2
        (live,) = (one for one in published.live() if one.state is EnvironmentState.BUSY)
        assert progress(published) == (READY, 2, 2)
        assert live.assignment is not None
        runtime = ScriptedRuntime(published.dispatcher, live)
        runtime.answer(live.assignment.event)
        assert (await answer_of(call)).executed_version == "1"
        runtime.ask()


async def test_when_all_are_busy_calls_spill_over_to_environments_on_demand(
    published: Engine, provisioned: Provisioned
) -> None:
    """Which go when they are idle for long, while the provisioned ones stay."""
    (kept,) = await provisioned(count=1)
    first = published.call(qualifier="live")
    event = await kept.event()
    second = published.call(qualifier="live")
    spilled = await published.environment()
    spilled.answer(spilled.ask() or await spilled.event())
    await answer_of(second)
    spilled.ask()
    kept.answer(event)
    await answer_of(first)
    kept.ask()
    assert [spec.environment["AWS_LAMBDA_INITIALIZATION_TYPE"] for spec in published.driver.opened] == [
        "provisioned-concurrency",
        "on-demand",
    ]
    assert progress(published) == (READY, 1, 1)
    await published.pass_time(601)
    await published.pass_time(601)
    assert published.live() == [kept.live]
    assert spilled.live.environment.stop_reason is StopReason.IDLE
    assert kept.live.state is EnvironmentState.FROZEN


async def test_a_provisioned_one_is_taken_before_one_on_demand_however_recently_that_was_used(
    published: Engine, provisioned: Provisioned
) -> None:
    """So what was started on demand becomes idle and goes."""
    call = published.call(qualifier="live")
    on_demand = await published.environment()
    on_demand.answer(on_demand.ask() or await on_demand.event())
    await answer_of(call)
    (kept,) = await provisioned(count=1)
    on_demand.ask()
    call = published.call(qualifier="live")
    kept.answer(await kept.event())
    await answer_of(call)


async def test_none_is_evicted_for_another_function(make_engine: EngineMaker) -> None:
    """Who finds no room is refused, as by a full account."""
    engine = make_engine(memory_mib=320)
    await engine.deploy()
    await engine.publish("1")
    await engine.provision("1", 2)
    for live in engine.live():
        ScriptedRuntime(engine.dispatcher, live).ask()
    engine.clock.advance(60)
    call = engine.call()
    await engine.scale()
    await engine.pass_time(11)
    with pytest.raises(TooManyRequests):
        await answer_of(call)
    assert progress(engine, "1") == (READY, 2, 2)


async def test_without_room_it_fails_and_goes_on_when_there_is_room(make_engine: EngineMaker) -> None:
    """The last fifth of the room is left to whoever calls another function."""
    engine = make_engine(memory_mib=256)
    await engine.deploy()
    await engine.publish("1")
    await engine.provision("1", 2)
    ScriptedRuntime(engine.dispatcher, engine.live()[0]).ask()
    await engine.keep_provisioned()
    assert progress(engine, "1") == (IN_PROGRESS, 1, 1)
    engine.clock.advance(10)
    await engine.keep_provisioned()
    assert progress(engine, "1") == (FAILED, 1, 1)
    assert "this host has no room" in (engine.provisioned("1").reason or "")
    await engine.provision("1", 1)
    assert progress(engine, "1") == (READY, 1, 1)


async def test_what_is_idle_on_demand_makes_room(make_engine: EngineMaker) -> None:
    """It goes, and the provisioned one comes when it has gone."""
    engine = make_engine(memory_mib=160)
    await engine.deploy()
    await engine.publish("1")
    idle = await engine.warm()
    engine.clock.advance(5)
    await engine.provision("1", 1)
    assert idle.live.environment.stop_reason is StopReason.CAPACITY
    (started,) = await engine.keep_provisioned()
    assert started.live.environment.is_provisioned


async def test_one_that_dies_at_work_is_replaced_at_once(published: Engine, provisioned: Provisioned) -> None:
    """One by one: the other stays."""
    first, second = await provisioned()
    call = published.call(qualifier="live")
    await second.event()
    dies(published, second)
    assert (await answer_of(call)).function_error == "Unhandled"
    assert progress(published) == (IN_PROGRESS, 1, 1)
    (third,) = await published.keep_provisioned()
    assert progress(published) == (IN_PROGRESS, 2, 1)
    third.ask()
    assert progress(published) == (READY, 2, 2)
    assert not first.live.environment.is_ending


async def test_an_init_that_fails_is_told_and_tried_again_later_and_later(published: Engine) -> None:
    """One at a time, until one comes up; then all of them. The next call's init is not to blame."""
    engine = published
    await engine.provision("live", 3)
    assert progress(engine) == (IN_PROGRESS, 3, 0)
    for live in engine.live():
        engine.dispatcher.init_failed(live, AT_IMPORT)
    await engine.settle()
    waits = []
    for wait_s in (1, 2, 4, 8):
        assert await engine.keep_provisioned() == []
        found = engine.provisioned("live")
        assert (found.status, found.reason, found.allocated) == (FAILED, INIT_FAILURE, 0)
        waits.append(engine.seen(LifecycleEvent.NOT_PROVISIONED)[-1].detail["retry_after_s"])
        engine.clock.advance(wait_s - 0.001)
        assert await engine.keep_provisioned() == []
        engine.clock.advance(0.001)
        (tried,) = await engine.keep_provisioned()
        assert progress(engine) == (FAILED, 1, 0)
        engine.dispatcher.init_failed(tried.live, AT_IMPORT)
        await engine.settle()
    assert waits == [1, 2, 4, 8]
    assert not engine.fleet.pool(VersionKey(KEY, "1")).learnt.last_init_failed
    await engine.keep_provisioned()
    engine.clock.advance(16)
    (good,) = await engine.keep_provisioned()
    good.ask()
    others = await engine.keep_provisioned()
    assert progress(engine) == (IN_PROGRESS, 3, 1)
    assert [one.ask() for one in others] == [None, None]
    assert progress(engine) == (READY, 3, 3)


async def test_what_comes_up_and_ends_by_itself_makes_no_crash_loop(published: Engine) -> None:
    """Each start passes its init, and yet each waits longer than the one before."""
    engine = published
    await engine.provision("live", 1)
    for wait_s in (1, 2, 4):
        (live,) = engine.live()
        runtime = ScriptedRuntime(engine.dispatcher, live)
        runtime.ask()
        await engine.keep_provisioned()
        dies(engine, runtime)
        await engine.until_gone()
        assert await engine.keep_provisioned() == []
        assert (engine.provisioned("live").status, engine.provisioned("live").reason) == (FAILED, ENDED_UNUSED)
        engine.clock.advance(wait_s)
        assert len(await engine.keep_provisioned()) == 1


async def test_an_init_may_take_130_s(published: Engine) -> None:
    """Then it has failed."""
    engine = published
    await engine.provision("live", 1)
    (live,) = engine.live()
    await engine.pass_time(129)
    assert live.state is EnvironmentState.INITIALIZING
    await engine.pass_time(1)
    await engine.keep_provisioned()
    assert live.environment.stop_reason is StopReason.INIT_TIMEOUT
    assert (engine.provisioned("live").status, engine.provisioned("live").reason) == (FAILED, INIT_FAILURE)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (StartFailed("Runtime.InvalidEntrypoint", "exec /x: no such file"), INIT_FAILURE),
        (StartFailed("Sandbox.Failure", "no space left on device"), "no space left on device"),
        (EngineUnreachable("Docker does not answer"), "Docker does not answer"),
    ],
)
async def test_a_start_that_fails_says_why(published: Engine, failure: Exception, reason: str) -> None:
    """The function's fault in AWS's word, ours in the engine's."""
    engine = published
    engine.driver.open_failures.append(failure)
    await engine.provision("live", 1)
    await engine.keep_provisioned()
    found = engine.provisioned("live")
    assert (found.status, found.allocated) == (FAILED, 0)
    assert reason in (found.reason or "")
    (told,) = engine.seen(LifecycleEvent.NOT_PROVISIONED)
    assert told.detail["reason"] == found.reason
    if reason == INIT_FAILURE:
        (init,) = engine.seen(LifecycleEvent.INIT_FAILED)
        assert "exec /x: no such file" in str(init.detail["diagnosis"])
    engine.clock.advance(1)
    (again,) = await engine.keep_provisioned()
    again.ask()
    await engine.keep_provisioned()
    assert progress(engine) == (READY, 1, 1)


async def test_configured_anew_it_is_tried_at_once(published: Engine) -> None:
    """Whoever asks again has changed something."""
    engine = published
    await engine.provision("live", 1)
    engine.dispatcher.init_failed(engine.live()[0], AT_IMPORT)
    await engine.keep_provisioned()
    assert engine.provisioned("live").status is FAILED
    engine.provisioning.begin_anew(FunctionKey("0", "eu-west-1", "other"))
    assert engine.provisioned("live").status is FAILED
    engine.provisioning.begin_anew(KEY)
    assert engine.provisioned("live").status is IN_PROGRESS
    assert len(await engine.keep_provisioned()) == 1


async def test_an_alias_that_is_moved_takes_them_along(published: Engine, provisioned: Provisioned) -> None:
    """What was provisioned for the old version goes; what works there ends its work first."""
    idle, busy = await provisioned()
    call = published.call(qualifier="live")
    event = await busy.event()
    await published.alias("live", "2")
    started = await published.keep_provisioned()
    assert [one.live.version.version for one in started] == ["2", "2"]
    assert progress(published) == (IN_PROGRESS, 2, 0)
    assert idle.live.environment.stop_reason is StopReason.UNPROVISIONED
    assert busy.live.state is EnvironmentState.BUSY
    busy.answer(event)
    assert (await answer_of(call)).executed_version == "1"
    busy.ask()
    await published.keep_provisioned()
    assert busy.live.environment.stop_reason is StopReason.UNPROVISIONED
    for one in started:
        one.ask()
    assert progress(published) == (READY, 2, 2)


async def test_an_alias_that_leads_to_two_versions_has_them_at_both(
    published: Engine, provisioned: Provisioned
) -> None:
    """By its weights; no more in all."""
    kept = await provisioned(count=4)
    await published.alias("live", "1", {"2": 0.25})
    (fourth,) = await published.keep_provisioned()
    assert fourth.live.version.version == "2"
    assert sum(not one.live.environment.is_ending for one in kept) == 3
    assert progress(published) == (IN_PROGRESS, 4, 3)
    fourth.ask()
    assert progress(published) == (READY, 4, 4)


async def test_fewer_are_let_go_of_from_the_one_that_was_idle_for_longest(
    published: Engine, provisioned: Provisioned
) -> None:
    """A SIGTERM and its time: nobody waits for the room."""
    (first,) = await provisioned(count=1)
    published.clock.advance(1)
    second, third = await provisioned(count=3)
    await published.provision("live", 2)
    assert first.live.environment.stop_reason is StopReason.UNPROVISIONED
    assert [one.live.environment.is_ending for one in (second, third)] == [False, False]
    ((environment_id, grace),) = published.driver.stopped
    assert (environment_id, grace.total_seconds() > 0) == (first.live.environment_id, True)


async def test_what_is_taken_back_before_it_came_up_never_serves(published: Engine) -> None:
    """It is ended when the engine has opened it."""
    may_open = published.driver.hold_opening()
    await published.provision("live", 2)
    await published.provision("live", 0)
    may_open.set()
    await published.until_gone()
    assert await published.keep_provisioned() == []


@pytest.mark.parametrize("what", ["function", "version", "alias"])
async def test_with_what_they_were_provisioned_for_they_go(
    published: Engine, provisioned: Provisioned, what: str
) -> None:
    """And nothing is started again."""
    await provisioned("2" if what == "version" else "live")
    functions = published.store.functions
    match what:
        case "function":
            await functions.delete(KEY)
        case "version":
            await functions.delete_version(KEY, "2")
        case "alias":
            await functions.delete_alias(KEY, "live")
    published.fleet.retire_outdated(KEY)
    await published.keep_provisioned()
    await published.until_gone()
    assert await published.keep_provisioned() == []
    assert published.store.provisioned.wanted() == {}


async def test_after_a_restart_they_are_made_again(
    published: Engine, provisioned: Provisioned, make_engine: EngineMaker
) -> None:
    """What is wanted is on the disk; until they have come up it is in progress."""
    await provisioned()
    again = make_engine()
    assert progress(again) == (IN_PROGRESS, 0, 0)
    started = await again.keep_provisioned()
    assert progress(again) == (IN_PROGRESS, 2, 0)
    for one in started:
        one.ask()
    assert progress(again) == (READY, 2, 2)


async def test_when_the_engine_was_away_all_are_made_again_and_nothing_is_blamed(
    published: Engine, provisioned: Provisioned
) -> None:
    """They ended with it, not by themselves."""
    runtimes = await provisioned()
    published.fleet.happened(EngineLost(at=published.clock.now()))
    for one in runtimes:
        published.fleet.happened(
            ContainerEnded(environment_id=one.live.environment_id, at=published.clock.now(), engine_lost=True)
        )
    assert await published.keep_provisioned() == []
    assert progress(published) == (IN_PROGRESS, 0, 0)
    published.fleet.happened(EngineBack(at=published.clock.now()))
    assert len(await published.keep_provisioned()) == 2
    assert published.seen(LifecycleEvent.NOT_PROVISIONED) == []


async def test_a_version_without_its_image_is_waited_for_or_has_failed(engine: Engine) -> None:
    """As its state says."""
    pending = await engine.publish("1", state=FunctionState.PENDING, image=None)
    await engine.provision("1", 1)
    assert progress(engine, "1") == (IN_PROGRESS, 0, 0)
    await engine.publish("2", state=FunctionState.FAILED, image=None, state_reason="no such image")
    await engine.provision("2", 1)
    assert (engine.provisioned("2").status, engine.provisioned("2").reason) == (FAILED, "no such image")
    active = engine.current(VersionKey(KEY))
    assert active is not None
    settled = replace(pending, image=active.image, state=FunctionState.ACTIVE)
    assert await engine.store.functions.replace_version(settled, expected_revision=pending.revision_id)
    assert len(await engine.keep_provisioned()) == 1


async def test_many_start_a_few_at_a_time(published: Engine) -> None:
    """Half of what the host can start at once is left to those who wait for somebody."""
    may_open = published.driver.hold_opening()
    await published.provision("live", 20)
    await published.keep_provisioned()
    assert len(published.live()) == 4
    may_open.set()
    for _ in range(5):
        await published.settle()
        for live in published.live():
            if live.state is EnvironmentState.INITIALIZING:
                ScriptedRuntime(published.dispatcher, live).ask()
        await published.keep_provisioned()
    for live in published.live():
        if live.state is EnvironmentState.INITIALIZING:
            ScriptedRuntime(published.dispatcher, live).ask()
    assert progress(published) == (READY, 20, 20)


async def test_an_init_that_takes_its_time_keeps_no_other_from_starting(make_engine: EngineMaker) -> None:
    """It no longer takes the host's processor: the places are for those that do."""
    engine = make_engine()
    engine.provisioning.max_starting = 2
    other = FunctionKey(KEY.account, KEY.region, "other")
    for key in (KEY, other):
        await engine.deploy(key=key)
        await engine.publish("1", key=key)
        await engine.provision("1", 1, key=key)
    assert [live.version.key for live in engine.live()] == [KEY]
    await engine.pass_time(3)
    assert [runtime.live.version.key for runtime in await engine.keep_provisioned()] == [other]


async def test_outdated_ones_are_replaced(published: Engine, provisioned: Provisioned) -> None:
    """A tag that says how its environments are started has changed."""
    kept = await provisioned()
    await published.store.functions.change_tags(KEY, lambda _: {"paddock:writable-root": "true"}, revision_id="r")
    published.fleet.retire_outdated(KEY)
    started = await published.keep_provisioned()
    assert [one.live.environment.stop_reason for one in kept] == [StopReason.REPLACED] * 2
    assert [spec.has_writable_root for spec in published.driver.opened] == [False, False, True, True]
    assert progress(published) == (IN_PROGRESS, len(started), 0)


async def test_what_is_provisioned_is_kept_free_for_its_function(make_engine: EngineMaker) -> None:
    """Others share what is left of the account's concurrency; the function has its own, and that as well."""
    engine = make_engine(account_limit=3)
    await engine.deploy()
    await engine.publish("1")
    await engine.provision("1", 2)
    other = FunctionKey(KEY.account, KEY.region, "other")
    await engine.deploy(key=other)
    assert engine.leases.take(other, "a") is None
    assert engine.leases.take(other, "b") is not None
    assert [engine.leases.take(KEY, request) for request in ("c", "d")] == [None, None]
    assert engine.leases.take(KEY, "e") is not None
    engine.leases.give_back(other, "a")
    assert engine.leases.take(KEY, "e") is None
