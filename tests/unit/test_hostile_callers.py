"""The front port against callers that mean harm: a clean refusal, no traceback, and nobody else is disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import resource
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.http_bounds import Bounds
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ServedApi

pytestmark = pytest.mark.slow

INVOKE = b"/2015-03-31/functions/hello/invocations"
HEAD_BYTES = 65_536


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """The API, less patient than usual."""
    served = ServedApi(
        tmp_path_factory.mktemp("hostile"),
        bounds=Bounds(head_s=2, silence_s=2, body_s=4, head_bytes=HEAD_BYTES, sweep_s=0.1),
    )
    yield served
    served.end()


@pytest.fixture(autouse=True)
def nothing_is_logged_as_our_failure(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No request may make us write a traceback."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR], caplog.text


def exchange(api: ServedApi, *pieces: bytes, patience_s: float = 8) -> bytes:
    """Send this, and everything that comes back until the server closes or has answered."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=patience_s) as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65_536):
                received += piece
        return received


def request(method: bytes, path: bytes, *headers: bytes, body: bytes = b"", host: bytes = b"127.0.0.1") -> bytes:
    """A request, with a length where it has a body."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def status_of(answer: bytes) -> int:
    """The status of the first answer; 0 if there is none."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


BROKEN: dict[str, bytes] = {
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "a line alone": b"GET\r\n\r\n",
    "another protocol version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "an unknown method": b"BREW /pot HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a blank in a header's name": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX Y: 1\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nbroken\r\n\r\n",
    "a null byte in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n",
    "two lengths": request(b"POST", INVOKE, b"Content-Length: 2", b"Content-Length: 3") + b"{}x",
    "a negative length": request(b"POST", INVOKE, b"Content-Length: -1") + b"{}",
    "a length that is no number": request(b"POST", INVOKE, b"Content-Length: two") + b"{}",
    "a length beyond any number": request(b"POST", INVOKE, b"Content-Length: 99999999999999999999999") + b"{}",
    "a length and chunks": request(b"POST", INVOKE, b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks twice over": request(b"POST", INVOKE, b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "chunks in disguise": request(b"POST", INVOKE, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "chunks with a tab": request(b"POST", INVOKE, b"Transfer-Encoding:\tchunked\x0b") + b"0\r\n\r\n",
    "a chunk size that is no number": request(b"POST", INVOKE, b"Transfer-Encoding: chunked") + b"zz\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\rHost: 127.0.0.1\r\r",
    "a path that is no ASCII": b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a proxy's request": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "no host": b"GET /2015-03-31/functions/ HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /2015-03-31/functions/ HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
    "somebody else's host": request(b"GET", b"/2015-03-31/functions/", host=b"evil.example"),
    "an absolute address": b"GET http://evil.example/2015-03-31/functions/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "bad JSON": request(b"POST", INVOKE, body=b'{"a": '),
    "JSON that is not UTF-8": request(b"POST", INVOKE, body=b'{"a": "\xff"}'),
    "JSON with a NaN": request(b"POST", INVOKE, body=b"NaN"),
    "JSON a hundred thousand deep": request(b"POST", INVOKE, body=b"[" * 100_000),
    "a client context that is no base64": request(b"POST", INVOKE, b"X-Amz-Client-Context: ???", body=b"{}"),
    "a client context that is no JSON": request(b"POST", INVOKE, b"X-Amz-Client-Context: AAAA", body=b"{}"),
    "an invocation type that is none": request(b"POST", INVOKE, b"X-Amz-Invocation-Type: Now", body=b"{}"),
    "a function's name of control characters": request(b"POST", INVOKE.replace(b"hello", b"%00%0a"), body=b"{}"),
    "a function's name that is not UTF-8": request(b"POST", INVOKE.replace(b"hello", b"%ff%fe"), body=b"{}"),
    "a function's name of 10,000 letters": request(b"POST", INVOKE.replace(b"hello", b"a" * 10_000), body=b"{}"),
    "dots in the path": request(b"POST", b"/2015-03-31/functions/../../etc/passwd", body=b"{}"),
    "encoded slashes": request(b"GET", b"/2015-03-31/functions/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    "a configuration that is no object": request(b"POST", b"/2015-03-31/functions", body=b"[]"),
    "a configuration of other types": request(b"POST", b"/2015-03-31/functions", body=b'{"FunctionName": {"a": 1}}'),
    "a number beyond any": request(b"POST", b"/2015-03-31/functions", body=b'{"MemorySize": 1e999}'),
    "a marker that is none": request(b"GET", b"/2015-03-31/functions/?Marker=%ff&MaxItems=abc"),
    "the wrong method": request(b"PATCH", b"/2015-03-31/functions/hello", body=b"{}"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_request_gets_a_clean_refusal(api: ServedApi, name: str) -> None:
    """A 4xx, once; nothing of it is run, and the connection is closed."""
    api.front_desk.asked.clear()
    answer = exchange(api, BROKEN[name])
    assert 400 <= status_of(answer) < 500, answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1, answer[:600]
    assert b"Traceback" not in answer
    assert b"/work" not in answer
    assert not api.front_desk.asked


def test_what_follows_a_refused_request_on_its_connection_is_not_served(api: ServedApi) -> None:
    """The second request of a smuggling attempt."""
    inner = request(b"POST", INVOKE, body=b"{}")
    for outer in (
        request(b"POST", INVOKE, b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        request(b"POST", INVOKE, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    ):
        api.front_desk.asked.clear()
        assert exchange(api, outer + inner).count(b"HTTP/1.1 ") == 1
        assert not api.front_desk.asked


def test_pipelined_requests_are_answered_in_their_order(api: ServedApi) -> None:
    """They are allowed, if rare."""
    pieces = [b"POST " + INVOKE + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n%d" % n for n in range(5)]
    with socket.create_connection(("127.0.0.1", api.port), timeout=8) as connection:
        connection.sendall(b"".join(pieces))
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 5 or not answers.endswith(b"\r\n\r\n4"):
            answers += connection.recv(65_536)
    assert [answers.index(b"\r\n\r\n%d" % n) for n in range(5)] == sorted(
        answers.index(b"\r\n\r\n%d" % n) for n in range(5)
    )


def test_an_upgrade_is_an_ordinary_request(api: ServedApi) -> None:
    """Nothing here speaks WebSocket."""
    answer = exchange(
        api,
        request(b"GET", b"/2016-08-19/account-settings/", b"Upgrade: websocket", b"Sec-WebSocket-Key: a").replace(
            b"Connection: close", b"Connection: upgrade"
        ),
    )
    assert status_of(answer) in (200, 400)


def test_a_head_of_headers_without_end_is_refused(api: ServedApi) -> None:
    """Many small ones, one large one, and a large one in small pieces. Who still sends hears it, too."""
    start = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    assert status_of(exchange(api, start + b"X-A: " + b"b" * HEAD_BYTES)) == 431
    assert status_of(exchange(api, start, b"X-A: b\r\n" * 50_000)) == 431
    assert status_of(exchange(api, start, b"X-A: " + b"b" * 1_000_000)) == 431
    assert status_of(exchange(api, start, *[b"X-A: " + b"b" * 4000 + b"\r\n"] * 100)) == 431
    assert status_of(exchange(api, b"GET /" + b"a" * 1_000_000)) == 431


def test_trailers_without_end_are_refused(api: ServedApi) -> None:
    """They are gathered like headers."""
    start = request(b"POST", INVOKE, b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n"
    answer = exchange(api, start, *[b"X-A: " + b"b" * 4000 + b"\r\n"] * 500)
    assert status_of(answer) == 431


def test_a_large_head_and_a_body_in_one_piece_are_served(api: ServedApi) -> None:
    """The bound is the head's."""
    sent = request(b"POST", INVOKE, b"X-A: " + b"a" * 40_000, body=b'"' + b"b" * 200_000 + b'"')
    assert status_of(exchange(api, sent)) == 200


def test_bodies_over_the_limit_are_refused_whatever_they_say_of_their_length(api: ServedApi) -> None:
    """And not kept."""
    api.front_desk.asked.clear()
    large = b"x" * 7_000_000
    assert status_of(exchange(api, request(b"POST", INVOKE, body=large))) == 413
    chunks = b"".join(b"%x\r\n%b\r\n" % (500_000, b"x" * 500_000) for _ in range(14))
    assert (
        status_of(exchange(api, request(b"POST", INVOKE, b"Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")) == 413
    )
    event = request(b"POST", INVOKE, b"X-Amz-Invocation-Type: Event", body=b'"' + b"x" * 1_100_000 + b'"')
    assert status_of(exchange(api, event)) == 413
    assert not api.front_desk.asked


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ",
        request(b"POST", INVOKE, b"Content-Length: 100") + b"{",
        request(b"POST", INVOKE, b"Transfer-Encoding: chunked") + b"5\r\n{",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
def test_a_caller_who_stops_in_the_middle_is_closed(api: ServedApi, beginning: bytes) -> None:
    """It would hold its connection for ever."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(beginning)
        received = b""
        while piece := connection.recv(1000):
            received += piece
    assert status_of(received) == 408


def test_a_caller_who_sends_a_byte_at_a_time_is_closed(api: ServedApi) -> None:
    """Each byte comes in time, the whole does not."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall(request(b"POST", INVOKE, b"Content-Length: 100000"))
        began = time.monotonic()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while time.monotonic() - began < 12:
                    connection.sendall(b"x")
                    time.sleep(0.2)

        dripping = threading.Thread(target=drip)
        dripping.start()
        received = connection.recv(1000)
        assert status_of(received) == 408
        assert time.monotonic() - began < 10
        connection.close()
        dripping.join()


def test_a_caller_who_does_not_read_the_answer_is_closed(api: ServedApi) -> None:
    """The answer is 6 MB, and he takes none of it."""
    body = b'"' + b"x" * 6_000_000 + b'"'
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", api.port))
        connection.sendall(request(b"POST", INVOKE, body=body))
        until(lambda: _is_reset(connection), "the server gave up", patience_s=15)


def _is_reset(connection: socket.socket) -> bool:
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state not in (1, 2, 3)  # established, or on the way there


def test_ten_thousand_silent_connections_disturb_nobody(api: ServedApi) -> None:
    """An ordinary call beside them is answered as fast as without."""
    asyncio.run(_beside_silent_ones(api, _as_many_as_allowed(10_000)))


def _as_many_as_allowed(wanted: int) -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(needed, 4096)), hard))
    allowed = (min(hard, max(needed, 4096)) - 500) // 2
    assert allowed >= 500, "this machine allows too few open files to try"
    return min(wanted, allowed)


async def _beside_silent_ones(api: ServedApi, count: int) -> None:
    silent: list[Any] = []
    alone_s = statistics.median([await _an_ordinary_call(api) for _ in range(20)])
    try:
        for at in range(0, count, 500):
            opened = await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", api.port) for _ in range(min(500, count - at)))
            )
            silent.extend(writer for _, writer in opened)
        for _ in range(20):
            assert await _an_ordinary_call(api) < max(1, 20 * alone_s)
    finally:
        for writer in silent:
            writer.transport.abort()


async def _an_ordinary_call(api: ServedApi) -> float:
    """How long it takes, in seconds."""
    began = time.monotonic()
    answer = await asyncio.to_thread(api.send, "POST", INVOKE.decode(), b'{"n": 1}')
    assert (answer.status, json.loads(answer.body)) == (200, {"n": 1})
    return time.monotonic() - began
