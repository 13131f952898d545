"""
The database files: opened, locked, brought up to date; readers that never hold up the writer (D2).

Not here: what is written (`writer.py` and the nouns) and the tables (`tables.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pysqlite3.dbapi2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from orchestrator.domain.errors import PaddockError
from orchestrator.store.free_space import is_full
from orchestrator.store.schema import HEADS, SchemaTooNew, revision_of

SQLITE_VERSION: str = pysqlite3.dbapi2.sqlite_version
"""The version of SQLite in use: the one in the pysqlite3 wheel, not the system's."""

_READERS = 4
BUSY_TIMEOUT_MS = 5000
_WRITER_CACHE_KIB = 8 * 1024
"""Filled by about ten thousand invocations; what grows for longer than that looks like a leak, and is one."""
_MAX_WAL_FILE_BYTES = 64 * 1024 * 1024
_CACHED_STATEMENTS = 256

Result = TypeVar("Result")


class DatabaseUnusable(PaddockError):
    """A database cannot be opened or read: damaged, read-only, no rights; the message says which and what helps."""


class Database:
    """
    One file: a write connection for its writer, and readers in threads of their own.

    Args:
        path: Created, with its tables, if it does not exist.
        revisions: The folder in `migrations/` with this file's revisions.

    Raises:
        SchemaTooNew: If the file has a revision that is not in the folder.
        DatabaseUnusable: If it cannot be opened, written or read.
    """

    def __init__(self, path: Path, revisions: str) -> None:
        self.path = path
        self._write_engine = _write_engine(path)
        with explained(path):
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

    def forget_what_was_overwritten(self) -> None:
        """Write the whole file anew, at start: no page and no log keeps what a row had before."""
        driver = self.write_connection.connection.driver_connection
        assert driver is not None
        driver.execute("VACUUM")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    async def close(self) -> None:
        """Close every connection; the writer has been closed before."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """The same, where there is no event loop."""
        self._readers.shutdown()
        self._read_engine.dispose()
        # last, for only a connection that may write can copy the log of writes into the file and remove it
        self.write_connection.close()
        self._write_engine.dispose()

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        with self._read_engine.connect() as connection:
            return work(connection)


@contextlib.contextmanager
def joined(path: Path, revisions: str) -> Iterator[Connection]:
    """
    A second connection that may write a row or two beside the control plane that runs on this file. It never
    checkpoints (D2), and is closed while the control plane's is still open.

    Raises:
        SchemaTooNew: If the schema is not exactly ours: another version runs.
    """
    engine = _write_engine(path)
    with explained(path), engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_autocheckpoint = 0")  # type: ignore[union-attr]
        current = revision_of(connection)
        if current != HEADS[revisions]:
            raise SchemaTooNew(
                f"the control plane that runs on {path} is of another version (schema revision {current}); use its own "
                "`paddock` command"
            )
        yield connection
    engine.dispose()


def copy_to(path: Path, target: Path) -> None:
    """
    Write a consistent copy of a database, also while it is written to.

    Args:
        target: Must not exist.
    """
    with explained(path), contextlib.closing(_connect(path, "ro")) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def problems_of(path: Path) -> list[str]:
    """What SQLite finds wrong with a file; empty if it is sound."""
    try:
        with contextlib.closing(_connect(path, "ro")) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
    except pysqlite3.dbapi2.Error as error:
        return [str(error)]
    return [] if found == ["ok"] else found


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Whatever SQLite finds wrong with this file is said as a DatabaseUnusable, with what helps."""
    try:
        yield
    except (SQLAlchemyError, pysqlite3.dbapi2.Error) as error:
        cause = str(error.orig if isinstance(error, DBAPIError) else error)
        small = cause.lower()
        if "malformed" in small or "not a database" in small or "corrupt" in small:
            remedy = "it is damaged: put a backup in its place with `paddock restore FILE`"
        elif "readonly" in small or "unable to open" in small:
            remedy = f"the user Paddock runs as must be able to write {path.parent} and everything in it"
        elif "full" in small or is_full(path):
            remedy = f"free some space on the disk of {path.parent}"
        elif "locked" in small:
            remedy = "another program holds it open in a transaction: end that one"
        else:
            remedy = "look at the disk and the rights of the file"
        raise DatabaseUnusable(f"database {path} cannot be used: {cause}; {remedy}") from error


def _connect(path: Path, mode: str) -> Any:
    return pysqlite3.dbapi2.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_MS / 1000,
        # no hidden transactions: the listeners below begin them
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )


def _engine(path: Path, mode: str, **pool: Any) -> Engine:
    return create_engine("sqlite+pysqlite://", module=pysqlite3.dbapi2, creator=lambda: _connect(path, mode), **pool)


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
    current = revision_of(connection)
    if current == HEADS[revisions]:
        return
    # Imported here: most starts find the file up to date, and need not wait for a tenth of a second of imports.
    from orchestrator.store.migrating import check_is_known, migrate

    if current is not None:
        check_is_known(current, path, revisions)
        _keep_a_copy(path, current)
    migrate(connection, revisions)


def _keep_a_copy(path: Path, revision: str) -> None:
    """
    What the file was before a migration, in the place of an older copy: one that was begun and broken off has changed
    nothing, and whoever goes back to an older version migrates again what was written since.
    """
    kept = path.with_name(f"{path.name}.before-{revision}")
    unfinished = kept.with_name(kept.name + ".new")
    unfinished.unlink(missing_ok=True)
    copy_to(path, unfinished)
    unfinished.chmod(0o600)
    unfinished.rename(kept)
