"""Every schema that was ever released opens in this version: nothing is lost, and a copy of before is kept."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pysqlite3.dbapi2
import pytest
from alembic.script import ScriptDirectory

from orchestrator.settings import Settings
from orchestrator.store.database import DatabaseUnusable
from orchestrator.store.invocation_queries import Target
from orchestrator.store.migrating import _MIGRATIONS
from orchestrator.store.schema import HEADS
from orchestrator.store.store import Store
from tests.support.builders import KEY
from tests.support.fake_clock import FakeClock

RELEASED = Path(__file__).parent / "released"
VERSIONS = sorted({path.name.rpartition("-")[0] for path in RELEASED.glob("*.sql")})


def _as_it_was_written_by(version: str, data_dir: Path) -> None:
    for name in ("paddock", "history"):
        with contextlib.closing(sqlite3.connect(data_dir / f"{name}.db")) as connection:
            connection.executescript((RELEASED / f"{version}-{name}.sql").read_text())
            connection.execute("PRAGMA journal_mode = WAL")


def _remove_the_databases(data_dir: Path) -> None:
    for file in data_dir.glob("*.db*"):
        if ".before-" not in file.name:
            file.unlink()


def test_every_released_version_is_among_those_that_are_tried() -> None:
    """A release is noted in the changelog; what its databases look like is kept here."""
    changelog = Path(__file__).parents[3] / "CHANGELOG.md"
    released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", changelog.read_text(), re.MULTILINE)
    assert "0.1.0" in VERSIONS
    assert set(released) <= set(VERSIONS), "dump the databases of that release into tests/unit/store/released"


@pytest.mark.parametrize("folder", sorted(HEADS))
def test_a_start_compares_with_the_last_revision_there_is(folder: str) -> None:
    """It is written down, so that a start on a file that is up to date need not load what migrates one."""
    written = ScriptDirectory(str(_MIGRATIONS), version_locations=[str(_MIGRATIONS / folder)]).get_current_head()
    assert HEADS[folder] == written


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_a_released_version_wrote_is_read_by_this_one(tmp_path: Path, version: str) -> None:
    """Functions, their secrets, tags and reservations, and events that wait for their turn."""
    _as_it_was_written_by(version, tmp_path)
    clock = FakeClock()
    store = await Store.open(Settings(data_dir=tmp_path), clock)
    function = store.functions.get(KEY)
    assert function is not None
    assert function.latest.environment == {"PASSWORD": "written-before-0.2"}
    assert (function.tags, function.reserved_concurrency) == ({"team": "a"}, 7)
    due = await store.invocations.due(KEY, clock.now(), limit=10)
    assert [payload for _, payload in due] == [b'{"n": 0}', b'{"n": 1}', b'{"n": 2}']
    looked = await store.invocations.due_targets(KEY, clock.now(), behind=None, at_most=10, count_at_most=10)
    assert looked.due == {Target(): 3}
    await store.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_copy_of_the_database_is_kept_before_it_is_migrated(tmp_path: Path, version: str) -> None:
    """It is what it was, and only its owner may read it."""
    _as_it_was_written_by(version, tmp_path)
    (revision,) = _one_row(tmp_path / "paddock.db", "SELECT version_num FROM alembic_version")
    head = HEADS["main"]
    assert revision != head, "this version has no migration after that release"
    store = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    await store.close()
    kept = tmp_path / f"paddock.db.before-{revision}"
    assert _one_row(kept, "SELECT version_num FROM alembic_version") == (revision,)
    assert _one_row(kept, "SELECT count(*) FROM invocations") == (3,)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert _one_row(tmp_path / "paddock.db", "SELECT version_num FROM alembic_version") == (head,)


async def test_the_copy_is_of_the_database_as_it_was_before_its_last_migration(tmp_path: Path) -> None:
    """An older version may have been gone back to, with its file, and been used."""
    version = VERSIONS[0]
    _as_it_was_written_by(version, tmp_path)
    (revision,) = _one_row(tmp_path / "paddock.db", "SELECT version_num FROM alembic_version")
    await (await Store.open(Settings(data_dir=tmp_path), FakeClock())).close()
    _remove_the_databases(tmp_path)
    _as_it_was_written_by(version, tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "paddock.db")) as database:
        database.execute("DELETE FROM payloads")
        database.execute("DELETE FROM invocations")
        database.commit()
    await (await Store.open(Settings(data_dir=tmp_path), FakeClock())).close()
    assert _one_row(tmp_path / f"paddock.db.before-{revision}", "SELECT count(*) FROM invocations") == (0,)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (b"not a database at all, but long enough to be taken for one" * 100, "paddock restore FILE"),
        (None, "must be able to write"),
    ],
)
async def test_a_database_that_cannot_be_used_is_refused_with_the_remedy(
    tmp_path: Path, damage: bytes | None, words: str
) -> None:
    """Nothing begins anew over it."""
    path = tmp_path / "paddock.db"
    if damage is None:
        path.mkdir()
    else:
        path.write_bytes(damage)
    with pytest.raises(DatabaseUnusable, match=words):
        await Store.open(Settings(data_dir=tmp_path), FakeClock())
    if damage is not None:
        assert path.read_bytes() == damage


async def test_a_database_that_somebody_else_holds_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the patience of a few seconds."""
    store = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    await store.close()
    monkeypatch.setattr("orchestrator.store.database.BUSY_TIMEOUT_MS", 50)
    holder = pysqlite3.dbapi2.connect(str(tmp_path / "paddock.db"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnusable, match="another program holds it open"):
        await Store.open(Settings(data_dir=tmp_path), FakeClock())
    holder.execute("ROLLBACK")
    holder.close()
    again = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    await again.close()


def _one_row(path: Path, query: str) -> tuple[object, ...]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        row: tuple[object, ...] = connection.execute(query).fetchone()
        return row
