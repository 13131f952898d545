"""
The state machine of an execution environment.

    creating → initializing → idle → busy → answered → idle,  idle ⇄ frozen
    any of these → stopping → gone, with a StopReason; never a state per failure

`initializing` is the Runtime API's Started, `idle` and `frozen` its Ready, `busy` its Running, `answered` its
ResponseSent. A POST of a response ends the invocation; only the next `GET /next` makes the environment idle.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from orchestrator.domain.errors import IllegalMove
from orchestrator.domain.machine import Moves
from orchestrator.domain.names import VersionKey

RUNTIME = "runtime"
"""The party that every environment has; each extension will be one more."""


class EnvironmentState(StrEnum):
    """Where an environment is in its life."""

    CREATING = "creating"
    INITIALIZING = "initializing"
    IDLE = "idle"
    FROZEN = "frozen"
    BUSY = "busy"
    ANSWERED = "answered"
    STOPPING = "stopping"
    GONE = "gone"


class StopReason(StrEnum):
    """Why an environment ends."""

    IDLE = "idle"
    TIMEOUT = "timeout"
    INIT_TIMEOUT = "init timeout"
    INIT_ERROR = "init error"
    CRASH = "crash"
    OUT_OF_MEMORY = "out of memory"
    START_FAILED = "start failed"
    SANDBOX_FAILURE = "sandbox failure"
    REPLACED = "replaced"
    DELETED = "deleted"
    CAPACITY = "capacity"
    UNPROVISIONED = "no longer provisioned"
    SHUTDOWN = "shutdown"


class InitPhase(StrEnum):
    """
    Where an init runs: ahead of any invocation with 10 s of its own, or inside one, under its timeout.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
    """

    INIT = "init"
    INVOKE = "invoke"


class Initialization(StrEnum):
    """
    What an environment was started for: somebody who waited, or to be there before anybody calls.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """

    ON_DEMAND = "on-demand"
    PROVISIONED = "provisioned-concurrency"


_STATE = EnvironmentState
ENVIRONMENT_MOVES: Moves[EnvironmentState] = Moves(
    {
        _STATE.CREATING: [_STATE.INITIALIZING, _STATE.STOPPING],
        _STATE.INITIALIZING: [_STATE.IDLE, _STATE.STOPPING],
        _STATE.IDLE: [_STATE.BUSY, _STATE.FROZEN, _STATE.STOPPING],
        _STATE.FROZEN: [_STATE.IDLE, _STATE.STOPPING],
        _STATE.BUSY: [_STATE.ANSWERED, _STATE.STOPPING],
        _STATE.ANSWERED: [_STATE.IDLE, _STATE.STOPPING],
        _STATE.STOPPING: [_STATE.GONE],
        _STATE.GONE: [],
    }
)


class Environment(NamedTuple):
    """
    One execution environment as a value; each verb returns the next one. A tuple, for an invocation makes three.

    Args:
        version: And the tenant of it that it serves for its whole life, if it isolates them.
        launch_fingerprint: Of the function version it was started from.
        parties: Who must ask for its next event before the environment is idle.
        waiting: Those of them that have.
        running: Request ids being worked on; at most `capacity`.
        since: When it entered its state.
        init_ms: How long init took, once it is over.
    """

    environment_id: str
    version: VersionKey
    launch_fingerprint: str
    memory_mib: int
    created_at: datetime
    since: datetime
    state: EnvironmentState = EnvironmentState.CREATING
    phase: InitPhase = InitPhase.INIT
    initialization: Initialization = Initialization.ON_DEMAND
    parties: frozenset[str] = frozenset({RUNTIME})
    waiting: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    capacity: int = 1
    invocations: int = 0
    init_ms: float | None = None
    stop_reason: StopReason | None = None

    def started(self, now: datetime) -> Environment:
        """Its container runs; init begins."""
        return self._move(EnvironmentState.INITIALIZING, now)

    def asked_for_work(self, now: datetime, took: timedelta, party: str = RUNTIME) -> Environment:
        """
        A party called its `next`. Idle once all have.

        Args:
            took: How long it has been in its state; of init, that is how long init took.

        Raises:
            IllegalMove: If the environment is still busy, or ending.
        """
        waiting = self.waiting | {party}
        if waiting != self.parties:
            return self._replace(waiting=waiting)
        init_ms = self.init_ms
        if self.state is EnvironmentState.INITIALIZING:
            init_ms = took / timedelta(milliseconds=1)
        return self._move(EnvironmentState.IDLE, now, waiting=waiting, init_ms=init_ms)

    def was_given(self, request_id: str, now: datetime) -> Environment:
        """An invocation was handed to it."""
        running = self.running | {request_id}
        if len(running) > self.capacity:
            raise IllegalMove(self._subject, self.state, EnvironmentState.BUSY)
        return self._move(
            EnvironmentState.BUSY,
            now,
            waiting=frozenset(),
            running=running,
            invocations=self.invocations + 1,
        )

    def answered(self, request_id: str, now: datetime) -> Environment:
        """The runtime posted a response or an error for a running invocation."""
        if request_id not in self.running:
            raise IllegalMove(self._subject, self.state, EnvironmentState.ANSWERED)
        return self._move(EnvironmentState.ANSWERED, now, running=self.running - {request_id})

    def was_frozen(self, now: datetime) -> Environment:
        """Its processes are paused."""
        return self._move(EnvironmentState.FROZEN, now)

    def was_thawed(self, now: datetime) -> Environment:
        """Its processes run again, and its parties still wait for an event."""
        return self._move(EnvironmentState.IDLE, now)

    def must_stop(self, reason: StopReason, now: datetime) -> Environment:
        """It is to end; nothing more is given to it."""
        return self._move(EnvironmentState.STOPPING, now, stop_reason=reason)

    def is_gone(self, now: datetime) -> Environment:
        """Its container and sandbox are confirmed removed."""
        return self._move(EnvironmentState.GONE, now, waiting=frozenset(), running=frozenset())

    @property
    def is_provisioned(self) -> bool:
        """Is it kept, whether it is called or not?"""
        return self.initialization is Initialization.PROVISIONED

    @property
    def is_ending(self) -> bool:
        """Is it stopping or gone?"""
        return self.state in (EnvironmentState.STOPPING, EnvironmentState.GONE)

    @property
    def _subject(self) -> str:
        return f"environment {self.environment_id}"

    def _move(self, after: EnvironmentState, now: datetime, **changes: Any) -> Environment:
        ENVIRONMENT_MOVES.check("environment", self.environment_id, self.state, after)
        return self._replace(state=after, since=now, **changes)
