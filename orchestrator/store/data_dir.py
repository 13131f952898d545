"""The data directory as a whole: held by one control plane at a time, and not by one whose restore was broken off."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path

from orchestrator.domain.errors import PaddockError
from orchestrator.store.database import DatabaseUnusable


class DataDirInUse(PaddockError):
    """Another control plane runs on this data directory; the message says which and what helps."""


UNFINISHED_RESTORE = "restore-unfinished"
"""A file that stands in the data directory while a restore moves files: without all of them nothing may start."""


def refuse_unfinished_restore(data_dir: Path) -> None:
    """
    Nothing may begin a new database where one was about to be put back.

    Raises:
        DatabaseUnusable: If a restore was broken off.
    """
    if (data_dir / UNFINISHED_RESTORE).exists():
        raise DatabaseUnusable(
            f"a restore into {data_dir} was broken off before it was done: run `paddock restore FILE` again (what was "
            f"there before is in {data_dir}/before-restore-*)"
        )


class DataDirLock:
    """
    Held for as long as a control plane uses a data directory; the kernel lets go of it when the process ends.

    Raises:
        DataDirInUse: If another process holds it.
        DatabaseUnusable: If nothing can be written there.
    """

    def __init__(self, data_dir: Path) -> None:
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(data_dir / "paddock.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(data_dir, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 200, 0).decode(errors="replace").strip() or "an unknown process"
            os.close(self._descriptor)
            raise DataDirInUse(
                f"data directory {data_dir} is used by another control plane ({holder}): stop it, or give this one "
                "a directory of its own with PADDOCK_DATA_DIR"
            ) from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise _unusable(data_dir, error) from error

    def release(self) -> None:
        """Let another control plane have the directory."""
        os.close(self._descriptor)


def _unusable(data_dir: Path, error: OSError) -> DatabaseUnusable:
    remedy = (
        "free some space on its disk"
        if error.errno == errno.ENOSPC
        else f"the user Paddock runs as must be able to write {data_dir} and everything in it"
    )
    return DatabaseUnusable(f"data directory {data_dir} cannot be used: {error.strerror}; {remedy}")
