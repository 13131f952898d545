"""`paddock backup` and `restore`: consistent while the control plane runs, refused where they would do harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.__main__ import app
from orchestrator.domain.invocations import InvocationType
from orchestrator.settings import Settings
from orchestrator.store.database import DatabaseUnusable
from orchestrator.store.layer_archives import LAYER_VERSIONS, version_place
from orchestrator.store.store import Store
from tests.support.builders import a_function, a_layer_version, an_invocation
from tests.support.fake_clock import FakeClock

SECRET = "hunter2-and-a-half"


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own."""
    monkeypatch.setenv("PADDOCK_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "backup.tgz"


def paddock(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


async def _with_a_function(then: Callable[[Store], None] | None = None) -> None:
    store = await Store.open(Settings(), FakeClock())
    await store.functions.create(a_function(environment={"PASSWORD": SECRET}))
    if then is not None:
        then(store)
    await store.close()


async def test_a_backup_made_while_events_are_accepted_is_whole_and_restored(data_dir: Path, archive: Path) -> None:
    """Every event that was acknowledged before the backup began is in it; what it is put over is kept."""
    clock = FakeClock()
    store = await Store.open(Settings(), clock)
    await store.functions.create(a_function(environment={"PASSWORD": SECRET}))
    accepted = 0

    async def accept(count: int) -> None:
        nonlocal accepted
        for number in range(count):
            invocation = an_invocation(
                store.invocations.next_key(), invocation_type=InvocationType.EVENT, accepted_at=clock.now()
            )
            await store.invocations.accept(invocation, b'{"n": %d}' % number, promised=True)
            accepted += 1

    await accept(50)
    before, going_on = accepted, asyncio.create_task(accept(200))
    made = await asyncio.to_thread(paddock, "backup", archive)
    await going_on
    assert made.exit_code == 0, made.output
    await store.close()

    assert paddock("restore", archive).exit_code == 0
    assert _kept(data_dir) == ["history.db", "paddock.db"]
    assert before <= _events(data_dir) <= accepted
    restored = await Store.open(Settings(), FakeClock())
    assert [one.latest.environment for one in restored.functions.all()] == [{"PASSWORD": SECRET}]
    await restored.close()


async def test_layers_are_backed_up_and_restored(data_dir: Path, archive: Path) -> None:
    """With their archives, which stand beside the databases; what came later goes."""
    store = await Store.open(Settings(), FakeClock())
    layer = a_layer_version(b"kept")
    store.documents.know(LAYER_VERSIONS)
    await store.layer_archives.keep(b"kept")
    await store.documents.put(LAYER_VERSIONS, version_place(layer.key, 1), layer, before=None)
    assert (await asyncio.to_thread(paddock, "backup", archive)).exit_code == 0
    later = store.layer_archives.path(await store.layer_archives.keep(b"later"))
    await store.close()

    assert paddock("restore", archive).exit_code == 0
    assert _kept(data_dir) == ["history.db", "layers", "paddock.db"]
    assert not later.exists()
    restored = await Store.open(Settings(), FakeClock())
    restored.documents.know(LAYER_VERSIONS)
    assert restored.documents.get(LAYER_VERSIONS, version_place(layer.key, 1)) == layer
    assert restored.layer_archives.path(layer.sha256).read_bytes() == b"kept"
    await restored.close()


def test_a_layer_that_is_not_what_its_name_says_is_not_restored(data_dir: Path, archive: Path) -> None:
    """A backup that was damaged, or made by somebody else."""
    asyncio.run(_with_a_function())
    (data_dir / "layers").mkdir()
    (data_dir / "layers" / f"{'0' * 64}.zip").write_bytes(b"of another name")
    assert paddock("backup", archive).exit_code == 0
    before = _content(data_dir)
    refused = paddock("restore", archive)
    assert refused.exit_code == 1
    assert f"the layer {'0' * 64} in {archive} is damaged; nothing was changed" in refused.stderr
    assert _content(data_dir) == before


def test_a_backup_gives_no_secret_away(archive: Path) -> None:
    """The key that opens them is not in it."""
    asyncio.run(_with_a_function())
    assert paddock("backup", archive).exit_code == 0
    with tarfile.open(archive) as opened:
        names = opened.getnames()
        content = b"".join((opened.extractfile(name) or pytest.fail(name)).read() for name in names)
    assert names == ["backup.json", "paddock.db", "history.db"]
    assert SECRET.encode() not in content
    assert archive.stat().st_mode & 0o777 == 0o600


def test_backup_and_restore_say_what_they_did_as_documents(archive: Path, data_dir: Path) -> None:
    """For scripts; what is being done is on stderr."""
    asyncio.run(_with_a_function())
    made = json.loads(paddock("backup", archive, "--json").stdout)
    assert made == {
        "file": str(archive),
        "bytes": archive.stat().st_size,
        "secret_key_file": str(data_dir / "secret.key"),
    }
    restored = json.loads(paddock("restore", archive, "--json").stdout)
    assert restored["data_dir"] == str(data_dir)
    assert (Path(restored["kept"]) / "paddock.db").exists()


def test_a_backup_is_not_written_over_nor_left_half(archive: Path, data_dir: Path) -> None:
    """An existing file stays as it is."""
    asyncio.run(_with_a_function())
    archive.write_bytes(b"precious")
    refused = paddock("backup", archive)
    assert refused.exit_code == 1
    assert "exists; choose another name" in refused.stderr
    assert archive.read_bytes() == b"precious"
    assert sorted(path.name for path in archive.parent.iterdir()) == ["backup.tgz", "data"]


def test_without_a_database_there_is_nothing_to_back_up(archive: Path) -> None:
    """The message names the directory and the setting."""
    refused = paddock("backup", archive)
    assert refused.exit_code == 1
    assert "PADDOCK_DATA_DIR" in refused.stderr


async def test_nothing_is_restored_under_a_running_control_plane(archive: Path) -> None:
    """It would write into files that are gone."""
    store = await Store.open(Settings(), FakeClock())
    assert paddock("backup", archive).exit_code == 0
    refused = paddock("restore", archive)
    assert refused.exit_code == 1
    assert "is used by another control plane" in refused.stderr
    await store.close()


@pytest.mark.parametrize(
    "damage", ["cut off", "not an archive", "another archive", "a damaged database", "another key"]
)
def test_what_cannot_be_restored_changes_nothing(damage: str, archive: Path, data_dir: Path) -> None:
    """The reason is said, and the data directory is as it was."""
    asyncio.run(_with_a_function())
    assert paddock("backup", archive).exit_code == 0
    match damage:
        case "cut off":
            archive.write_bytes(archive.read_bytes()[:-400])
        case "not an archive":
            archive.write_bytes(b"#!/bin/sh\n")
        case "another archive":
            archive.unlink()
            with tarfile.open(archive, "w:gz") as other:
                other.add(data_dir / "secret.key", "etc/passwd")
        case "a damaged database":
            _damage(archive)
        case "another key":
            (data_dir / "secret.key").write_text("A" * 43 + "=\n")
    before = _content(data_dir)
    refused = paddock("restore", archive)
    assert refused.exit_code == 1, refused.output
    assert "nothing was changed" in refused.stderr
    assert _content(data_dir) == before


def test_a_restore_that_was_broken_off_is_noticed_and_done_again(
    archive: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control plane that started with half of it would begin with empty databases, and lose events."""
    asyncio.run(_with_a_function())
    assert paddock("backup", archive).exit_code == 0
    real = Path.rename

    def breaks_off(self: Path, target: Path) -> Path:
        if target == data_dir / "paddock.db":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", breaks_off)
    assert paddock("restore", archive).exit_code != 0
    monkeypatch.setattr(Path, "rename", real)
    with pytest.raises(DatabaseUnusable, match=r"was broken off.*paddock restore FILE"):
        asyncio.run(Store.open(Settings(), FakeClock()))
    assert paddock("keys", "create").exit_code == 1
    assert paddock("restore", archive).exit_code == 0
    asyncio.run(_opens_with_its_function())


async def _opens_with_its_function() -> None:
    store = await Store.open(Settings(), FakeClock())
    assert [one.latest.environment for one in store.functions.all()] == [{"PASSWORD": SECRET}]
    await store.close()


def _content(data_dir: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data_dir)): path.read_bytes()
        for path in data_dir.rglob("*")
        if path.is_file() and path.name != "paddock.lock"
    }


def _events(data_dir: Path) -> int:
    with contextlib.closing(sqlite3.connect(data_dir / "paddock.db")) as connection:
        ((events,),) = connection.execute("SELECT count(*) FROM invocations JOIN payloads USING (key)")
    count: int = events
    return count


def _kept(data_dir: Path) -> list[str]:
    return sorted(path.name for path in data_dir.glob("before-restore-*/*"))


def _damage(archive: Path) -> None:
    folder = archive.parent / "unpacked"
    with tarfile.open(archive) as opened:
        opened.extractall(folder)
    database = folder / "paddock.db"
    content = bytearray(database.read_bytes())
    content[4096:20480] = bytes(16384)
    database.write_bytes(content)
    with tarfile.open(archive, "w:gz") as rewritten:
        for name in ("backup.json", "paddock.db", "history.db"):
            rewritten.add(folder / name, name)
