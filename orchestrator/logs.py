"""
The control plane's own log: structlog, one line per thing that happened, readable on a terminal, JSON otherwise.

Lifecycle lines go through `lifecycle`, which is on the hot path (busy and idle of each invocation) and therefore
builds its line itself; everything else, the libraries' lines included, goes through structlog.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Literal, TextIO

import structlog

from orchestrator.domain.history import LifecycleEntry

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SHORT_ID = 8
_NAME_WIDTH = 26

Sink = Callable[[LifecycleEntry], None]


def configure(log_format: Literal["auto", "console", "json"], level: str, stream: TextIO = sys.stderr) -> Sink:
    """
    Set up the process's logging; called once, by the composition root.

    Args:
        log_format: auto is console on a terminal and JSON elsewhere.
        level: The least that is logged; lifecycle lines are info.

    Returns:
        Where lifecycle entries are written to.
    """
    is_console = log_format == "console" or (log_format == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")]
        if is_console
        else [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    )
    least = _LEVELS[level]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    for chatty in ("docker", "urllib3", "uvicorn", "asyncio", "alembic"):
        logging.getLogger(chatty).setLevel(max(least, logging.WARNING))
    if least > logging.INFO:
        return _nowhere
    return _console_lines(stream) if is_console else _json_lines(stream)


def _json_lines(stream: TextIO) -> Sink:
    def write(entry: LifecycleEntry) -> None:
        line = {"at": entry.at.isoformat(timespec="milliseconds"), "level": "info", "event": entry.event.value}
        line["function"], line["version"] = entry.function.name, entry.version
        if entry.environment_id is not None:
            line["environment_id"] = entry.environment_id
        if entry.request_id is not None:
            line["request_id"] = entry.request_id
        stream.write(json.dumps(line | entry.detail) + "\n")  # type: ignore[operator]
        stream.flush()

    return write


def _console_lines(stream: TextIO) -> Sink:
    def write(entry: LifecycleEntry) -> None:
        who = entry.function.name
        if entry.environment_id is not None:
            who += f" {entry.environment_id[:_SHORT_ID]}"
        what = " ".join(f"{name}={value}" for name, value in entry.detail.items() if value is not None)
        if entry.request_id is not None:
            what = f"request={entry.request_id} {what}"
        stream.write(f"{entry.at:%H:%M:%S.%f}"[:12] + f"  {entry.event.value:<{_NAME_WIDTH}} {who}  {what}\n")
        stream.flush()

    return write


def _nowhere(_entry: LifecycleEntry) -> None:
    """Lifecycle lines are below the level that is logged."""
