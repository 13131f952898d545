"""`paddock up` on data it cannot use: it ends at once, says why and what helps, and leaves everything as it was."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pysqlite3.dbapi2
import pytest

from orchestrator.settings import Settings
from orchestrator.store.data_dir import DataDirLock
from orchestrator.store.store import Store
from tests.support.builders import a_function, an_event
from tests.support.fake_clock import FakeClock
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parent.parent.parent
_PATIENCE_S = 60
_PAGE_BYTES = 4096


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    """With a function and a few hundred events in it."""
    return await _used(tmp_path / "data")


async def _used(data_dir: Path) -> Path:
    store = await Store.open(Settings(data_dir=data_dir), FakeClock())
    await store.functions.create(a_function())
    for key in range(300):
        await store.invocations.accept(an_event((1 << 40) + key), b"x" * 1000, promised=False)
    await store.close()
    return data_dir


def refusal(data_dir: Path, *, with_driver: bool = False) -> str:
    """
    Try to start on it; what the control plane says. There is no engine: it must not come so far as to look for one.

    Args:
        with_driver: Let it start a driver's process side by side, which may say of its folder what it finds there.
    """
    driver = {} if with_driver else {"PADDOCK_DRIVER_SOCKET": "/nowhere/driver.sock"}
    ran = subprocess.run(
        [sys.executable, "-m", "orchestrator", "up"],
        env={**os.environ, **driver, "PADDOCK_DATA_DIR": str(data_dir), "DOCKER_HOST": "unix:///nowhere/docker.sock"},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_S,
    )
    assert ran.returncode == 1, ran.stdout
    assert "Traceback" not in ran.stdout
    lines = ran.stdout.splitlines()
    assert all(line.startswith("paddock: ") for line in lines), ran.stdout
    (said,) = [line for line in lines if "paddock: the driver's folder" not in line]
    return said


@pytest.mark.parametrize("name", ["paddock.db", "history.db"])
def test_a_database_that_is_something_else_is_refused(data_dir: Path, name: str) -> None:
    """The remedy is a backup; nothing is written over it."""
    something_else = b"not a database at all, but long enough to be taken for one" * 100
    (data_dir / name).write_bytes(something_else)
    said = refusal(data_dir)
    assert f"database {data_dir / name} cannot be used" in said
    assert "paddock restore FILE" in said
    assert (data_dir / name).read_bytes() == something_else


def test_a_database_that_was_cut_off_is_refused(data_dir: Path) -> None:
    """As a disk leaves it that died, or a copy that was broken off."""
    path = data_dir / "paddock.db"
    os.truncate(path, 10 * _PAGE_BYTES)
    said = refusal(data_dir)
    assert f"database {path} cannot be used" in said
    assert "it is damaged" in said
    assert "paddock restore FILE" in said


@pytest.mark.parametrize("table", ["functions", "invocations"])
def test_a_database_with_a_damaged_page_is_refused(data_dir: Path, table: str) -> None:
    """Its schema is read all right; what is read after that is not."""
    path = data_dir / "paddock.db"
    with _opened(path) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?"
        (page,) = connection.execute(query, (table,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * _PAGE_BYTES)
        file.write(bytes(_PAGE_BYTES))
    said = refusal(data_dir)
    assert f"database {path} cannot be used" in said
    assert "paddock restore FILE" in said


@pytest.mark.parametrize("name", ["paddock.db", "history.db"])
def test_a_database_of_a_newer_version_is_refused(data_dir: Path, name: str) -> None:
    """The remedy is that version, or another directory."""
    with _opened(data_dir / name) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2040_from_the_future'")
    said = refusal(data_dir)
    assert "2040_from_the_future" in said
    assert "newer version" in said
    assert "PADDOCK_DATA_DIR" in said


def test_a_database_that_another_program_has_locked_is_refused(data_dir: Path) -> None:
    """After a patience of seconds; when that program has ended, it is as it was."""
    with _opened(data_dir / "paddock.db") as connection:
        connection.execute("BEGIN EXCLUSIVE")
        said = refusal(data_dir)
        connection.execute("ROLLBACK")
    assert "another program holds it open in a transaction: end that one" in said


@pytest.fixture
async def disk_in_use(tmp_path: Path) -> Path:
    """Used data on a small disk of its own."""
    with small_disk(tmp_path / "disk", 64) as disk:
        await _used(disk.path / "data")
        yield disk


def test_a_disk_that_is_mounted_read_only_is_refused(disk_in_use: SmallDisk) -> None:
    """Not with a traceback of the first file that could not be opened."""
    disk_in_use.make_read_only()
    said = refusal(disk_in_use.path / "data", with_driver=True)
    assert "Read-only file system" in said
    assert f"must be able to write {disk_in_use.path / 'data'}" in said


def test_a_full_disk_is_refused(disk_in_use: SmallDisk) -> None:
    """At start nobody has been promised anything: whoever starts it can make room."""
    disk_in_use.fill()
    assert "free some space on the disk" in refusal(disk_in_use.path / "data", with_driver=True)


def test_a_directory_that_another_control_plane_uses_is_refused(data_dir: Path) -> None:
    """It is named by its process."""
    lock = DataDirLock(data_dir)
    said = refusal(data_dir)
    lock.release()
    assert f"used by another control plane (process {os.getpid()} on " in said
    assert "PADDOCK_DATA_DIR" in said


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[pysqlite3.dbapi2.Connection]:
    with contextlib.closing(pysqlite3.dbapi2.connect(str(path), isolation_level=None)) as connection:
        yield connection
