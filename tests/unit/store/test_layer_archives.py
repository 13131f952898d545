"""The archives of layers: whole or not there, and none that nobody names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.domain.errors import ServiceFailure
from orchestrator.domain.layers import Layer
from orchestrator.settings import Settings
from orchestrator.store.documents import Place
from orchestrator.store.layer_archives import LAYER_VERSIONS, LAYERS, LayerArchives, layers_bytes, version_place
from orchestrator.store.store import Store
from tests.support.builders import a_layer_version
from tests.support.fake_clock import FakeClock


async def test_a_version_and_its_archive_are_there_after_a_restart_and_leftovers_are_not(tmp_path: Path) -> None:
    """What a crash left between the archive and its record is removed; so is what was not written to the end."""
    version = a_layer_version(b"kept")
    key = version.key
    store = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    store.documents.know(LAYERS)
    store.documents.know(LAYER_VERSIONS)
    await store.layer_archives.keep(b"kept")
    left = await store.layer_archives.keep(b"no record names it")
    await store.documents.put(
        LAYERS, Place.beside(key.account, key.region, key.name), Layer(last_published=1), before=None
    )
    await store.documents.put(LAYER_VERSIONS, version_place(key, 1), version, before=None)
    await store.close()
    (tmp_path / "layers" / "half.unfinished").write_bytes(b"ha")

    again = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    again.documents.know(LAYERS)
    again.documents.know(LAYER_VERSIONS)
    assert again.documents.get(LAYER_VERSIONS, version_place(key, 1)) == version
    assert layers_bytes(again.documents, key.account, key.region) == 4
    assert again.layer_archives.path(version.sha256).read_bytes() == b"kept"
    assert not again.layer_archives.path(left).exists()
    assert os.listdir(tmp_path / "layers") == [f"{version.sha256}.zip"]
    await again.close()


async def test_an_archive_that_the_disk_has_no_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the databases need is left to them."""
    monkeypatch.setattr("orchestrator.store.layer_archives.free_bytes", lambda _: 64 * 1024 * 1024 + 3)
    archives = LayerArchives(tmp_path / "layers")
    with pytest.raises(ServiceFailure, match="has no room for a layer of 4 bytes: free some space on it"):
        await archives.keep(b"four")
    assert archives.path(await archives.keep(b"one")).read_bytes() == b"one"


async def test_an_archive_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """Here a file has the folder's name."""
    (tmp_path / "layers").write_bytes(b"")
    archives = LayerArchives(tmp_path / "layers")
    with pytest.raises(ServiceFailure, match=r"the layer could not be written to .*layers: File exists"):
        await archives.keep(b"content")
    assert os.listdir(tmp_path) == ["layers"]


async def test_one_archive_is_written_once(tmp_path: Path) -> None:
    """It is named by what it is; only its owner may read it."""
    archives = LayerArchives(tmp_path / "layers")
    first = archives.path(await archives.keep(b"content"))
    written_at = first.stat().st_mtime_ns
    assert archives.path(await archives.keep(b"content")) == first
    assert (first.stat().st_mtime_ns, first.stat().st_mode & 0o777) == (written_at, 0o600)
    await archives.remove(first.stem)
    await archives.remove(first.stem)
    assert not first.exists()
