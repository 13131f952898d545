"""Sandboxes are ready ahead; who comes when none is gets the next one that is."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.containers import sandbox_pool
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.sandbox_pool import SandboxPool, SandboxTemplate, SideBySide
from orchestrator.driver.protocol import EngineUnreachable, StartFailed
from tests.support.docker_stand_in import DockerStandIn

SIZE = 2
STARTING_AT_ONCE = 2


@pytest.fixture
def docker() -> DockerStandIn:
    """The engine."""
    return DockerStandIn()


NOWHERE = Path("/proc/no-such-folder")


def pool_of(docker: DockerStandIn, size: int, kept: Path = NOWHERE, ruleset: str = "rules") -> SandboxPool:
    """One that is not started; its list on disk cannot be written if nobody says where."""
    network = FunctionsNetwork(
        name="functions", bridge="br-functions", subnet="10.0.0.0/20", control_plane="10.0.0.1", own_container=None
    )
    numbers = itertools.count(1)
    return SandboxPool(
        docker,  # type: ignore[arg-type]
        SandboxTemplate(image="sandbox", owner="me", network=network, ruleset=ruleset),
        ReadySandboxes(kept / "ready-sandboxes"),
        size=size,
        side_by_side=SideBySide(starting=asyncio.Semaphore(STARTING_AT_ONCE), removing=asyncio.Semaphore(1)),
        random=lambda count: next(numbers).to_bytes(count, "big"),
        cut_off=lambda: None,
    )


@pytest.fixture
async def pool(docker: DockerStandIn) -> AsyncIterator[SandboxPool]:
    """A pool that is not started."""
    pool = pool_of(docker, SIZE)
    yield pool
    docker.is_away = False
    await pool.close()
    for sandbox_id in list(docker.containers):
        await pool.discard(sandbox_id)


def made(docker: DockerStandIn) -> list[str]:
    """In the order they were made."""
    return sorted(docker.containers, key=lambda one: int(one.rpartition("-")[2]))


async def test_who_comes_before_the_first_is_ready_gets_that_one(pool: SandboxPool, docker: DockerStandIn) -> None:
    """Making another beside it would slow both down."""
    pool.start()
    taken = await asyncio.wait_for(pool.take(), 5)
    await asyncio.wait_for(pool.filled.wait(), 5)
    assert taken.sandbox_id == made(docker)[0]
    assert len(made(docker)) == 1 + SIZE


async def test_each_of_many_gets_one_of_their_own(pool: SandboxPool, docker: DockerStandIn) -> None:
    """As many are made as are waited for."""
    taken = await asyncio.wait_for(asyncio.gather(*(pool.take() for _ in range(5))), 5)
    assert len({one.sandbox_id for one in taken}) == 5
    assert len(made(docker)) == 5


@dataclass(slots=True)
class CountingStandIn(DockerStandIn):
    """Counts those that have been attached to and not yet been asked for their address."""

    under_way: int = 0
    most: int = 0

    async def attach(self, container_id: str) -> socket.socket:
        """One more is being started."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        return await DockerStandIn.attach(self, container_id)

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """It runs once its address is asked for."""
        self.under_way -= method == "inspect_container"
        return await DockerStandIn.call(self, method, *arguments, **options)


async def test_few_are_started_side_by_side() -> None:
    """It is work of the processor: the first of many is ready the sooner."""
    docker = CountingStandIn()
    pool = pool_of(docker, size=0)
    taken = await asyncio.wait_for(asyncio.gather(*(pool.take() for _ in range(6))), 5)
    assert docker.most == STARTING_AT_ONCE
    for one in taken:
        await pool.discard(one.sandbox_id)


async def test_who_gives_up_leaves_theirs_to_the_pool(pool: SandboxPool, docker: DockerStandIn) -> None:
    """It is the next one's."""
    giving_up = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    giving_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving_up
    taken = await asyncio.wait_for(pool.take(), 5)
    assert taken.sandbox_id in made(docker)


async def test_who_waits_is_told_when_it_cannot_be_made(pool: SandboxPool, docker: DockerStandIn) -> None:
    """At once: each attempt would fail in the same way."""
    docker.is_away = True
    with pytest.raises(EngineUnreachable):
        await asyncio.wait_for(pool.take(), 5)


class NeverDone(DockerStandIn):
    """An engine that takes a request and does not answer it."""

    async def create(self, specification: dict[str, Any], name: str) -> str:
        """For ever."""
        await asyncio.Event().wait()
        return name


