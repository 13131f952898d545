"""
Invocations and their payloads: accepted, begun, ended, found again (D2).

A verb that waits for the disk returns a future; one that needs not be waited for returns nothing. Readers see what
is committed: a row that lingers in the writer's queue is seen up to 20 ms later.
Not here: when an invocation is retried or given up (`domain/retries.py`), and when it is deleted (`retention.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from orchestrator.domain.invocations import Invocation, InvocationState
from orchestrator.domain.names import FunctionKey, key_of_request_id
from orchestrator.store import invocation_queries as queries
from orchestrator.store import recovery
from orchestrator.store.database import Database
from orchestrator.store.encoding import from_us, to_us
from orchestrator.store.invocation_queries import LATEST_OF_NOBODY, DueTargets, Target
from orchestrator.store.invocation_rows import (
    BEGIN_ATTEMPTS,
    INSERT_INVOCATIONS,
    INSERT_PAYLOADS,
    MOVE_INVOCATIONS,
    Accepted,
    Moved,
    accepted_row,
    attempt_row,
    moved_row,
    payload_row,
    random_bits_of,
)
from orchestrator.store.keys import KeySequence
from orchestrator.store.operations import Kind, LostRace
from orchestrator.store.recovery import Recovered
from orchestrator.store.writer import Writer


class InvocationStore:
    """
    The invocations of this data directory.

    Args:
        epoch: Of this start; names the owner of what runs.
        epoch_ms: Asks for the wall time in milliseconds since 1970, for keys.
        last_key: The greatest key that exists.
    """

    def __init__(
        self, database: Database, writer: Writer, epoch: int, epoch_ms: Callable[[], int], last_key: int
    ) -> None:
        self._database = database
        self._writer = writer
        self._epoch = epoch
        self._keys = KeySequence(epoch_ms, last_key)
        self._reads_of_due = 0
        self._moved_meanwhile: set[int] = set()
        # the order in which one batch is applied is the order of an invocation's life
        self._accept = Kind(0, self._write_accepted)
        self._attempt = Kind(1, self._write_attempts)
        self._move = Kind(2, _write_moved)

    def next_key(self) -> int:
        """The key of the next invocation: greater than all before, over clock steps and restarts."""
        return self._keys.next()

    def accept(self, invocation: Invocation, payload: bytes, *, promised: bool) -> asyncio.Future[None]:
        """
        Save a new invocation with its payload.

        A synchronous one is stored as running and owned by this start from here on: its caller's connection is its
        life, so it is never work that waits in the store, and a crash leaves its end unknown.

        Args:
            promised: Resolve only after a flush to the disk; otherwise it survives the process, not a power cut.

        Returns: A future that resolves once saved; fails with StoreFailed.
        """
        return self._writer.submit(self._accept, Accepted(invocation, payload), key=invocation.key, promised=promised)

    def attempt_begun(self, invocation: Invocation) -> None:
        """
        Note that an attempt runs, owned by this start. Not waited for.

        Nothing is written for a synchronous invocation: it counts as running since it was accepted.
        """
        if invocation.is_asynchronous:
            self._note_move(invocation)
            self._writer.post(self._attempt, invocation, key=invocation.key)

    def ended(self, invocation: Invocation, *, before: InvocationState, promised: bool) -> asyncio.Future[bool]:
        """
        Move an invocation on from a state it is believed to be in.

        Args:
            invocation: As it shall be: ended, retrying, or queued again.
            before: The state it must still have.
            promised: Write at once and resolve only after a flush; otherwise it is written within 20 ms.

        Returns: A future: False if the invocation was in another state, and nothing was written.
        """
        self._note_move(invocation)
        return self._writer.submit(
            self._move, Moved(invocation, before), key=invocation.key, promised=promised, urgent=promised
        )

    def note_end(self, invocation: Invocation) -> None:
        """Move a synchronous invocation to its end, within 20 ms; nobody waits to hear of it."""
        self._writer.post(self._move, Moved(invocation, InvocationState.RUNNING), key=invocation.key)

    async def due(
        self,
        function: FunctionKey,
        now: datetime,
        limit: int,
        exclude: Collection[int] = (),
        *,
        target: Target = LATEST_OF_NOBODY,
    ) -> list[tuple[Invocation, bytes]]:
        """
        Asynchronous invocations of a function that may run now, the longest due first, with their payloads.

        Never one whose attempt began or that ended since this was asked.

        Args:
            target: Only those that were sent to this.
            exclude: Keys that are in hand already.
        """
        with self._noting_moves():
            found = await self._database.read(
                partial(queries.due, function=function, target=target, now=now, limit=limit, exclude=exclude)
            )
            return [(one, payload) for one, payload in found if one.key not in self._moved_meanwhile]

    async def first_due(
        self, function: FunctionKey, now: datetime, limit: int, exclude: Collection[int], *, target: Target
    ) -> list[Invocation]:
        """The same without payloads: they may be large, and are not needed to look at what waits."""
        with self._noting_moves():
            found = await self._database.read(
                partial(
                    queries.due_without_payloads,
                    function=function,
                    target=target,
                    now=now,
                    limit=limit,
                    exclude=exclude,
                )
            )
            return [one for one in found if one.key not in self._moved_meanwhile]

    async def due_targets(
        self,
        function: FunctionKey,
        now: datetime,
        *,
        behind: Target | None,
        at_most: int,
        also: Collection[Target] = (),
        count_at_most: int,
    ) -> DueTargets:
        """
        Where a function's asynchronous invocations that may run now were sent to, in turn, and how many to each.

        Args:
            behind: Begin behind this one, and end with it; None begins with the first.
            at_most: So many targets.
            also: Count those that were sent to these, too.
            count_at_most: Of one target; those in hand are counted with the others.
        """
        return await self._database.read(
            partial(
                queries.due_targets,
                function=function,
                now=now,
                behind=behind,
                at_most=at_most,
                also=also,
                count_at_most=count_at_most,
            )
        )

    async def functions_with_due(self, now: datetime) -> list[FunctionKey]:
        """The functions that have an asynchronous invocation that may run now."""
        now_us = to_us(now)
        return [key for key, due_us in await self._database.read(queries.first_due) if due_us <= now_us]

    async def next_due_at(self) -> datetime | None:
        """When the first of all waiting asynchronous invocations may run; past if one may now; None if none waits."""
        return min((from_us(due_us) for _, due_us in await self._database.read(queries.first_due)), default=None)

    async def count_unfinished(self, function: FunctionKey) -> int:
        """How many invocations of a function wait or run."""
        return await self._database.read(partial(queries.count_unfinished, function=function))

    async def get(self, request_id: str) -> Invocation | None:
        """The invocation of a request id, or None if there is none: the random part must match as well."""
        key = key_of_request_id(request_id)
        if key is None:
            return None
        return await self._database.read(partial(queries.find, key=key, random_bits=random_bits_of(request_id)))

    async def payload(self, key: int) -> bytes | None:
        """The payload of an invocation, or None if it is kept no longer."""
        return await self._database.read(partial(queries.payload, key=key))

    async def recover(
        self,
        now: datetime,
        max_crashes: int | None = recovery.MAX_CRASHES,
        longest_wait: timedelta = recovery.LONGEST_WAIT,
    ) -> Recovered:
        """
        Take back what ran under earlier starts; once, before anything is dispatched.

        Args:
            max_crashes: An event that was running in so many crashes is set aside; None if no event is to blame.
            longest_wait: No event is ever due later than after so long.
        """
        return await self._writer.run(
            lambda connection: recovery.recover(connection, self._epoch, now, max_crashes, longest_wait)
        )

    @contextmanager
    def _noting_moves(self) -> Iterator[None]:
        """What moves while the snapshot is read would come back as it was before, and run twice."""
        self._reads_of_due += 1
        try:
            yield
        finally:
            self._reads_of_due -= 1
            if not self._reads_of_due:
                self._moved_meanwhile.clear()

    def _note_move(self, invocation: Invocation) -> None:
        if self._reads_of_due:
            self._moved_meanwhile.add(invocation.key)

    def _write_accepted(self, connection: Connection, rows: Sequence[Accepted]) -> Sequence[None]:
        INSERT_INVOCATIONS.write(connection, [accepted_row(row, self._epoch) for row in rows])
        INSERT_PAYLOADS.write(connection, [payload_row(row) for row in rows])
        return [None] * len(rows)

    def _write_attempts(self, connection: Connection, rows: Sequence[Invocation]) -> Sequence[None]:
        BEGIN_ATTEMPTS.write(connection, [attempt_row(row, self._epoch) for row in rows])
        return [None] * len(rows)


def _write_moved(connection: Connection, rows: Sequence[Moved]) -> Sequence[bool]:
    changed = MOVE_INVOCATIONS.write(connection, [moved_row(row) for row in rows])
    if changed == len(rows):
        return [True] * len(rows)
    if len(rows) == 1:
        return [False]
    raise LostRace
