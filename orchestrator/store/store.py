"""
The store: both files with their writers, and the nouns that live in them.

Opened once by the composition root; everything else gets the part it needs.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.functions import Function
from orchestrator.settings import Settings
from orchestrator.store import starts
from orchestrator.store.access_keys import AccessKeys
from orchestrator.store.data_dir import DataDirLock, refuse_unfinished_restore
from orchestrator.store.database import Database, explained
from orchestrator.store.documents import Documents, Place, load_documents
from orchestrator.store.event_invoke_configs import EVENT_INVOKE_CONFIGS
from orchestrator.store.function_statements import load_functions, seal_what_is_plain
from orchestrator.store.functions import FunctionStore
from orchestrator.store.history import LINGER_S, QUEUE_BYTES, HistoryStore, greatest_id
from orchestrator.store.invocation_queries import greatest_key
from orchestrator.store.invocations import InvocationStore
from orchestrator.store.layer_archives import FOLDER, LayerArchives, named_archives
from orchestrator.store.provisioned import ProvisionedConfigs
from orchestrator.store.retention import Retention
from orchestrator.store.sealing import Sealer, sealer_of
from orchestrator.store.writer import StoreFailed, Writer

_SAY_AGAIN_AFTER_S = 60

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What was found and made on the disk before the writers began."""

    lock: DataDirLock
    main: Database
    history: Database
    epoch: int
    sealer: Sealer
    functions: list[Function]
    documents: list[tuple[str, Place, int, str]]
    layer_archives: LayerArchives
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
        self.epoch = opened.epoch
        self.writer = Writer(opened.main.path, opened.main.write_connection, on_failure)
        self.history_writer = Writer(
            opened.history.path,
            opened.history.write_connection,
            _HistoryFailures(clock.monotonic),
            linger_s=LINGER_S,
            capacity_bytes=QUEUE_BYTES,
            ends_at_failure=False,
        )
        self.documents = Documents(self.writer, opened.documents)
        self.documents.know(EVENT_INVOKE_CONFIGS)
        self.layer_archives = opened.layer_archives
        self.functions = FunctionStore(self.writer, opened.functions, opened.sealer, self.documents)
        self.provisioned = ProvisionedConfigs(self.documents, self.functions)
        self.access_keys = AccessKeys(self._main, opened.sealer, clock.monotonic)
        self.invocations = InvocationStore(self._main, self.writer, self.epoch, clock.epoch_ms, opened.last_key)
        self.history = HistoryStore(self._history_file, self.history_writer, clock.epoch_ms, opened.last_id)
        self.retention = Retention(
            self._main, self.writer, self._history_file, self.history_writer, self.history, settings
        )

    @property
    def path(self) -> Path:
        """The main database's file."""
        return self._main.path

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
            DatabaseUnusable: If a file is damaged, cannot be written, or a restore was broken off.
            WrongSecretKey: If its secret key is missing, or another one.
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
        refuse_unfinished_restore(settings.data_dir)
        main = Database(settings.data_dir / "paddock.db", "main")
        opened.append(main)
        history = Database(settings.data_dir / "history.db", "history")
        opened.append(history)
        with explained(main.path):
            with main.write_connection.begin():
                epoch = starts.begin(main.write_connection, socket.gethostname(), clock.now())
                sealer = sealer_of(main.write_connection, settings.key_file, main.path)
                plain = seal_what_is_plain(main.write_connection, sealer)
            if plain:
                main.forget_what_was_overwritten()
            functions = main.read_now(lambda connection: load_functions(connection, sealer))
            documents = main.read_now(load_documents)
            last_key = main.read_now(greatest_key)
        layer_archives = LayerArchives(settings.data_dir / FOLDER)
        layer_archives.remove_all_but(named_archives(documents))
        with explained(history.path):
            last_id = history.read_now(greatest_id)
        if plain:
            log.warning(
                "secrets.sealed",
                functions=plain,
                remedy=f"remove {main.path}.before-* when you need it no more: they are readable in it",
            )
        return _Opened(
            lock=lock,
            main=main,
            history=history,
            epoch=epoch,
            sealer=sealer,
            functions=functions,
            documents=documents,
            layer_archives=layer_archives,
            last_key=last_key,
            last_id=last_id,
        )
    except BaseException:
        for database in opened:
            database.write_connection.close()
        lock.release()
        raise


def _log_failure(failure: StoreFailed) -> None:
    log.critical("store.failed", error=str(failure))


class _HistoryFailures:
    """
    Says that the history is not kept: at once, then once a minute at most, for a batch may fail ten times a second.

    Args:
        monotonic: Asks for seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._batches = 0
        self._told: float | None = None

    def __call__(self, failure: StoreFailed) -> None:
        """One more batch was dropped."""
        self._batches += 1
        now = self._monotonic()
        if self._told is None or now - self._told >= _SAY_AGAIN_AFTER_S:
            self._told = now
            log.error("history.batch-dropped", error=str(failure), batches=self._batches)
