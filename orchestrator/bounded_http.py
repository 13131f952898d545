"""
uvicorn's HTTP protocol with bounds: on the size of a request's head, on how long a peer may take for each part, on how
much it sends that nobody waits for, and on its connections.

A server that waits for ever can be filled with connections that say nothing. What is slow on purpose is closed by a
sweep every few seconds, so that a request costs no timer of its own: the hot path only notes when a part began.
A poll of the Runtime API that waits for an event is none of these: its request has come whole.

Whoever is refused while still sending is answered, told that no more will come, and read on for a while: bytes that
meet a closed socket are answered by a reset, which overtakes the answer (RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from orchestrator.held_head import HeldHead
from orchestrator.http_bounds import Keeper
from orchestrator.when_left import WHEN_LEFT

_AT_ONCE = struct.pack("ii", 1, 0)


def _last_answer(status: bytes, body: bytes = b"", *headers: bytes) -> bytes:
    """A whole answer, after which its connection is closed."""
    length = b"content-length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"connection: close", length, b"", body])


_TOO_SLOW = _last_answer(b"408 Request Timeout")
_TOO_MANY = _last_answer(b"429 Too Many Requests")
_TOO_LARGE = _last_answer(b"431 Request Header Fields Too Large")
_NO_PLACE = _last_answer(
    b"429 Too Many Requests",
    b'{"Reason":"CallerRateLimitExceeded","message":"Rate exceeded","Type":"User"}',
    b"content-type: application/json",
    b"retry-after: 1",
    b"x-amzn-errortype: TooManyRequestsException",
)


class NotServed(Exception):
    """Raised in the midst of a request: the parser then takes it for a broken one, and no more of its connection."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. What it has in common with others is the `keeper` of its configuration."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._keeper: Keeper = self.config.keeper  # type: ignore[attr-defined]
        self._bounds = self._keeper.bounds
        self._address = ""
        self._dropped = 0
        self._is_over = False
        self._is_parting = False
        self._is_ending = False
        self._held: bytes | None = None
        self._answering: Any = None
        self._has_left = False
        self._left: Callable[[], None] | None = None
        self._is_part = True
        self._began = self._heard = self.loop.time()
        self._head_bytes = 0
        self._answered_since: float | None = None
        self._unread = 0
        self._unread_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        super().connection_made(transport)
        self._keeper.connections_in_all += 1
        most = self._bounds.connections_in_all
        if most is not None and self._keeper.connections_in_all > most:
            self._note("there are more connections than there may be")
            # At once: each that is read on would take a place.
            transport.write(_NO_PLACE)
            transport.close()
            return
        if self._bounds.connections is None or self.client is None:
            return
        self._address = self.client[0]
        self._keeper.connections[self._address] += 1
        if self._keeper.connections[self._address] > self._bounds.connections:
            self._keeper.refused(self._address, "it has more connections than it may")
            transport.abort()
            return
        wait_s = self._keeper.wait_s(self._address, self.loop.time())
        if wait_s:
            self._keeper.refused(self._address, "it connects more often than it may, and has to wait")
            self._held = b""
            self.loop.call_later(wait_s, self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._abandon()
        # Each of them knows this connection: it would be freed only when the collector comes by.
        self._answering = None
        self.cycle = self.scope = None  # type: ignore[assignment]
        self._keeper.connections_in_all -= 1
        if self._address:
            self._keeper.connections[self._address] -= 1
            if not self._keeper.connections[self._address]:
                del self._keeper.connections[self._address]

    def _read_on(self) -> None:
        held, self._held = self._held, None
        if self.transport.is_closing():
            return
        self._began = self._heard = self.loop.time()
        self.transport.resume_reading()
        if held:
            self.data_received(held)

    def on_message_begin(self) -> None:
        """
        A request begins.

        Raises:
            NotServed: If too many wait before it.
        """
        if len(self.pipeline) >= self._bounds.requests_ahead:
            self._is_over = True
            raise NotServed
        self._dropped = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A piece of a body came."""
        super().on_body(body)
        if self.cycle.response_complete:
            self._drop(body)

    def send_400_response(self, msg: str) -> None:
        """It was no HTTP, or ended by us."""
        if self._is_over:
            self._refuse(_TOO_MANY, "it sent more requests ahead than it may")
        else:
            answer = _last_answer(b"400 Bad Request", msg.encode(), b"content-type: text/plain; charset=utf-8")
            self._refuse(answer, "it sent what is no HTTP")

    def shutdown(self) -> None:
        """The listener ends, and waits for nobody who has had the last answer."""
        self._is_ending = True
        if self._is_parting:
            self.transport.close()
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Bytes came: whole requests, as nearly always, or a part of one."""
        if self._is_parting:
            self._drop(data)
            return
        if self._held is not None:
            # It has to wait. What came with the connection; a loop reads that, whatever it is told before.
            self._held += data
            self.transport.pause_reading()
            return
        cycle = self.cycle
        received = len(cycle.body) if self._is_part and cycle is not None else 0
        super().data_received(data)
        if self._is_parting:
            return
        if self.cycle is not None and self.cycle.scope is self.scope and not self.cycle.more_body:
            self._is_part = False
            if self.cycle.response_complete:
                self._keep_alive_again()
            return
        self._heard = self.loop.time()
        if not self._is_part:
            self._is_part, self._began, self._head_bytes, self._answered_since = True, self._heard, 0, None
        # A head, or trailers: of a body there would be more now. The parser gathers either for as long as they come.
        if self._is_in_head or (self.cycle is cycle and len(self.cycle.body) == received):
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.head_bytes and not self._is_answered:
                self._refuse(_TOO_LARGE, "its headers are larger than they may be")
        else:
            self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """
        A head has come whole.

        Raises:
            NotServed: If it is of HTTP/0.9, which has none.
        """
        if self.parser.get_http_version() == "0.9":
            raise NotServed
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request has come whole; uvicorn does not note it of one that has been answered."""
        super().on_message_complete()
        self.cycle.more_body = False

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade is asked for, which is an ordinary request here; but the parser drops what came behind it."""
        self.cycle.keep_alive = False
        if self.cycle.response_complete:
            self.transport.close()

    def sweep(self, now: float) -> None:
        """
        Close this connection if its peer takes too long.

        Args:
            now: The loop's time.
        """
        bounds = self._bounds
        if self.transport is None or self._held is not None:
            return
        # Of a connection that is closing, the answer is still to be read; one between two requests is uvicorn's.
        if self._is_parting or (self._is_answered and self._is_part):
            self._sweep_rest(now)
        elif self._is_part and not self.transport.is_closing():
            in_all = bounds.head_s if self._is_in_head else bounds.body_s
            if now - self._began > in_all or now - self._heard > bounds.silence_s:
                self._refuse(_TOO_SLOW, "it took too long to send a request")
                return
        self._sweep_unread(now)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.transport = HeldHead(self.transport, self._close_answered, has_body=cycle.scope["method"] != "HEAD")
        cycle.scope[WHEN_LEFT] = self._tell_when_left
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _tell_when_left(self, call: Callable[[], None] | None) -> None:
        """A `WhenLeft`."""
        if self._has_left and call is not None:
            call()
            return
        self._left = call
        if call is not None:
            # Of a connection that is not read, because a body or a request ahead was large, the end is not seen.
            self.flow.resume_reading()

    @property
    def _is_in_head(self) -> bool:
        """Nothing has come yet, or a head that is not whole: its scope has no cycle."""
        return self.cycle is None or self.cycle.scope is not self.scope

    @property
    def _is_answered(self) -> bool:
        """Has this request been answered before it had come whole? What follows is dropped by uvicorn."""
        return self.cycle is not None and self.cycle.scope is self.scope and self.cycle.response_complete

    def _keep_alive_again(self) -> None:
        """Bytes that began no request, such as a line's end, have ended uvicorn's timer for silent connections."""
        if self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _sweep_rest(self, now: float) -> None:
        """The rest of a request that has its answer, which may have no end: it is read and dropped for a while."""
        if self._answered_since is None:
            self._answered_since = now
        elif now - self._answered_since > self._bounds.rest_s:
            self.transport.close()

    def _sweep_unread(self, now: float) -> None:
        """An answer that nobody reads."""
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > self._bounds.silence_s:
            # Else the kernel would keep trying, with what it has of the answer, for minutes.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()

    def _drop(self, data: bytes) -> None:
        """Bytes that nobody waits for."""
        self._dropped += len(data)
        if self._dropped > self._bounds.dropped_bytes and not self.transport.is_closing():
            self._note("it went on to send what nobody waited for")
            self.transport.close()

    def _note(self, reason: str) -> None:
        if self.client is not None:
            self._keeper.refused(self.client[0], reason)

    def _refuse(self, answer: bytes, reason: str) -> None:
        self._note(reason)
        if self.transport.is_closing():
            return
        answering = self._answering
        if answering is not None and answering.response_started and not answering.response_complete:
            # Not into the middle of an answer that has begun.
            self.transport.close()
            return
        self.transport.write(answer)
        self._part()

    def _close_answered(self) -> None:
        """A request was answered, or its answer broke off; its connection is not to be used again."""
        if not self.transport.is_closing() and self._answering.response_complete and self.cycle.more_body:
            self._part()
        else:
            self.transport.close()

    def _part(self) -> None:
        """Nothing more is said on this connection; it is closed by its peer, or by a sweep."""
        if self._is_ending:
            # So have the sweeps.
            self.transport.close()
            return
        self._is_parting, self._dropped, self._answered_since = True, 0, None
        self._abandon()
        self.flow.resume_reading()
        self.transport.write_eof()

    def _abandon(self) -> None:
        """Requests that are still to be answered have nobody who waits for it."""
        self.pipeline.clear()
        # uvicorn tells the request that came last; one before it may be the one that is being answered.
        for cycle in (self._answering, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.waiting_for_100_continue = False
                cycle.message_event.set()
        self._has_left = True
        if self._left is not None:
            left, self._left = self._left, None
            left()
