"""
The control plane's own log: structlog, one line per thing that happened, readable on a terminal, JSON otherwise.

Lifecycle lines go through `lifecycle`, which is on the hot path (busy and idle of each invocation) and therefore
builds its line itself; everything else, the libraries' lines included, goes through structlog.
A log that cannot be written (its disk is full, its reader has gone) stops nothing: lines are lost and counted.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
from collections.abc import Callable
from typing import Literal, TextIO

import orjson
import structlog

from orchestrator.domain.history import LifecycleEntry

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SHORT_ID = 8
_NAME_WIDTH = 26
_WRITTEN_WITHIN_S = 0.02

# Local variables of a traceback hold payloads, environment variables and keys.
_tracebacks = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))

Sink = Callable[[LifecycleEntry], None]

log: structlog.stdlib.BoundLogger = structlog.get_logger()


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
        [
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
            )
        ]
        if is_console
        else [_tracebacks, structlog.processors.JSONRenderer()]
    )
    least = _LEVELS[level]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    written = _Written(stream)
    lines = _LifecycleLines(written)
    atexit.register(lines.flush)
    handler = _InOrder(written, lines.flush)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    for chatty in ("docker", "urllib3", "asyncio", "alembic"):
        logging.getLogger(chatty).setLevel(max(least, logging.WARNING))
    # A line for each request that is no HTTP would let whoever sends them fill the log.
    logging.getLogger("uvicorn").setLevel(max(least, logging.ERROR))
    if least > logging.INFO:
        return _nowhere
    return _console_lines(written) if is_console else lines.write


class _Written:
    """Where lines go. Whoever logs is in the midst of something that must not fail because the log does."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0
        self._reason = ""

    def write(self, text: str) -> None:
        """Write some lines, or lose and count them; the next that are written are followed by how many those were."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError) as error:
            # The last few kilobytes of them are still in the stream's buffer, and may come yet.
            self._lost += text.count("\n")
            self._reason = str(error)
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            log.warning("log.lines-lost", at_most=lost, reason=self._reason)


class _LifecycleLines:
    """Lifecycle entries as JSON lines, written together every 20 ms: a write for each cost a call 40 us of 500."""

    def __init__(self, written: _Written) -> None:
        self._written = written
        self._lines: list[bytes] = []

    def write(self, entry: LifecycleEntry) -> None:
        """Keep an entry's line; called in the event loop."""
        line: dict[str, object] = {
            "at": entry.at,
            "level": "info",
            "event": entry.event.value,
            "function": entry.function.name,
            "version": entry.version,
        }
        if entry.environment_id is not None:
            line["environment_id"] = entry.environment_id
        if entry.request_id is not None:
            line["request_id"] = entry.request_id
        line |= entry.detail
        if not self._lines:
            asyncio.get_running_loop().call_later(_WRITTEN_WITHIN_S, self.flush)
        try:
            self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        except TypeError:
            # Half a surrogate pair, which strangers can send, has no UTF-8 form.
            self._lines.append(json.dumps(line, default=str).encode() + b"\n")

    def flush(self) -> None:
        """Write what is kept."""
        if self._lines:
            text, self._lines = b"".join(self._lines), []
            self._written.write(text.decode())


class _InOrder(logging.Handler):
    """Writes a record behind the lifecycle lines that came before it."""

    def __init__(self, written: _Written, flush_before: Callable[[], None]) -> None:
        super().__init__()
        self._written = written
        self._flush_before = flush_before

    def emit(self, record: logging.LogRecord) -> None:
        """Write it."""
        self._flush_before()
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - as in every handler of `logging`: a line that has no form is told, not raised
            self.handleError(record)
            return
        self._written.write(line + "\n")


def _console_lines(written: _Written) -> Sink:
    def write(entry: LifecycleEntry) -> None:
        who = entry.function.name
        if entry.environment_id is not None:
            who += f" {entry.environment_id[:_SHORT_ID]}"
        what = " ".join(f"{name}={value}" for name, value in entry.detail.items() if value is not None)
        if entry.request_id is not None:
            what = f"request={entry.request_id} {what}"
        written.write(f"{entry.at:%H:%M:%S.%f}"[:12] + f"  {entry.event.value:<{_NAME_WIDTH}} {who}  {what}\n")

    return write


def _nowhere(_entry: LifecycleEntry) -> None:
    """Lifecycle lines are below the level that is logged."""
