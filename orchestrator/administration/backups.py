"""
Backups: both databases in one compressed archive, each consistent, made while the control plane runs; and the archives
of layers, which never change.

The secret key is not in it: whoever finds a backup alone cannot read what is sealed. Keep the key elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from orchestrator.administration.data_directory import opened_alone
from orchestrator.domain.errors import PaddockError
from orchestrator.settings import Settings
from orchestrator.store.data_dir import UNFINISHED_RESTORE, DataDirLock
from orchestrator.store.database import copy_to, problems_of
from orchestrator.store.layer_archives import FOLDER as LAYERS
from orchestrator.store.sealing import WrongSecretKey

_FILES = ("paddock.db", "history.db")
_LAYER = re.compile(rf"{LAYERS}/[0-9a-f]{{64}}\.zip")
_MANIFEST = "backup.json"
_FORM = 1
_WORKING = ".restore-"
_PIECE_BYTES = 1_048_576


class BackupRefused(PaddockError):
    """A backup cannot be made, or is none; the message says why and what helps."""


def make_backup(settings: Settings, target: Path, version: str, now: datetime, told: Callable[[str], None]) -> int:
    """
    Write a backup.

    Args:
        target: Must not exist; there under its name only once it is whole and on the disk.
        told: Hears what is being done.

    Returns: Its size in bytes.

    Raises:
        BackupRefused: If the target exists, or there is nothing to keep.
        DatabaseUnusable: If a database cannot be read.
    """
    if target.exists():
        raise BackupRefused(f"{target} exists; choose another name, or remove it")
    if not (settings.data_dir / _FILES[0]).exists():
        raise BackupRefused(f"there is no database in {settings.data_dir}; say with PADDOCK_DATA_DIR where it is")
    unfinished = target.with_name(target.name + ".unfinished")
    with tempfile.TemporaryDirectory(prefix=".paddock-backup-", dir=target.parent) as folder:
        copies = []
        for name in _FILES:
            if (settings.data_dir / name).exists():
                told(f"copying {name}")
                copy_to(settings.data_dir / name, Path(folder, name))
                copies.append(name)
        Path(folder, _MANIFEST).write_text(
            json.dumps({"form": _FORM, "paddock": version, "made_at": now.isoformat(), "files": copies})
        )
        told("compressing")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=3) as archive:
                for name in (_MANIFEST, *copies):
                    archive.add(Path(folder, name), arcname=name)
                for layer in sorted((settings.data_dir / LAYERS).glob("*.zip")):
                    # One that is deleted meanwhile is had by nobody any more, though the copied database names it.
                    with suppress(FileNotFoundError):
                        archive.add(layer, arcname=f"{LAYERS}/{layer.name}")
            stream.flush()
            os.fsync(stream.fileno())
    unfinished.rename(target)
    return target.stat().st_size


def restore_backup(settings: Settings, source: Path, now: datetime, told: Callable[[str], None]) -> Path | None:
    """
    Put a backup in the data directory's place; what was there is kept in a folder beside it.

    Returns: That folder, or None if the directory was empty.

    Raises:
        BackupRefused: If it is no backup, damaged, or not sealed with this directory's secret key.
        DataDirInUse: If a control plane runs on the directory.
        SchemaTooNew: If a newer Paddock made it.
    """
    lock = DataDirLock(settings.data_dir)
    try:
        for left in settings.data_dir.glob(f"{_WORKING}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_WORKING, dir=settings.data_dir) as folder:
            told(f"reading {source}")
            files = _unpacked(source, Path(folder))
            for name in files:
                told(f"checking {name}")
                _check(Path(folder, name), source)
            _check_layers(Path(folder, LAYERS), source)
            told("opening with the secret key")
            _check_key(settings, Path(folder, _FILES[0]))
            unfinished = settings.data_dir / UNFINISHED_RESTORE
            unfinished.touch()
            kept = _set_aside(settings.data_dir, now)
            for name in (*files, LAYERS):
                Path(folder, name).rename(settings.data_dir / name)
            unfinished.unlink()
            return kept
    finally:
        lock.release()


def _unpacked(source: Path, folder: Path) -> list[str]:
    try:
        with tarfile.open(source, "r:gz") as archive:
            manifest = archive.extractfile(_MANIFEST)
            assert manifest is not None
            described = json.load(manifest)
            files = [name for name in _FILES if name in described["files"]]
            if described["form"] != _FORM or _FILES[0] not in files:
                raise BackupRefused(f"{source} is of a form that this Paddock does not know; use a newer one")
            (folder / LAYERS).mkdir(mode=0o700)
            for name in (*files, *filter(_LAYER.fullmatch, archive.getnames())):
                # Content alone, under names of ours: an archive's links, paths and owners are nobody's concern here.
                content = archive.extractfile(name)
                assert content is not None
                with open(folder / name, "xb", opener=_private) as target:
                    shutil.copyfileobj(content, target, _PIECE_BYTES)
                    target.flush()
                    os.fsync(target.fileno())
            return files
    except (tarfile.TarError, KeyError, ValueError, TypeError, AssertionError, EOFError) as error:
        raise BackupRefused(
            f"{source} is no backup of Paddock, or is cut off ({error}); nothing was changed"
        ) from error
    except OSError as error:
        raise BackupRefused(f"{source} cannot be read: {error.strerror or error}; nothing was changed") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _check(path: Path, source: Path) -> None:
    problems = problems_of(path)
    if problems:
        raise BackupRefused(
            f"{path.name} in {source} is damaged ({'; '.join(problems)}); nothing was changed: use an earlier backup"
        )


def _check_layers(folder: Path, source: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != path.stem:
                raise BackupRefused(
                    f"the layer {path.stem} in {source} is damaged; nothing was changed: use an earlier backup"
                )


def _check_key(settings: Settings, path: Path) -> None:
    """Also brings the schema up to date, so that a backup of a newer Paddock is refused before anything is moved."""
    try:
        with opened_alone(path, settings.key_file):
            pass
    except WrongSecretKey as error:
        raise BackupRefused(
            f"the backup is sealed with another key than {settings.key_file} (or that is missing); nothing was "
            "changed: put the key it was made with there, or name it with PADDOCK_SECRET_KEY_FILE"
        ) from error


def _set_aside(data_dir: Path, now: datetime) -> Path | None:
    there = [path for name in (*_FILES, LAYERS) for path in data_dir.glob(f"{name}*")]
    if not there:
        return None
    kept = data_dir / f"before-restore-{now:%Y%m%dT%H%M%S.%fZ}"
    kept.mkdir(mode=0o700)
    for path in there:
        path.rename(kept / path.name)
    return kept
