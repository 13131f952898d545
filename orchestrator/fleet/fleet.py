"""
The fleet: every live environment of this host, and the only place that moves one from state to state.

It acts on the driver and tells its observer what ended; who gets work is the dispatcher's business, when to
freeze or stop is the reaper's, when to start is the scaler's.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.environments import Environment, EnvironmentState, Initialization, InitPhase, StopReason
from orchestrator.domain.errors import PaddockError
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import FunctionKey, VersionKey, environment_id_from, log_stream_name
from orchestrator.driver.protocol import (
    ContainerEnded,
    Driver,
    DriverEvent,
    EngineBack,
    EngineLost,
    OutOfMemory,
)
from orchestrator.fleet.addresses import Addresses
from orchestrator.fleet.ends import how_it_ended, killed_for_memory, start_failure_of
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.launching import environment_spec
from orchestrator.fleet.live import STARTING, STARTS_FOR_S, Assignment, LiveEnvironment, Pool, Pools
from orchestrator.fleet.memory import MemoryReader
from orchestrator.fleet.observer import FleetObserver
from orchestrator.fleet.output import OutputLog
from orchestrator.loop import Tasks

_GRACEFUL = (StopReason.IDLE, StopReason.REPLACED, StopReason.DELETED, StopReason.UNPROVISIONED, StopReason.SHUTDOWN)
_STOP_AGAIN_AFTER_S = 1.0
_MAX_STOPPING_AT_ONCE = 8
_THAWED_WITHIN_S = 10
"""It takes ten milliseconds; with an engine that takes longer another environment may be no better, but it is tried."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Fleet:
    """
    Holds the live environments.

    Args:
        current: Looks up what a version is now, or None if it was deleted.
        runtime_port: Where the Runtime API listens.
        stop_grace: Between SIGTERM and SIGKILL when nobody waits for the environment.
        random: Returns that many random bytes.
    """

    def __init__(
        self,
        *,
        driver: Driver,
        memory: MemoryReader,
        journal: Journal,
        output: OutputLog,
        clock: Clock,
        current: Callable[[VersionKey], FunctionVersion | None],
        runtime_port: int,
        stop_grace: timedelta,
        random: Callable[[int], bytes],
    ) -> None:
        self._driver = driver
        self._memory = memory
        self._journal = journal
        self._output = output
        self._clock = clock
        self._current = current
        self._runtime_port = runtime_port
        self._stop_grace = stop_grace
        self._random = random
        self._live: dict[str, LiveEnvironment] = {}
        self.addresses = Addresses()
        self.pools = Pools(current)
        self._tasks = Tasks("fleet")
        self._stopping = asyncio.Semaphore(_MAX_STOPPING_AT_ONCE)
        self._observer: FleetObserver | None = None
        self.engine_is_lost = False
        self.engine_back_at = -math.inf
        """When it came back last, in the clock's monotonic seconds."""

    def observe(self, observer: FleetObserver) -> None:
        """Tell this observer from now on; called once, at wiring."""
        self._observer = observer

    # -- looking

    def environments(self) -> list[tuple[Environment, int | None]]:
        """Every live environment with the memory it holds in MiB, oldest first."""
        return [(live.environment, self._memory.used_mib(live.container_id)) for live in self._live.values()]

    def live(self) -> Iterable[LiveEnvironment]:
        """Every live environment."""
        return self._live.values()

    def pool(self, key: VersionKey) -> Pool:
        """The pool that serves this version."""
        return self.pools.of(key)

    def starting(self) -> int:
        """Environments of every pool whose start takes the host's processor."""
        since = self._clock.monotonic() - STARTS_FOR_S
        return sum(1 for live in self._live.values() if live.state in STARTING and live.launched >= since)

    def find(self, hostname: str, address: str) -> LiveEnvironment | None:
        """Who asks: the environment of this sandbox hostname, if the peer address is its own (D1)."""
        return self.addresses.find(hostname, address)

    def at_address(self, address: str) -> LiveEnvironment | None:
        """The environment with this address, whatever it calls itself; also one that is ending."""
        return self.addresses.at(address)

    def is_about_to_ask(self, function: FunctionKey) -> bool:
        """Has an environment of this function answered, and not yet asked for more?"""
        return any(
            live.state is EnvironmentState.ANSWERED
            for live in self._live.values()
            if live.environment.version.function == function
        )

    # -- starting

    def launch(
        self,
        version: FunctionVersion,
        phase: InitPhase = InitPhase.INIT,
        initialization: Initialization = Initialization.ON_DEMAND,
        *,
        tenant_id: str | None = None,
    ) -> LiveEnvironment:
        """
        Begin to start an environment.

        Args:
            phase: INVOKE if its init runs inside an invocation that waits for it, under the function's timeout.
            initialization: Is it started for somebody who waits, or provisioned?
            tenant_id: Whom it serves for its whole life, of a function that isolates its tenants.
        """
        key = VersionKey(version.key, version.version, tenant_id)
        now = self._clock.now()
        environment_id = environment_id_from(self._random(16))
        environment = Environment(
            environment_id=environment_id,
            version=key,
            launch_fingerprint=version.launch_fingerprint,
            memory_mib=version.memory_mib,
            created_at=now,
            since=now,
            phase=phase,
            initialization=initialization,
        )
        monotonic, pool = self._clock.monotonic(), self.pool(key)
        live = LiveEnvironment(
            environment=environment,
            version=version,
            log_stream=log_stream_name(now.year, now.month, now.day, version.version, environment_id),
            entered=monotonic,
            launched=monotonic,
            idle_since=monotonic,
            learnt=pool.learnt,
        )
        self._live[environment_id] = live
        pool.members[environment_id] = live
        self._output.opened(live)
        self._journal.environment(LifecycleEvent.CREATED, environment, phase=phase, initialization=initialization)
        self._tasks.start(self._open(live))
        return live

    async def _open(self, live: LiveEnvironment) -> None:
        try:
            sandbox = await self._driver.take_sandbox(live.version.options.subnet_ids)
            live.sandbox = sandbox
            self.addresses.taken(live)
            if not live.environment.is_ending:
                # The runtime may ask before `open` has returned: it is initializing from here on.
                self._enter(live, live.environment.started(self._clock.now()))
                if live.environment.phase is InitPhase.INVOKE:
                    live.deadline = live.entered + live.version.timeout.total_seconds()
                self._journal.environment(LifecycleEvent.INIT_STARTED, live.environment)
            live.container_id = await self._driver.open(environment_spec(live, sandbox, self._runtime_port), sandbox)
        except PaddockError as refused:
            error = start_failure_of(refused)
            self._forget(live)
            if not live.environment.is_ending:
                self._enter(live, live.environment.must_stop(StopReason.START_FAILED, self._clock.now()))
                self._journal.environment(LifecycleEvent.STOPPING, live.environment, reason=str(error))
                self._observed().start_failed(live, error)
            self._confirm_gone(live)
            return
        live.is_opening = False
        if live.environment.is_ending:
            # It was told to stop while it started.
            await self._remove(live)
        elif live.state is EnvironmentState.INITIALIZING:
            # Its program runs from about here on: what the engine took before is not its init's.
            live.entered = self._clock.monotonic()
            if live.environment.phase is InitPhase.INVOKE:
                live.deadline = live.entered + live.version.timeout.total_seconds()

    # -- the Runtime API's moves

    def asked_for_work(self, live: LiveEnvironment) -> None:
        """
        The runtime called `/next`; the environment is idle now and can be taken.

        Raises:
            IllegalMove: If it is busy or ending.
        """
        was_initializing = live.state is EnvironmentState.INITIALIZING
        took = timedelta(seconds=self._clock.monotonic() - live.entered)
        self._enter(live, live.environment.asked_for_work(self._clock.now(), took))
        live.idle_since = live.entered
        live.assignment = None
        if was_initializing:
            self._initialized(live)
        self._journal.environment(LifecycleEvent.IDLE, live.environment)

    def _initialized(self, live: LiveEnvironment) -> None:
        environment = live.environment
        init_ms = environment.init_ms or 0.0
        live.learnt.started_in(timedelta(seconds=live.entered - live.launched))
        live.learnt.last_init_failed = False
        live.learnt.start_may_succeed()
        self._journal.environment(LifecycleEvent.INIT_DONE, environment, init_ms=round(init_ms, 2))
        self.limit_cpu(live)

    def limit_cpu(self, live: LiveEnvironment) -> None:
        """From now on it has a function's processor time, no longer an init's."""
        live.has_init_cpu = False
        self._tasks.start(self._limit_cpu(live))

    async def _limit_cpu(self, live: LiveEnvironment) -> None:
        async with live.engine_turn:
            if not live.environment.is_ending:
                try:
                    await self._driver.limit_cpu(live.environment_id)
                except PaddockError as error:
                    log.warning("environment.cpu-not-limited", environment=live.environment_id, reason=str(error))

    def offer(self, live: LiveEnvironment) -> None:
        """Let it be taken for work; stopped instead, if it is outdated."""
        if self.is_outdated(live):
            self.stop(live, StopReason.REPLACED)
            return
        self.pool(live.environment.version).offer(live)

    def withdraw(self, live: LiveEnvironment) -> None:
        """Do not let it be taken: its runtime no longer waits."""
        self.pool(live.environment.version).withdraw(live)

    def take_idle(self, pool: Pool) -> LiveEnvironment | None:
        """
        The environment of the pool that is to be given work next: a provisioned one, the most recently used; it leaves
        the idle ones.
        """
        while pool.idle:
            live = pool.idle.pop()
            if live.environment.is_ending:
                continue
            if self.is_outdated(live):
                self.stop(live, StopReason.REPLACED)
                continue
            return live
        return None

    def give(self, live: LiveEnvironment, assignment: Assignment) -> None:
        """It works on this from now on."""
        request_id = assignment.event.request_id
        self._enter(live, live.environment.was_given(request_id, self._clock.now()))
        live.assignment = assignment
        live.peak_memory_mib = 0
        live.out_of_memory = False
        self._journal.environment(LifecycleEvent.BUSY, live.environment, request_id)

    def answered(self, live: LiveEnvironment, request_id: str) -> None:
        """
        It posted a response or an error.

        Raises:
            IllegalMove: If it does not work on this request.
        """
        self._enter(live, live.environment.answered(request_id, self._clock.now()))
        assert live.assignment is not None
        live.assignment.ended = live.entered
        self.sample_memory(live)

    def sample_memory(self, live: LiveEnvironment) -> None:
        """Look at what it holds now, unless that was done just before; the most is kept for REPORT."""
        live.sample_memory(self._memory.used_mib, self._clock.monotonic())

    def look_at_memory(self, live: LiveEnvironment) -> None:
        """Sample what it holds; end it if one of its processes was killed for that, whoever else tells of it."""
        self.sample_memory(live)
        if self._memory.kills(live.container_id) > live.memory_kills:
            self._ran_out_of_memory(live)

    # -- freezing

    def freeze(self, live: LiveEnvironment) -> None:
        """Pause it; it stays among the idle ones."""
        self._enter(live, live.environment.was_frozen(self._clock.now()))
        self._tasks.start(self._freeze(live))

    async def _freeze(self, live: LiveEnvironment) -> None:
        async with live.engine_turn:
            if live.state is not EnvironmentState.FROZEN:
                return
            try:
                await self._driver.freeze(live.environment_id)
            except PaddockError as error:
                log.warning("environment.not-frozen", environment=live.environment_id, reason=str(error))
                if live.state is EnvironmentState.FROZEN:
                    self._enter(live, live.environment.was_thawed(self._clock.now()))
                return
        if live.state is EnvironmentState.FROZEN:
            self._journal.environment(LifecycleEvent.FROZEN, live.environment)

    async def thaw(self, live: LiveEnvironment) -> bool:
        """Let it run again; False if that failed and it is being stopped."""
        began = self._clock.monotonic()
        try:
            # With its turn: an engine that takes as long to freeze it keeps its caller waiting as well.
            async with asyncio.timeout(_THAWED_WITHIN_S), live.engine_turn:
                if live.state is not EnvironmentState.FROZEN:
                    return not live.environment.is_ending
                await self._driver.thaw(live.environment_id)
        except (PaddockError, TimeoutError) as error:
            reason = str(error) or f"Docker engine did not thaw an environment within {_THAWED_WITHIN_S} s"
            log.warning("environment.not-thawed", environment=live.environment_id, reason=reason)
            live.learnt.last_failure = reason
            self.stop(live, StopReason.CRASH)
            return False
        if live.environment.is_ending:
            return False
        self._enter(live, live.environment.was_thawed(self._clock.now()))
        thaw_ms = round((self._clock.monotonic() - began) * 1000, 2)
        self._journal.environment(LifecycleEvent.THAWED, live.environment, thaw_ms=thaw_ms)
        return True

    # -- ending

    def stop(self, live: LiveEnvironment, reason: StopReason) -> None:
        """End it; its observer hears when it is gone. Stopping twice is no error."""
        if live.environment.is_ending:
            return
        self._enter(live, live.environment.must_stop(reason, self._clock.now()))
        self._forget(live)
        self._journal.environment(LifecycleEvent.STOPPING, live.environment, reason=reason)
        if not live.is_opening:
            self._tasks.start(self._remove(live))

    def retire_outdated(self, function: FunctionKey) -> None:
        """Stop what a new environment would no longer be, on its way or idle; what works, once it has answered."""
        self.pools.learn_anew(function)
        for live in list(self._live.values()):
            if live.environment.version.function != function or not self.is_outdated(live):
                continue
            live.is_outdated = True
            if live.state in (EnvironmentState.IDLE, EnvironmentState.FROZEN) or live.starts_for_nobody:
                self.withdraw(live)
                reason = StopReason.REPLACED if self._current(live.environment.version) else StopReason.DELETED
                self.stop(live, reason)
        self.pools.forget(function)
        self._observed().changed(function)

    async def stop_all(self) -> None:
        """Stop every environment, and wait until all are gone."""
        for live in list(self._live.values()):
            self.stop(live, StopReason.SHUTDOWN)
        while self._live and len(self._tasks):
            await self._tasks.finish(timedelta(seconds=20))

    async def _remove(self, live: LiveEnvironment) -> None:
        reason = live.environment.stop_reason
        grace = self._stop_grace if reason in _GRACEFUL else timedelta()
        async with self._stopping:
            while True:
                try:
                    await self._driver.stop(live.environment_id, grace)
                    break
                except PaddockError as error:
                    live.not_removed = str(error)
                    log.warning("environment.not-removed", environment=live.environment_id, reason=str(error))
                    await asyncio.sleep(_STOP_AGAIN_AFTER_S)
        self._confirm_gone(live)

    def _confirm_gone(self, live: LiveEnvironment) -> None:
        if self._live.pop(live.environment_id, None) is None:
            return
        self.addresses.gone(live)
        pool = self.pool(live.environment.version)
        pool.members.pop(live.environment_id, None)
        self._enter(live, live.environment.is_gone(self._clock.now()))
        self._journal.environment(LifecycleEvent.GONE, live.environment, reason=live.environment.stop_reason)
        if live.parked is not None and not live.parked.done():
            live.parked.set_result(None)
        self._output.closed(live)
        self._memory.forget(live.container_id)
        self._observed().gone(live)
        self.pools.forget(pool.key.function)

    # -- what the driver reports

    async def watch(self) -> None:
        """Act on the driver's events, for ever."""
        async for event in self._driver.events():
            self.happened(event)

    def happened(self, event: DriverEvent) -> None:
        """Act on one event of the driver."""
        match event:
            case ContainerEnded():
                live = self._live.get(event.environment_id)
                if live is not None:
                    self._container_ended(live, event)
            case OutOfMemory():
                live = self._live.get(event.environment_id)
                if live is None:
                    return
                if live.state in (EnvironmentState.BUSY, EnvironmentState.INITIALIZING):
                    self._ran_out_of_memory(live)
                else:
                    live.memory_kills = self._memory.kills(live.container_id)
            case EngineLost():
                self.engine_is_lost = True
                log.warning("engine.lost", remedy="start the Docker engine; Paddock goes on by itself")
            case EngineBack():
                self.engine_is_lost = False
                self.engine_back_at = self._clock.monotonic()
                self.pools.engine_is_back()
                log.info("engine.back")

    def _container_ended(self, live: LiveEnvironment, event: ContainerEnded) -> None:
        before = live.state
        if live.environment.is_ending:
            return
        how = how_it_ended(live, event)
        self.withdraw(live)
        if how.sandbox_failed:
            reason = StopReason.SANDBOX_FAILURE
        elif how.out_of_memory:
            reason = StopReason.OUT_OF_MEMORY
        else:
            reason = StopReason.CRASH
        self.stop(live, reason)
        self._observed().ended(live, before, how)

    def _ran_out_of_memory(self, live: LiveEnvironment) -> None:
        before = live.state
        live.out_of_memory = True
        how = killed_for_memory(live)
        self.stop(live, StopReason.OUT_OF_MEMORY)
        self._observed().ended(live, before, how)

    # -- inside

    def _enter(self, live: LiveEnvironment, environment: Environment) -> None:
        live.environment = environment
        live.entered = self._clock.monotonic()

    def is_outdated(self, live: LiveEnvironment) -> bool:
        """Is it no longer what a new environment would be?"""
        if live.is_outdated:
            return True
        current = self._current(live.environment.version)
        if current is live.version:
            return False
        return current is None or live.environment.launch_fingerprint != current.launch_fingerprint

    def _forget(self, live: LiveEnvironment) -> None:
        """Its hostname means nobody from now on: addresses are reused at once."""
        self.withdraw(live)
        self.addresses.ends(live)

    def _observed(self) -> FleetObserver:
        assert self._observer is not None, "wiring calls observe() before anything starts"
        return self._observer
