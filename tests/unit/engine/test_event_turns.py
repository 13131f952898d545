"""Many targets of one function: their events in memory are few together, and none keeps another from its turn."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from orchestrator.domain.functions import FunctionState
from orchestrator.domain.names import FunctionKey, request_id_for
from orchestrator.domain.version_options import VersionOptions
from tests.support.builders import KEY, an_event
from tests.support.engine import Engine, EngineMaker
from tests.support.runtime import ScriptedRuntime

_ISOLATED = VersionOptions(is_tenant_isolated=True)


async def _wait_in_the_store(
    engine: Engine,
    count: int,
    *,
    qualifier: str | None = None,
    tenant_id: str | None = None,
    function: FunctionKey = KEY,
) -> None:
    """Events that were accepted by an earlier start."""
    keys = [engine.store.invocations.next_key() for _ in range(count)]
    events = (
        an_event(
            key,
            function=function,
            request_id=request_id_for(key, 1),
            qualifier=qualifier,
            tenant_id=tenant_id,
            accepted_at=engine.clock.now(),
            due_at=engine.clock.steady(),
        )
        for key in keys
    )
    await asyncio.gather(*(engine.store.invocations.accept(one, b"{}", promised=False) for one in events))


async def _an_alias_of_a_version_that_is_not_active(engine: Engine, name: str) -> None:
    await engine.publish("1", state=FunctionState.FAILED, image=None)
    await engine.alias(name, "1")


async def _until_ends_are_written(engine: Engine, *functions: FunctionKey) -> None:
    """Until then they have places, and no leases. Of one function, if none is named."""

    async def poll() -> None:
        while any(engine.events.in_hand(one) > engine.leases.held(one) for one in functions or (KEY,)):
            await engine.settle()

    await asyncio.wait_for(poll(), 5)


class _Runtimes:
    """Every environment answers whatever it is given, one event in each step."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.answered: list[str | None] = []
        self.answered_of: Counter[str] = Counter()
        self._of: dict[str, ScriptedRuntime] = {}

    async def step(self) -> None:
        """The loops look once, and who works answers."""
        engine = self._engine
        await engine.events.tick()
        await engine.scale()
        for live in engine.live():
            if live.environment_id not in self._of and live.state == "initializing":
                self._of[live.environment_id] = ScriptedRuntime(engine.dispatcher, live)
                self._of[live.environment_id].ask()
        for runtime in self._of.values():
            if runtime.live.state == "busy" and runtime.live.assignment is not None:
                self.answered.append(runtime.live.environment.version.tenant_id)
                self.answered_of[runtime.live.environment.version.function.name] += 1
                runtime.answer(runtime.live.assignment.event)
                runtime.ask()
        await engine.pass_time(1)


@pytest.mark.parametrize("is_fed", [False, True], ids=["as they come", "from the store"])
async def test_events_of_many_tenants_that_wait_throttle_nobody(make_engine: EngineMaker, is_fed: bool) -> None:
    """What waits in memory holds leases: it is bounded for the function, however many targets it has."""
    engine = make_engine(environments=10)
    await engine.deploy(reserved=20, options=_ISOLATED)
    for tenant in range(30):
        if is_fed:
            await _wait_in_the_store(engine, 8, tenant_id=f"tenant-{tenant}")
        else:
            await asyncio.gather(*(engine.send(tenant_id=f"tenant-{tenant}") for _ in range(8)))
    for _ in range(3):
        await engine.events.tick()
    assert engine.events.in_hand(KEY) == engine.leases.held(KEY) == 16
    call = engine.call(tenant_id="somebody")
    await engine.settle()
    assert not call.done(), "it waits for an environment"
    call.cancel()


async def test_a_target_that_cannot_go_on_hides_no_other(engine: Engine) -> None:
    """However much of it is due, and for longer."""
    await _an_alias_of_a_version_that_is_not_active(engine, "stuck")
    await _wait_in_the_store(engine, 1100, qualifier="stuck")
    await _wait_in_the_store(engine, 12)
    runtimes = _Runtimes(engine)
    for _ in range(20):
        await runtimes.step()
        await _until_ends_are_written(engine)
    assert len(runtimes.answered) == 12


async def test_a_quiet_tenant_has_its_turn_before_a_loud_one_is_through(make_engine: EngineMaker) -> None:
    """Though the loud one's wait for longer, and more of them come all the time."""
    engine = make_engine()
    await engine.deploy(options=_ISOLATED)
    await _wait_in_the_store(engine, 300, tenant_id="loud")
    quiet = [f"quiet-{number:02}" for number in range(20)]
    for tenant in quiet:
        await _wait_in_the_store(engine, 2, tenant_id=tenant)
    runtimes = _Runtimes(engine)
    for _ in range(100):
        await asyncio.gather(*(engine.send(tenant_id="loud") for _ in range(8)))
        await runtimes.step()
        answered = Counter(runtimes.answered)
        if all(answered[tenant] == 2 for tenant in quiet):
            break
    assert [answered[tenant] for tenant in quiet] == [2] * 20
    assert await engine.store.invocations.count_unfinished(KEY) > 200
    assert answered["loud"] > 20


async def test_a_loud_tenant_does_not_keep_the_leases_of_a_reservation_for_itself(make_engine: EngineMaker) -> None:
    """There are fewer of them than places. Who had one goes behind those who wait for one."""
    engine = make_engine()
    await engine.deploy(reserved=2, options=_ISOLATED)
    await _wait_in_the_store(engine, 300, tenant_id="a-loud-one")
    for tenant in ("b", "c"):
        await _wait_in_the_store(engine, 3, tenant_id=tenant)
    runtimes = _Runtimes(engine)
    for _ in range(40):
        await runtimes.step()
        await _until_ends_are_written(engine)
    answered = Counter(runtimes.answered)
    assert (answered["b"], answered["c"]) == (3, 3)
    assert answered["a-loud-one"] > 10


