"""Runtimes that work by themselves, one in each environment: ask, run for some turns, answer. For load on an engine."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

from orchestrator.fleet.live import Event, LiveEnvironment
from tests.support.engine import Engine
from tests.support.runtime import ScriptedRuntime


class WorkingRuntimes:
    """
    All of an engine.

    Args:
        random: Decides how long each thing takes.
    """

    def __init__(self, engine: Engine, random: Random) -> None:
        self._engine = engine
        self._random = random
        self._runtimes: dict[LiveEnvironment, ScriptedRuntime] = {}
        self._running: dict[LiveEnvironment, Event] = {}
        self.ran: Counter[int] = Counter()
        self.versions: dict[int, tuple[str, dict[str, str]]] = {}

    async def turn(self) -> None:
        """A little time passes; each runtime goes on or does not."""
        await self._engine.scaler.tick()
        await self._engine.settle()
        for live in self._engine.live():
            if live.environment.is_ending or live.is_opening:
                continue
            runtime = self._runtimes.setdefault(live, ScriptedRuntime(self._engine.dispatcher, live))
            if self._random.random() < 0.6:
                self._go_on(runtime)
        await self._engine.pass_time(self._random.choice((0.01, 0.05, 0.4, 1.2)))
        await self._engine.events.tick()

    def _go_on(self, runtime: ScriptedRuntime) -> None:
        running = self._running.pop(runtime.live, None)
        if running is not None:
            runtime.answer(running)
            runtime.poll = None
            return
        if runtime.poll is None:
            runtime.ask()
        if runtime.poll is not None and runtime.poll.done():
            event = runtime.poll.result()
            if event is not None:
                self._begin(runtime.live, event)

    def _begin(self, live: LiveEnvironment, event: Event) -> None:
        number = json.loads(event.body)["n"]
        self.ran[number] += 1
        self.versions[number] = (live.version.version, dict(live.version.environment))
        self._running[live] = event
