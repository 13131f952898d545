"""
A live environment: its state as a value, and what hangs on it while it lives. And the pool that serves a version.

The rendezvous is here as well: `parked` is where `GET /next` waits, without a timeout.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.domain.environments import Environment, EnvironmentState, InitPhase
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.retries import backoff_after
from orchestrator.domain.scaling import first_cold_start, moving_average
from orchestrator.driver.protocol import Sandbox

STARTING = (EnvironmentState.CREATING, EnvironmentState.INITIALIZING)
STARTS_FOR_S = 2.0
"""Who is on its way for longer waits for something else than the processor, and keeps nobody from starting."""
_SAMPLE_AGAIN_AFTER_S = 0.1
"""Reading memory costs a short call a tenth of its time."""
SERVING = (EnvironmentState.IDLE, EnvironmentState.FROZEN, EnvironmentState.BUSY, EnvironmentState.ANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    What `GET /next` answers: one attempt of an invocation.

    Args:
        nonce: `Lambda-Runtime-Invocation-Id`, fresh for each attempt.
        headers: Ready for ASGI.
    """

    request_id: str
    nonce: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Assignment:
    """
    The attempt an environment works on.

    Args:
        began: Monotonic seconds; the Duration of REPORT counts from here.
        deadline: Monotonic seconds.
        ended: Monotonic seconds of the answer, once there is one.
    """

    event: Event
    began: float
    deadline: float
    ended: float | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Learnt:
    """
    What was learnt of a version as it is: of other code, or otherwise configured, nothing is known.

    Args:
        run_time: Moving average of an invocation, or None while unknown.
        cold_start: Moving average of a cold start.
        last_init_failed: Its next environments run their init inside an invocation, which gets the error.
        failures: Times in a row that starts failed by no fault of the function; backed off from.
        not_before: Monotonic seconds before which none is started again.
        last_failure: What the engine said of the last one.
    """

    run_time: timedelta | None = None
    cold_start: timedelta = field(default_factory=first_cold_start)
    last_init_failed: bool = False
    failures: int = 0
    not_before: float = 0.0
    last_failure: str | None = None

    def ran(self, duration: timedelta) -> None:
        """One more run was seen."""
        self.run_time = moving_average(self.run_time, duration)

    def started_in(self, duration: timedelta) -> None:
        """One more cold start was seen."""
        self.cold_start = moving_average(self.cold_start, duration)

    def start_failed(self, reason: str, now: float) -> None:
        """By no fault of the function. Those that were on their way together fail together, and count as one."""
        self.last_failure = reason
        if now >= self.not_before:
            self.failures += 1
            self.not_before = now + backoff_after(self.failures).total_seconds()

    def start_may_succeed(self) -> None:
        """Whatever they failed of is over."""
        self.failures, self.not_before, self.last_failure = 0, 0.0, None


@dataclass(slots=True, kw_only=True, eq=False)
class LiveEnvironment:
    """
    One environment of this host.

    Args:
        entered: Monotonic seconds when it entered its state.
        launched: Monotonic seconds when it was decided to start it.
        idle_since: Monotonic seconds since it last worked; freezing does not restart it.
        learnt: Of the version as it was when this was started; what becomes of it is noted there.
        deadline: Monotonic seconds until which an init inside an invocation may run.
        container_id: The engine's, by which the kernel accounts for it; known once it is open.
        parked: The waiting `GET /next`, if one waits; resolved with an event, or None to end the wait.
        peak_memory_mib: The most that was seen while it worked.
        last_memory_mib: What was seen last, at `sampled` (monotonic seconds).
        memory_kills: Of its processes, for memory, that are known of already.
        has_init_cpu: Has it still the processor time of an init?
        is_chosen: Has an invocation taken it, and waits while it thaws?
        is_settling: Is its last output still awaited for a caller's log tail? It is given nothing meanwhile.
        is_outdated: Was it told that a new one would be another? For ever, then: whoever creates a deleted function
            again, alike, has another function.
        is_opening: Is the driver's `open` still under way? Then a stop waits for it.
        failure: Why it could not be started, where that was no fault of the function.
        not_removed: Why its container could not be removed so far.
        reported_init: Has a REPORT line told its init's duration?
        engine_turn: Freeze, thaw and CPU limit take turns.
        log_stream: AWS's name of its one log stream.
    """

    environment: Environment
    version: FunctionVersion
    log_stream: str
    entered: float
    launched: float
    idle_since: float
    learnt: Learnt = field(default_factory=Learnt)
    sandbox: Sandbox | None = None
    container_id: str | None = None
    deadline: float | None = None
    assignment: Assignment | None = None
    parked: asyncio.Future[Event | None] | None = None
    peak_memory_mib: int = 0
    last_memory_mib: int = 0
    sampled: float = -1.0
    memory_kills: int = 0
    is_opening: bool = True
    has_init_cpu: bool = True
    is_chosen: bool = False
    is_settling: bool = False
    is_outdated: bool = False
    out_of_memory: bool = False
    failure: str | None = None
    not_removed: str | None = None
    reported_init: bool = False
    engine_turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def environment_id(self) -> str:
        """Its id."""
        return self.environment.environment_id

    @property
    def state(self) -> EnvironmentState:
        """Where it is in its life."""
        return self.environment.state

    def sample_memory(self, used_mib: Callable[[str | None], int | None], now: float) -> None:
        """
        Look at what it holds, unless that was done just before; the most is kept.

        Args:
            used_mib: What a container holds, or None where that cannot be told.
            now: Monotonic seconds.
        """
        if now - self.sampled >= _SAMPLE_AGAIN_AFTER_S:
            self.sampled = now
            used = used_mib(self.container_id)
            if used is None:
                return
            self.last_memory_mib = used
        self.peak_memory_mib = max(self.peak_memory_mib, self.last_memory_mib)

    @property
    def starts_for_nobody(self) -> bool:
        """Is it on its way, and no invocation has it for itself?"""
        return self.state in STARTING and self.environment.phase is InitPhase.INIT

    def may_come_soon(self, now: float) -> bool:
        """
        Is it on its way for whoever comes first, and worth waiting for? The init of a provisioned one may take minutes:
        nobody waits for it longer than a start takes.

        Args:
            now: Monotonic seconds.
        """
        patience_s = max(STARTS_FOR_S, self.learnt.cold_start.total_seconds())
        is_late = self.environment.is_provisioned and now - self.launched > patience_s
        return self.starts_for_nobody and not is_late


