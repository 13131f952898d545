"""A deploy has no gap: whatever is under way or waits, no invocation fails, and none runs twice."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from random import Random

import pytest

from orchestrator.invocations.requests import InvokeResult
from tests.support.builders import KEY
from tests.support.engine import Engine
from tests.support.working_runtimes import WorkingRuntimes

pytestmark = pytest.mark.slow

DEPLOYS = 10
_MOST_TURNS = 500
_LONG = timedelta(seconds=900)


class Load:
    """Calls and events, each with a number of its own."""

    def __init__(self, engine: Engine, runtimes: WorkingRuntimes, qualifier: str | None) -> None:
        self._engine = engine
        self._runtimes = runtimes
        self._qualifier = qualifier
        self.calls: dict[int, asyncio.Task[InvokeResult]] = {}
        self.events: dict[int, str] = {}

    async def come(self) -> None:
        """Four callers, and an event."""
        for _ in range(4):
            number = self._next()
            self.calls[number] = self._engine.call({"n": number}, qualifier=self._qualifier)
        number = self._next()
        self.events[number] = await self._engine.send({"n": number}, qualifier=self._qualifier)

    async def until_all_ended(self) -> None:
        """Nothing waits and nothing runs."""
        for _ in range(_MOST_TURNS):
            if all(call.done() for call in self.calls.values()) and not self._engine.events.in_hand(KEY):
                return
            await self._runtimes.turn()
        raise AssertionError("something waits for ever")

    async def check(self) -> None:
        """Every answer is its caller's own, every event has succeeded, each ran once."""
        for number, call in self.calls.items():
            answer = call.result()
            assert (answer.function_error, json.loads(answer.payload)) == (None, {"n": number})
        for request_id in self.events.values():
            await self._engine.until_state(request_id, "succeeded")
        assert self._runtimes.ran == dict.fromkeys((*self.calls, *self.events), 1)

    def _next(self) -> int:
        return len(self.calls) + len(self.events)


async def test_no_invocation_fails_or_doubles_over_ten_updates_of_latest(engine: Engine) -> None:
    """In every stage of every environment; what comes after an update runs on what was deployed."""
    await engine.configure(timeout=_LONG)
    runtimes = WorkingRuntimes(engine, Random(5))
    load = Load(engine, runtimes, None)
    for deploy in range(1, DEPLOYS + 1):
        for _ in range(4):
            await load.come()
            await runtimes.turn()
        await engine.configure(environment={"DEPLOY": str(deploy)})
        first_after = len(load.calls) + len(load.events)
        for _ in range(2):
            await load.come()
            await runtimes.turn()
        started = [number for number in runtimes.versions if number >= first_after]
        assert all(runtimes.versions[number][1] == {"DEPLOY": str(deploy)} for number in started)
    await load.until_all_ended()
    await load.check()
    assert runtimes.versions[max(load.calls)] == ("$LATEST", {"DEPLOY": str(DEPLOYS)})


async def test_no_invocation_fails_or_doubles_while_an_alias_moves_and_old_versions_are_deleted(engine: Engine) -> None:
    """Ten times: publish, move the alias, delete the version that it led to; callers wait for that one, too."""
    await engine.configure(timeout=_LONG)
    await engine.publish("1")
    await engine.alias("live", "1")
    runtimes = WorkingRuntimes(engine, Random(6))
    load = Load(engine, runtimes, "live")
    for deploy in range(2, DEPLOYS + 2):
        await load.come()
        if deploy % 3:
            await runtimes.turn()
            await load.come()
        await engine.publish(str(deploy), environment={"DEPLOY": str(deploy)})
        await engine.alias("live", str(deploy))
        await engine.store.functions.delete_version(KEY, str(deploy - 1))
        engine.fleet.retire_outdated(KEY)
        await runtimes.turn()
    await load.come()
    await load.until_all_ended()
    await load.check()
    assert runtimes.versions[max(load.calls)][0] == str(DEPLOYS + 1)
    assert {live.version.version for live in engine.live() if not live.environment.is_ending} == {str(DEPLOYS + 1)}


async def test_a_weighted_alias_shares_its_calls_and_says_which_version_ran(engine: Engine) -> None:
    """Through the front desk, the dispatcher and an environment of the version."""
    await engine.configure(timeout=_LONG)
    await engine.publish("1")
    await engine.publish("2")
    await engine.alias("live", "1", {"2": 0.25})
    engine.draw = Random(7).random
    runtimes = WorkingRuntimes(engine, Random(8))
    load = Load(engine, runtimes, "live")
    for _ in range(40):
        await load.come()
        await runtimes.turn()
    await load.until_all_ended()
    await load.check()
    for number, call in load.calls.items():
        assert call.result().executed_version == runtimes.versions[number][0]
    ran_on_two = sum(version == "2" for version, _ in runtimes.versions.values())
    assert abs(ran_on_two / len(runtimes.versions) - 0.25) < 0.05
