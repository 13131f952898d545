"""A response's head leaves with the first piece of its body."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from orchestrator.held_head import HeldHead
from tests.unit.lambda_api.served_api import ServedApi

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class RecordingTransport:
    """Remembers what was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def transport() -> RecordingTransport:
    """What is below."""
    return RecordingTransport()


@pytest.fixture
def held(transport: RecordingTransport) -> HeldHead:
    """A response's transport."""
    return HeldHead(cast("Any", transport), transport.close)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """The front port."""
    served = ServedApi(tmp_path_factory.mktemp("held"))
    yield served
    served.end()


def test_head_and_body_are_one_write(held: HeldHead, transport: RecordingTransport) -> None:
    """Who reads it is woken once."""
    held.write(HEAD)
    assert transport.written == []
    held.write(b"body")
    assert transport.written == [HEAD + b"body"]


def test_later_pieces_are_sent_as_they_come(held: HeldHead, transport: RecordingTransport) -> None:
    """A stream is not gathered."""
    for piece in (HEAD, b"bo", b"dy"):
        held.write(piece)
    assert transport.written == [HEAD + b"bo", b"dy"]


def test_an_empty_body_sends_the_head(held: HeldHead, transport: RecordingTransport) -> None:
    """A 204 has nothing else."""
    held.write(HEAD)
    held.write(b"")
    assert transport.written == [HEAD]


def test_the_word_to_go_on_is_sent_at_once(held: HeldHead, transport: RecordingTransport) -> None:
    """Its client sends no body before it."""
    held.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert transport.written == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    held.write(HEAD)
    held.write(b"body")
    assert transport.written[1:] == [HEAD + b"body"]


def test_a_head_whose_body_never_comes_is_sent_before_the_end(held: HeldHead, transport: RecordingTransport) -> None:
    """Its reader learns that something was begun and broke off."""
    held.write(HEAD)
    held.close()
    assert transport.written == [HEAD]
    assert held.is_closing()


def test_without_a_body_the_head_leaves_at_once(transport: RecordingTransport) -> None:
    """As of a HEAD."""
    HeldHead(cast("Any", transport), transport.close, has_body=False).write(HEAD)
    assert transport.written == [HEAD]


def test_on_a_closed_connection_nothing_is_written(held: HeldHead, transport: RecordingTransport) -> None:
    """It was closed for what its peer sent behind the request that is answered now."""
    transport.close()
    held.write(HEAD)
    held.write(b"body")
    held.close()
    assert transport.written == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_each_method_is_answered(api: ServedApi, method: str) -> None:
    """A HEAD has a head alone, which nothing follows."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=5)) as connection:
        connection.request(method, "/2015-03-31/functions/")
        answer = connection.getresponse()
        assert bool(answer.read()) == (method == "GET")


def test_who_waits_for_the_word_to_go_on_hears_it(api: ServedApi) -> None:
    """Then the body, then one answer."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=5) as connection:
        connection.sendall(
            b"POST /2015-03-31/functions/none/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
