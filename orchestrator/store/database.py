"""
The database files: opened, locked, brought up to date; readers that never hold up the writer (D2).

Not here: what is written (`writer.py` and the nouns) and the tables (`tables.py`).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import alembic.command
import pysqlite3.dbapi2
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from orchestrator.domain.errors import PaddockError

SQLITE_VERSION: str = pysqlite3.dbapi2.sqlite_version
"""The version of SQLite in use: the one in the pysqlite3 wheel, not the system's."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_READERS = 4
BUSY_TIMEOUT_MS = 5000
_WRITER_CACHE_KIB = 8 * 1024
"""Filled by about ten thousand invocations; what grows for longer than that looks like a leak, and is one."""
_MAX_WAL_FILE_BYTES = 64 * 1024 * 1024
_CACHED_STATEMENTS = 256

Result = TypeVar("Result")


class DataDirInUse(PaddockError):
    """Another control plane runs on this data directory; the message says which and what helps."""


class SchemaTooNew(PaddockError):
    """A database was written by a newer Paddock; the message says which and what helps."""


class DataDirLock:
    """
    Held for as long as a control plane uses a data directory; the kernel lets go of it when the process ends.

    Raises:
        DataDirInUse: If another process holds it.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(data_dir / "paddock.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 200, 0).decode(errors="replace").strip() or "an unknown process"
            os.close(self._descriptor)
            raise DataDirInUse(
                f"data directory {data_dir} is used by another control plane ({holder}): stop it, or give this one "
                "a directory of its own with PADDOCK_DATA_DIR"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Let another control plane have the directory."""
        os.close(self._descriptor)


class Database:
    """
    One file: a write connection for its writer, and readers in threads of their own.

    Args:
        path: Created, with its tables, if it does not exist.
        revisions: The folder in `migrations/` with this file's revisions.

    Raises:
        SchemaTooNew: If the file has a revision that is not in the folder.
    """

    def __init__(self, path: Path, revisions: str) -> None:
        self.path = path
        self._write_engine = _write_engine(path)
        self.write_connection = self._write_engine.connect()
        try:
            _bring_up_to_date(self.write_connection, path, revisions)
        except BaseException:
            self.write_connection.close()
            raise
        self._read_engine = _read_engine(path)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix=f"reader of {path.name}")

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """
        Run some queries on one snapshot, in a thread.

        Args:
            work: Must end within a second: what it reads cannot be checkpointed meanwhile.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def read_now(self, work: Callable[[Connection], Result]) -> Result:
        """The same in this thread, at start."""
        return self._read(work)

    async def close(self) -> None:
        """Close every connection; the writer has been closed before."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.shutdown()
        self._read_engine.dispose()
        # last, for only a connection that may write can copy the log of writes into the file and remove it
        self.write_connection.close()
        self._write_engine.dispose()

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        with self._read_engine.connect() as connection:
            return work(connection)


def _engine(path: Path, mode: str, **pool: Any) -> Engine:
    def connect() -> Any:
        return pysqlite3.dbapi2.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            # no hidden transactions: the listeners below begin them
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )

    return create_engine("sqlite+pysqlite://", module=pysqlite3.dbapi2, creator=connect, **pool)


def _write_engine(path: Path) -> Engine:
    engine = _engine(path, "rwc", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # takes effect on an empty file only, and has to come before WAL
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA secure_delete = FAST").fetchall()
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {_MAX_WAL_FILE_BYTES}").fetchall()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _read_engine(path: Path) -> Engine:
    engine = _engine(path, "ro", poolclass=QueuePool, pool_size=_READERS, pool_use_lifo=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _bring_up_to_date(connection: Connection, path: Path, revisions: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(_MIGRATIONS / revisions).replace("%", "%%"))
    config.attributes["connection"] = connection
    with connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(config)
        if current == script.get_current_head():
            return
        try:
            if current is not None:
                script.get_revision(current)
        except CommandError as unknown:
            raise SchemaTooNew(
                f"database {path} has schema revision {current}, which this Paddock does not know: a newer version "
                "wrote it; start that version, or set PADDOCK_DATA_DIR to another directory"
            ) from unknown
        alembic.command.upgrade(config, "head")
