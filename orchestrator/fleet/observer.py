"""Who hears what becomes of environments."""

from __future__ import annotations

from typing import Protocol

from orchestrator.domain.endings import HowItEnded
from orchestrator.domain.environments import EnvironmentState
from orchestrator.domain.names import FunctionKey
from orchestrator.driver.protocol import EngineUnreachable, StartFailed
from orchestrator.fleet.live import LiveEnvironment


class FleetObserver(Protocol):
    """Who is told what became of environments, and of functions: the dispatcher."""

    def start_failed(self, live: LiveEnvironment, error: StartFailed | EngineUnreachable) -> None:
        """Its container could not be started; nothing of it is left."""
        ...

    def ended(self, live: LiveEnvironment, before: EnvironmentState, how: HowItEnded) -> None:
        """Its container ended by itself, in this state; it is being removed."""
        ...

    def gone(self, live: LiveEnvironment) -> None:
        """It is confirmed gone: its room and its lease are free."""
        ...

    def changed(self, function: FunctionKey) -> None:
        """Its versions are others than they were, or fewer; the environments of what it was have been told to go."""
        ...