async def test_who_waits_when_it_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is being made for them is not waited for as long as the engine may take."""
    monkeypatch.setattr(sandbox_pool, "_DISCARDED_WITHIN", timedelta())
    pool = pool_of(NeverDone(), size=0)
    pool.start()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(StartFailed):
        await asyncio.wait_for(waiting, 5)


async def test_without_a_size_it_is_full_at_once(docker: DockerStandIn) -> None:
    """Then each is made when it is needed."""
    pool = pool_of(docker, size=0)
    pool.start()
    await asyncio.wait_for(pool.filled.wait(), 5)
    assert made(docker) == []
    await pool.close()


def has_rules(docker: DockerStandIn, sandbox_id: str) -> bool:
    """Does it set a firewall of its own?"""
    return "PADDOCK_RULESET=rules" in docker.specifications[sandbox_id].get("Env", ())


async def test_when_the_firewall_moves_those_behind_the_earlier_one_are_replaced(
    pool: SandboxPool, docker: DockerStandIn
) -> None:
    """None of them is handed out any more, nor left."""
    pool.start()
    await asyncio.wait_for(pool.filled.wait(), 5)
    before = set(made(docker))
    assert all(has_rules(docker, one) for one in before)
    await pool.use(None)
    taken = await asyncio.wait_for(pool.take(), 5)
    assert not has_rules(docker, taken.sandbox_id)
    assert not before & docker.containers.keys()


async def test_one_that_is_being_made_behind_the_earlier_firewall_is_not_handed_over(
    pool: SandboxPool, docker: DockerStandIn
) -> None:
    """Whoever waits gets one behind the firewall of now."""
    taking = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert has_rules(docker, made(docker)[0])
    await pool.use(None)
    taken = await asyncio.wait_for(taking, 5)
    assert not has_rules(docker, taken.sandbox_id)
    assert made(docker) == [taken.sandbox_id]


async def crashed_with_two_ready(docker: DockerStandIn, kept: Path) -> SandboxPool:
    """A pool whose process is gone; its sandboxes live on."""
    pool = pool_of(docker, SIZE, kept)
    pool.start()
    await asyncio.wait_for(pool.filled.wait(), 5)
    return pool


async def listed(docker: DockerStandIn) -> list[dict[str, Any]]:
    """What the engine has."""
    found: list[dict[str, Any]] = await docker.call("containers")
    return found


async def end(docker: DockerStandIn, *pools: SandboxPool) -> None:
    """Nothing is left open."""
    for pool in pools:
        await pool.close()
    for sandbox_id in list(docker.containers):
        for pool in pools:
            await pool.discard(sandbox_id)


async def test_after_a_crash_those_that_were_ready_serve_the_next_life(docker: DockerStandIn, tmp_path: Path) -> None:
    """Under the same name and address; none is made for who comes first."""
    before = await crashed_with_two_ready(docker, tmp_path)
    now = pool_of(docker, SIZE, tmp_path)
    assert await now.adopt(await listed(docker)) == SIZE
    assert now.ids() == set(made(docker))
    taken = [await now.take() for _ in range(SIZE)]
    assert sorted(taken, key=lambda one: one.sandbox_id) == sorted(before._ready, key=lambda one: one.sandbox_id)
    assert len(made(docker)) == SIZE
    await end(docker, now, before)


async def test_one_that_was_handed_out_serves_nobody_after_a_crash(docker: DockerStandIn, tmp_path: Path) -> None:
    """Also if nothing came of it: it is off the list before it is handed out."""
    before = await crashed_with_two_ready(docker, tmp_path)
    taken = await before.take()
    now = pool_of(docker, SIZE, tmp_path)
    await now.adopt(await listed(docker))
    assert taken.sandbox_id not in now.ids()
    await end(docker, now, before)


async def test_who_gives_up_while_one_is_taken_off_the_list_leaves_it_to_the_next(
    docker: DockerStandIn, tmp_path: Path
) -> None:
    """It has served nobody."""
    pool = await crashed_with_two_ready(docker, tmp_path)
    were_ready = pool.ready()
    giving_up = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    giving_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving_up
    await pool._tasks.finish(timedelta(seconds=5))
    assert were_ready <= pool.ready()
    await end(docker, pool)


async def test_where_it_stays_on_the_list_it_serves_nobody(
    docker: DockerStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is read-only by now: after a crash it would serve a second time."""
    pool = await crashed_with_two_ready(docker, tmp_path)
    listed_ones = pool.ready()

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(ReadySandboxes, "write", refuse)
    taken = await asyncio.wait_for(pool.take(), 5)
    assert taken.sandbox_id not in listed_ones
    monkeypatch.undo()
    await end(docker, pool)


@pytest.mark.parametrize("change", ["another firewall", "another image", "no list", "half a list", "a smaller pool"])
async def test_what_was_made_otherwise_serves_nobody_after_a_crash(
    docker: DockerStandIn, tmp_path: Path, change: str
) -> None:
    """Nothing but what this life would make itself, and no more than it would."""
    before = await crashed_with_two_ready(docker, tmp_path)
    found = await listed(docker)
    kept = tmp_path / "ready-sandboxes"
    match change:
        case "another image":
            found = [one | {"Image": "sha256:0123"} for one in found]
        case "no list":
            kept.unlink()
        case "half a list":
            kept.write_text(kept.read_text()[:40])
    ruleset = "others" if change == "another firewall" else "rules"
    now = pool_of(docker, 0 if change == "a smaller pool" else SIZE, tmp_path, ruleset)
    assert await now.adopt(found) == 0
    assert now.ids() == set()
    await end(docker, now, before)


async def test_after_an_ordinary_end_there_is_no_list(docker: DockerStandIn, tmp_path: Path) -> None:
    """There are no sandboxes, either."""
    pool = await crashed_with_two_ready(docker, tmp_path)
    assert os.stat(tmp_path / "ready-sandboxes").st_mode & 0o077 == 0
    await pool.close()
    assert os.listdir(tmp_path) == []
    assert docker.containers == {}
