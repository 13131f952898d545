"""
The sparse files behind the functions' disks: made, emptied, and looked up among the kernel's loop devices.

Everything here blocks, for about a millisecond.
"""

from __future__ import annotations

import os
from pathlib import Path

_MIB = 1_048_576
_BLOCK_DEVICES = Path("/sys/block")


def file_bytes(size_mib: int) -> int:
    """What a filesystem of this size needs for its own, so that the function has all of it; whole MiB."""
    return (-(-size_mib * 10_085 // 10_000) + 24) * _MIB


def set_size(file: Path, size_bytes: int) -> None:
    """Make it of this size, a hole from end to end where it has nothing yet."""
    file.touch(mode=0o600)
    os.truncate(file, size_bytes)


def write_anew(file: Path, template: Path) -> None:
    """Make it what the template is: everything else is a hole, which is what frees its space."""
    with template.open("rb") as source, file.open("r+b") as target:
        size = os.fstat(source.fileno()).st_size
        target.truncate(0)
        target.truncate(size)
        at = 0
        while True:
            try:
                begin = os.lseek(source.fileno(), at, os.SEEK_DATA)
            except OSError:
                break  # nothing but a hole until the end
            at = os.lseek(source.fileno(), begin, os.SEEK_HOLE)
            os.pwrite(target.fileno(), os.pread(source.fileno(), at - begin, begin), begin)


def is_attached(file: Path, device: str) -> bool:
    """
    Does this loop device still have this file? What was detached underneath may be another program's by now, and would
    be mounted into a function.
    """
    return not _BLOCK_DEVICES.is_dir() or _file_of(device.rpartition("/")[2]) == file.name


def attached() -> dict[str, str]:
    """The device of each file that is attached on this host, by the file's name."""
    files = ((device.name, _file_of(device.name)) for device in _BLOCK_DEVICES.glob("loop*"))
    return {file: f"/dev/{name}" for name, file in files if file is not None}


def _file_of(name: str) -> str | None:
    """The name of a loop device's file, or None if it has none."""
    try:
        path = (_BLOCK_DEVICES / name / "loop" / "backing_file").read_text()
    except OSError:
        return None
    return Path(path.strip().removesuffix(" (deleted)")).name
