"""The listeners: what uvicorn and httptools give us, pinned, for the Runtime API stands on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.http_bounds import Bounds
from orchestrator.listeners import AddressInUse, Listener
from orchestrator.when_left import WHEN_LEFT, WhenLeft
from tests.support.ports import free_port

Seen = dict[str, Any]

_ESTABLISHED = "01"
_ASKED_WHETHER_IT_IS_THERE = "02"
"""As /proc/net/tcp has them; without keep-alive the timer of an idle connection is 00."""

_STREAMED = (
    b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: Lambda-Runtime-Function-Error-Type\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    b"5\r\nhello\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Late\r\n\r\n"
)


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


def timers_of(port: int) -> set[str]:
    """What the kernel waits for, of the connections that were accepted on this port."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[5].partition(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == _ESTABLISHED}


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


async def test_a_connection_whose_peer_lost_its_network_is_noticed(listener: tuple[int, Seen]) -> None:
    """The kernel asks after a minute; without it such a connection would stay open for a day on the Runtime API."""
    port, _ = listener
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    timers = timers_of(port)
    writer.close()
    await writer.wait_closed()
    assert timers == {_ASKED_WHETHER_IT_IS_THERE}


async def test_an_address_in_use_is_told_with_what_to_set(listener: tuple[int, Seen]) -> None:
    """Which address, and the variables."""
    port, _ = listener
    with pytest.raises(AddressInUse, match=rf"127.0.0.1:{port}: .*PADDOCK_PORT"):
        await Listener(lambda: None, name="the front port", host="127.0.0.1", port=port, keep_alive_s=5).start()


@contextlib.asynccontextmanager
async def answering_at_once(bounds: Bounds) -> AsyncIterator[tuple[int, list[tuple[str, str]]]]:
    """A listener that answers whatever is still to come; its port, and who was refused."""
    refused: list[tuple[str, str]] = []

    async def app(scope: Seen, receive: Callable[[], Awaitable[Seen]], send: Callable[[Seen], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    listening = Listener(
        app,
        name="test",
        host="127.0.0.1",
        port=port,
        keep_alive_s=5,
        bounds=bounds,
        refused=lambda address, reason: refused.append((address, reason)),
    )
    await listening.start()
    try:
        yield port, refused
    finally:
        await listening.stop()


@pytest.fixture
async def narrow() -> AsyncIterator[tuple[int, list[tuple[str, str]]]]:
    """One with narrow bounds."""
    bounds = Bounds(connections=4, connections_per_s=10, requests_ahead=8, dropped_bytes=1_000_000)
    async with answering_at_once(bounds) as listening:
        yield listening


_GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := await asyncio.wait_for(reader.read(65_536), 5):
            received += piece
    return received


async def test_one_peer_has_no_more_connections_than_it_may_until_it_closes_some(
    narrow: tuple[int, list[tuple[str, str]]],
) -> None:
    """Further ones are closed without a word; those it has go on."""
    port, refused = narrow
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
    for reader, writer in held:
        writer.write(_GET)
        assert b" 204 " in await asyncio.wait_for(reader.read(64), 5)
    reader, over = await asyncio.open_connection("127.0.0.1", port)
    assert await everything(reader) == b""
    assert refused == [("127.0.0.1", "it has more connections than it may")]
    over.close()
    held[0][1].close()
    await held[0][1].wait_closed()
    assert b" 204 " in await answer_to(port, _GET)
    for _, writer in held[1:]:
        writer.close()


async def test_requests_far_ahead_of_their_answers_end_the_connection(
    narrow: tuple[int, list[tuple[str, str]]],
) -> None:
    """Each piece that comes is parsed in one go: thousands of requests in it would make everybody else wait."""
    port, refused = narrow
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_GET * 5000)
    answers = await everything(reader)
    assert b"HTTP/1.1 429 Too Many Requests" in answers
    assert answers.count(b" 204 ") <= 9
    assert refused == [("127.0.0.1", "it sent more requests ahead than it may")]
    writer.close()


async def test_a_few_requests_ahead_are_all_answered(narrow: tuple[int, list[tuple[str, str]]]) -> None:
    """HTTP allows it."""
    port, refused = narrow
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_GET * 8)
    received = b""
    while received.count(b" 204 ") < 8:
        received += await asyncio.wait_for(reader.read(4096), 5)
    writer.close()
    assert not refused


