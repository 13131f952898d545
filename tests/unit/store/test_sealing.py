"""Secrets are not readable from a database file or a backup alone."""

from __future__ import annotations

import base64
import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from orchestrator.domain.functions import Function
from orchestrator.settings import Settings
from orchestrator.store.sealing import Sealer, WrongSecretKey
from orchestrator.store.store import Store
from tests.support.builders import a_version
from tests.support.fake_clock import FakeClock

SECRET = "hunter2-and-a-half"


async def _store_with_a_secret(settings: Settings) -> None:
    store = await Store.open(settings, FakeClock())
    version = a_version(environment={"PASSWORD": SECRET})
    await store.functions.create(Function(key=version.key, latest=version))
    await store.close()


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "secret.key")


async def test_environment_variables_are_not_in_the_files(tmp_path: Path) -> None:
    """Neither in the database nor in its log of writes; but they are read back."""
    settings = Settings(data_dir=tmp_path)
    store = await Store.open(settings, FakeClock())
    version = a_version(environment={"PASSWORD": SECRET})
    await store.functions.create(Function(key=version.key, latest=version))
    assert SECRET.encode() not in _files(tmp_path)
    await store.close()
    assert SECRET.encode() not in _files(tmp_path)

    again = await Store.open(settings, FakeClock())
    function = again.functions.get(version.key)
    assert function is not None
    assert function.latest.environment == {"PASSWORD": SECRET}
    await again.close()


async def test_what_an_earlier_paddock_wrote_plainly_is_sealed_and_forgotten(tmp_path: Path) -> None:
    """Also from pages that are no longer in use."""
    settings = Settings(data_dir=tmp_path)
    await _store_with_a_secret(settings)
    with contextlib.closing(sqlite3.connect(tmp_path / "paddock.db")) as connection, connection:
        connection.execute("UPDATE function_versions SET environment = ?", ('{"PASSWORD": "' + SECRET + '"}',))
    assert SECRET.encode() in _files(tmp_path)

    store = await Store.open(settings, FakeClock())
    assert SECRET.encode() not in _files(tmp_path)
    assert [one.latest.environment for one in store.functions.all()] == [{"PASSWORD": SECRET}]
    await store.close()


async def test_without_its_key_a_store_does_not_open_and_makes_no_new_one(tmp_path: Path) -> None:
    """The message says which file is missing; a new key would hide the loss."""
    settings = Settings(data_dir=tmp_path)
    await _store_with_a_secret(settings)
    key_file = tmp_path / "secret.key"
    key = key_file.read_bytes()
    key_file.unlink()
    with pytest.raises(WrongSecretKey, match=r"secret\.key is missing.*put it back"):
        await Store.open(settings, FakeClock())
    assert not key_file.exists()

    key_file.write_bytes(base64.b64encode(bytes(32)))
    with pytest.raises(WrongSecretKey, match="is not the one that"):
        await Store.open(settings, FakeClock())

    key_file.write_bytes(b"not a key")
    with pytest.raises(WrongSecretKey, match="is not 32 bytes in base64"):
        await Store.open(settings, FakeClock())

    key_file.write_bytes(key)
    store = await Store.open(settings, FakeClock())
    await store.close()


async def test_the_key_may_be_kept_elsewhere(tmp_path: Path) -> None:
    """Then the data directory alone gives nothing away."""
    settings = Settings(data_dir=tmp_path / "data", secret_key_file=tmp_path / "keys" / "paddock.key")
    await _store_with_a_secret(settings)
    assert not (tmp_path / "data" / "secret.key").exists()
    assert (tmp_path / "keys" / "paddock.key").stat().st_mode & 0o777 == 0o600
    shutil.copytree(tmp_path / "data", tmp_path / "stolen")
    with pytest.raises(WrongSecretKey):
        await Store.open(Settings(data_dir=tmp_path / "stolen"), FakeClock())


def test_a_sealed_text_opens_only_in_its_place_and_unchanged() -> None:
    """Whoever can write the database cannot give one function another's secrets."""
    sealer = Sealer(bytes(range(32)))
    sealed = sealer.seal("ä secret \ud800", "functions/a")
    assert sealer.open(sealed, "functions/a") == "ä secret \ud800"
    assert sealed != sealer.seal("ä secret \ud800", "functions/a")
    with pytest.raises(WrongSecretKey):
        sealer.open(sealed, "functions/b")
    for changed in (sealed[:-4] + "AAA=", sealed[:20], "", "sealed1:", "sealed1:%%%"):
        with pytest.raises(WrongSecretKey):
            sealer.open(changed, "functions/a")
    with pytest.raises(WrongSecretKey):
        Sealer(bytes(32)).open(sealed, "functions/a")
