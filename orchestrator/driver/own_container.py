"""Which container a process runs in, if it does."""

from __future__ import annotations

import re
from pathlib import Path

_CONTAINER_ID = re.compile(r"/(?:docker/)?(?:containers/)?([0-9a-f]{64})(?:/|\.scope|$)")
_MOUNTED_BY_THE_ENGINE = (" /etc/hostname ", " /etc/hosts ", " /etc/resolv.conf ")


def own_container_id(mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """
    The id of the container that this process runs in, or None. The files that the engine mounts into it are named by
    it.

    Args:
        mounts: The kernel's list of them.
    """
    for line in mounts.read_text().splitlines():
        if any(place in line for place in _MOUNTED_BY_THE_ENGINE):
            match = _CONTAINER_ID.search(line)
            if match:
                return match[1]
    return None
