"""
Function output: bytes become lines with their true time, between START, END and REPORT; kept, followed and tailed.

One log per environment for its life. What is written between two invocations belongs to none of them; but an answer
comes sooner than what was written just before it, so END and REPORT wait for a moment of quiet, as nobody else does.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from orchestrator.clock import Clock
from orchestrator.domain.allowance import Allowance
from orchestrator.domain.history import LineSource, OutputBatch, OutputLine
from orchestrator.domain.platform_lines import PlatformLine, is_kept
from orchestrator.driver.protocol import OutputChunk, OutputStream
from orchestrator.fleet.application_levels import filter_of
from orchestrator.fleet.live import LiveEnvironment

TAIL_BYTES = 4096
MAX_LINE_BYTES = 262_144
"""A longer line is split, as CloudWatch Logs does at 256 KiB."""
_LINE_COST_BYTES = 512
"""What a line costs besides its text: a function that prints short ones costs more than one that prints much."""
_AT_ONCE_BYTES = 8_388_608
_BYTES_PER_S = 4_194_304
_QUIET_S = 0.050
"""
The engine passes a line on within 0.4 ms while it has nothing else to do. On a busy host a quarter of the tails lacked
their last line with 8 ms, and one of some hundreds with 15. Only who asks for the tail waits.
"""
_END_AFTER_S = 0.1
"""Of quiet; nobody waits for END and REPORT but who reads the log, and on a busy machine output takes its time."""
_LONGEST_S = 0.5
"""Either waits for quiet no longer than this: a function may print without end."""
_UNFINISHED_S = 0.5
"""What came after END, without a newline, is taken for a line after so long."""

_SOURCES = {OutputStream.STDOUT: LineSource.STDOUT, OutputStream.STDERR: LineSource.STDERR}


@dataclass(slots=True)
class _Log:
    live: LiveEnvironment
    allowance: Allowance
    is_wanted: Callable[[str], bool]
    request_id: str | None = None
    unfinished: dict[LineSource, bytes] = field(default_factory=dict)
    pending: list[OutputLine] = field(default_factory=list)
    dropped_bytes: int = 0
    tail: bytes = b""
    last_chunk_at: float = 0.0
    last_chunk_us: int = 0
    ending: tuple[PlatformLine, ...] = ()
    ended_at: float = 0.0
    ended_us: int = 0


class OutputLog:
    """
    The output of every live environment.

    Args:
        keep: Takes batches for the history; must not block. False: it has no room, and the batch is lost.
    """

    def __init__(self, clock: Clock, keep: Callable[[OutputBatch], bool]) -> None:
        self._clock = clock
        self._keep = keep
        self._logs: dict[str, _Log] = {}
        self._unkept: set[str] = set()
        self._unfinished: set[str] = set()
        self._ending: set[str] = set()

    def opened(self, live: LiveEnvironment) -> None:
        """An environment begins its log."""
        full = Allowance.full(_AT_ONCE_BYTES, _BYTES_PER_S, self._clock.monotonic())
        self._logs[live.environment_id] = _Log(live, full, filter_of(live.version.options.logging))

    def closed(self, live: LiveEnvironment) -> None:
        """An environment is gone; what it wrote last is kept."""
        log = self._logs.pop(live.environment_id, None)
        if log is None:
            return
        self._write_end(log)
        self._finish_lines(log, self._now_us())
        self._flush(log)
        self._unkept.discard(live.environment_id)

    def begin(self, live: LiveEnvironment, request_id: str, start_line: PlatformLine) -> None:
        """An invocation begins: its START line."""
        log = self._logs[live.environment_id]
        self._write_end(log)
        log.request_id = request_id
        log.tail = b""
        self._add_platform(log, start_line, self._now_us())

    def end(self, live: LiveEnvironment, lines: tuple[PlatformLine, ...]) -> None:
        """An invocation is over: its END and REPORT lines, behind what it wrote that is still on its way."""
        log = self._logs.get(live.environment_id)
        if log is None:
            return
        log.ending = lines
        log.ended_at = self._clock.monotonic()
        log.ended_us = self._now_us()
        self._ending.add(live.environment_id)

    def platform(self, live: LiveEnvironment, line: PlatformLine) -> None:
        """A line of ours outside an invocation: INIT_REPORT."""
        log = self._logs.get(live.environment_id)
        if log is not None:
            self._write_end(log)
            self._add_platform(log, line, self._now_us())

    def tail(self, live: LiveEnvironment) -> str:
        """The last 4 KB of the invocation that is running or has just ended."""
        log = self._logs.get(live.environment_id)
        if log is None:
            return ""
        self._write_end(log)
        return log.tail[-TAIL_BYTES:].decode(errors="ignore")

    def received(self, chunk: OutputChunk) -> None:
        """Bytes came from a container."""
        log = self._logs.get(chunk.environment_id)
        if log is None:
            return
        source = _SOURCES[chunk.stream]
        at_us = _microseconds(chunk.at)
        log.last_chunk_at = self._clock.monotonic()
        log.last_chunk_us = at_us
        if chunk.dropped_bytes:
            self._drop(log, chunk.dropped_bytes)
        if not chunk.content:
            return
        text = log.unfinished.pop(source, b"") + chunk.content
        # What is beyond the allowance is not looked at: that alone would take long.
        most = max(0, int(log.allowance.left_at(log.last_chunk_at))) // (1 + _LINE_COST_BYTES)
        *lines, rest = text.split(b"\n", most)
        if lines:
            self._add_lines(log, source, lines, at_us)
        if len(lines) == most:
            self._drop(log, len(rest))
            self._end_of_tail(log, rest.removesuffix(b"\n"))
            return
        while len(rest) > MAX_LINE_BYTES:
            self._add_bytes(log, source, rest[:MAX_LINE_BYTES], at_us)
            rest = rest[MAX_LINE_BYTES:]
        if rest:
            log.unfinished[source] = rest
            self._unfinished.add(chunk.environment_id)

    async def settle(self, live: LiveEnvironment) -> None:
        """Wait until the environment's output has been quiet for 50 ms, half a second at most."""
        log = self._logs.get(live.environment_id)
        if log is None:
            return
        began = self._clock.monotonic()
        log.last_chunk_at = max(log.last_chunk_at, began)
        while True:
            now = self._clock.monotonic()
            left_s = min(log.last_chunk_at + _QUIET_S, began + _LONGEST_S) - now
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    async def tick(self) -> None:
        """Hand what has gathered to the history."""
        self._end_what_is_quiet()
        self._finish_what_stays()
        unkept, self._unkept = self._unkept, set()
        for environment_id in unkept:
            log = self._logs.get(environment_id)
            if log is not None:
                self._flush(log)

    def _end_what_is_quiet(self) -> None:
        now = self._clock.monotonic()
        for environment_id in tuple(self._ending):
            log = self._logs.get(environment_id)
            if log is None:
                self._ending.discard(environment_id)
            elif now >= min(max(log.last_chunk_at, log.ended_at) + _END_AFTER_S, log.ended_at + _LONGEST_S):
                self._write_end(log)

    def _write_end(self, log: _Log) -> None:
        """END and REPORT of the invocation that is over, if they have not been written."""
        lines, log.ending = log.ending, ()
        if not lines:
            return
        self._ending.discard(log.live.environment_id)
        at_us = max(log.ended_us, log.last_chunk_us)
        self._finish_lines(log, at_us)
        for line in lines:
            self._add_platform(log, line, at_us)
        log.request_id = None

    def _finish_what_stays(self) -> None:
        """A line without its end, of a function that is idle: nothing more will come of it."""
        now = self._clock.monotonic()
        for environment_id in tuple(self._unfinished):
            log = self._logs.get(environment_id)
            if log is None or not log.unfinished:
                self._unfinished.discard(environment_id)
            elif log.request_id is None and now - log.last_chunk_at > _UNFINISHED_S:
                self._finish_lines(log, self._now_us())

    def _add_lines(self, log: _Log, source: LineSource, lines: list[bytes], at_us: int) -> None:
        """Together: one after the other takes two to seven times as long."""
        if max(map(len, lines)) > MAX_LINE_BYTES:
            for line in lines:
                self._add_bytes(log, source, line, at_us)
            return
        now = self._clock.monotonic()
        costs = list(accumulate(len(line) + 1 + _LINE_COST_BYTES for line in lines))
        fit = bisect_right(costs, log.allowance.left_at(now))
        if fit:
            log.allowance = log.allowance.taken(costs[fit - 1], now)
            texts = b"\n".join(lines[:fit]).decode(errors="replace").split("\n")
            log.pending.extend(
                [OutputLine(at_us, source, text, log.request_id) for text in texts if log.is_wanted(text)]
            )
            self._unkept.add(log.live.environment_id)
        if fit < len(lines):
            self._drop(log, sum(map(len, lines[fit:])) + len(lines) - fit)
        self._end_of_tail(log, b"\n".join(lines))

    def _add_bytes(self, log: _Log, source: LineSource, line: bytes, at_us: int) -> None:
        for start in range(0, max(len(line), 1), MAX_LINE_BYTES):
            text = line[start : start + MAX_LINE_BYTES].decode(errors="replace")
            self._add(log, OutputLine(at_us, source, text, log.request_id))

    def _add(self, log: _Log, line: OutputLine) -> None:
        size, now = len(line.text) + 1, self._clock.monotonic()
        self._add_to_tail(log, line.text)
        # What its level keeps out of the log has been looked at all the same.
        if log.allowance.left_at(now) < size:
            self._drop(log, size)
            return
        log.allowance = log.allowance.taken(size + _LINE_COST_BYTES, now)
        if log.is_wanted(line.text):
            log.pending.append(line)
            self._unkept.add(log.live.environment_id)

    def _add_platform(self, log: _Log, line: PlatformLine, at_us: int) -> None:
        """START, END and REPORT are short, and no function's: they take nothing of its allowance."""
        self._add_to_tail(log, line.text)
        if is_kept(line, log.live.version.options.logging):
            log.pending.append(OutputLine(at_us, LineSource.PLATFORM, line.text, log.request_id))
            self._unkept.add(log.live.environment_id)

    def _add_to_tail(self, log: _Log, text: str) -> None:
        if log.request_id is not None:
            log.tail = (log.tail + text.encode() + b"\n")[-2 * TAIL_BYTES :]

    def _end_of_tail(self, log: _Log, lines: bytes) -> None:
        """Of many lines, kept or not, a caller may have asked for the last."""
        self._add_to_tail(log, lines[-2 * TAIL_BYTES :].decode(errors="replace"))

    def _drop(self, log: _Log, size: int) -> None:
        """A function that prints faster than it may is cut, and told so."""
        log.dropped_bytes += size
        self._unkept.add(log.live.environment_id)

    def _finish_lines(self, log: _Log, now_us: int) -> None:
        for source, rest in log.unfinished.items():
            self._add_bytes(log, source, rest, now_us)
        log.unfinished.clear()

    def _flush(self, log: _Log) -> None:
        if not log.pending and not log.dropped_bytes:
            return
        environment = log.live.environment
        batch = OutputBatch(
            function=environment.version.function,
            version=environment.version.version,
            environment_id=environment.environment_id,
            log_stream=log.live.log_stream,
            lines=tuple(log.pending),
            dropped_bytes=log.dropped_bytes,
        )
        log.pending = []
        log.dropped_bytes = 0
        if not self._keep(batch):
            self._drop(log, batch.dropped_bytes + _written_bytes(batch.lines))

    def _now_us(self) -> int:
        return self._clock.epoch_us()


def _written_bytes(lines: tuple[OutputLine, ...]) -> int:
    """What the function wrote of them, newlines included."""
    return sum(len(line.text) + 1 for line in lines if line.source is not LineSource.PLATFORM)


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
