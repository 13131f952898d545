"""
Whose containers these are: an id made once, in the driver's folder, and the lock that keeps a second driver off it.

What carries the id on its label is ours, over restarts and crashes, and nobody else's: another Paddock on the same
engine has another folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path

from orchestrator.domain.errors import PaddockError

_PATIENCE_S = 10.0
_PAUSE_S = 0.01


class FolderInUse(PaddockError):
    """Another driver works in this folder; the message says which."""


class FolderUnusable(PaddockError):
    """Nothing can be written in the driver's folder; the message says why, and what helps."""


class Identity:
    """
    The driver's folder, held by this process to its end.

    Args:
        folder: Made if it is not there.

    Raises:
        FolderInUse: If another driver holds it, and goes on to for longer than one that is ending would.
        FolderUnusable: If it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "driver.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._wait_for_the_lock(folder)
                self.owner = _read_or_make(folder / "owner")
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise FolderUnusable(
                f"the driver's folder {folder} cannot be used: {error.strerror}; it must be writable, with some space "
                "left, or PADDOCK_DRIVER_DIR name another"
            ) from error

    def _wait_for_the_lock(self, folder: Path) -> None:
        """The driver of a control plane that was killed sees that within a moment, and ends."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise FolderInUse(
                        f"another driver of Paddock works in {folder}; end it, or set PADDOCK_DRIVER_DIR to another "
                        "folder"
                    ) from None
            # No event tells that a lock is free without blocking for ever: a poll of the condition itself.
            time.sleep(_PAUSE_S)


def _read_or_make(file: Path) -> str:
    try:
        owner = file.read_text().strip()
    except FileNotFoundError:
        owner = ""
    if not owner:
        owner = secrets.token_hex(8)
        made = file.with_suffix(".new")
        made.write_text(owner + "\n")
        made.replace(file)
    return owner
