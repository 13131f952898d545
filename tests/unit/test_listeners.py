"""The listeners: what uvicorn and httptools give us, pinned, for the Runtime API stands on it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from orchestrator.listeners import AddressInUse, Listener

Seen = dict[str, Any]

_STREAMED = (
    b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: Lambda-Runtime-Function-Error-Type\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    b"5\r\nhello\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Late\r\n\r\n"
)


def free_port() -> int:
    """A port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, Seen]]:
    """A listener whose application notes what it sees; its port."""
    seen: Seen = {}

    async def app(scope: Seen, receive: Callable[[], Awaitable[Seen]], send: Callable[[Seen], Awaitable[None]]) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        seen.update(body=body, headers=list(scope["headers"]), client=scope["client"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    listening = Listener(app, name="test", host="127.0.0.1", port=port, keep_alive_s=5)
    await listening.start()
    yield port, seen
    await listening.stop()


async def answer_to(port: int, request: bytes) -> bytes:
    """The first bytes of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(64), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_trailers_are_appended_to_the_headers_once_the_body_has_been_read(listener: tuple[int, Seen]) -> None:
    """A streamed response's error comes in its trailers (D3)."""
    port, seen = listener
    assert b" 204 " in await answer_to(port, _STREAMED)
    assert seen["body"] == b"hello"
    assert seen["headers"][-1] == (b"lambda-runtime-function-error-type", b"Function.Late")


async def test_a_caller_is_the_address_it_comes_from_whatever_a_header_says(listener: tuple[int, Seen]) -> None:
    """Environments are known by their address: X-Forwarded-For must not change it."""
    port, seen = listener
    await answer_to(port, _STREAMED)
    assert seen["client"][0] == "127.0.0.1"


async def test_an_address_in_use_is_told_with_what_to_set(listener: tuple[int, Seen]) -> None:
    """Which address, and the variables."""
    port, _ = listener
    with pytest.raises(AddressInUse, match=rf"127.0.0.1:{port}: .*PADDOCK_PORT"):
        await Listener(lambda: None, name="the front port", host="127.0.0.1", port=port, keep_alive_s=5).start()
