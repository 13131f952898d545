"""
The platform's lines in a function's log, as AWS prints them, tabs included.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta


def start_line(request_id: str, version: str) -> str:
    """An attempt begins."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """An attempt has ended."""
    return f"END RequestId: {request_id}"


def report_line(
    request_id: str,
    *,
    duration_ms: float,
    memory_size_mb: int,
    max_memory_used_mb: int,
    init_duration_ms: float | None,
    status: str | None,
    error_type: str | None,
) -> str:
    """
    What an attempt used.

    Args:
        init_duration_ms: Only for the first of an environment; AWS bills it as well.
        status: `timeout` or `error`, None for success.
    """
    billed_ms = math.ceil(duration_ms + (init_duration_ms or 0.0))
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {billed_ms} ms",
        f"Memory Size: {memory_size_mb} MB",
        f"Max Memory Used: {max_memory_used_mb} MB",
    ]
    if init_duration_ms is not None:
        parts.append(f"Init Duration: {init_duration_ms:.2f} ms")
    return "\t".join([*parts, *_status(status, error_type)]) + "\t"


def init_report_line(*, init_duration_ms: float, phase: str, status: str, error_type: str | None) -> str:
    """An init failed or took too long; a good one is told by the first REPORT."""
    parts = [f"INIT_REPORT Init Duration: {init_duration_ms:.2f} ms", f"Phase: {phase}"]
    return "\t".join([*parts, *_status(status, error_type)]) + "\t"


def timeout_line(request_id: str, timeout: timedelta, now: datetime) -> str:
    """
    An attempt was not answered in time.

    Args:
        now: UTC.
    """
    at = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
    return f"{at} {request_id} Task timed out after {timeout.total_seconds():.2f} seconds"


def _status(status: str | None, error_type: str | None) -> list[str]:
    parts = [] if status is None else [f"Status: {status}"]
    if error_type is not None and status != "timeout":
        parts.append(f"Error Type: {error_type}")
    return parts
