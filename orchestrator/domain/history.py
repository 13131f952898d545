"""What is kept of the past: lifecycle entries and lines of output. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from orchestrator.domain.names import FunctionKey


class LifecycleEvent(StrEnum):
    """What may happen to a function, an environment or an invocation and is worth a line."""

    FUNCTION_ACTIVE = "function.active"
    FUNCTION_FAILED = "function.failed"
    FUNCTION_DELETED = "function.deleted"
    VERSION_PUBLISHED = "version.published"
    VERSION_DELETED = "version.deleted"
    CREATED = "environment.created"
    INIT_STARTED = "environment.init-started"
    INIT_DONE = "environment.init-done"
    INIT_FAILED = "environment.init-failed"
    IDLE = "environment.idle"
    FROZEN = "environment.frozen"
    THAWED = "environment.thawed"
    BUSY = "environment.busy"
    REFUSED = "environment.refused"
    STOPPING = "environment.stopping"
    NOT_PROVISIONED = "environment.not-provisioned"
    GONE = "environment.gone"
    INVOCATION_ENDED = "invocation.ended"
    INVOCATION_FAILED = "invocation.failed"
    INVOCATION_RETRYING = "invocation.retrying"
    INVOCATION_SET_ASIDE = "invocation.set-aside"


class LifecycleEntry(NamedTuple):
    """
    One thing that happened, when, to whom and why. A tuple, for each invocation makes three.

    Args:
        detail: Small JSON-able values: `reason`, `init_ms`, `duration_ms`, `error_type`, `diagnosis`, `exit_code` …
    """

    at: datetime
    event: LifecycleEvent
    function: FunctionKey
    version: str
    environment_id: str | None = None
    request_id: str | None = None
    detail: Mapping[str, str | int | float | bool | None] = {}


class LineSource(StrEnum):
    """Who wrote a line: the function on one of its streams, or the platform (START, END, REPORT)."""

    STDOUT = "stdout"
    STDERR = "stderr"
    PLATFORM = "platform"


class OutputLine(NamedTuple):
    """
    One line of a function's log, with its true time. A tuple, for each invocation writes three.

    Args:
        at_us: Microseconds since 1970, UTC.
        text: Without its newline; undecodable bytes replaced.
        request_id: Of the invocation that was running, if one was.
    """

    at_us: int
    source: LineSource
    text: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputBatch:
    """
    Lines of one environment, in the order they came; what is stored and followed as a unit.

    Args:
        log_stream: AWS's name of the environment's one stream.
        dropped_bytes: What was cut off before this batch because a bound was reached.
    """

    function: FunctionKey
    version: str
    environment_id: str
    log_stream: str
    lines: tuple[OutputLine, ...]
    dropped_bytes: int = 0
