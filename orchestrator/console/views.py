"""What the console shows of live things and of the past, as JSON-able values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchestrator.domain.history import LifecycleEntry, LifecycleEvent, OutputBatch
from orchestrator.domain.invocations import Invocation
from orchestrator.fleet.live import LiveEnvironment

_NAMED_ENDINGS = (
    LifecycleEvent.INVOCATION_FAILED,
    LifecycleEvent.INIT_FAILED,
    LifecycleEvent.INVOCATION_SET_ASIDE,
    LifecycleEvent.FUNCTION_FAILED,
)


def environment_view(live: LiveEnvironment) -> dict[str, Any]:
    """A live environment."""
    environment = live.environment
    return {
        "function_name": environment.version.function.name,
        "version": environment.version.version,
        "tenant_id": environment.version.tenant_id,
        "environment_id": live.environment_id,
        "initialization_type": environment.initialization.value,
        "state": environment.state.value,
        "state_since": _time(environment.since),
        "created_at": _time(environment.created_at),
        "memory_size_mb": environment.memory_mib,
        "invocations": environment.invocations,
        "request_id": live.assignment.event.request_id if live.assignment is not None else None,
        "address": live.sandbox.address if live.sandbox is not None else None,
        "log_stream": live.log_stream,
    }


def entry_view(entry: LifecycleEntry) -> dict[str, Any]:
    """Something that happened."""
    return {
        "at": _time(entry.at),
        "event": entry.event.value,
        "function_name": entry.function.name,
        "version": entry.version,
        "environment_id": entry.environment_id,
        "request_id": entry.request_id,
        "detail": dict(entry.detail),
    }


def diagnosis_view(entries: list[LifecycleEntry]) -> dict[str, Any] | None:
    """The newest ending that was named, of entries that are newest first."""
    for entry in entries:
        if entry.event in _NAMED_ENDINGS and entry.detail.get("diagnosis"):
            return {
                "at": _time(entry.at),
                "environment_id": entry.environment_id,
                "request_id": entry.request_id,
                "error_type": entry.detail.get("error_type"),
                "diagnosis": entry.detail["diagnosis"],
            }
    return None


def line_views(batch: OutputBatch) -> list[dict[str, Any]]:
    """The lines of a batch; what was dropped before them is told first."""
    views = [
        {
            "at": _time(datetime.fromtimestamp(line.at_us / 1_000_000, UTC)),
            "environment_id": batch.environment_id,
            "request_id": line.request_id,
            "source": line.source.value,
            "text": line.text,
        }
        for line in batch.lines
    ]
    if batch.dropped_bytes:
        at = views[0]["at"] if views else None
        views.insert(
            0,
            {
                "at": at,
                "environment_id": batch.environment_id,
                "request_id": None,
                "source": "platform",
                "text": f"[{batch.dropped_bytes} bytes of output were dropped here: a bound was reached]",
            },
        )
    return views


def invocation_view(invocation: Invocation, entries: list[LifecycleEntry]) -> dict[str, Any]:
    """What became of an invocation."""
    return {
        "request_id": invocation.request_id,
        "function_name": invocation.function.name,
        "qualifier": invocation.qualifier,
        "invocation_type": invocation.invocation_type.value,
        "state": invocation.state.value,
        "accepted_at": _time(invocation.accepted_at),
        "due_at": _time(invocation.due_at),
        "ended_at": _time(invocation.ended_at) if invocation.ended_at is not None else None,
        "attempts": invocation.attempts,
        "crashes": invocation.crashes,
        "error_type": invocation.error_type,
        "diagnosis": invocation.diagnosis,
        "caller": invocation.caller,
        "tenant_id": invocation.tenant_id,
        "history": [entry_view(entry) for entry in reversed(entries)],
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
