"""
The store: both files with their writers, and the nouns that live in them.

Opened once by the composition root; everything else gets the part it needs.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.functions import Function
from orchestrator.settings import Settings
from orchestrator.store import starts
from orchestrator.store.database import Database, DataDirLock
from orchestrator.store.functions import FunctionStore, load_functions
from orchestrator.store.history import LINGER_S, QUEUE_BYTES, HistoryStore, greatest_id
from orchestrator.store.invocation_queries import greatest_key
from orchestrator.store.invocations import InvocationStore
from orchestrator.store.retention import Retention
from orchestrator.store.starts import Start
from orchestrator.store.writer import StoreFailed, Writer

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What was found and made on the disk before the writers began."""

    lock: DataDirLock
    main: Database
    history: Database
    start: Start
    functions: list[Function]
    last_key: int
    last_id: int


class Store:
    """Everything that is kept. Made by `open`."""

    def __init__(
        self, opened: _Opened, settings: Settings, clock: Clock, on_failure: Callable[[StoreFailed], None]
    ) -> None:
        self._clock = clock
        self._lock = opened.lock
        self._main = opened.main
        self._history_file = opened.history
        self.owner = opened.start.owner
        self.epoch = opened.start.epoch
        self.writer = Writer(str(opened.main.path), opened.main.write_connection, on_failure)
        self.history_writer = Writer(
            str(opened.history.path),
            opened.history.write_connection,
            _log_history_failure,
            linger_s=LINGER_S,
            capacity_bytes=QUEUE_BYTES,
            ends_at_failure=False,
        )
        self.functions = FunctionStore(self.writer, opened.functions)
        self.invocations = InvocationStore(self._main, self.writer, self.epoch, clock.epoch_ms, opened.last_key)
        self.history = HistoryStore(self._history_file, self.history_writer, clock.epoch_ms, opened.last_id)
        self.retention = Retention(
            self._main, self.writer, self._history_file, self.history_writer, self.history, settings
        )

    @classmethod
    async def open(
        cls, settings: Settings, clock: Clock, on_failure: Callable[[StoreFailed], None] | None = None
    ) -> Store:
        """
        Open or create the databases of the data directory and begin a new start.

        Args:
            on_failure: Called in the event loop when the main database could not be written, before any future
                of that batch fails. Everything after it is refused: close admission, end the process, start again.

        Raises:
            DataDirInUse: If another control plane runs on it.
            SchemaTooNew: If a newer Paddock wrote it.
        """
        opened = await asyncio.to_thread(_open, settings, clock)
        return cls(opened, settings, clock, on_failure or _log_failure)

    async def close(self) -> None:
        """Commit everything that is queued, note that this start ended cleanly, close the files."""
        self.history.stop_following()
        ended = self.writer.run(lambda connection: starts.end(connection, self.epoch, self._clock.now()))
        await asyncio.gather(self.writer.close(), self.history_writer.close())
        await asyncio.gather(self._main.close(), self._history_file.close())
        self._lock.release()
        await asyncio.wait([ended])


def _open(settings: Settings, clock: Clock) -> _Opened:
    lock = DataDirLock(settings.data_dir)
    opened: list[Database] = []
    try:
        main = Database(settings.data_dir / "paddock.db", "main")
        opened.append(main)
        history = Database(settings.data_dir / "history.db", "history")
        opened.append(history)
        with main.write_connection.begin():
            start = starts.begin(main.write_connection, socket.gethostname(), clock.now())
        return _Opened(
            lock=lock,
            main=main,
            history=history,
            start=start,
            functions=main.read_now(load_functions),
            last_key=main.read_now(greatest_key),
            last_id=history.read_now(greatest_id),
        )
    except BaseException:
        for database in opened:
            database.write_connection.close()
        lock.release()
        raise


def _log_failure(failure: StoreFailed) -> None:
    log.critical("store.failed", error=str(failure))


def _log_history_failure(failure: StoreFailed) -> None:
    log.error("history.batch-dropped", error=str(failure))
