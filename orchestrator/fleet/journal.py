"""The journal: each lifecycle event becomes one line of the log and one entry of the history."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.clock import Clock
from orchestrator.domain.environments import Environment
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.history import LifecycleEntry, LifecycleEvent
from orchestrator.domain.invocations import Invocation
from orchestrator.domain.names import LATEST

Detail = str | int | float | bool | None


class Journal:
    """
    Writes down what happened to whom.

    Args:
        sinks: The log line and the history; each is called with every entry and must not block.
    """

    def __init__(self, clock: Clock, *sinks: Callable[[LifecycleEntry], None]) -> None:
        self._clock = clock
        self._sinks = sinks

    def environment(
        self, event: LifecycleEvent, environment: Environment, request_id: str | None = None, **detail: Detail
    ) -> None:
        """Something happened to an environment."""
        self._write(
            LifecycleEntry(
                at=self._clock.now(),
                event=event,
                function=environment.version.function,
                version=environment.version.version,
                environment_id=environment.environment_id,
                request_id=request_id,
                detail=detail,
            )
        )

    def invocation(
        self,
        event: LifecycleEvent,
        invocation: Invocation,
        environment_id: str | None = None,
        *,
        version: str | None = None,
        **detail: Detail,
    ) -> None:
        """
        Something happened to an invocation.

        Args:
            version: That it ran on; None is what it was sent to.
        """
        self._write(
            LifecycleEntry(
                at=self._clock.now(),
                event=event,
                function=invocation.function,
                version=version or invocation.qualifier or LATEST,
                environment_id=environment_id,
                request_id=invocation.request_id,
                detail=detail,
            )
        )

    def function(self, event: LifecycleEvent, version: FunctionVersion, **detail: Detail) -> None:
        """Something happened to a function."""
        self._write(
            LifecycleEntry(
                at=self._clock.now(), event=event, function=version.key, version=version.version, detail=detail
            )
        )

    def _write(self, entry: LifecycleEntry) -> None:
        for sink in self._sinks:
            sink(entry)
