"""The space that is left on the disk of the databases, once it ran out."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

ROOM_BYTES = 64 * 1024 * 1024
"""With less, a full disk is about to be full again: more than a log of writes takes between two checkpoints."""
_FULL_BYTES = 1024 * 1024
_LOOK_AGAIN_S = 0.5


def free_bytes(database: Path) -> int:
    """What may still be written beside this file, wherever a link puts it."""
    found = os.statvfs(database.resolve().parent)
    return found.f_bavail * found.f_frsize


def is_full(database: Path) -> bool:
    """Does its disk have no space? SQLite says of some writes only that they failed."""
    try:
        return free_bytes(database) < _FULL_BYTES
    except OSError:
        return False


async def wait_for_room(database: Path) -> None:
    """Until there is room to go on."""
    while True:
        if await asyncio.to_thread(free_bytes, database) >= ROOM_BYTES:
            return
        # No event tells that a disk has room: a poll of the condition itself.
        await asyncio.sleep(_LOOK_AGAIN_S)
