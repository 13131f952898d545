"""
The writer: one thread that owns the only write connection of a file and commits whatever is queued as one
transaction (D2).

Guarantees:
- A future resolves with its result only after the commit that holds its row; a promise only after a flush.
- Operations on one key are applied in the order they were submitted.
- A failed commit fails every operation in it, and is told to `on_failure` before any of their futures.
- What was queued when `close` was called is committed.
Not here: what the rows are (`invocations.py` and the other nouns), and when to delete them (`retention.py`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from orchestrator.domain.errors import PaddockError
from orchestrator.store.database import BUSY_TIMEOUT_MS
from orchestrator.store.free_space import is_full
from orchestrator.store.operations import Kind, LostRace, Operation, phases

LINGER_S = 0.020
"""How long a row that nobody waits for may stay in the queue to be written together with others."""
CHECKPOINT_BYTES = 16 * 1024 * 1024
_RESTART_BYTES = 3 * CHECKPOINT_BYTES
_RESTART_PATIENCE_MS = 50
_FRAME_BYTES = 4096 + 24
_MAX_BATCH = 1024
_CROWDED_BATCH = 20
_REST_S = 0.004
"""
After a transaction of so many rows the next waits this long: it grows by half, and the event loop is interrupted so
much less (ADR 5). Smaller ones never wait: few callers would.
"""
_LOOK_AT_LOG_EVERY = 16
"""Transactions between two looks at the log's length; each costs a tenth of a small one."""

Row = TypeVar("Row")
Result = TypeVar("Result")


class StoreFailed(PaddockError):
    """
    A database could not be written, or is closed; the message says which, why, and what helps.

    Args:
        is_full: Is it only that its disk has no space left?
    """

    def __init__(self, message: str, *, is_full: bool = False) -> None:
        super().__init__(message)
        self.is_full = is_full


@dataclass(slots=True)
class WriterFigures:
    """What a writer has done so far; for metrics and tests."""

    transactions: int = 0
    flushed: int = 0
    operations: int = 0
    failures: int = 0
    dropped: int = 0
    checkpoints: int = 0
    longest_transaction_s: float = 0.0


def driver_of(connection: Connection) -> Any:
    """The driver's own connection, for pragmas that a transaction or SQLAlchemy would spoil."""
    return connection.connection.driver_connection


