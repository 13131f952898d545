"""
Containers' output: attached before start, always drained, framed, handed on without ever waiting.

A reader that stops reading stalls the function and makes its kill hang, so nothing here waits for anything
downstream: what the queue cannot take is dropped and counted.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime

from orchestrator.containers.driver import OutputChunk, OutputStream

_FRAME_HEADER_BYTES = 8
_QUEUE_BYTES = 33_554_432
_STREAMS = {1: OutputStream.STDOUT, 2: OutputStream.STDERR}


class FrameReader(asyncio.Protocol):
    """
    One container's attached socket: Docker's frames of an 8-byte header and their content.

    Args:
        received: Called with each piece of content as it comes.
        ended: Called once when the stream has ended.
    """

    def __init__(self, received: Callable[[OutputStream, bytes], None], ended: Callable[[], None]) -> None:
        self._received = received
        self._ended = ended
        self._header = b""
        self._left = 0
        self._stream = OutputStream.STDOUT
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to close it."""
        self._transport = transport

    def data_received(self, received: bytes) -> None:
        """Take bytes as they come; a frame may come in pieces, or several at once."""
        at = 0
        while at < len(received):
            if self._left == 0:
                missing = _FRAME_HEADER_BYTES - len(self._header)
                self._header += received[at : at + missing]
                at += missing
                if len(self._header) < _FRAME_HEADER_BYTES:
                    return
                self._stream = _STREAMS.get(self._header[0], OutputStream.STDOUT)
                self._left = int.from_bytes(self._header[4:8])
                self._header = b""
                continue
            piece = received[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            self._received(self._stream, piece)

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
    reader = FrameReader(received, ended)
    if raw.family == socket.AF_UNIX:
        await loop.create_unix_connection(lambda: reader, sock=raw)
    else:
        await loop.create_connection(lambda: reader, sock=raw)
    return reader


class OutputQueue:
    """What waits to be read by the driver's one output reader, bounded in bytes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._chunks: deque[OutputChunk] = deque()
        self._bytes = 0
        self._dropped: dict[str, int] = {}
        self._there = asyncio.Event()

    def put(self, environment_id: str, stream: OutputStream, content: bytes) -> None:
        """Add bytes, or count them as dropped."""
        if self._bytes + len(content) > _QUEUE_BYTES:
            self._dropped[environment_id] = self._dropped.get(environment_id, 0) + len(content)
            return
        self._bytes += len(content)
        self._chunks.append(OutputChunk(environment_id=environment_id, at=self._now(), stream=stream, content=content))
        self._there.set()

    async def chunks(self) -> AsyncIterator[OutputChunk]:
        """Everything that was put, in order, for ever."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._bytes -= len(chunk.content)
                dropped = self._dropped.pop(chunk.environment_id, 0)
                yield replace(chunk, dropped_bytes=dropped) if dropped else chunk
            self._there.clear()
            await self._there.wait()
