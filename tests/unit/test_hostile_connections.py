"""Connections that mean harm: what may be smuggled behind a request, sent without end, or held open for nothing."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.http_bounds import Bounds
from tests.support.generator import hostile_http
from tests.support.generator.hostile_http import CRLF, get, post
from tests.unit.lambda_api.served_api import ServedApi

INVOKE = b"/2015-03-31/functions/hello/invocations"
SMUGGLED = post(b"/2015-03-31/functions/bait/invocations", b"Content-Length: 2", b"Connection: close", body=b"{}")
CLOSE = b"Connection: close"

FORMS: dict[str, bytes] = {
    **{name: post(INVOKE, *headers, body=body) for name, headers, body in hostile_http.LENGTHS},
    **{name: post(INVOKE, b"Transfer-Encoding: chunked", body=body) for name, body in hostile_http.CHUNKS},
    **{name: CRLF.join([line, *headers, b"", b""]) for name, line, headers in hostile_http.HEADS},
}


@contextlib.contextmanager
def less_patient_than_usual(data_dir: Path, *, rest_s: float, keep_alive_s: int) -> Iterator[ServedApi]:
    """The API, with what does not come."""
    bounds = Bounds(head_s=2, silence_s=2, body_s=4, rest_s=rest_s, sweep_s=0.1)
    served = ServedApi(data_dir, bounds=bounds, keep_alive_s=keep_alive_s)
    yield served
    served.end()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """It soon closes a connection on which something still comes, or nothing."""
    with less_patient_than_usual(tmp_path_factory.mktemp("connections"), rest_s=0.5, keep_alive_s=1) as served:
        yield served


@pytest.fixture(scope="module")
def patient_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """It hears what still comes, and keeps idle connections."""
    with less_patient_than_usual(tmp_path_factory.mktemp("patient"), rest_s=60, keep_alive_s=60) as served:
        yield served


@contextlib.contextmanager
def connected(api: ServedApi, sent: bytes) -> Iterator[socket.socket]:
    """A connection on which this has been sent, as far as it was taken."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        yield connection


def all_from(connection: socket.socket) -> bytes:
    """What comes until the server closes it."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


@pytest.mark.parametrize("name", FORMS)
def test_what_two_readers_could_read_differently_is_refused_with_all_behind_it(api: ServedApi, name: str) -> None:
    """One 4xx, and the end of the connection: neither the request is served, nor what was smuggled in its wake."""
    api.front_desk.asked.clear()
    with connected(api, FORMS[name] + SMUGGLED) as connection:
        received = all_from(connection)
    assert received.startswith(b"HTTP/1.1 4"), received[:300]
    assert received.count(b"HTTP/1.1 ") == 1, received[:600]
    assert not api.front_desk.asked


@pytest.mark.parametrize("sent", hostile_http.PROTOCOLS, ids=lambda sent: ascii(sent[:12]))
def test_another_protocol_is_refused_or_waited_for_no_longer_than_any(api: ServedApi, sent: bytes) -> None:
    """TLS, HTTP/2, mail, Redis: a 4xx at once, or a 408 where it could still become a request."""
    with connected(api, sent) as connection:
        received = all_from(connection)
    assert received.startswith(b"HTTP/1.1 4"), received[:300]


def test_a_request_behind_an_upgrade_is_answered_or_its_connection_closed(patient_api: ServedApi) -> None:
    """The parser drops what comes in one piece with it: nobody waits for that answer, nor for an idle one's end."""
    upgrade = get(b"/healthz", b"Connection: Upgrade", b"Upgrade: h2c")
    with connected(patient_api, upgrade + get(b"/healthz")) as connection:
        received = all_from(connection)
    assert received.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in received


def test_many_requests_may_wait_for_their_answers_and_no_more(api: ServedApi) -> None:
    """A hundred do; who sends thousands ahead would fill the memory with them."""
    slow = post(INVOKE, b"Content-Length: 2", body=b"{}")
    with connected(api, slow + get(b"/healthz") * 99 + get(b"/healthz", CLOSE)) as connection:
        assert all_from(connection).count(b"HTTP/1.1 200") == 101
    with connected(api, slow + get(b"/healthz") * 200) as connection:
        assert b"HTTP/1.1 429" in all_from(connection)


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\r\n\r\n"], ids=["nothing", "a line's end", "two"])
def test_bytes_that_begin_no_request_do_not_hold_a_connection(api: ServedApi, behind: bytes) -> None:
    """It is closed after as long as one on which nothing came."""
    with connected(api, get(b"/healthz")) as connection:
        began, received = time.monotonic(), b""
        while not received.endswith(b"}"):
            received += connection.recv(65_536)
        connection.sendall(behind)
        assert all_from(connection) == b""
        assert time.monotonic() - began < 5


