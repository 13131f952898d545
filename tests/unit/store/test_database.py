"""The files: created, locked, brought up to date, refused when too new."""

from __future__ import annotations

from pathlib import Path

import pysqlite3.dbapi2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.schema import CreateIndex

from orchestrator.store.data_dir import DataDirInUse
from orchestrator.store.database import Database
from orchestrator.store.schema import SchemaTooNew
from orchestrator.store.store import Store
from orchestrator.store.tables import HISTORY, MAIN
from tests.support.builders import KEY, a_function
from tests.unit.store.conftest import Starts

_BOTH_FILES = pytest.mark.parametrize(("revisions", "tables"), [("main", MAIN), ("history", HISTORY)])


@_BOTH_FILES
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
async def test_migrations_from_an_empty_file_make_what_the_tables_say(
    tmp_path: Path, revisions: str, tables: MetaData
) -> None:
    """The migrations and `tables.py` never drift apart."""
    database = Database(tmp_path / "fresh.db", revisions)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables))

    assert await database.read(differences) == []
    await database.close()


@_BOTH_FILES
async def test_migrations_make_the_very_indexes_that_the_tables_say(
    tmp_path: Path, revisions: str, tables: MetaData
) -> None:
    """With their expressions and conditions, word for word: a query that has others is not served by them."""
    database = Database(tmp_path / "fresh.db", revisions)

    def indexes(connection: Connection) -> list[str]:
        return list(connection.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")))

    def said(connection: Connection) -> list[str]:
        return [
            str(CreateIndex(index).compile(connection)) for table in tables.tables.values() for index in table.indexes
        ]

    assert sorted(await database.read(indexes)) == sorted(await database.read(said))
    await database.close()


async def test_a_file_is_created_with_the_pragmas_that_cannot_be_changed_later(starts: Starts, store: Store) -> None:
    """Write-ahead log, and free pages that can be given back in steps."""
    for name in ("paddock.db", "history.db"):
        connection = pysqlite3.dbapi2.connect(str(starts.settings.data_dir / name))
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        connection.close()


async def test_a_second_control_plane_on_the_same_directory_is_refused(starts: Starts, store: Store) -> None:
    """The message says who has it and what helps; the first goes on."""
    with pytest.raises(DataDirInUse, match=r"process \d+ on .*PADDOCK_DATA_DIR"):
        await Store.open(starts.settings, starts.clock)
    await store.functions.create(a_function())
    assert store.functions.get(KEY) is not None


@pytest.mark.parametrize("name", ["paddock.db", "history.db"])
async def test_a_database_of_a_newer_version_is_refused_with_the_remedy(starts: Starts, name: str) -> None:
    """It is left as it is, and the directory is free for the newer version."""
    await starts.again()
    await starts.end()
    path = starts.settings.data_dir / name
    connection = pysqlite3.dbapi2.connect(str(path))
    (known,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.execute("UPDATE alembic_version SET version_num = 'from the future'")
    connection.commit()
    with pytest.raises(SchemaTooNew, match=r"from the future.*newer version.*PADDOCK_DATA_DIR"):
        await starts.again()
    connection.execute("UPDATE alembic_version SET version_num = ?", (known,))
    connection.commit()
    connection.close()
    await starts.again()


async def test_a_directory_with_odd_characters_in_its_name_works(tmp_path: Path) -> None:
    """The path is neither a URL nor a format."""
    odd = Starts(tmp_path / "a b?c#d%e")
    await odd.again()
    await odd.end()
    assert (tmp_path / "a b?c#d%e" / "paddock.db").exists()
