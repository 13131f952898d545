"""
How many provisioned environments of a version to start or to let go of now. Pure.

A start that fails is tried again later and later, one at a time, until one has come up: a function whose init fails
must not keep the host busy for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from orchestrator.domain.environments import Environment, StopReason
from orchestrator.domain.retries import backoff_after

INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"
"""AWS's reason where the fault is the function's."""
ENDED_UNUSED = "FUNCTION_ERROR_ENDED_BEFORE_INVOCATION"
"""Ours: its environments end by themselves while they wait for their first invocation."""

_NO_ROOM = (
    "INSUFFICIENT_ROOM: this host has no room for more environments, of which a fifth is left to calls; see "
    "PADDOCK_MEMORY_BUDGET_MIB and PADDOCK_MAX_ENVIRONMENTS"
)
_PROVEN_AFTER = timedelta(minutes=1)
_PATIENCE_FOR_ROOM = timedelta(seconds=10)
_BY_ITSELF = frozenset(
    {
        StopReason.CRASH,
        StopReason.OUT_OF_MEMORY,
        StopReason.INIT_ERROR,
        StopReason.INIT_TIMEOUT,
        StopReason.START_FAILED,
        StopReason.SANDBOX_FAILURE,
    }
)
_OURS = frozenset({StopReason.START_FAILED, StopReason.SANDBOX_FAILURE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """
    What was learnt of a version's starts.

    Args:
        failures: In a row; those that were under way together fail together, and count as one.
        retry_at: Monotonic seconds before which none is started again.
        reason: Why the last one failed; None once another has come up.
        crowded_since: Monotonic seconds since when there has been no room for one more.
    """

    failures: int = 0
    retry_at: float = 0.0
    reason: str | None = None
    crowded_since: float | None = None

    def failed(self, reason: str, now: float) -> Attempts:
        """One ended by itself before it was of use."""
        if self.reason is not None and now < self.retry_at:
            return replace(self, reason=reason)
        failures = self.failures + 1
        return replace(self, failures=failures, retry_at=now + backoff_after(failures).total_seconds(), reason=reason)

    def came_up(self) -> Attempts:
        """One is past its init: others may follow. That it is of use must still show."""
        return replace(self, reason=None, retry_at=0.0)

    def proved(self) -> Attempts:
        """One was of use: the next failure is the first."""
        return replace(self, failures=0)

    def found_no_room(self, now: float) -> Attempts:
        """There is no room on this host for one more."""
        return self if self.crowded_since is not None else replace(self, crowded_since=now)

    def found_room(self) -> Attempts:
        """There is, or it is being made."""
        return replace(self, crowded_since=None)

    def trouble(self, now: float) -> str | None:
        """Why a configuration is not met, and will not be soon."""
        if self.reason is not None:
            return self.reason
        if self.crowded_since is not None and now - self.crowded_since >= _PATIENCE_FOR_ROOM.total_seconds():
            return _NO_ROOM
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedPool:
    """
    The provisioned environments of one version.

    Args:
        wanted: How many there shall be.
        starting: On their way.
        idle: Those that wait for work, frozen or not.
        busy: Those that work, or were chosen for work.
        may_start: Is its image known, and the engine there?
    """

    wanted: int
    starting: int
    idle: int
    busy: int
    attempts: Attempts = Attempts()
    may_start: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """Start so many."""

    count: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """End so many: those that are on their way first, then those that have been idle for longest."""

    count: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is to be done now."""


def what_to_do(pool: ProvisionedPool, free_starts: int, now: float) -> Start | LetGo | Keep:
    """
    Decide what brings a version nearer to what is wanted.

    Those that work are never let go of: they are once they have answered.

    Args:
        free_starts: How many more may be starting at once on this host.
        now: Monotonic seconds.
    """
    missing = pool.wanted - pool.starting - pool.idle - pool.busy
    if missing < 0:
        surplus = min(-missing, pool.starting + pool.idle)
        return LetGo(surplus) if surplus else Keep()
    if not missing or not pool.may_start or now < pool.attempts.retry_at:
        return Keep()
    if pool.attempts.reason is not None:
        # One is tried; the others follow when it has come up.
        missing = 0 if pool.starting else 1
    count = min(missing, free_starts)
    return Start(count) if count > 0 else Keep()


def failure_of(environment: Environment, not_started: str | None) -> str | None:
    """
    Why an environment that has ended was of no use; None if it was, or was ended by us.

    Args:
        not_started: What the engine said of a start that was no fault of the function, if it said something.
    """
    if environment.stop_reason not in _BY_ITSELF or environment.invocations:
        return None
    if environment.stop_reason in _OURS and not_started is not None:
        return not_started
    return INIT_FAILURE if environment.init_ms is None else ENDED_UNUSED


def is_proven(environment: Environment, idle_for: timedelta) -> bool:
    """
    Has it shown that it is of use: it was called, or has waited for a good while?

    Args:
        idle_for: How long since it last worked, or came up.
    """
    return environment.init_ms is not None and (environment.invocations > 0 or idle_for >= _PROVEN_AFTER)
