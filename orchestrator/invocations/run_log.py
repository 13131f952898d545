"""What a run leaves in the function's log: START, END and REPORT with its duration, memory and init."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.clock import Clock
from orchestrator.domain import platform_lines
from orchestrator.domain.endings import TIMED_OUT
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import Answer, FunctionError, Interrupted, Invocation, Outcome
from orchestrator.domain.start_failures import SANDBOX_FAILURE
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.live import LiveEnvironment
from orchestrator.fleet.output import OutputLog


class RunLog:
    """Writes the platform's lines around each run. Each verb may come once per run; a second `finished` is no error."""

    def __init__(self, *, output: OutputLog, journal: Journal, clock: Clock) -> None:
        self._output = output
        self._journal = journal
        self._clock = clock
        self._outcomes: dict[str, Outcome] = {}

    def began(self, live: LiveEnvironment, request_id: str) -> None:
        """The event was given: START."""
        version = live.version
        self._output.begin(
            live,
            request_id,
            platform_lines.begun(
                version.options.logging, request_id, version.version, self._now(), live.environment.version.tenant_id
            ),
        )

    def answered(self, live: LiveEnvironment, outcome: Outcome) -> None:
        """The outcome is known; its output may still be on its way."""
        self._outcomes[live.environment_id] = outcome

    async def settle(self, live: LiveEnvironment) -> None:
        """Wait for the output to be quiet, then finish."""
        await self._output.settle(live)
        self.finished(live)

    def finished(self, live: LiveEnvironment) -> None:
        """END and REPORT."""
        outcome = self._outcomes.pop(live.environment_id, None)
        assignment = live.assignment
        if outcome is None or assignment is None:
            return
        request_id = assignment.event.request_id
        ended = assignment.ended if assignment.ended is not None else self._clock.monotonic()
        duration_ms = (ended - assignment.began) * 1000
        init_ms = None if live.reported_init else live.environment.init_ms
        live.reported_init = True
        error_type = None if isinstance(outcome, Answer) else _error_type(outcome)
        run = platform_lines.RunFacts(
            request_id=request_id,
            duration_ms=duration_ms,
            memory_size_mb=live.version.memory_mib,
            max_memory_used_mb=live.peak_memory_mib,
            init_duration_ms=init_ms,
            status=_status(error_type),
            error_type=error_type,
            produced_bytes=len(outcome.payload) if isinstance(outcome, Answer) else 0,
            timeout=live.version.timeout if error_type == TIMED_OUT else None,
            tenant_id=live.environment.version.tenant_id,
        )
        self._output.end(live, platform_lines.ended(live.version.options.logging, run, self._now()))
        self._journal.environment(
            LifecycleEvent.INVOCATION_ENDED,
            live.environment,
            request_id,
            duration_ms=round(duration_ms, 2),
            status=_status(error_type) or "success",
            error_type=error_type,
        )

    def init_ended(self, live: LiveEnvironment, status: str, error_type: str | None) -> None:
        """An init failed or took too long: INIT_REPORT."""
        init_ms = (self._clock.monotonic() - live.launched) * 1000
        self._output.platform(
            live,
            platform_lines.init_failed(
                live.version.options.logging,
                init_duration_ms=init_ms,
                phase=live.environment.phase,
                status=status,
                error_type=error_type,
                now=self._now(),
                initialization=live.environment.initialization,
            ),
        )

    def failed(self, live: LiveEnvironment, invocation: Invocation, outcome: FunctionError | Interrupted) -> None:
        """The function did not answer: what became of it, for the journal."""
        if isinstance(outcome, FunctionError):
            error_type, diagnosis = outcome.error_type, outcome.diagnosis
        else:
            error_type, diagnosis = "Interrupted", outcome.reason
        self._journal.invocation(
            LifecycleEvent.INVOCATION_FAILED,
            invocation,
            live.environment_id,
            version=live.version.version,
            error_type=error_type,
            diagnosis=diagnosis,
        )

    def tail(self, live: LiveEnvironment) -> str:
        """The last 4 KB of the run's log."""
        return self._output.tail(live)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.epoch_us() / 1_000_000, UTC)


def _error_type(outcome: Outcome) -> str:
    return outcome.error_type if isinstance(outcome, FunctionError) else SANDBOX_FAILURE


def _status(error_type: str | None) -> str | None:
    if error_type is None:
        return None
    return "timeout" if error_type == TIMED_OUT else "error"
