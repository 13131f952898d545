"""How a live environment ended, or why it never began, from what the driver reported. Values only."""

from __future__ import annotations

from orchestrator.domain.endings import HowItEnded
from orchestrator.domain.errors import PaddockError
from orchestrator.domain.start_failures import INVALID_IMAGE, SANDBOX_FAILURE
from orchestrator.driver.protocol import ContainerEnded, EngineUnreachable, ImageNotFound, ImageUnusable, StartFailed
from orchestrator.fleet.live import LiveEnvironment

_KILLED = 137


def how_it_ended(live: LiveEnvironment, event: ContainerEnded) -> HowItEnded:
    """Its container has ended."""
    return HowItEnded(
        exit_code=event.exit_code,
        out_of_memory=event.out_of_memory or live.out_of_memory,
        sandbox_failed=event.sandbox_failed,
        engine_lost=event.engine_lost,
        asked_for_work=live.environment.init_ms is not None,
        memory_mib=live.version.memory_mib,
        never_executed=event.never_executed,
        ended_for=event.ended_for,
    )


def killed_for_memory(live: LiveEnvironment) -> HowItEnded:
    """The kernel killed one of its processes; its container may live on, and is ended for that."""
    return HowItEnded(
        exit_code=_KILLED,
        out_of_memory=True,
        sandbox_failed=False,
        engine_lost=False,
        asked_for_work=live.environment.init_ms is not None,
        memory_mib=live.version.memory_mib,
    )


def start_failure_of(refused: PaddockError) -> StartFailed | EngineUnreachable:
    """What the driver refused to open, as a start that failed."""
    match refused:
        case StartFailed() | EngineUnreachable():
            return refused
        case ImageNotFound() | ImageUnusable():
            return StartFailed(INVALID_IMAGE, str(refused))
        case _:
            return StartFailed(SANDBOX_FAILURE, str(refused))
