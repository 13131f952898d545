"""How connections end: what a listener still waits for, and what is left of one that has ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.bounded_http import BoundedHttp
from orchestrator.listeners import Listener
from tests.support.ports import free_port
from tests.support.waiting import until

_PATIENCE_S = 5
_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)
_GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
_HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" + bytes(60_000)

Seen = dict[str, Any]


@dataclass(kw_only=True)
class Listening:
    """A listener that answers early, and only when it may."""

    listener: Listener
    port: int
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self, sent: bytes) -> socket.socket:
        """A connection on which this has been sent."""
        loop, connection = asyncio.get_running_loop(), socket.socket()
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        await loop.sock_sendall(connection, sent)
        return connection


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    """It listens; connections are kept for a day, as on the Runtime API."""

    async def app(_scope: Seen, _receive: Any, send: Callable[[Seen], Awaitable[None]]) -> None:
        there.was_asked.set()
        await there.may_answer.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    listener = Listener(app, name="test", host="127.0.0.1", port=port, keep_alive_s=86_400)
    there = Listening(listener=listener, port=port)
    await listener.start()
    yield there
    await listener.stop()


async def everything(connection: socket.socket) -> bytes:
    """What comes until the other side says that no more will."""
    received = b""
    while piece := await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 65_536), _PATIENCE_S):
        received += piece
    return received


async def test_a_stop_waits_for_nobody_who_was_answered_in_the_midst_of_a_request(listening: Listening) -> None:
    """Such a caller may never close its side: it has its answer, and is closed with it."""
    with await listening.connect(_HALF_A_BODY) as connection:
        await asyncio.wait_for(listening.was_asked.wait(), _PATIENCE_S)
        stop = asyncio.create_task(listening.listener.stop())
        await asyncio.to_thread(until, lambda: not _is_listening(listening.port), "the stop has begun")
        listening.may_answer.set()
        await asyncio.wait_for(stop, _PATIENCE_S - 1)
        assert (await everything(connection)).startswith(b"HTTP/1.1 204")


async def test_a_stop_waits_for_nobody_who_had_his_last_answer_before(listening: Listening) -> None:
    """He is being read on, so that he can hear it; but not for longer than the listener is there."""
    listening.may_answer.set()
    with await listening.connect(_HALF_A_BODY) as connection:
        assert (await everything(connection)).startswith(b"HTTP/1.1 204")
        await asyncio.wait_for(listening.listener.stop(), _PATIENCE_S - 1)


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "sent", [_GET, _HALF_A_BODY, b"no HTTP\r\n\r\n"], ids=["answered", "answered early", "refused"]
)
async def test_of_a_connection_that_has_ended_nothing_is_left(
    listening: Listening, sent: bytes, *, resets: bool
) -> None:
    """At once: with a timer of a day, or a circle of references, each would be kept with what its peer sent."""
    listening.may_answer.set()
    with _no_collector():
        for _ in range(3):
            with await listening.connect(sent) as connection:
                answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 100), _PATIENCE_S)
                assert answer.startswith(b"HTTP/1.1 ")
                if resets:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
        await asyncio.to_thread(until, lambda: not _kept(listening.port), "each has been freed", _PATIENCE_S)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _kept(port: int) -> list[BoundedHttp]:
    return [one for one in gc.get_objects() if isinstance(one, BoundedHttp) and one.server == ("127.0.0.1", port)]


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
