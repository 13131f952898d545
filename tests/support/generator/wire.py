"""One connection to the front port: what is sent as it is, what comes back read as strictly as h11 reads it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import h11

_PIECE = 65_536
_LONGEST_HEAD = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    One answer.

    Args:
        headers: Names in small letters.
        is_whole: Has it come to its end?
    """

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool


class NotHttp(Exception):
    """What came is no answer of HTTP; the message has how it begins."""


class Wire:
    """A connection; opened when it is first used, and again once the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, sent: bytes, method: str, *, is_endless: bool = False) -> Answer:
        """
        Send one request, and read its answer; the connection is kept where HTTP says so.

        Args:
            is_endless: Read no more of the answer than its beginning, and close.

        Raises:
            NotHttp: If something else came, or more than one answer.
            ConnectionError: If the connection ended before the answer; a kept one may have ended before the request.
        """
        reader, writer = self._streams or await self._open()
        answers = _Answers([method])
        with contextlib.suppress(ConnectionError):
            # It may be refused before all of it has been sent: the answer says so.
            writer.write(sent)
            await writer.drain()
        while not (answers.found or (is_endless and answers.has_begun)):
            piece = await reader.read(_PIECE)
            answers.received(piece)
            if not piece:
                break
        if is_endless and answers.has_begun and not answers.found:
            await self.close()
            return answers.begun()
        if not answers.found:
            await self.close()
            raise ConnectionResetError("the connection ended without an answer")
        if answers.left:
            await self.close()
            raise NotHttp(f"after the answer came {answers.left[:200]!r}")
        if not answers.keeps:
            await self.close()
        return answers.found[0]

    async def pour(self, sent: bytes, methods: Sequence[str], *, ends: bool) -> list[Answer]:
        """
        Send these bytes on a connection of their own, and read what comes until it is closed.

        Args:
            methods: Of the requests in it, as far as they are known; GET from then on.
            ends: Will the server close by itself? Else no more is sent, which it sees.

        Raises:
            NotHttp: If something else than answers came.
        """
        reader, writer = await self._open()
        answers = _Answers(methods)
        sending = asyncio.create_task(_send_all(writer, sent, ends))
        is_reset = False
        try:
            while piece := await reader.read(_PIECE):
                answers.received(piece)
        except ConnectionError:
            is_reset = True
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            await self.close()
        # Where the server still had something to read, or heard that no more comes, it may end in an answer's middle.
        if ends and not is_reset and answers.is_in_one:
            raise NotHttp("the connection ended in the middle of an answer")
        return answers.found

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self.close()
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        self._streams[1].get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._streams


async def _send_all(writer: asyncio.StreamWriter, sent: bytes, ends: bool) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(sent)
        await writer.drain()
        if not ends:
            writer.write_eof()


class _Answers:
    """
    Reads answers out of what comes.

    Args:
        methods: Of the requests that are answered: that of HEAD has no body.
    """

    def __init__(self, methods: Sequence[str]) -> None:
        self._methods = list(methods)
        self._parser = self._next_parser()
        self._head: h11.Response | None = None
        self._body: list[bytes] = []
        self._received = 0
        self.found: list[Answer] = []
        self.left = b""
        self.keeps = False

    @property
    def has_begun(self) -> bool:
        """Has the head of an answer come, and some of its body?"""
        return self._head is not None and bool(self._body)

    @property
    def is_in_one(self) -> bool:
        """Has a part of an answer come, or of what should be one?"""
        return self._head is not None or bool(self._parser.trailing_data[0])

    def begun(self) -> Answer:
        """The answer so far."""
        return self._answer(is_whole=False)

    def received(self, piece: bytes) -> None:
        """More came."""
        if not piece:
            return
        try:
            self._parser.receive_data(piece)
            while self._read_event():
                pass
        except h11.RemoteProtocolError as error:
            raise NotHttp(f"{error}: {piece[:200]!r}") from error

    def _read_event(self) -> bool:
        event = self._parser.next_event()
        match event:
            case h11.InformationalResponse():
                return True
            case h11.Response():
                self._head = event
            case h11.Data():
                self._body.append(bytes(event.data))
            case h11.EndOfMessage():
                self.found.append(self._answer(is_whole=True))
                self.left, _ = self._parser.trailing_data
                self.keeps = self._parser.their_state is h11.DONE
                self._head, self._body = None, []
                rest = self.left
                self._parser = self._next_parser()
                if rest:
                    self._parser.receive_data(rest)
                return bool(rest)
            case _:
                return False
        return True

    def _answer(self, *, is_whole: bool) -> Answer:
        assert self._head is not None
        return Answer(
            status=self._head.status_code,
            headers={name.decode(): value.decode("latin-1") for name, value in self._head.headers},
            body=b"".join(self._body),
            is_whole=is_whole,
        )

    def _next_parser(self) -> h11.Connection:
        """It will read the answer to a request of this method: a connection of h11 knows what it has sent."""
        method = self._methods.pop(0) if self._methods else "GET"
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        known = method if method in ("HEAD", "CONNECT") else "GET"
        parser.send(h11.Request(method=known, target="/", headers=[("Host", "a")]))
        parser.send(h11.EndOfMessage())
        return parser
