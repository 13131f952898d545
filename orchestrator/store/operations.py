"""
What goes through a writer's queue, and how a batch of it is grouped into what one statement can write.

No I/O and no thread: that is `writer.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

Row = TypeVar("Row")
Result = TypeVar("Result")


class LostRace(Exception):
    """Raised by a kind whose statement changed fewer rows than it was given: which ones must be found out."""


class Kind(Generic[Row, Result]):
    """
    One kind of operation; all of a batch are written by one statement.

    Args:
        rank: Kinds of lower rank are written first within a batch.
        write: Writes rows and returns a result for each, in order. Raises LostRace, with more than one row only, if
            their results differ; the transaction then starts over with single rows.
    """

    def __init__(self, rank: int, write: Callable[[Connection, Sequence[Row]], Sequence[Result]]) -> None:
        self.rank = rank
        self.write = write


class Operation:
    """
    One row, or one piece of work, on its way through the queue.

    Args:
        kind: None for work; `row` then is the function to call.
        key: Operations of one key keep their order.
        is_promise: Must its transaction be flushed to the disk?
        future: Of whoever waits, if somebody does.
        applied: Called with the result once committed.
    """

    __slots__ = ("applied", "error", "future", "is_promise", "key", "kind", "result", "row", "size_bytes")

    def __init__(
        self,
        kind: Kind[Any, Any] | None,
        row: Any,
        key: int,
        is_promise: bool,
        future: asyncio.Future[Any] | None,
        size_bytes: int = 0,
        applied: Callable[[Any], None] | None = None,
    ) -> None:
        self.kind = kind
        self.row = row
        self.key = key
        self.is_promise = is_promise
        self.future = future
        self.size_bytes = size_bytes
        self.applied = applied
        self.result: Any = None
        self.error: Exception | None = None


def phases(batch: list[Operation]) -> Iterator[list[Operation]]:
    """
    Group a batch into what one statement can write: by kind in order of rank.

    A key that comes again with a kind of the same or a lower rank begins a new round; so does work.
    """
    round_: dict[Kind[Any, Any], list[Operation]] = {}
    ranks: dict[int, int] = {}
    for operation in batch:
        kind = operation.kind
        if kind is None or ranks.get(operation.key, -1) >= kind.rank:
            yield from _by_rank(round_)
            round_, ranks = {}, {}
        if kind is None:
            yield [operation]
            continue
        ranks[operation.key] = kind.rank
        round_.setdefault(kind, []).append(operation)
    yield from _by_rank(round_)


def _by_rank(round_: dict[Kind[Any, Any], list[Operation]]) -> list[list[Operation]]:
    return [round_[kind] for kind in sorted(round_, key=lambda kind: kind.rank)]
