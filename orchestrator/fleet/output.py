"""
Function output: bytes become lines with their true time, between START, END and REPORT; kept, followed and tailed.

One log per environment for its life. What is written between two invocations belongs to none of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.clock import Clock
from orchestrator.containers.driver import OutputChunk, OutputStream
from orchestrator.domain.history import LineSource, OutputBatch, OutputLine
from orchestrator.fleet.live import LiveEnvironment

TAIL_BYTES = 4096
MAX_LINE_BYTES = 262_144
"""A longer line is split, as CloudWatch Logs does at 256 KiB."""
_MAX_PENDING_BYTES = 1_048_576
_QUIET_S = 0.002
_LONGEST_SETTLE_S = 0.020

_SOURCES = {OutputStream.STDOUT: LineSource.STDOUT, OutputStream.STDERR: LineSource.STDERR}


@dataclass(slots=True)
class _Log:
    live: LiveEnvironment
    request_id: str | None = None
    unfinished: dict[LineSource, bytes] = field(default_factory=dict)
    pending: list[OutputLine] = field(default_factory=list)
    pending_bytes: int = 0
    dropped_bytes: int = 0
    tail: deque[str] = field(default_factory=deque)
    tail_bytes: int = 0
    last_chunk_at: float = 0.0


class OutputLog:
    """
    The output of every live environment.

    Args:
        keep: Takes batches for the history; must not block.
    """

    def __init__(self, clock: Clock, keep: Callable[[OutputBatch], None]) -> None:
        self._clock = clock
        self._keep = keep
        self._logs: dict[str, _Log] = {}
        self._unkept: set[str] = set()

    def opened(self, live: LiveEnvironment) -> None:
        """An environment begins its log."""
        self._logs[live.environment_id] = _Log(live)

    def closed(self, live: LiveEnvironment) -> None:
        """An environment is gone; what it wrote last is kept."""
        log = self._logs.pop(live.environment_id, None)
        if log is None:
            return
        self._finish_lines(log, self._now_us())
        self._flush(log)
        self._unkept.discard(live.environment_id)

    def begin(self, live: LiveEnvironment, request_id: str, start_line: str) -> None:
        """An invocation begins: its START line."""
        log = self._logs[live.environment_id]
        log.request_id = request_id
        log.tail.clear()
        log.tail_bytes = 0
        self._add(log, OutputLine(self._now_us(), LineSource.PLATFORM, start_line, request_id))

    def end(self, live: LiveEnvironment, lines: tuple[str, ...]) -> None:
        """An invocation is over: its END and REPORT lines."""
        log = self._logs.get(live.environment_id)
        if log is None:
            return
        now_us = self._now_us()
        self._finish_lines(log, now_us)
        for text in lines:
            self._add(log, OutputLine(now_us, LineSource.PLATFORM, text, log.request_id))
        log.request_id = None

    def platform(self, live: LiveEnvironment, text: str) -> None:
        """A line of ours outside an invocation: INIT_REPORT."""
        log = self._logs.get(live.environment_id)
        if log is not None:
            self._add(log, OutputLine(self._now_us(), LineSource.PLATFORM, text, None))

    def tail(self, live: LiveEnvironment) -> str:
        """The last 4 KB of the invocation that is running or has just ended."""
        log = self._logs.get(live.environment_id)
        if log is None:
            return ""
        return "\n".join((*log.tail, "")).encode()[-TAIL_BYTES:].decode(errors="ignore")

    def received(self, chunk: OutputChunk) -> None:
        """Bytes came from a container."""
        log = self._logs.get(chunk.environment_id)
        if log is None:
            return
        source = _SOURCES[chunk.stream]
        at_us = _microseconds(chunk.at)
        log.last_chunk_at = self._clock.monotonic()
        log.dropped_bytes += chunk.dropped_bytes
        text = log.unfinished.pop(source, b"") + chunk.content
        *lines, rest = text.split(b"\n")
        for line in lines:
            self._add_bytes(log, source, line, at_us)
        while len(rest) > MAX_LINE_BYTES:
            self._add_bytes(log, source, rest[:MAX_LINE_BYTES], at_us)
            rest = rest[MAX_LINE_BYTES:]
        if rest:
            log.unfinished[source] = rest

    async def settle(self, live: LiveEnvironment) -> None:
        """Wait until the environment's output has been quiet for 2 ms, 20 ms at most."""
        log = self._logs.get(live.environment_id)
        if log is None:
            return
        began = self._clock.monotonic()
        log.last_chunk_at = max(log.last_chunk_at, began)
        while True:
            now = self._clock.monotonic()
            left_s = min(log.last_chunk_at + _QUIET_S, began + _LONGEST_SETTLE_S) - now
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    async def tick(self) -> None:
        """Hand what has gathered to the history."""
        unkept, self._unkept = self._unkept, set()
        for environment_id in unkept:
            log = self._logs.get(environment_id)
            if log is not None:
                self._flush(log)

    def _add_bytes(self, log: _Log, source: LineSource, line: bytes, at_us: int) -> None:
        for start in range(0, max(len(line), 1), MAX_LINE_BYTES):
            text = line[start : start + MAX_LINE_BYTES].decode(errors="replace")
            self._add(log, OutputLine(at_us, source, text, log.request_id))

    def _add(self, log: _Log, line: OutputLine) -> None:
        size = len(line.text) + 1
        if log.request_id is not None:
            log.tail.append(line.text)
            log.tail_bytes += size
            while log.tail_bytes > 2 * TAIL_BYTES and len(log.tail) > 1:
                log.tail_bytes -= len(log.tail.popleft()) + 1
        if log.pending_bytes + size > _MAX_PENDING_BYTES:
            # The next tick empties it: a function that prints faster than that is cut, and told so.
            log.dropped_bytes += size
            return
        log.pending.append(line)
        log.pending_bytes += size
        self._unkept.add(log.live.environment_id)

    def _finish_lines(self, log: _Log, now_us: int) -> None:
        for source, rest in log.unfinished.items():
            self._add_bytes(log, source, rest, now_us)
        log.unfinished.clear()

    def _flush(self, log: _Log) -> None:
        if not log.pending and not log.dropped_bytes:
            return
        environment = log.live.environment
        self._keep(
            OutputBatch(
                function=environment.version.function,
                version=environment.version.version,
                environment_id=environment.environment_id,
                log_stream=log.live.log_stream,
                lines=tuple(log.pending),
                dropped_bytes=log.dropped_bytes,
            )
        )
        log.pending = []
        log.pending_bytes = 0
        log.dropped_bytes = 0

    def _now_us(self) -> int:
        return self._clock.epoch_us()


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
