"""What nobody has a use for any more is removed, and nothing else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from orchestrator.containers.images import Images
from orchestrator.containers.leftovers import Leftovers
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.sandbox_pool import SandboxPool, SandboxTemplate, SideBySide
from orchestrator.containers.spec import ENVIRONMENT_ROLE, LIFE, ROLE, SANDBOX_ROLE
from orchestrator.driver.protocol import EngineUnreachable
from tests.support.docker_stand_in import DockerStandIn
from tests.support.fake_clock import FakeClock
from tests.unit.containers.test_subnets import a_network

A_VOLUME = "f" * 64


@pytest.fixture
def docker() -> DockerStandIn:
    """The engine."""
    return DockerStandIn()


class Found(Leftovers):
    """Leftovers on a stand-in, with what was discarded."""

    def __init__(self, docker: DockerStandIn, clock: FakeClock, known: set[str]) -> None:
        async def discard(container_id: str) -> None:
            self.discarded.append(container_id)
            del docker.containers[container_id]

        self.discarded: list[str] = []
        super().__init__(
            docker,  # type: ignore[arg-type]
            owner="me",
            life="now",
            known=lambda: known,
            discard=discard,
            monotonic=clock.monotonic,
        )


def _in_life(life: str, role: str = ENVIRONMENT_ROLE) -> dict[str, str]:
    return {LIFE: life, ROLE: role}


async def test_what_an_earlier_life_makes_late_is_removed_at_the_next_look(docker: DockerStandIn) -> None:
    """A function with its volumes; a sandbox as those that leave the network."""
    docker.containers = {"old": _in_life("before"), "older": _in_life("before", SANDBOX_ROLE), "new": _in_life("now")}
    leftovers = Found(docker, FakeClock(), known={"new"})
    await leftovers.sweep()
    assert set(docker.containers) == {"new"}
    assert leftovers.discarded == ["older"]


async def test_what_this_life_has_taken_over_is_no_leftover(docker: DockerStandIn) -> None:
    """Its label still names the life that made it."""
    docker.containers = {"taken-over": _in_life("before", SANDBOX_ROLE), "old": _in_life("before", SANDBOX_ROLE)}
    leftovers = Found(docker, FakeClock(), known={"taken-over"})
    await leftovers.sweep()
    assert set(docker.containers) == {"taken-over"}


async def test_a_sandbox_that_a_function_has_joined_is_told_from_one_that_none_has(docker: DockerStandIn) -> None:
    """Be the function started or not: the engine may have been asked for it just before the crash."""
    docker.containers = {
        "function": _in_life("before"),
        "joined": _in_life("before", SANDBOX_ROLE),
        "unjoined": _in_life("before", SANDBOX_ROLE),
        "probe": _in_life("before", "probe"),
    }
    docker.specifications["function"] = {"HostConfig": {"NetworkMode": "container:joined"}}
    earlier = await Found(docker, FakeClock(), set()).of_earlier_lives()
    assert earlier.functions == ["function"]
    assert earlier.others == ["joined", "unjoined", "probe"]
    assert [one["Id"] for one in earlier.unjoined] == ["unjoined"]


async def test_the_addresses_of_an_earlier_life_s_functions_are_told_on_every_network(docker: DockerStandIn) -> None:
    """Not those of sandboxes in which nothing ran."""
    docker.networks["id-of-mine"] = a_network()
    docker.containers = {
        "function": _in_life("before"),
        "joined-7": _in_life("before", SANDBOX_ROLE),
        "unjoined-8": _in_life("before", SANDBOX_ROLE),
    }
    docker.places = {"joined-7": ["id-of-mine"], "unjoined-8": ["id-of-mine"]}
    docker.specifications["function"] = {"HostConfig": {"NetworkMode": "container:joined-7"}}
    assert (await Found(docker, FakeClock(), set()).of_earlier_lives()).addresses == ("10.0.8.1", "10.217.0.7")


async def test_a_container_of_this_life_that_nobody_knows_is_removed_once_it_cannot_be_on_its_way(
    docker: DockerStandIn,
) -> None:
    """The engine answered too late, or was away when it was to be removed."""
    clock = FakeClock()
    docker.containers = {"ours": _in_life("now"), "lost": _in_life("now")}
    known = {"ours"}
    leftovers = Found(docker, clock, known)
    await leftovers.sweep()
    clock.advance(200)
    await leftovers.sweep()
    assert set(docker.containers) == {"ours", "lost"}
    clock.advance(200)
    await leftovers.sweep()
    assert set(docker.containers) == {"ours"}


async def test_a_container_that_becomes_known_in_time_counts_anew_when_it_is_lost_later(docker: DockerStandIn) -> None:
    """How long it was on its way does not matter then."""
    clock = FakeClock()
    docker.containers = {"late": _in_life("now")}
    known: set[str] = set()
    leftovers = Found(docker, clock, known)
    await leftovers.sweep()
    known.add("late")
    clock.advance(400)
    await leftovers.sweep()
    known.clear()
    await leftovers.sweep()
    assert set(docker.containers) == {"late"}


async def test_the_volume_of_a_container_that_was_removed_by_hand_goes(docker: DockerStandIn) -> None:
    """`docker rm -f` leaves it; what is used stays, and so do the volumes of images, which are used again."""
    docker.volumes = {A_VOLUME: False, "a" * 64: True, "paddock-me-0123-0": False}
    await Found(docker, FakeClock(), set()).sweep()
    assert set(docker.volumes) == {"a" * 64, "paddock-me-0123-0"}


async def test_what_was_kept_for_an_image_goes_when_the_engine_has_it_no_more(
    docker: DockerStandIn, tmp_path: Path
) -> None:
    """Noticed at the next new image: whoever deploys again and again gathers nothing but images."""
    images = Images(docker, "me", tmp_path)  # type: ignore[arg-type]
    first, second = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
    docker.images = {first}
    docker.volumes = dict.fromkeys((await images.traits(first)).volumes.values(), False)
    assert os.listdir(tmp_path) == ["1" * 64]
    docker.images = {second}
    new = (await images.traits(second)).volumes
    docker.volumes |= dict.fromkeys(new.values(), False)
    assert os.listdir(tmp_path) == ["2" * 64]
    assert set(docker.volumes) == set(new.values())
    assert list(images._traits) == [second]


async def test_a_ready_sandbox_that_dies_is_removed_and_replaced(docker: DockerStandIn, tmp_path: Path) -> None:
    """Otherwise each one that is killed would stay, ended, until Paddock ends."""
    network = FunctionsNetwork(
        name="functions", bridge="br-functions", subnet="10.0.0.0/20", control_plane="10.0.0.1", own_container=None
    )
    template = SandboxTemplate(image="sandbox", owner="me", network=network, ruleset="")
    numbers = iter(range(100))
    pool = SandboxPool(
        docker,  # type: ignore[arg-type]
        template,
        ReadySandboxes(tmp_path / "ready-sandboxes"),
        size=1,
        side_by_side=SideBySide(starting=asyncio.Semaphore(2), removing=asyncio.Semaphore(1)),
        random=lambda count: next(numbers).to_bytes(count, "big"),
        cut_off=lambda: None,
    )
    dead = await pool._make()
    pool._ready.append(dead)
    assert pool.ids() == {dead.sandbox_id}
    pool.lost(dead.sandbox_id)
    await pool.close()
    assert docker.containers == {}
    assert pool.ids() == set()


async def test_without_an_engine_a_look_fails_and_forgets_nothing(docker: DockerStandIn) -> None:
    """The loop tries again."""
    docker.containers = {"old": _in_life("before")}
    docker.is_away = True
    leftovers = Found(docker, FakeClock(), set())
    with pytest.raises(EngineUnreachable):
        await leftovers.sweep()
    docker.is_away = False
    await leftovers.sweep()
    assert docker.containers == {}
