"""A filesystem of its own, small enough to be filled. Needs root."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_MIB = 1_048_576


class SmallDisk:
    """
    A mounted tmpfs.

    Args:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Take all the space that is left, as another program does."""
        with pytest.raises(OSError, match="No space left"):
            self._write_for_ever()

    def empty(self) -> None:
        """Give it back."""
        self._filler.unlink()

    def _write_for_ever(self) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(_MIB))

    def make_read_only(self) -> None:
        """Nothing can be written any more, by root neither."""
        subprocess.run(["mount", "-o", "remount,ro", self.path], check=True)


@contextlib.contextmanager
def small_disk(path: Path, size_mib: int) -> Iterator[SmallDisk]:
    """One of this size, mounted there; unmounted at the end, whoever still uses it."""
    path.mkdir()
    options = f"size={size_mib}m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