@pytest.mark.parametrize("is_of_another", [False, True], ids=["a reservation", "the account"])
async def test_what_is_new_does_not_take_the_lease_that_another_waits_for(
    make_engine: EngineMaker, is_of_another: bool
) -> None:
    """It comes in the moment in which one was given back, and nothing has been fed since."""
    engine = make_engine(account_limit=1)
    await engine.deploy(reserved=None if is_of_another else 1, options=_ISOLATED)
    other = KEY._replace(name="other")
    if is_of_another:
        await engine.deploy(key=other)
    await engine.send(tenant_id="loud")
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    await _wait_in_the_store(
        engine, 1, tenant_id=None if is_of_another else "quiet", function=other if is_of_another else KEY
    )
    await engine.events.tick()
    runtime.answer(event)
    runtime.ask()
    await _until_ends_are_written(engine)
    await engine.send(tenant_id="loud")
    assert engine.leases.held(KEY) == 0, "it waits in the store, where they take turns"
    await engine.events.tick()
    await engine.events.tick()
    assert engine.leases.held(KEY) + engine.leases.held(other) == 1


async def test_a_loud_function_does_not_keep_the_leases_of_an_account_for_itself(make_engine: EngineMaker) -> None:
    """Each tick begins with another function."""
    engine = make_engine(account_limit=2)
    loud, quiet = KEY._replace(name="a-loud-one"), KEY._replace(name="quiet")
    for function, count in ((loud, 300), (quiet, 3)):
        await engine.deploy(key=function)
        await _wait_in_the_store(engine, count, function=function)
    runtimes = _Runtimes(engine)
    for _ in range(40):
        await runtimes.step()
        await _until_ends_are_written(engine, loud, quiet)
    assert runtimes.answered_of["quiet"] == 3
    assert runtimes.answered_of["a-loud-one"] > 10


async def test_what_is_too_old_behind_a_target_without_a_lease_is_set_aside(make_engine: EngineMaker) -> None:
    """It needs none, nor a place."""
    engine = make_engine()
    await engine.deploy(reserved=1, options=_ISOLATED)
    await _wait_in_the_store(engine, 250, tenant_id="z")
    engine.clock.advance(7 * 3600)
    call = engine.call(tenant_id="somebody")
    await engine.settle()
    await _wait_in_the_store(engine, 8, tenant_id="a")
    for _ in range(3):
        await engine.events.tick()
        await engine.settle()
    assert await engine.store.invocations.count_unfinished(KEY) == 8 + 1
    call.cancel()


async def test_where_many_are_too_old_the_next_tick_comes_at_once(
    make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are set aside many at a time, and hold up nothing behind them for long."""
    engine = make_engine()
    await engine.deploy()
    await _wait_in_the_store(engine, 250)
    engine.clock.advance(7 * 3600)
    wakes: list[None] = []
    monkeypatch.setattr(engine.events, "_wake", lambda: wakes.append(None))
    waiting = []
    for _ in range(4):
        await engine.events.tick()
        waiting.append((await engine.store.invocations.count_unfinished(KEY), len(wakes)))
    assert waiting == [(142, 1), (34, 2), (0, 2), (0, 2)]


async def test_each_of_more_targets_than_one_tick_looks_at_has_its_turn(make_engine: EngineMaker) -> None:
    """A tick goes on where the last one ended."""
    engine = make_engine(environments=200)
    await engine.deploy(options=_ISOLATED)
    tenants = [f"tenant-{number:03}" for number in range(70)]
    for tenant in tenants:
        await _wait_in_the_store(engine, 1, tenant_id=tenant)
    runtimes = _Runtimes(engine)
    for _ in range(150):
        await runtimes.step()
        if len(runtimes.answered) == len(tenants):
            break
    assert sorted(tenant or "" for tenant in runtimes.answered) == tenants


async def test_targets_that_cannot_go_on_are_passed_without_haste(
    make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are too many for one tick. Nothing is looked at again before its time, and who is behind them is found."""
    engine = make_engine()
    await engine.deploy(options=_ISOLATED)
    await _an_alias_of_a_version_that_is_not_active(engine, "stuck")
    for number in range(100):
        await _wait_in_the_store(engine, 1, qualifier="stuck", tenant_id=f"tenant-{number:03}")
    await _wait_in_the_store(engine, 1, qualifier="version-of-nobody", tenant_id="z")
    wakes: list[None] = []
    monkeypatch.setattr(engine.events, "_wake", lambda: wakes.append(None))
    for unfinished, woken in ((101, 0), (100, 2), (100, 2), (100, 2)):
        await engine.events.tick()
        await engine.until_written()
        await engine.settle()
        assert await engine.store.invocations.count_unfinished(KEY) == unfinished
        assert len(wakes) == woken, "only where something moved, and by its end"


async def test_the_next_tick_comes_at_once_while_there_are_places_and_more_targets(
    make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on as long as something moves; then no more."""
    engine = make_engine()
    await engine.deploy(options=_ISOLATED)
    for number in range(100):
        await _wait_in_the_store(engine, 1, tenant_id=f"tenant-{number:03}")
    engine.clock.advance(7 * 3600)
    wakes: list[None] = []
    monkeypatch.setattr(engine.events, "_wake", lambda: wakes.append(None))
    waiting = []
    for _ in range(3):
        await engine.events.tick()
        waiting.append((await engine.store.invocations.count_unfinished(KEY), len(wakes)))
    assert waiting == [(36, 1), (0, 1), (0, 1)]
