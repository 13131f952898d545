"""
The zip archives of layers: files under the data directory, each named by its SHA-256 and written once.

A database row of fifty megabytes would hold up everyone who writes. A file is there under its name only when it is
whole and on the disk; what no record names, a crash left behind, and it is removed at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import structlog

from orchestrator.domain.errors import ServiceFailure
from orchestrator.domain.layers import Layer, LayerKey, LayerVersion
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.encoding import document_from_json
from orchestrator.store.free_space import ROOM_BYTES, free_bytes

FOLDER = "layers"
LAYERS = Kind("layer", Layer)
LAYER_VERSIONS = Kind("layer-version", LayerVersion)

_SUFFIX = ".zip"
_DIGITS = 19
"""Of a version's number in its place, so that versions come in their order."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class LayerArchives:
    """
    Keeps them.

    Args:
        folder: Made when the first comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the one with this hash is, if it is there."""
        return self._folder / f"{sha256}{_SUFFIX}"

    async def keep(self, content: bytes) -> str:
        """
        Save one; not two at once.

        Returns: Its SHA-256, hexadecimal.

        Raises:
            ServiceFailure: If its disk has no room for it, or cannot be written.
        """
        return await asyncio.to_thread(self._keep, content)

    async def remove(self, sha256: str) -> None:
        """No record names it any more."""
        await asyncio.to_thread(self.path(sha256).unlink, missing_ok=True)

    def remove_all_but(self, named: Collection[str]) -> None:
        """Remove what no record names, at start."""
        if not self._folder.is_dir():
            return
        kept = {f"{sha256}{_SUFFIX}" for sha256 in named}
        for path in self._folder.iterdir():
            if path.name not in kept:
                try:
                    path.unlink()
                    log.info("layers.leftover-removed", file=path.name)
                except OSError as error:
                    log.warning("layers.leftover-stays", file=str(path), error=error.strerror)

    def _keep(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if path.exists():
            return sha256
        unfinished = path.with_suffix(".unfinished")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if free_bytes(path) < len(content) + ROOM_BYTES:
                raise ServiceFailure(
                    f"the disk of {self._folder} has no room for a layer of {len(content)} bytes: free some space on it"
                )
            with open(unfinished, "wb", opener=_private) as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.rename(path)
            _flush(self._folder)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise ServiceFailure(f"the layer could not be written to {self._folder}: {error.strerror}") from error
        return sha256


def version_place(key: LayerKey, number: int) -> Place:
    """Where a layer's version is kept among the documents."""
    return Place.beside(key.account, key.region, f"{key.name}:{number:0{_DIGITS}}")


def layers_bytes(documents: Documents, account: str, region: str) -> int:
    """What all versions of an account's layers in a region are, also where two are of one archive."""
    return sum(version.size_bytes for _, version in documents.under(LAYER_VERSIONS, account, region))


def named_archives(documents: list[tuple[str, Place, int, str]]) -> set[str]:
    """The SHA-256 of every archive that a record names, as `load_documents` read them."""
    return {
        document_from_json(content, LayerVersion).sha256
        for kind, _, _, content in documents
        if kind == LAYER_VERSIONS.name
    }


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _flush(folder: Path) -> None:
    """So that the new name survives a crash of the host."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
