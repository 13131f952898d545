"""A load generator that costs little: keep-alive connections over raw asyncio, one request at a time on each."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass(slots=True)
class Figures:
    """
    What a run of load measured.

    Args:
        latencies_s: One per answered request, in no order.
        bad: Answers that were not 200, or carried a function error.
    """

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answered requests a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that this share of the requests did not exceed."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, figures: Figures, until: float, left: list[int]) -> None:
        self._request = request
        self._figures = figures
        self._until = until
        self._left = left
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one in all but its bases.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, received: bytes) -> None:
        self._received += received
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        # The server writes its names in small letters.
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._figures.latencies_s.append(time.perf_counter() - self._sent_at)
        if b" 200 " not in head[:20] or b"x-amz-function-error" in head:
            self._figures.bad.append(self._received)
        self._received = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._figures.bad.append(b"connection lost")
            self.done.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        self._left[0] -= 1
        self._sent_at = time.perf_counter()
        if self._left[0] < 0 or self._sent_at > self._until:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._transport.write(self._request)


async def _load(port: int, request: bytes, clients: int, seconds: float, at_most: int) -> Figures:
    figures = Figures()
    began = time.perf_counter()
    left = [at_most]
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(clients):
        _, caller = await loop.create_connection(
            lambda: _Caller(request, figures, began + seconds, left), "127.0.0.1", port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.done for caller in callers))
    figures.seconds = time.perf_counter() - began
    return figures


def load(port: int, function: str, payload: bytes, *, clients: int, seconds: float, at_most: int = 10**9) -> Figures:
    """
    Invoke a function from so many clients at once.

    Args:
        seconds: How long to send; what is under way is waited for.
        at_most: Requests in all.
    """
    request = (
        f"POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    ).encode() + payload
    return uvloop.run(_load(port, request, clients, seconds, at_most))
