"""Output as it is recorded in this process, without touching the disk: for `paddock logs -f`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from orchestrator.domain.history import OutputBatch
from orchestrator.domain.names import FunctionKey

CAPACITY_BYTES = 4 * 1024 * 1024


class Follower:
    """
    One reader of a function's output, from its creation on: an async iterator of (row id, batch).

    Close it, or use it in a `with`. One that reads too slowly misses batches; their bytes are counted in
    `dropped_bytes` of the next batch it gets. Ends when the store is closed.
    """

    def __init__(self, function: FunctionKey, forget: Callable[[Follower], None]) -> None:
        self.function = function
        self._forget = forget
        self._waiting: deque[tuple[int, OutputBatch]] = deque()
        self._waiting_bytes = 0
        self._dropped_bytes = 0
        self._changed = asyncio.Event()
        self._is_closed = False

    def offer(self, row_id: int, batch: OutputBatch) -> None:
        """Give it a batch, or count what it cannot keep."""
        size = size_of(batch)
        if self._waiting and self._waiting_bytes + size > CAPACITY_BYTES:
            self._dropped_bytes += size + batch.dropped_bytes
            return
        if self._dropped_bytes:
            batch = replace(batch, dropped_bytes=batch.dropped_bytes + self._dropped_bytes)
            self._dropped_bytes = 0
        self._waiting.append((row_id, batch))
        self._waiting_bytes += size
        self._changed.set()

    def close(self) -> None:
        """Take no more; whoever iterates gets what is left, then the end."""
        if not self._is_closed:
            self._is_closed = True
            self._forget(self)
            self._changed.set()

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> tuple[int, OutputBatch]:
        while not self._waiting:
            if self._is_closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        row_id, batch = self._waiting.popleft()
        self._waiting_bytes -= size_of(batch)
        return row_id, batch


def size_of(batch: OutputBatch) -> int:
    """About how many bytes a batch takes."""
    return sum(len(line.text) + 64 for line in batch.lines)
