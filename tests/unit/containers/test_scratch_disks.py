"""Disks for /tmp, as far as no engine is needed for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.containers.scratch_disks import ScratchDisk, ScratchDisks
from tests.support.docker_stand_in import DockerStandIn


@pytest.fixture
def disks(tmp_path: Path) -> ScratchDisks:
    """In a folder of their own; none is made yet."""
    return ScratchDisks(
        DockerStandIn(),  # type: ignore[arg-type]
        owner="me",
        image="sandbox",
        folder=tmp_path,
        folder_on_host=str(tmp_path),
        random=lambda count: b"\1" * count,
    )


def used(disks: ScratchDisks, folder: Path) -> ScratchDisk:
    """One that a function has written on."""
    disk = ScratchDisk(file=folder / "one.disk", device="/dev/loop7", size_mib=512)
    disk.file.write_bytes(b"what a function wrote")
    disks._used.add(disk)
    return disk


async def test_a_disk_that_cannot_be_emptied_now_is_emptied_later(disks: ScratchDisks, tmp_path: Path) -> None:
    """The host's disk was full: given up, each would stay attached and count against all others."""
    disk = used(disks, tmp_path)
    await disks.give_back(disk)
    assert not disks._used
    assert disks._ready[512] == []
    disks._template(512).write_bytes(b"empty")
    await disks.tick()
    assert disk.file.read_bytes() == b"empty"
    assert disks._ready[512] == [disk]


async def test_a_disk_whose_file_was_removed_is_never_used_again(disks: ScratchDisks, tmp_path: Path) -> None:
    """Its device still has what a function wrote, and nothing can empty that."""
    disk = used(disks, tmp_path)
    disks._template(512).write_bytes(b"empty")
    disk.file.unlink()
    await disks.give_back(disk)
    await disks.tick()
    assert (disks._used, disks._ready[512], disks._worn) == (set(), [], [])
