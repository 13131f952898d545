"""
The platform's lines around a run, in the format that the function has asked for: text, or JSON with a level each.

Text is `reports.py`; END has no JSON of its own, `platform.runtimeDone` stands in its place.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import NamedTuple

from orchestrator.domain import reports
from orchestrator.domain.log_levels import is_at_least
from orchestrator.domain.version_options import LoggingConfig

_SUCCESS = "success"


class PlatformLine(NamedTuple):
    """
    One line. A tuple, as what is told of a run: each invocation makes three.

    Args:
        level: `DEBUG`, `INFO` or `WARN`; None in text, where nothing is filtered.
    """

    text: str
    level: str | None = None


class RunFacts(NamedTuple):
    """
    What is told of a run that has ended.

    Args:
        init_duration_ms: Only for the first of an environment.
        status: `timeout` or `error`, None for success.
        produced_bytes: Of its response.
        timeout: The function's, if that is what ended it.
        tenant_id: For whom it ran, if the function isolates its tenants.
    """

    request_id: str
    duration_ms: float
    memory_size_mb: int
    max_memory_used_mb: int
    init_duration_ms: float | None
    status: str | None
    error_type: str | None
    produced_bytes: int
    timeout: timedelta | None
    tenant_id: str | None = None


def is_kept(line: PlatformLine, logging: LoggingConfig) -> bool:
    """Does the line belong into the log? Whoever asks for the tail of a run gets all of them."""
    return line.level is None or is_at_least(line.level, logging.system_level)


def begun(
    logging: LoggingConfig, request_id: str, version: str, now: datetime, tenant_id: str | None = None
) -> PlatformLine:
    """An attempt begins."""
    if not logging.is_json:
        return PlatformLine(reports.start_line(request_id, version))
    return _record("platform.start", "INFO", now, {"requestId": request_id, "version": version, **_tenant(tenant_id)})


def ended(logging: LoggingConfig, run: RunFacts, now: datetime) -> tuple[PlatformLine, ...]:
    """An attempt has ended, and what it used."""
    return _ended_in_json(run, now) if logging.is_json else _ended_in_text(run, now)


def init_failed(
    logging: LoggingConfig,
    *,
    init_duration_ms: float,
    phase: str,
    status: str,
    error_type: str | None,
    now: datetime,
    initialization: str = "on-demand",
) -> PlatformLine:
    """An init failed or took too long; a good one is told by the first report."""
    if not logging.is_json:
        return PlatformLine(
            reports.init_report_line(
                init_duration_ms=init_duration_ms, phase=phase, status=status, error_type=error_type
            )
        )
    record: dict[str, object] = {
        "initializationType": initialization,
        "phase": phase,
        "status": status,
        **_error(status, error_type),
        "metrics": {"durationMs": round(init_duration_ms, 3)},
    }
    return _record("platform.initReport", "WARN", now, record)


def _ended_in_text(run: RunFacts, now: datetime) -> tuple[PlatformLine, ...]:
    texts = [
        reports.end_line(run.request_id),
        reports.report_line(
            run.request_id,
            duration_ms=run.duration_ms,
            memory_size_mb=run.memory_size_mb,
            max_memory_used_mb=run.max_memory_used_mb,
            init_duration_ms=run.init_duration_ms,
            status=run.status,
            error_type=run.error_type,
        ),
    ]
    if run.timeout is not None:
        texts.insert(0, reports.timeout_line(run.request_id, run.timeout, now))
    return tuple(PlatformLine(text) for text in texts)


def _ended_in_json(run: RunFacts, now: datetime) -> tuple[PlatformLine, ...]:
    status = run.status or _SUCCESS
    has_succeeded = status == _SUCCESS
    metrics: dict[str, object] = {
        "durationMs": round(run.duration_ms, 3),
        "billedDurationMs": math.ceil(run.duration_ms + (run.init_duration_ms or 0.0)),
        "memorySizeMB": run.memory_size_mb,
        "maxMemoryUsedMB": run.max_memory_used_mb,
    }
    if run.init_duration_ms is not None:
        metrics["initDurationMs"] = round(run.init_duration_ms, 3)
    done: dict[str, object] = {
        "requestId": run.request_id,
        **_tenant(run.tenant_id),
        "status": status,
        **_error(status, run.error_type),
        "metrics": {"durationMs": round(run.duration_ms, 3), "producedBytes": run.produced_bytes},
    }
    report: dict[str, object] = {
        "requestId": run.request_id,
        **_tenant(run.tenant_id),
        "metrics": metrics,
        "status": status,
        **_error(status, run.error_type),
    }
    return (
        _record("platform.runtimeDone", "DEBUG" if has_succeeded else "WARN", now, done),
        _record("platform.report", "INFO" if has_succeeded else "WARN", now, report),
    )


def _error(status: str, error_type: str | None) -> dict[str, object]:
    return {"errorType": error_type} if error_type is not None and status != "timeout" else {}


def _tenant(tenant_id: str | None) -> dict[str, object]:
    """AWS: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-monitor.html"""
    return {"tenantId": tenant_id} if tenant_id is not None else {}


def _record(kind: str, level: str, now: datetime, record: dict[str, object]) -> PlatformLine:
    time = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
    return PlatformLine(json.dumps({"time": time, "type": kind, "record": record}, separators=(",", ":")), level)
