"""Memory as the kernel accounts for it, in either version of its control groups."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.fleet.memory import MemoryReader
from tests.support.engine import Engine, error_of

_ID = "c" * 64
_MIB = 1_048_576
Write = Callable[[int, int, int], None]


def _version_1(root: Path) -> Write:
    folder = root / "memory" / "docker" / _ID
    folder.mkdir(parents=True)

    def write(held_mib: int, cached_mib: int, kills: int) -> None:
        (folder / "memory.stat").write_text(
            f"cache {cached_mib * _MIB}\nrss {held_mib * _MIB}\ntotal_cache {cached_mib * _MIB}\n"
            f"total_rss {held_mib * _MIB}\ntotal_shmem {_MIB}\ntotal_inactive_file {cached_mib * _MIB}\n"
        )
        (folder / "memory.oom_control").write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")

    return write


def _version_2(root: Path) -> Write:
    folder = root / "system.slice" / f"docker-{_ID}.scope"
    folder.mkdir(parents=True)
    (root / "cgroup.controllers").touch()

    def write(held_mib: int, cached_mib: int, kills: int) -> None:
        (folder / "memory.stat").write_text(
            f"anon {held_mib * _MIB}\nfile {cached_mib * _MIB}\nkernel 4096\nshmem {_MIB}\n"
            f"inactive_anon {held_mib * _MIB}\nfile_mapped 0\n"
        )
        (folder / "memory.events").write_text(
            f"low 0\nhigh 0\nmax 7\noom {kills}\noom_kill {kills}\noom_group_kill 0\n"
        )

    return write


VERSIONS = {"cgroup v1": _version_1, "cgroup v2": _version_2}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_held_is_told_without_the_page_cache(tmp_path: Path, version: str) -> None:
    """Anonymous and shared memory; the kernel takes the cache back by itself."""
    write = VERSIONS[version](tmp_path)
    reader = MemoryReader(tmp_path)
    write(30, 400, 0)
    assert reader.used_mib(_ID) == 31
    write(50, 10, 0)
    assert reader.used_mib(_ID) == 51
    assert reader.limitation is None
    reader.forget(_ID)


@pytest.mark.parametrize("version", VERSIONS)
def test_kills_for_memory_are_counted(tmp_path: Path, version: str) -> None:
    """Of the container's main process or of a child."""
    write = VERSIONS[version](tmp_path)
    reader = MemoryReader(tmp_path)
    write(30, 0, 0)
    assert reader.kills(_ID) == 0
    write(30, 0, 2)
    assert reader.kills(_ID) == 2
    reader.forget(_ID)


def test_of_what_is_not_there_nothing_is_known(tmp_path: Path) -> None:
    """No container yet, none any more, or no tree at all."""
    reader = MemoryReader(tmp_path)
    assert reader.used_mib(None) is None
    assert reader.used_mib(_ID) is None
    assert reader.kills(None) == reader.kills(_ID) == 0
    reader.forget(_ID)
    assert reader.limitation is not None


async def test_a_killed_child_ends_the_invocation_though_no_engine_tells_of_it(engine: Engine) -> None:
    """An engine that misses the event, as older ones may on cgroup v2; the kernel's own count says it."""
    runtime = await engine.warm()
    call = engine.call()
    await runtime.event()
    await engine.pass_time(0.3)
    assert not call.done()
    engine.memory.killed = 1
    await engine.pass_time(0.3)
    error = await error_of(call)
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert not engine.live()
