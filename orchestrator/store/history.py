"""
The history: function output and lifecycle entries, in a file of their own (D2).

Recording never blocks and never fails: when the writer cannot keep up or the disk refuses, entries are dropped and
counted, so that a chatty function never delays an acceptance.
Row ids are keys that grow with time, given when an entry is recorded, so a follower and a reader see the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from orchestrator.domain.history import LifecycleEntry, OutputBatch
from orchestrator.domain.names import FunctionKey, key_of_request_id
from orchestrator.store.database import Database
from orchestrator.store.encoding import to_us
from orchestrator.store.followers import Follower, size_of
from orchestrator.store.history_rows import (
    INSERT_LIFECYCLE,
    INSERT_OUTPUT,
    LIFECYCLE_ROW_BYTES,
    OUTPUT_ROW_BYTES,
    batch_from,
    entry_from,
    lifecycle_row,
    output_row,
)
from orchestrator.store.keys import KeySequence, first_key_at
from orchestrator.store.operations import Kind
from orchestrator.store.tables import lifecycle, of_function, output
from orchestrator.store.writer import Writer

QUEUE_BYTES = 16 * 1024 * 1024
LINGER_S = 0.1
"""Longer than for invocations: nobody waits, and fewer, larger batches cost less."""
_ROWS_AT_ONCE = 64


class HistoryStore:
    """
    What happened, and what functions wrote.

    Args:
        epoch_ms: Asks for the wall time in milliseconds since 1970, for row ids.
        last_id: The greatest row id that exists.
    """

    def __init__(self, database: Database, writer: Writer, epoch_ms: Callable[[], int], last_id: int) -> None:
        self._database = database
        self._writer = writer
        self._ids = KeySequence(epoch_ms, last_id)
        self._followers: dict[FunctionKey, list[Follower]] = {}
        self._chatty: set[FunctionKey] = set()
        self._lifecycle = Kind(0, _write_lifecycle)
        self._output = Kind(0, _write_output)

    @property
    def dropped(self) -> int:
        """How many entries and batches were not kept since the start."""
        return self._writer.figures.dropped

    def record(self, entry: LifecycleEntry) -> None:
        """Keep a lifecycle entry, within 0.1 s."""
        row_id = self._ids.next()
        self._writer.post(self._lifecycle, (row_id, entry), key=row_id, size_bytes=LIFECYCLE_ROW_BYTES)

    def record_output(self, batch: OutputBatch) -> bool:
        """
        Keep a batch of output, within 0.1 s, and hand it to those who follow.

        Returns: False if too much waits to be written; the batch is not kept, and its bytes are to be told as dropped.
        """
        row_id = self._ids.next()
        size_bytes = size_of(batch) + OUTPUT_ROW_BYTES
        kept = self._writer.post(self._output, (row_id, batch), key=row_id, size_bytes=size_bytes)
        self._chatty.add(batch.function)
        for follower in self._followers.get(batch.function, ()):
            follower.offer(row_id, batch)
        return kept

    def follow(self, function: FunctionKey) -> Follower:
        """
        The output of a function from now on, as it is recorded.

        To miss nothing: follow first, then read what is there with `output`, and skip the row ids seen twice.
        """
        follower = Follower(function, self._forget)
        self._followers.setdefault(function, []).append(follower)
        return follower

    def stop_following(self) -> None:
        """End every follower: the store is closing."""
        for followers in list(self._followers.values()):
            for follower in list(followers):
                follower.close()

    def wrote_since_asked(self) -> set[FunctionKey]:
        """The functions that wrote output since this was last asked; for retention."""
        chatty, self._chatty = self._chatty, set()
        return chatty

    async def output(
        self,
        function: FunctionKey,
        *,
        after_id: int = 0,
        since: datetime | None = None,
        environment_id: str | None = None,
        request_id: str | None = None,
        limit_lines: int = 1000,
    ) -> list[tuple[int, OutputBatch]]:
        """
        Output of a function with its row ids, oldest first, in the order it was recorded.

        Args:
            after_id: Begin after this row; whole batches until `limit_lines` is reached. With 0: the last
                `limit_lines` lines of all that fits.
            since: Only lines of this time or later.
            environment_id: Only this environment's.
            request_id: Only lines written while this invocation ran.
        """
        query = _query_output(function, after_id, since, environment_id, request_id)
        return await self._database.read(
            lambda connection: _read_output(connection, query, after_id == 0, since, request_id, limit_lines)
        )

    async def lifecycle(
        self,
        function: FunctionKey | None = None,
        environment_id: str | None = None,
        request_id: str | None = None,
        limit: int = 100,
    ) -> list[LifecycleEntry]:
        """The last lifecycle entries of a function, environment or invocation (all that is given), newest first."""
        columns = lifecycle.c
        query = select(lifecycle).order_by(columns.id.desc()).limit(limit)
        if function is not None:
            query = query.where(of_function(lifecycle, function))
        if environment_id is not None:
            query = query.where(columns.environment_id == environment_id)
        if request_id is not None:
            query = query.where(columns.request_id == request_id)
        return await self._database.read(lambda connection: [entry_from(row) for row in connection.execute(query)])

    def _forget(self, follower: Follower) -> None:
        followers = self._followers[follower.function]
        followers.remove(follower)
        if not followers:
            del self._followers[follower.function]


def greatest_id(connection: Connection) -> int:
    """The greatest row id that exists in either table."""
    found: list[int] = [
        connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one() for table in (output, lifecycle)
    ]
    return max(found)


def _write_lifecycle(connection: Connection, rows: Sequence[tuple[int, LifecycleEntry]]) -> Sequence[None]:
    INSERT_LIFECYCLE.write(connection, [lifecycle_row(row_id, entry) for row_id, entry in rows])
    return [None] * len(rows)


def _write_output(connection: Connection, rows: Sequence[tuple[int, OutputBatch]]) -> Sequence[None]:
    INSERT_OUTPUT.write(connection, [output_row(row_id, batch) for row_id, batch in rows])
    return [None] * len(rows)


def _query_output(
    function: FunctionKey, after_id: int, since: datetime | None, environment_id: str | None, request_id: str | None
) -> Select[tuple[object, ...]]:
    # a batch is recorded after its lines were written, and those of an invocation after its key was made
    first_id = after_id + 1
    if since is not None:
        first_id = max(first_id, first_key_at(since))
    query = select(output).where(of_function(output, function))
    if request_id is not None:
        first_id = max(first_id, key_of_request_id(request_id) or 0)
        query = query.where(func.instr(output.c.lines, request_id) > 0)
    if environment_id is not None:
        query = query.where(output.c.environment_id == environment_id)
    return query.where(output.c.id >= first_id)


def _read_output(
    connection: Connection,
    query: Select[tuple[object, ...]],
    from_the_end: bool,
    since: datetime | None,
    request_id: str | None,
    limit_lines: int,
) -> list[tuple[int, OutputBatch]]:
    since_us = 0 if since is None else to_us(since)
    order = output.c.id.desc() if from_the_end else output.c.id
    found: list[tuple[int, OutputBatch]] = []
    left = limit_lines
    result = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query.order_by(order))
    for row in result:
        if left <= 0:
            break
        batch = batch_from(row)
        lines = tuple(
            line
            for line in batch.lines
            if line.at_us >= since_us and (request_id is None or line.request_id == request_id)
        )
        if from_the_end:
            lines = lines[-left:]
        if lines or batch.dropped_bytes:
            found.append((row._mapping["id"], replace(batch, lines=lines)))
            left -= len(lines)
    result.close()
    if from_the_end:
        found.reverse()
    return found
