"""/tmp is a disk of its own size: full, it says so; it is nobody's memory, and it cannot fill the host."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from tests.support.footprint import attached
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.small_disk import small_disk
from tests.support.waiting import until

pytestmark = pytest.mark.alone

_MIB = 1_048_576


def call(client: Any, name: str, **event: object) -> dict[str, Any]:
    """Invoke; the answer's body, whatever it says."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    return body


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with a small function whose /tmp is four times its memory."""
    boto = paddock.client()
    deploy(boto, "small", images["behaviours"], MemorySize=128, Timeout=60)
    return boto


def test_a_function_of_128_mb_fills_its_512_mb_and_is_told_so(client: Any) -> None:
    """ENOSPC, not a kill; all of the 512 MB are its own; and it goes on."""
    told = call(client, "small", do="fill-tmp")
    assert told["error"] == "ENOSPC"
    assert 512 * _MIB <= told["written"] < 530 * _MIB
    assert call(client, "small", do="echo")["event"] == {"do": "echo"}


def test_what_a_function_writes_is_not_its_memory(client: Any) -> None:
    """300 MB in a function of 128: the page cache is the host's, and Max Memory Used does not count it."""
    answer = client.invoke(
        FunctionName="small", LogType="Tail", Payload=json.dumps({"do": "write-tmp", "bytes": 300 * _MIB}).encode()
    )
    assert json.loads(answer["Payload"].read()) == {"size": 300 * _MIB}
    used = re.search(r"Max Memory Used: (\d+) MB", base64.b64decode(answer["LogResult"]).decode())
    assert used is not None
    assert 5 < int(used[1]) < 64
    call(client, "small", do="empty-tmp")


def test_it_is_empty_belongs_to_the_function_and_runs_programs(client: Any) -> None:
    """As on AWS: no lost+found, nobody else's, not noexec."""
    call(client, "small", do="exit")
    assert call(client, "small", do="look-at-tmp") == {"listed": [], "filesystem": "ext4", "ran": "it runs"}


def test_what_a_function_deletes_the_host_has_back_at_once(client: Any, paddock: PaddockProcess) -> None:
    """A disk takes what is written in it, not its size."""
    call(client, "small", do="fill-tmp")
    until(lambda: _blocks(paddock) > 500 * _MIB, "all of it has been written to the host's disk")
    before = _blocks(paddock)
    call(client, "small", do="empty-tmp")
    until(lambda: _blocks(paddock) < before - 400 * _MIB, "the host has the space back", patience_s=15)


def test_another_size_is_another_size(paddock: PaddockProcess, client: Any, images: dict[str, str]) -> None:
    """EphemeralStorage, from 512 MB to 10 GB."""
    deploy(client, "large", images["behaviours"], EphemeralStorage={"Size": 1024}, Timeout=60)
    told = call(client, "large", do="fill-tmp")
    assert told["error"] == "ENOSPC"
    assert 1024 * _MIB <= told["written"] < 1060 * _MIB


def test_a_disk_is_empty_for_the_next_environment(client: Any, paddock: PaddockProcess, images: dict[str, str]) -> None:
    """The one before filled it; the same few disks are used again and again."""
    deploy(client, "again", images["behaviours"], MemorySize=1769, Timeout=60)
    call(client, "again", do="echo")
    disks = set(attached(paddock.data_dir / "driver" / "scratch"))
    for _ in range(3):
        call(client, "again", do="fill-tmp")
        call(client, "again", do="exit")
        assert call(client, "again", do="look-at-tmp")["listed"] == []
    assert set(attached(paddock.data_dir / "driver" / "scratch")) == disks


def test_ten_at_once_fill_their_own_and_no_more(client: Any, paddock: PaddockProcess) -> None:
    """Each has all of its own."""
    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(lambda _: call(client, "small", do="fill-tmp", hold_s=2), range(10)))
    assert {one["error"] for one in told} == {"ENOSPC"}
    assert all(one["written"] >= 512 * _MIB for one in told)


def test_ten_at_once_cannot_fill_a_disk_that_has_not_room_for_all(
    images: dict[str, str], tmp_path: Path, figures: Callable[[str], None]
) -> None:
    """An environment is started only if all that run may fill their /tmp; who has to wait too long is told why."""
    with small_disk(tmp_path / "narrow", 2048) as disk:
        paddock = PaddockProcess(disk.path, network_pool_size=2, room_wait_s=4)
        paddock.start()
        boto = paddock.client()
        deploy(boto, "filler", images["behaviours"], MemorySize=512, Timeout=60)
        free_mib = [_free_mib(disk.path)]
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(0.05):
                free_mib.append(_free_mib(disk.path))

        watching = threading.Thread(target=watch)
        watching.start()

        def fill(_: int) -> str:
            try:
                return str(call(boto, "filler", do="fill-tmp", hold_s=6).get("error"))
            except botocore.exceptions.ClientError as error:
                return str(error)

        with ThreadPoolExecutor(10) as pool:
            told = list(pool.map(fill, range(10)))
        is_over.set()
        watching.join()
        filled = sum(one == "ENOSPC" for one in told)
        refused = sum("no room for 512 MiB more" in one for one in told)
        figures(f"ten fill /tmp on a disk of 2 GB: {filled} did, {refused} had no room, least free {min(free_mib)} MiB")
        assert filled >= 1
        assert filled + refused == 10, told
        assert min(free_mib) > 100
        assert paddock.terminate() == 0


def test_nothing_stays_attached(
    start_paddock: Callable[..., PaddockProcess], images: dict[str, str], tmp_path: Path
) -> None:
    """Neither after an ordinary end, nor of what was killed after the next start."""
    of_others = set(attached(tmp_path / "nowhere"))
    paddock = start_paddock(network_pool_size=1)
    folder = paddock.data_dir / "driver" / "scratch"

    def ours() -> set[str]:
        return set(attached(folder)) - of_others

    boto = paddock.client()
    deploy(boto, "once", images["behaviours"])
    call(boto, "once", do="echo")
    before = until(ours, "disks are attached")
    paddock.kill()
    paddock.start()
    call(boto, "once", do="echo")
    until(lambda: len(ours()) == len(before), "what was killed is detached, and as many are there again")
    assert paddock.terminate() == 0
    assert ours() == set()
    assert list(folder.iterdir()) == []


def _blocks(paddock: PaddockProcess) -> int:
    return sum(file.stat().st_blocks * 512 for file in (paddock.data_dir / "driver" / "scratch").iterdir())


def _free_mib(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize // _MIB