@dataclass(slots=True, kw_only=True, eq=False)
class Pool:
    """
    The environments that serve one version, or one tenant of it.

    Args:
        idle: Those that can be given work, in the order in which they are taken from its end: provisioned ones
            before the others, and the most recently used first.
        learnt_of: The launch fingerprint of the version that `learnt` is of; None if it was deleted.
    """

    key: VersionKey
    members: dict[str, LiveEnvironment] = field(default_factory=dict)
    idle: list[LiveEnvironment] = field(default_factory=list)
    learnt: Learnt = field(default_factory=Learnt)
    learnt_of: str | None = None

    def offer(self, live: LiveEnvironment) -> None:
        """It can be given work from now on."""
        if live in self.idle:
            return
        at = len(self.idle)
        if not live.environment.is_provisioned:
            while at and self.idle[at - 1].environment.is_provisioned:
                at -= 1
        self.idle.insert(at, live)

    def withdraw(self, live: LiveEnvironment) -> None:
        """It is given none from now on."""
        if live in self.idle:
            self.idle.remove(live)

    def learn_of(self, fingerprint: str | None) -> None:
        """Its environments are started from this from now on: what was learnt of another means nothing for it."""
        if fingerprint != self.learnt_of:
            self.learnt, self.learnt_of = Learnt(), fingerprint

    def serving(self) -> int:
        """Environments that are past init, not ending, and of what the version is now."""
        return sum(1 for live in self.members.values() if live.state in SERVING and not live.is_outdated)

    def starting(self, now: float) -> int:
        """Environments on their way that may come soon, and that no invocation has for itself; monotonic seconds."""
        return sum(1 for live in self.members.values() if live.may_come_soon(now))


class Pools:
    """
    The pool of each version, as long as there is the version or one of its environments; and that of each of its
    tenants, as long as it has environments or somebody waits for one.

    Args:
        current: What a version is now, or None if it was deleted.
    """

    def __init__(self, current: Callable[[VersionKey], FunctionVersion | None]) -> None:
        self._current = current
        self._pools: dict[VersionKey, Pool] = {}

    def __len__(self) -> int:
        return len(self._pools)

    def of(self, key: VersionKey) -> Pool:
        """The one that serves this version; empty, and not kept, if there is none and the version was deleted."""
        pool = self._pools.get(key)
        if pool is None:
            current = self._current(key)
            pool = Pool(key=key, learnt_of=current.launch_fingerprint if current is not None else None)
            if current is not None:
                self._pools[key] = pool
        return pool

    def serving(self, key: VersionKey) -> int:
        """Environments of one version and tenant that are past init and not ending; no pool is made to look."""
        pool = self._pools.get(key)
        return pool.serving() if pool is not None else 0

    def serving_function(self, function: FunctionKey) -> int:
        """The same of every version and tenant of a function."""
        return sum(pool.serving() for key, pool in self._pools.items() if key.function == function)

    def engine_is_back(self) -> None:
        """Nobody waits any longer for what the engine could not do while it was away."""
        for pool in self._pools.values():
            pool.learnt.start_may_succeed()

    def learn_anew(self, function: FunctionKey) -> None:
        """Its versions may be others than they were."""
        for key, pool in self._pools.items():
            if key.function == function:
                current = self._current(key)
                pool.learn_of(current.launch_fingerprint if current is not None else None)

    def forget_tenants_but(self, waiting: Collection[VersionKey]) -> None:
        """Those of tenants that are empty, and nobody waits for: there may be any number of tenants."""
        of_tenants = [key for key, pool in self._pools.items() if key.tenant_id is not None and not pool.members]
        for key in of_tenants:
            if key not in waiting:
                del self._pools[key]

    def forget(self, function: FunctionKey) -> None:
        """Those of a function that are empty and whose version was deleted."""
        for key in [key for key, pool in self._pools.items() if key.function == function and not pool.members]:
            if self._current(key) is None:
                del self._pools[key]
