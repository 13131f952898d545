"""What is kept for a function, an environment or an invocation goes with it: in memory nothing grows for ever."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

import pytest

from orchestrator.domain.errors import TooManyRequests
from orchestrator.domain.invocations import FunctionError, InvocationType
from orchestrator.domain.names import FunctionKey, FunctionReference, VersionKey
from orchestrator.driver.protocol import ContainerEnded, EngineUnreachable
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from tests.support.builders import KEY
from tests.support.engine import Engine, answer_of, error_of

pytestmark = pytest.mark.slow

_PATIENCE_S = 0.01


def sizes(engine: Engine) -> dict[str, int]:
    """How much is in every collection of every part that can be reached from these."""
    parts = (
        *(engine.fleet, engine.dispatcher, engine.leases, engine.events, engine.output, engine.front_desk),
        engine.provisioning,
    )
    found: dict[str, int] = {}
    seen: set[int] = set()

    def look(thing: object, name: str) -> None:
        if id(thing) in seen:
            return
        seen.add(id(thing))
        if isinstance(thing, (dict, set, list, deque)):
            found[name] = len(thing)
        elif type(thing).__module__.startswith("orchestrator."):
            for attribute, value in _attributes(thing):
                look(value, f"{type(thing).__name__}.{attribute}")

    for part in parts:
        look(part, type(part).__name__)
    return found


def _attributes(thing: object) -> Iterator[tuple[str, object]]:
    yield from getattr(thing, "__dict__", {}).items()
    for name in getattr(type(thing), "__slots__", ()):
        yield name, getattr(thing, name, None)


class _Caller:
    """Calls one function."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.key = FunctionKey(KEY.account, KEY.region, name)

    def call(self, *, log_tail: bool = False) -> asyncio.Task[InvokeResult]:
        """A synchronous call, under way."""
        return asyncio.create_task(self._invoke(InvocationType.REQUEST_RESPONSE, log_tail))

    async def send(self) -> None:
        """An event."""
        await self._invoke(InvocationType.EVENT, False)

    async def _invoke(self, kind: InvocationType, log_tail: bool) -> InvokeResult:
        return await self.engine.front_desk.invoke(
            InvokeRequest(
                reference=FunctionReference(self.key), invocation_type=kind, payload=b"{}", wants_log_tail=log_tail
            )
        )


async def _life(engine: Engine, name: str) -> None:
    """A function is created, called in every way, fails in many, is throttled, and is deleted with an event queued."""
    caller = _Caller(engine, name)
    await engine.deploy(key=caller.key)
    first = caller.call(log_tail=True)
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    runtime.ask()
    await engine.settle()
    engine.clock.advance(1)
    await answer_of(first)
    await caller.send()
    runtime.answer(await runtime.event(), FunctionError(payload=b"{}", error_type="Function.Bad"))
    await engine.until_written(caller.key)
    runtime.ask()
    # Killed while it works.
    killed = caller.call()
    await runtime.event()
    engine.fleet.happened(
        ContainerEnded(environment_id=runtime.live.environment_id, at=engine.clock.now(), exit_code=137)
    )
    assert (await error_of(killed))["errorType"] == "Runtime.ExitError"
    await engine.settle()
    # Its init fails, and again inside the call; then it is not started at all.
    unlucky = caller.call()
    for _ in range(2):
        engine.dispatcher.init_failed(
            (await engine.environment()).live, FunctionError(payload=b"{}", error_type="Runtime.Init")
        )
    await error_of(unlucky)
    engine.driver.sandbox_failures.append(EngineUnreachable("start it"))
    left = caller.call()
    await engine.scale()
    left.cancel()
    await engine.settle()
    # Provisioned: one fails, one comes up.
    await engine.publish("1", caller.key)
    await engine.provision("1", 1, caller.key)
    for one in [live for live in engine.live() if live.environment.is_provisioned]:
        engine.dispatcher.init_failed(one, FunctionError(payload=b"{}", error_type="Runtime.Init"))
    await engine.keep_provisioned()
    engine.provisioning.begin_anew(caller.key)
    (provisioned,) = await engine.keep_provisioned()
    provisioned.ask()
    # No concurrency; an event stays queued, and the function is deleted before it runs.
    await engine.store.functions.set_reserved_concurrency(caller.key, 0)
    with pytest.raises(TooManyRequests):
        await caller.call()
    await caller.send()
    await engine.store.functions.delete(caller.key)
    engine.fleet.retire_outdated(caller.key)
    await engine.events.tick()
    await engine.until_written(caller.key)
    await engine.events.tick()
    await engine.keep_provisioned()
    await engine.output.tick()
    await engine.pass_time(1)


async def test_no_collection_is_larger_after_many_functions_lives_than_after_one(engine: Engine) -> None:
    """Of no part, whatever it is keyed by."""
    await _life(engine, "first")
    before = sizes(engine)
    for number in range(20):
        await _life(engine, f"function-{number}")
    after = sizes(engine)
    assert "Pools._pools" in before
    assert "Leases._held" in before
    assert "Provisioning._versions" in before
    assert {name: (before.get(name), size) for name, size in after.items() if size > before.get(name, 0)} == {}


async def test_the_pool_of_a_function_without_environments_goes_with_the_function(engine: Engine) -> None:
    """Its last environment went long before: nothing else would end it."""
    runtime = await engine.warm()
    await engine.pass_time(700)
    assert runtime.live.environment.is_ending
    assert len(engine.fleet.pools) == 1
    await engine.store.functions.delete(KEY)
    engine.fleet.retire_outdated(KEY)
    assert len(engine.fleet.pools) == 0
    assert engine.fleet.pool(VersionKey(KEY)).serving() == 0
    assert len(engine.fleet.pools) == 0


async def test_who_waited_in_vain_for_a_lease_is_not_remembered(engine: Engine) -> None:
    """Nor who left meanwhile: a function that never returns one would gather them."""
    assert engine.leases.take(KEY, "held for ever") is None
    await engine.leases.wait_for_return(KEY, _PATIENCE_S)
    left = asyncio.create_task(engine.leases.wait_for_return(KEY, 60))
    await engine.settle()
    left.cancel()
    await asyncio.wait([left])
    assert engine.leases._waiters == {}
