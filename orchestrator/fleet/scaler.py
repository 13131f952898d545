"""The scaler: looks at who waits, asks the policy (`domain/scaling.py`) and the room, and starts environments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.allowance import Allowances
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.room import ASYNCHRONOUS_SHARE, Evict, Fits
from orchestrator.domain.scaling import PoolSnapshot, environments_to_start
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.live import SERVING, STARTS_FOR_S
from orchestrator.fleet.room import Room

STARTED_AT_ONCE, STARTED_PER_S = 1_000, 100
"""
Environments of one function: 1,000 within ten seconds, refilled all the time, never saved up.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """
    Who waits for environments of one version.

    Args:
        memory_mib: What one of them takes.
        waited: How long the first has waited.
    """

    version: VersionKey
    memory_mib: int
    synchronous: int
    asynchronous: int
    waited: timedelta


class Scaler:
    """
    Starts environments while they end somebody's wait sooner.

    Args:
        demands: Who waits now.
        start: Starts one for this version; False if there is nothing to start, or nobody for whom.
        max_starting: How many are started at once on this host. It is work of the processor: more make the first late.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        room: Room,
        clock: Clock,
        demands: Callable[[], list[Demand]],
        start: Callable[[VersionKey], bool],
        max_starting: int,
    ) -> None:
        self._fleet = fleet
        self._room = room
        self._clock = clock
        self._demands = demands
        self._start = start
        self.max_starting = max_starting
        self._turn = 0
        self._starts: Allowances[FunctionKey] = Allowances(STARTED_AT_ONCE, STARTED_PER_S)
        self._all_places_from = math.inf

    async def tick(self) -> None:
        """Look once at everyone who waits."""
        demands = self._demands()
        if not demands or self._fleet.engine_is_lost:
            return
        # Functions in turn: each tick begins with another one.
        self._turn += 1
        first = self._turn % len(demands)
        for demand in (*demands[first:], *demands[:first]):
            self._scale(demand)

    def _scale(self, demand: Demand) -> None:
        pool, now = self._fleet.pool(demand.version), self._clock.monotonic()
        if now < pool.learnt.not_before:
            return
        starting = pool.starting(now)
        snapshot = PoolSnapshot(
            waiting=demand.synchronous + demand.asynchronous,
            serving=pool.serving(),
            starting=starting,
            run_time=pool.learnt.run_time,
            cold_start=pool.learnt.cold_start,
            waited=demand.waited,
        )
        function = demand.version.function
        free_starts = min(self._places(now) - self._fleet.starting(), int(self._starts.left_to(function, now)))
        wanted = environments_to_start(snapshot, free_starts)
        for number in range(wanted):
            # Callers have the first that come, events the others.
            share = 1.0 if starting + number < demand.synchronous else ASYNCHRONOUS_SHARE
            verdict = self._room.find(demand.memory_mib, share)
            if isinstance(verdict, Fits):
                if not self._start(demand.version):
                    return
                self._all_places_from = min(self._all_places_from, now + STARTS_FOR_S)
                self._starts.take_one(function, now)
                continue
            if isinstance(verdict, Evict):
                self._room.make(verdict)
            return

    def _places(self, now: float) -> int:
        """Half until the first has come up: after a crash callers wait for it, and much else begins beside it."""
        if now < self._all_places_from and any(live.state in SERVING for live in self._fleet.live()):
            self._all_places_from = now
        return self.max_starting if now >= self._all_places_from else max(1, self.max_starting // 2)
