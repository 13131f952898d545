"""Sandboxes are ready ahead; who comes when none is gets the next one that is."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.sandbox_pool import SandboxPool, SandboxTemplate, SideBySide
from orchestrator.driver.protocol import EngineUnreachable
from tests.support.docker_stand_in import DockerStandIn

SIZE = 2
STARTING_AT_ONCE = 2


@pytest.fixture
def docker() -> DockerStandIn:
    """The engine."""
    return DockerStandIn()


def pool_of(docker: DockerStandIn, size: int) -> SandboxPool:
    """One that is not started."""
    network = FunctionsNetwork(
        name="functions", bridge="br-functions", subnet="10.0.0.0/20", control_plane="10.0.0.1", own_container=None
    )
    numbers = itertools.count(1)
    return SandboxPool(
        docker,  # type: ignore[arg-type]
        SandboxTemplate(image="sandbox", owner="me", network=network, ruleset="rules"),
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
