"""What a host may run out of, for one process: open files, memory. Needs root."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import until

_CGROUPS = Path("/sys/fs/cgroup")
_NO_MORE_THAN_STANDARD = 3


@contextlib.contextmanager
def no_more_files(pid: int) -> Iterator[None]:
    """This process can open no further file, nor accept a connection: what it has, it keeps."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_NO_MORE_THAN_STANDARD, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def little_memory(pid: int, further_mib: int) -> Iterator[None]:
    """This process can take so much more memory; then the kernel's out-of-memory killer ends it."""
    is_v2 = (_CGROUPS / "cgroup.controllers").exists()
    group = (_CGROUPS if is_v2 else _CGROUPS / "memory") / f"paddock-test-{pid}"
    if is_v2:
        (_CGROUPS / "cgroup.subtree_control").write_text("+memory")
    group.mkdir()
    try:
        # What it has already stays in the account of its old group, in either version.
        limits = ("memory.max", "memory.swap.max") if is_v2 else ("memory.limit_in_bytes",)
        (group / limits[0]).write_text(str(further_mib << 20))
        for swap in limits[1:]:
            if (group / swap).exists():
                (group / swap).write_text("0")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        with contextlib.suppress(OSError):
            (group.parent / "cgroup.procs").write_text(str(pid))
        until(lambda: _is_removed(group), "nothing is in the group any more")


def _is_removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True