class Writer:
    """
    Owns the write connection of one file. Created, called and closed in the event loop.

    Args:
        path: The file's, for messages and the thread's name.
        connection: Not used by anyone else until `close` has returned.
        on_failure: Called in the event loop when a transaction failed.
        linger_s: How long a row that nobody waits for may stay in the queue.
        capacity_bytes: `post` refuses what would make the queue larger; None means no bound.
        ends_at_failure: Refuse everything after a failed transaction; otherwise only that batch is lost.
    """

    def __init__(
        self,
        path: Path,
        connection: Connection,
        on_failure: Callable[[StoreFailed], None],
        *,
        linger_s: float = LINGER_S,
        capacity_bytes: int | None = None,
        ends_at_failure: bool = True,
    ) -> None:
        self._path = path
        self._connection = connection
        self._driver = driver_of(connection)
        self._on_failure = on_failure
        self._linger_s = linger_s
        self._capacity_bytes = capacity_bytes
        self._ends_at_failure = ends_at_failure
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Operation] = deque()
        self._queued_bytes = 0
        self._wakes_soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._work_is_there = threading.Event()
        self._closing = threading.Event()
        self._failure: StoreFailed | None = None
        self._flushes = False
        self.figures = WriterFigures()
        self._driver.execute("PRAGMA synchronous = NORMAL")
        # the writer checkpoints by itself, after it has answered
        self._driver.execute("PRAGMA wal_autocheckpoint = 0")
        self._thread = threading.Thread(target=self._run, name=f"writer of {path.name}", daemon=True)
        self._thread.start()

    def submit(
        self, kind: Kind[Row, Result], row: Row, *, key: int, promised: bool, urgent: bool = True
    ) -> asyncio.Future[Result]:
        """
        Queue a row whose result somebody may wait for.

        Args:
            key: Operations of one key keep their order.
            promised: Flush the transaction to the disk, not only to the file.
            urgent: Write at once; otherwise within `linger_s`.

        Returns: A future of the kind's result; fails with StoreFailed.
        """
        future: asyncio.Future[Result] = self._loop.create_future()
        self._enqueue(Operation(kind, row, key, promised, future), urgent)
        return future

    def post(self, kind: Kind[Row, Any], row: Row, *, key: int, size_bytes: int = 0) -> bool:
        """
        Queue a row that nobody waits for.

        Returns: False if the queue is full; the row is dropped and counted.
        """
        if self._capacity_bytes is not None and self._queued_bytes + size_bytes > self._capacity_bytes:
            self.figures.dropped += 1
            return False
        self._queued_bytes += size_bytes
        self._enqueue(Operation(kind, row, key, False, None, size_bytes), urgent=False)
        return True

    def run(
        self,
        work: Callable[[Connection], Result],
        *,
        promised: bool = True,
        applied: Callable[[Result], None] | None = None,
    ) -> asyncio.Future[Result]:
        """
        Do some work as part of the next transaction, after everything queued before and before everything after.

        Args:
            work: Only SQL: it may be run a second time if its transaction has to start over. A PaddockError (or a
                broken constraint) that it raises undoes this work alone and fails this future alone.
            applied: Called in the event loop once committed, even if nobody waits any more.
        """
        future: asyncio.Future[Result] = self._loop.create_future()
        self._enqueue(Operation(None, work, 0, promised, future, applied=applied), urgent=True)
        return future

    async def close(self) -> None:
        """Commit what is queued and end the thread."""
        self._closing.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._work_is_there.set()
        await asyncio.to_thread(self._thread.join)

    # In the event loop

    def _enqueue(self, operation: Operation, urgent: bool) -> None:
        if self._failure is not None or self._closing.is_set():
            refusal = self._failure or StoreFailed(f"{self._path} is closed: the control plane is stopping")
            self._fail([operation], refusal)
            return
        self._queue.append(operation)
        if urgent:
            if not self._wakes_soon:
                # once per turn of the event loop, so that everything it submits in one turn is one batch
                self._wakes_soon = True
                self._loop.call_soon(self._wake)
        elif self._timer is None and not self._wakes_soon:
            self._timer = self._loop.call_later(self._linger_s, self._wake)

    def _wake(self) -> None:
        self._wakes_soon = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._work_is_there.set()

    def _resolve(self, batch: list[Operation]) -> None:
        for operation in batch:
            self._queued_bytes -= operation.size_bytes
            future = operation.future
            if operation.error is not None:
                if future is not None and not future.done():
                    future.set_exception(operation.error)
                continue
            if operation.applied is not None:
                operation.applied(operation.result)
            if future is not None and not future.done():
                future.set_result(operation.result)

    def _failed(self, batch: list[Operation], failure: StoreFailed) -> None:
        try:
            self._on_failure(failure)
        finally:
            self._fail(batch, failure)

    def _fail(self, batch: list[Operation], failure: StoreFailed) -> None:
        for operation in batch:
            self._queued_bytes -= operation.size_bytes
            if operation.future is None:
                self.figures.dropped += 1
            elif not operation.future.done():
                operation.future.set_exception(failure)
                # told to on_failure already: a future that nobody awaits shall not complain again
                operation.future.exception()

    # In the thread

    def _run(self) -> None:
        # Whoever queues an operation also sees to a wake, now or within `linger_s`: what nobody waits for gathers.
        while self._queue or not self._closing.is_set():
            self._work_is_there.wait()
            self._work_is_there.clear()
            while batch := self._take():
                self._write(batch)
                if len(batch) < _MAX_BATCH:
                    break
            if len(batch) > _CROWDED_BATCH:
                self._closing.wait(_REST_S)

    def _take(self) -> list[Operation]:
        batch: list[Operation] = []
        while self._queue and len(batch) < _MAX_BATCH:
            batch.append(self._queue.popleft())
        return batch

    def _write(self, batch: list[Operation]) -> None:
        if self._failure is not None:
            self._loop.call_soon_threadsafe(self._fail, batch, self._failure)
            return
        started = time.perf_counter()
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001 - the edge of this thread: whoever waits must hear of it, whatever it is
            self._give_up(batch, error)
            return
        self._loop.call_soon_threadsafe(self._resolve, batch)
        figures = self.figures
        figures.transactions += 1
        figures.operations += len(batch)
        figures.longest_transaction_s = max(figures.longest_transaction_s, time.perf_counter() - started)
        if figures.transactions % _LOOK_AT_LOG_EVERY:
            return
        try:
            self._checkpoint()
        except self._driver.Error as error:
            self._give_up([], error)

    def _give_up(self, batch: list[Operation], error: Exception) -> None:
        failure = _explained(self._path, error)
        self.figures.failures += 1
        if self._ends_at_failure:
            self._failure = failure
        try:
            self._connection.rollback()
        except (SQLAlchemyError, self._driver.Error):
            self._failure = failure
        self._loop.call_soon_threadsafe(self._failed, batch, failure)

    def _commit(self, batch: list[Operation]) -> None:
        flushes = any(operation.is_promise for operation in batch)
        if flushes is not self._flushes:
            # refused inside a transaction, so it comes before
            self._driver.execute(f"PRAGMA synchronous = {'FULL' if flushes else 'NORMAL'}")
            self._flushes = flushes
        self.figures.flushed += flushes
        try:
            with self._connection.begin():
                for phase in phases(batch):
                    self._write_phase(phase)
        except LostRace:
            with self._connection.begin():
                for operation in batch:
                    self._write_phase([operation])

    def _write_phase(self, phase: list[Operation]) -> None:
        kind = phase[0].kind
        if kind is None:
            self._do(phase[0])
            return
        for operation, result in zip(phase, kind.write(self._connection, [one.row for one in phase]), strict=True):
            operation.result = result

    def _do(self, operation: Operation) -> None:
        operation.error = None
        try:
            with self._connection.begin_nested():
                operation.result = operation.row(self._connection)
        except (PaddockError, IntegrityError, ValueError) as refusal:
            operation.error = refusal

    def _checkpoint(self) -> None:
        (_, frames, copied), *_ = self._driver.execute("PRAGMA wal_checkpoint(NOOP)").fetchall()
        if (frames - copied) * _FRAME_BYTES <= CHECKPOINT_BYTES:
            return
        self._driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self.figures.checkpoints += 1
        if frames * _FRAME_BYTES > _RESTART_BYTES:
            # Readers that overlap all the time keep the log from being begun anew though all of it is copied. New ones
            # do not count once it is: wait for the old ones, briefly.
            self._driver.execute(f"PRAGMA busy_timeout = {_RESTART_PATIENCE_MS}").fetchall()
            self._driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            self._driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").fetchall()


def _explained(path: Path, error: Exception) -> StoreFailed:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = str(getattr(cause, "sqlite_errorname", ""))
    full = code == "SQLITE_FULL" or (code.startswith("SQLITE_IOERR") and is_full(path))
    remedy = "free some space on its disk" if full else "look at its disk's health, then start Paddock again"
    failure = StoreFailed(f"{path} could not be written: {cause}; {remedy}", is_full=full)
    failure.__cause__ = error
    return failure