def test_the_rest_of_a_request_that_was_answered_is_read_for_a_while_only(api: ServedApi) -> None:
    """A body without end to a path that is none, or over the limit: its answer can be heard, then it is closed."""
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    for path in (b"/2015-03-31/nowhere", INVOKE):
        began, sent, received = time.monotonic(), 0, b""
        head = post(path, b"Transfer-Encoding: chunked")
        with connected(api, head) as connection:
            with contextlib.suppress(ConnectionError):
                while time.monotonic() - began < 9:
                    connection.sendall(chunk)
                    sent += 1
                    connection.settimeout(0.000_1)
                    with contextlib.suppress(TimeoutError):
                        received += connection.recv(65_536)
                    connection.settimeout(10)
            connection.settimeout(10)
            received += all_from(connection)
        assert received.startswith(b"HTTP/1.1 4"), received[:300]
        assert received.count(b"HTTP/1.1 ") == 1, received[:600]
        assert time.monotonic() - began < 6, f"{sent} chunks were read"


@pytest.mark.parametrize(
    ("beginning", "goes_on", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: ", b"a", 408),
        (post(INVOKE, b"Content-Length: 9000000", CLOSE), b"", 408),
        (b"GET / HTTP/1.1\r\nX-A: " + b"b" * 70_000, b"b" * 1_000_000, 431),
        (b"\x16\x03\x01" + bytes(100), bytes(1_000_000), 400),
        (post(b"/2015-03-31/nowhere", b"Content-Length: 9500000", CLOSE), b"x" * 9_000_000, 404),
    ],
    ids=["half a head", "half a body", "a large head", "no HTTP", "a body to nowhere"],
)
def test_whoever_still_sends_when_refused_can_read_why(
    patient_api: ServedApi, beginning: bytes, goes_on: bytes, status: int
) -> None:
    """What meets a closed socket is answered by a reset, and many a client then gives up before it has read."""
    with connected(patient_api, beginning) as connection:
        if status == 408:
            assert connection.recv(1, socket.MSG_PEEK), "it waited for more, and then did not"
        connection.sendall(goes_on)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
            connection.sendall(b"and more")
    assert received.startswith(b"HTTP/1.1 %d " % status), received[:300]
    assert received.count(b"HTTP/1.1 ") == 1, received[:600]


def test_who_was_refused_and_does_not_go_is_closed(api: ServedApi) -> None:
    """After as long as the rest of any request is read."""
    began = time.monotonic()
    with connected(api, b"no HTTP\r\n\r\n") as connection:
        assert all_from(connection).startswith(b"HTTP/1.1 400")
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 9:
                connection.sendall(b"a")
        assert 0.4 < time.monotonic() - began < 5


def test_a_connection_whose_request_was_answered_early_is_used_again(patient_api: ServedApi) -> None:
    """Its body came after the answer; that is no reason to close it."""
    with connected(patient_api, post(b"/2015-03-31/nowhere", b"Content-Length: 5")) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 404")
        connection.sendall(b"hello" + get(b"/healthz", CLOSE))
        assert all_from(connection).startswith(b"HTTP/1.1 200")


def test_a_header_made_to_be_read_slowly_is_read_fast(api: ServedApi) -> None:
    """64 KB of nothing but beginnings of a credential: seconds of everyone's time, if each is followed to the end."""
    began = time.process_time()
    for header in (b"Authorization: " + b"Credential=" * 5_000, b"Authorization: " + b"Credential=a/12345678/" * 2_500):
        with connected(api, get(b"/2016-08-19/account-settings", header, CLOSE)) as connection:
            assert all_from(connection).startswith(b"HTTP/1.1 200")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("path", [b"/%0a", b"/a%0d%0ab", b"/_paddock/doctor/", b"//healthz", b"/healthz/"])
def test_a_path_that_nobody_has_is_an_unknown_operation(api: ServedApi, path: bytes) -> None:
    """Whatever is in it: it leads nowhere else."""
    with connected(api, get(path, CLOSE)) as connection:
        received = all_from(connection)
    assert received.startswith(b"HTTP/1.1 404"), received[:300]
    assert b"UnknownOperationException" in received
