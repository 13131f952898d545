"""
Messages on a stream socket: four bytes of length, then MessagePack. And how a connection gets its second socket.

What functions write has a socket of its own, so that a hundred megabytes of it never stand before an answer. The side
that has the socket makes it and hands it over (SCM_RIGHTS): nobody else can put itself at its other end.
"""

from __future__ import annotations

import asyncio
import socket

from msgspec import msgpack

_LENGTH_BYTES = 4
_HANDED_OVER = b"output"
LARGEST_BYTES = 16_777_216


class ChannelBroken(Exception):
    """What came is no message."""


class Channel:
    """
    One end of a stream of messages.

    Args:
        reader: Of the socket.
        writer: Of the same socket.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @staticmethod
    async def over(connected: socket.socket) -> Channel:
        """A channel over a connected socket, which it owns from now on."""
        connected.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=connected)
        return Channel(reader, writer)

    async def receive(self) -> bytes | None:
        """
        The next message, still packed; None when the other side has gone.

        Raises:
            ChannelBroken: If it is larger than any message is.
        """
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES))
            if length > LARGEST_BYTES:
                raise ChannelBroken(f"a message of {length} bytes: {LARGEST_BYTES} are the most")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def send(self, message: object) -> None:
        """Send a message, without waiting; once the other side has gone it is lost."""
        if self._writer.is_closing():
            # Its socket is gone before whoever reads has heard of it; uvloop would raise.
            return
        packed = msgpack.encode(message)
        self._writer.write(len(packed).to_bytes(_LENGTH_BYTES) + packed)

    async def drained(self) -> bool:
        """Wait until the other side has taken most of what was sent; False if it has gone."""
        try:
            await self._writer.drain()
        except ConnectionError:
            return False
        return not self._writer.is_closing()

    def close(self) -> None:
        """Close the socket."""
        self._writer.close()


def hand_over_second_socket(connected: socket.socket) -> socket.socket:
    """
    Make a pair and send one end to the other side; the end that stays.

    Blocks, for a moment.
    """
    connected.setblocking(True)
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(connected, [_HANDED_OVER], [theirs.fileno()])
    return ours


def take_second_socket(connected: socket.socket) -> socket.socket:
    """
    The socket that the other side hands over first. Blocks until it has done so.

    Raises:
        ConnectionError: If the other side has gone, or hands over something else.
    """
    connected.setblocking(True)
    said, handed_over, _, _ = socket.recv_fds(connected, len(_HANDED_OVER), 1)
    if said != _HANDED_OVER or len(handed_over) != 1:
        raise ConnectionError("the driver's process ended, or serves another control plane")
    return socket.socket(fileno=handed_over[0])
