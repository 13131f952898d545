"""
A response's head is sent with the first piece of its body, in one write.

ASGI asks for that, uvicorn sends them apart: two system calls for each of the three answers of an invocation, and its
reader, woken for the head, has to be woken once more for the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HeldHead:
    """
    The transport of one response.

    Args:
        transport: The connection's.
        close: Closes it, when the answer has been written.
        has_body: Be it an empty one. Without any, as of a HEAD, nothing is held.
    """

    __slots__ = ("_close", "_head", "_is_sent", "_transport")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None], *, has_body: bool = True) -> None:
        self._transport = transport
        self._close = close
        self._head = b""
        self._is_sent = not has_body

    def write(self, data: bytes) -> None:
        """
        Keep what comes first, the head; send it with what comes next, and pass on what follows.

        On a connection that was closed meanwhile, by its peer or for what that sent behind this request, it is dropped:
        uvloop would raise.
        """
        if self._transport.is_closing():
            return
        if self._is_sent or data == _CONTINUE:
            self._transport.write(data)
        elif not self._head:
            self._head = data
        else:
            self._is_sent = True
            self._transport.write(self._head + data)

    def is_closing(self) -> bool:
        """Is the connection being closed?"""
        return self._transport.is_closing()

    def close(self) -> None:
        """Send what is kept, then close the connection."""
        if not self._is_sent and not self._transport.is_closing():
            self._transport.write(self._head)
        self._is_sent = True
        self._close()
