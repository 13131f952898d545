"""The main database of a data directory, for a command: brought up to date, or beside the control plane that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from orchestrator.settings import Settings
from orchestrator.store.data_dir import DataDirInUse, DataDirLock, refuse_unfinished_restore
from orchestrator.store.database import Database, joined
from orchestrator.store.sealing import Sealer, sealer_of


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[tuple[Connection, Sealer]]:
    """
    A transaction on the main database, and what its secrets are sealed with.

    Raises:
        PaddockError: If it cannot be opened, or is of another version.
    """
    path = settings.data_dir / "paddock.db"
    try:
        lock = DataDirLock(settings.data_dir)
    except DataDirInUse:
        with joined(path, "main") as connection, connection.begin():
            yield connection, sealer_of(connection, settings.key_file, path)
        return
    try:
        refuse_unfinished_restore(settings.data_dir)
        with opened_alone(path, settings.key_file) as found:
            yield found
    finally:
        lock.release()


@contextlib.contextmanager
def opened_alone(path: Path, key_file: Path) -> Iterator[tuple[Connection, Sealer]]:
    """
    The same on a file that nobody else uses; it is brought up to date first.

    Args:
        key_file: The secret key's.

    Raises:
        PaddockError: If it cannot be opened, or is not sealed with this key.
    """
    database = Database(path, "main")
    try:
        with database.write_connection.begin():
            yield database.write_connection, sealer_of(database.write_connection, key_file, path)
    finally:
        database.close_now()
