"""
Containers' output: attached before start, always drained, framed, handed on without ever waiting.

A reader that stops reading stalls the function and makes its kill hang, so nothing here waits for anything
downstream: what the queue cannot take is dropped and counted. Only one that writes tens of megabytes a second is read
with pauses, of milliseconds: it costs the engine and its shims more processor than it has itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.allowance import Allowance
from orchestrator.driver.protocol import OutputChunk, OutputStream

_FRAME_HEADER_BYTES = 8
_QUEUE_BYTES = 33_554_432
_CHUNK_BYTES = 256
"""What a chunk takes beside its content: a function that writes single bytes fills the queue as well."""
_AT_ONCE_BYTES = 16_777_216
_BYTES_PER_S = 4_194_304
_READ_AT_ONCE_BYTES = 8_388_608
_READ_BYTES_PER_S = 16_777_216
_LONGEST_PAUSE_S = 0.02
_TOLD_WITHIN_S = 0.1
_END_BYTES = 8192
"""Of what was dropped: a caller may have asked for the last 4 KB of the log."""
_STREAMS = {1: OutputStream.STDOUT, 2: OutputStream.STDERR}


class FrameReader(asyncio.Protocol):
    """
    One container's attached socket: Docker's frames of an 8-byte header and their content.

    Args:
        received: Called with content as it comes; frames of one stream that come together are one piece.
        ended: Called once when the stream has ended.
        loop: Whose time counts.
    """

    def __init__(
        self,
        received: Callable[[OutputStream, bytes], None],
        ended: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._received = received
        self._ended = ended
        self._loop = loop
        self._allowance = Allowance.full(_READ_AT_ONCE_BYTES, _READ_BYTES_PER_S, loop.time())
        self._header = b""
        self._left = 0
        self._stream = OutputStream.STDOUT
        self._transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.ReadTransport) -> None:  # type: ignore[override]
        """Keep the transport, to pause and to close it."""
        self._transport = transport

    def data_received(self, received: bytes) -> None:
        """Take bytes as they come; a frame may come in pieces, or several at once."""
        self._allowance = self._allowance.taken(len(received), self._loop.time())
        if self._allowance.left < 0:
            self._pause(self._allowance.settled_in_s)
        at = 0
        pieces: list[bytes] = []
        while at < len(received):
            if self._left == 0:
                missing = _FRAME_HEADER_BYTES - len(self._header)
                self._header += received[at : at + missing]
                at += missing
                if len(self._header) < _FRAME_HEADER_BYTES:
                    break
                stream = _STREAMS.get(self._header[0], OutputStream.STDOUT)
                if stream is not self._stream:
                    self._hand_on(pieces)
                self._stream = stream
                self._left = int.from_bytes(self._header[4:8])
                self._header = b""
                continue
            piece = received[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            pieces.append(piece)
        self._hand_on(pieces)

    def _hand_on(self, pieces: list[bytes]) -> None:
        if pieces:
            self._received(self._stream, b"".join(pieces))
            pieces.clear()

    def _pause(self, seconds: float) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
            self._loop.call_later(min(seconds, _LONGEST_PAUSE_S), self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """The container has ended, or the engine."""
        self._ended()

    def close(self) -> None:
        """Read no more."""
        if self._transport is not None:
            self._transport.close()


async def read_frames(
    raw: socket.socket, received: Callable[[OutputStream, bytes], None], ended: Callable[[], None]
) -> FrameReader:
    """Read an attached socket in the loop from now on."""
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    reader = FrameReader(received, ended, loop)
    if raw.family == socket.AF_UNIX:
        await loop.create_unix_connection(lambda: reader, sock=raw)
    else:
        await loop.create_connection(lambda: reader, sock=raw)
    return reader


@dataclass(slots=True)
class _Dropped:
    """What one environment wrote that was not kept: how much, and its end, which is kept for who asks for that."""

    count: int = 0
    stream: OutputStream = OutputStream.STDOUT
    end: bytes = b""

    def add(self, stream: OutputStream, content: bytes) -> None:
        self.count += len(content)
        before = self.end if stream is self.stream else b""
        self.end = (before + content[-_END_BYTES:])[-_END_BYTES:]
        self.stream = stream


class OutputQueue:
    """
    What waits to be read by the driver's one output reader, bounded in bytes; and for each environment over time, so
    that one which prints without end costs the control plane no more than one which prints much.

    Args:
        now: The time of what is put.
        monotonic: Seconds that never go back.
    """

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self._chunks: deque[OutputChunk] = deque()
        self._bytes = 0
        self._allowances: dict[str, Allowance] = {}
        self._dropped: dict[str, _Dropped] = {}
        self._there = asyncio.Event()

    def put(self, environment_id: str, stream: OutputStream, content: bytes) -> None:
        """Add bytes, or count them as dropped."""
        size, now = len(content), self._monotonic()
        allowance = self._allowances.get(environment_id) or Allowance.full(_AT_ONCE_BYTES, _BYTES_PER_S, now)
        if self._bytes + size + _CHUNK_BYTES > _QUEUE_BYTES or allowance.left_at(now) < size:
            if environment_id not in self._dropped:
                # Whoever reads everything waits for more: from now on no longer than until this is to be told.
                self._dropped[environment_id] = _Dropped()
                self._there.set()
            self._dropped[environment_id].add(stream, content)
            return
        self._allowances[environment_id] = allowance.taken(size, now)
        self._tell_dropped(environment_id)
        self._add(environment_id, stream, content, 0)

    def forget(self, environment_id: str) -> None:
        """It has gone; what was dropped of it last is told."""
        self._allowances.pop(environment_id, None)
        self._tell_dropped(environment_id)

    async def chunks(self) -> AsyncIterator[OutputChunk]:
        """Everything that was put, in order, for ever."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._bytes -= len(chunk.content) + _CHUNK_BYTES
                yield chunk
            self._there.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._there.wait(), _TOLD_WITHIN_S if self._dropped else None)
            if not self._there.is_set():
                # Nothing follows that it could be told with.
                for environment_id in tuple(self._dropped):
                    self._tell_dropped(environment_id)

    def _tell_dropped(self, environment_id: str) -> None:
        dropped = self._dropped.pop(environment_id, None)
        if dropped is not None:
            self._add(environment_id, dropped.stream, dropped.end, dropped.count - len(dropped.end))

    def _add(self, environment_id: str, stream: OutputStream, content: bytes, dropped_bytes: int) -> None:
        self._bytes += len(content) + _CHUNK_BYTES
        self._chunks.append(
            OutputChunk(
                environment_id=environment_id,
                at=self._now(),
                stream=stream,
                content=content,
                dropped_bytes=dropped_bytes,
            )
        )
        self._there.set()
