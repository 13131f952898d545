"""
Provisioning: keeps as many environments ready as were asked for, whether anybody calls or not.

What to do is decided in `domain/provisioning.py`; this looks at what lives, asks, and acts. It holds nothing that must
outlive the control plane: what is wanted is on the disk, and what lived before a start is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.environments import EnvironmentState, Initialization, StopReason
from orchestrator.domain.functions import FunctionState, FunctionVersion
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import Provisioned
from orchestrator.domain.provisioning import (
    Attempts,
    Keep,
    LetGo,
    ProvisionedPool,
    Start,
    failure_of,
    is_proven,
    what_to_do,
)
from orchestrator.domain.room import Evict, Fits
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.live import SERVING, STARTING, STARTS_FOR_S, LiveEnvironment
from orchestrator.fleet.room import Room


@dataclass(slots=True, kw_only=True, eq=False)
class _Watched:
    """An environment of ours, and what was learnt from it already."""

    live: LiveEnvironment
    came_up: bool = False
    proved: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class _Version:
    """The environments of a version that were started here, and how the starts went."""

    watched: list[_Watched] = field(default_factory=list)
    attempts: Attempts = field(default_factory=Attempts)


class Provisioning:
    """
    Starts, replaces and lets go of provisioned environments.

    Args:
        wanted: How many there shall be of each version that has some.
        current: What a version is now, or None if it was deleted.
        max_starting: How many environments may be on their way at once on this host; half of them may be ours, for
            nobody waits for them.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        room: Room,
        journal: Journal,
        clock: Clock,
        wanted: Callable[[], Mapping[VersionKey, int]],
        current: Callable[[VersionKey], FunctionVersion | None],
        max_starting: int,
    ) -> None:
        self._fleet = fleet
        self._room = room
        self._journal = journal
        self._clock = clock
        self._wanted = wanted
        self._current = current
        self.max_starting = max_starting
        self._versions: dict[VersionKey, _Version] = {}
        self._turn = 0

    async def tick(self) -> None:
        """Look once at every version that has, or had, provisioned environments."""
        if self._fleet.engine_is_lost:
            # What ends with the engine says nothing of the function.
            self._versions = {key: _Version(watched=_alive(one.watched)) for key, one in self._versions.items()}
            return
        wanted, now = self._wanted(), self._clock.monotonic()
        for key in self._in_turn([*wanted, *(key for key in self._versions if key not in wanted)]):
            self._tend(key, wanted.get(key, 0), now)

    def begin_anew(self, function: FunctionKey) -> None:
        """It was configured anew: what failed before is tried again at once."""
        for key, version in self._versions.items():
            if key.function == function:
                version.attempts = Attempts()
                self._fleet.pool(key).learnt.start_may_succeed()

    def found(self, key: VersionKey) -> Provisioned:
        """How far a version is, now."""
        version = self._versions.get(key)
        if version is None:
            return Provisioned(trouble=self._cannot_start(key))
        states = [one.live.state for one in _alive(version.watched)]
        return Provisioned(
            allocated=len(states),
            available=sum(1 for state in states if state in SERVING),
            trouble=self._cannot_start(key) or version.attempts.trouble(self._clock.monotonic()),
        )

    def _in_turn(self, keys: list[VersionKey]) -> Iterable[VersionKey]:
        """Each tick begins with another one: none is always last where little can be started."""
        self._turn += 1
        first = self._turn % len(keys) if keys else 0
        return (*keys[first:], *keys[:first])

    def _tend(self, key: VersionKey, wanted: int, now: float) -> None:
        version = self._versions.setdefault(key, _Version())
        self._learn(key, version, now)
        watched = version.watched
        if not watched and not wanted:
            del self._versions[key]
            return
        current = self._current(key)
        starting = [one.live for one in watched if one.live.state in STARTING]
        idle = [one.live for one in watched if _waits(one.live)]
        pool = ProvisionedPool(
            wanted=wanted,
            starting=len(starting),
            idle=len(idle),
            busy=len(watched) - len(starting) - len(idle),
            attempts=version.attempts,
            may_start=current is not None and current.is_active and now >= self._fleet.pool(key).learnt.not_before,
        )
        match what_to_do(pool, self._free_starts(), now):
            case Start(count=count) if current is not None:
                self._start(version, current, count, now)
            case LetGo(count=count):
                idle.sort(key=lambda live: live.idle_since)
                for live in (*reversed(starting), *idle)[:count]:
                    self._fleet.stop(live, StopReason.UNPROVISIONED)
            case Start() | Keep():
                pass

    def _start(self, version: _Version, current: FunctionVersion, count: int, now: float) -> None:
        for _ in range(count):
            verdict = self._room.find_provisioned(current.memory_mib)
            if isinstance(verdict, Fits):
                version.attempts = version.attempts.found_room()
                live = self._fleet.launch(current, initialization=Initialization.PROVISIONED)
                version.watched.append(_Watched(live=live))
                continue
            if isinstance(verdict, Evict):
                version.attempts = version.attempts.found_room()
                self._room.make(verdict)
            else:
                version.attempts = version.attempts.found_no_room(now)
            return

    def _learn(self, key: VersionKey, version: _Version, now: float) -> None:
        """What became of its environments since the last look."""
        for one in version.watched:
            environment = one.live.environment
            if environment.init_ms is not None and not one.came_up:
                one.came_up = True
                version.attempts = version.attempts.came_up()
            if not one.proved and is_proven(environment, timedelta(seconds=now - one.live.idle_since)):
                one.proved = True
                version.attempts = version.attempts.proved()
            if environment.is_ending:
                reason = failure_of(environment, one.live.failure)
                if reason is not None:
                    self._failed(version, one.live, reason, now)
        version.watched = _alive(version.watched)

    def _failed(self, version: _Version, live: LiveEnvironment, reason: str, now: float) -> None:
        before = version.attempts
        version.attempts = before.failed(reason, now)
        if version.attempts.failures != before.failures:
            self._journal.environment(
                LifecycleEvent.NOT_PROVISIONED,
                live.environment,
                reason=reason,
                failures=version.attempts.failures,
                retry_after_s=round(version.attempts.retry_at - now, 3),
            )

    def _free_starts(self) -> int:
        since = self._clock.monotonic() - STARTS_FOR_S
        watched = (one.live for version in self._versions.values() for one in version.watched)
        ours = sum(1 for live in watched if live.state in STARTING and live.launched >= since)
        return min(self.max_starting - self._fleet.starting(), max(1, self.max_starting // 2) - ours)

    def _cannot_start(self, key: VersionKey) -> str | None:
        current = self._current(key)
        if current is not None and current.state is FunctionState.FAILED:
            return current.state_reason or "the version is Failed"
        return None


def _alive(watched: Iterable[_Watched]) -> list[_Watched]:
    """An outdated one that still works is none of the version's."""
    return [one for one in watched if not (one.live.environment.is_ending or one.live.is_outdated)]


def _waits(live: LiveEnvironment) -> bool:
    return live.state in (EnvironmentState.IDLE, EnvironmentState.FROZEN) and not live.is_chosen
