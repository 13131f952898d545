"""
A live environment: its state as a value, and what hangs on it while it lives. And the pool that serves a version.

The rendezvous is here as well: `parked` is where `GET /next` waits, without a timeout.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.containers.driver import Sandbox
from orchestrator.domain.environments import Environment, EnvironmentState, InitPhase
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.names import VersionKey
from orchestrator.domain.scaling import first_cold_start, moving_average

STARTING = (EnvironmentState.CREATING, EnvironmentState.INITIALIZING)
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
class LiveEnvironment:
    """
    One environment of this host.

    Args:
        entered: Monotonic seconds when it entered its state.
        idle_since: Monotonic seconds since it last worked; freezing does not restart it.
        deadline: Monotonic seconds until which an init inside an invocation may run.
        parked: The waiting `GET /next`, if one waits; resolved with an event, or None to end the wait.
        peak_memory_mib: The most that was seen while it worked.
        last_memory_mib: What was seen last, at `sampled` (monotonic seconds).
        is_chosen: Has an invocation taken it, and waits while it thaws?
        is_settling: Is its last output still awaited for a caller's log tail? It is given nothing meanwhile.
        is_opening: Is the driver's `open` still under way? Then a stop waits for it.
        reported_init: Has a REPORT line told its init's duration?
        engine_turn: Freeze, thaw and CPU limit take turns.
        log_stream: AWS's name of its one log stream.
    """

    environment: Environment
    version: FunctionVersion
    log_stream: str
    entered: float
    idle_since: float
    sandbox: Sandbox | None = None
    deadline: float | None = None
    assignment: Assignment | None = None
    parked: asyncio.Future[Event | None] | None = None
    peak_memory_mib: int = 0
    last_memory_mib: int = 0
    sampled: float = -1.0
    is_opening: bool = True
    is_chosen: bool = False
    is_settling: bool = False
    out_of_memory: bool = False
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


@dataclass(slots=True, kw_only=True, eq=False)
class Pool:
    """
    The environments that serve one version, and what was learnt of it.

    Args:
        idle: Those that can be given work, most recently used last.
        last_init_failed: Its next environments run their init inside an invocation, which gets the error.
        failures: Starts in a row that failed by no fault of the function; backed off from.
        not_before: Monotonic seconds before which none is started again.
    """

    key: VersionKey
    members: dict[str, LiveEnvironment] = field(default_factory=dict)
    idle: list[LiveEnvironment] = field(default_factory=list)
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

    def serving(self) -> int:
        """Environments that are past init and not ending."""
        return sum(1 for live in self.members.values() if live.state in SERVING)

    def starting(self) -> int:
        """Environments on their way that no invocation has for itself."""
        return sum(
            1 for live in self.members.values() if live.state in STARTING and live.environment.phase is InitPhase.INIT
        )