async def test_a_body_without_end_whose_request_was_answered_ends_the_connection(
    narrow: tuple[int, list[tuple[str, str]]],
) -> None:
    """Its first bytes are dropped, so that its sender can hear the answer; then nobody reads on for ever."""
    port, refused = narrow
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert b" 204 " in await asyncio.wait_for(reader.read(64), 5)
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 500_000_000:
            writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
            await writer.drain()
            sent += 65_536
    assert 1_000_000 <= sent < 100_000_000
    assert refused == [("127.0.0.1", "it went on to send what nobody waited for")]
    writer.close()


async def test_who_connects_too_often_waits_and_is_answered_all_the_same() -> None:
    """Twenty at once and ten a second here: a client that opens a connection for each request is slowed, not broken."""
    async with answering_at_once(Bounds(connections=50, connections_per_s=10)) as (port, refused):
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(answer_to(port, _GET) for _ in range(40)))
        took_s = asyncio.get_running_loop().time() - began
    assert all(b" 204 " in answer for answer in answers)
    assert took_s > 1.5, "those behind the first twenty have had to wait"
    assert set(refused) == {("127.0.0.1", "it connects more often than it may, and has to wait")}


async def test_whoever_leaves_with_requests_ahead_leaves_no_failure_behind(caplog: pytest.LogCaptureFixture) -> None:
    """The first of them is still being answered, and is told; those behind it are not begun."""
    paths: list[str] = []
    has_begun, has_ended = asyncio.Event(), asyncio.Event()

    async def app(scope: Seen, receive: Callable[[], Awaitable[Seen]], send: Callable[[Seen], Awaitable[None]]) -> None:
        paths.append(scope["path"])
        has_begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        has_ended.set()

    port = free_port()
    listening = Listener(app, name="test", host="127.0.0.1", port=port, keep_alive_s=5)
    await listening.start()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(3)))
    await asyncio.wait_for(has_begun.wait(), 5)
    writer.transport.abort()
    await asyncio.wait_for(has_ended.wait(), 5)
    await listening.stop()
    assert paths == ["/0"]
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR], caplog.text


async def test_who_asked_is_told_once_that_a_connection_has_ended_also_if_it_has_already() -> None:
    """In the place of a task that would wait for that; nobody is told who no longer wants to be."""
    told: list[str] = []
    has_begun, has_left = asyncio.Event(), asyncio.Event()

    async def app(scope: Seen, receive: Callable[[], Awaitable[Seen]], send: Callable[[Seen], Awaitable[None]]) -> None:
        when_left: WhenLeft = scope[WHEN_LEFT]

        def note(what: str) -> None:
            told.append(what)
            has_left.set()

        if scope["path"] == "/answered":
            when_left(lambda: note("one that was answered"))
            when_left(None)
        else:
            when_left(lambda: note("one that waits"))
            has_begun.set()
            await has_left.wait()
            when_left(lambda: note("one that is late"))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    listening = Listener(app, name="test", host="127.0.0.1", port=port, keep_alive_s=5)
    await listening.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /answered HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b" 204 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.write(b"GET /waits HTTP/1.1\r\nHost: h\r\n\r\n")
    await asyncio.wait_for(has_begun.wait(), 5)
    writer.transport.abort()
    await asyncio.wait_for(has_left.wait(), 5)
    await listening.stop()
    assert told == ["one that waits", "one that is late"]


@pytest.mark.parametrize("behind", [b"x" * 200_000, _GET * 3], ids=["a large body", "requests ahead"])
async def test_the_end_of_a_connection_is_told_also_where_reading_was_paused(behind: bytes) -> None:
    """For a body larger than its reader keeps, or for what came behind a request: the end comes behind that."""
    has_begun, has_come, has_left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def app(scope: Seen, receive: Callable[[], Awaitable[Seen]], send: Callable[[Seen], Awaitable[None]]) -> None:
        has_begun.set()
        while (await receive()).get("more_body"):
            pass
        when_left: WhenLeft = scope[WHEN_LEFT]
        when_left(has_left.set)
        has_come.set()
        await has_left.wait()

    port = free_port()
    listening = Listener(app, name="test", host="127.0.0.1", port=port, keep_alive_s=5)
    await listening.start()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    length = len(behind) if behind.startswith(b"x") else 0
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % length
    if length:
        # Apart, as most clients do.
        writer.write(head)
        await asyncio.wait_for(has_begun.wait(), 5)
        writer.write(behind)
    else:
        writer.write(head + behind)
    await asyncio.wait_for(has_come.wait(), 5)
    writer.close()
    await asyncio.wait_for(has_left.wait(), 5)
    await listening.stop()
