"""Sends generated requests from several connections at once; keeps counts, times and what was answered wrongly."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.generator.generated import Generated, Generator
from tests.support.generator.wire import Answer, NotHttp, Wire

PATIENCE_S = 30.0
"""For one request: longer than the longest that any may take, of which the wait for room is the most."""
Judge = Callable[[Generated, Sequence[Answer], float], str | None]
_SHOWN_BYTES = 4_000
_MOST_WRONG = 20


@dataclass(slots=True)
class Sent:
    """
    What came of it.

    Args:
        answered: By kind and status; a kind that got no answer at all counts as 0.
        operations: How often each operation of the model was served, of requests that are as the model says.
        served_s: How long each call of a function took that must be served.
        wrong: What was answered wrongly, with the request.
    """

    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    served_s: list[float] = field(default_factory=list)
    slowest_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The counts, a line for each kind."""
        kinds = sorted({kind for kind, _ in self.answered})
        return [
            f"{kind}: {sum(count for (one, _), count in self.answered.items() if one == kind)} ("
            + ", ".join(f"{status or 'none'}: {self.answered[kind, status]}" for status in self._statuses(kind))
            + ")"
            for kind in kinds
        ]

    def _statuses(self, kind: str) -> list[int]:
        return sorted(status for one, status in self.answered if one == kind)


class Sending:
    """
    Sends requests.

    Args:
        judge: What is wrong with the answers to a request that was sent at this moment of `time.monotonic`?
        folder: For the bytes of what was answered wrongly.
    """

    def __init__(self, generator: Generator, port: int, *, judge: Judge, folder: Path) -> None:
        self._generator = generator
        self._port = port
        self._judge = judge
        self._folder = folder
        self._next = 0
        self.sent = Sent()

    async def until(self, number: int, connections: int) -> None:
        """Send all requests up to this number that have not been sent yet."""
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._send(number))

    async def _send(self, end: int) -> None:
        wire = Wire(self._port)
        try:
            while self._next < end and len(self.sent.wrong) < _MOST_WRONG:
                number, self._next = self._next, self._next + 1
                await self._send_one(wire, self._generator.request(number))
        finally:
            await wire.close()

    async def _send_one(self, wire: Wire, request: Generated) -> None:
        began = time.monotonic()
        answers: list[Answer] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                answers = await self._answers(wire, request)
            wrong = self._judge(request, answers, began)
        except TimeoutError:
            wrong = f"no answer, and no end of the connection, in {PATIENCE_S} s"
        except (NotHttp, ConnectionError) as error:
            wrong = f"{type(error).__name__}: {error}"
        took_s = time.monotonic() - began
        sent = self.sent
        sent.answered.update((request.kind, answer.status) for answer in answers)
        if not answers:
            sent.answered[request.kind, 0] += 1
        if request.is_understood and request.operation is not None and any(200 <= one.status < 300 for one in answers):
            sent.operations[request.operation] += 1
        sent.slowest_s = max(sent.slowest_s, took_s)
        if request.is_served:
            sent.served_s.append(took_s)
        if wrong is not None:
            await wire.close()
            file = self._folder / f"request-{request.number}"
            await asyncio.to_thread(file.write_bytes, request.sent)
            sent.wrong.append(
                f"request {request.number} ({request.kind}), all of it in {file}: {request.sent[:_SHOWN_BYTES]!r}\n"
                f"    after {took_s:.2f} s: {wrong}"
            )

    @staticmethod
    async def _answers(wire: Wire, request: Generated) -> list[Answer]:
        if request.is_one:
            return [await wire.ask(request.sent, request.method, is_endless=request.is_endless)]
        return await wire.pour(request.sent, [request.method], ends=request.ends)
