"""What time alone makes due for an environment: freeze, shutdown, an init or an invocation that took too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orchestrator.domain.environments import EnvironmentState, InitPhase

_SHORTEST_PROVISIONED_INIT = timedelta(seconds=130)


class Due(StrEnum):
    """What is due."""

    FREEZE = "freeze"
    SHUTDOWN = "shutdown"
    INIT_TIMED_OUT = "init timed out"
    INIT_IS_SLOW = "init is slow"
    INVOCATION_TIMED_OUT = "invocation timed out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long each stage may last."""

    freeze_after: timedelta
    idle_timeout: timedelta
    init_timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """
    One environment as time sees it.

    Args:
        in_state: How long it has been in its state.
        idle_for: How long since it last worked; freezing does not restart it.
        until_deadline: Left of the running invocation's time (negative when over); None if none runs.
        has_init_cpu: Has it still the processor time of an init?
        provisioned_init: How long its init may take, if it is provisioned; then it is never shut down for idleness.
    """

    state: EnvironmentState
    phase: InitPhase
    in_state: timedelta
    idle_for: timedelta
    until_deadline: timedelta | None
    has_init_cpu: bool = False
    provisioned_init: timedelta | None = None


def what_is_due(age: Age, lifetimes: Lifetimes) -> Due | None:
    """
    Decide what time makes due, if anything.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """
    match age.state:
        case EnvironmentState.INITIALIZING if age.provisioned_init is not None:
            if age.in_state >= age.provisioned_init:
                return Due.INIT_TIMED_OUT
            return Due.INIT_IS_SLOW if age.in_state >= lifetimes.init_timeout and age.has_init_cpu else None
        case EnvironmentState.INITIALIZING if age.phase is InitPhase.INIT:
            return Due.INIT_TIMED_OUT if age.in_state >= lifetimes.init_timeout else None
        case EnvironmentState.INITIALIZING | EnvironmentState.BUSY | EnvironmentState.ANSWERED:
            if age.until_deadline is not None and age.until_deadline <= timedelta():
                return Due.INVOCATION_TIMED_OUT
            is_slow = age.state is EnvironmentState.INITIALIZING and age.in_state >= lifetimes.init_timeout
            return Due.INIT_IS_SLOW if is_slow and age.has_init_cpu else None
        case EnvironmentState.IDLE | EnvironmentState.FROZEN:
            if age.idle_for >= lifetimes.idle_timeout and age.provisioned_init is None:
                return Due.SHUTDOWN
            if age.state is EnvironmentState.IDLE and age.in_state >= lifetimes.freeze_after:
                return Due.FREEZE
            return None
        case _:
            return None


def provisioned_init_timeout(timeout: timedelta) -> timedelta:
    """
    How long the init of a provisioned environment may take: nobody waits for it.

    Args:
        timeout: The function's.
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
    """
    return max(_SHORTEST_PROVISIONED_INIT, timeout)
