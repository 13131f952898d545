"""Sandboxes in subnets: ready before anybody asks, from pools of their own, as long as a function is in them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.containers.firewall import Reach, Wall, ruleset
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.sandbox_pool import SandboxTemplate, SideBySide
from orchestrator.containers.sandbox_pools import SandboxPools, Sizes
from orchestrator.containers.subnets import Subnets
from orchestrator.driver.protocol import EngineUnreachable, NotHardened, StartFailed, SubnetNotFound, SubnetUnusable
from tests.support.docker_stand_in import DockerStandIn
from tests.unit.containers.test_subnets import a_network

_NETWORK = FunctionsNetwork(
    name="functions", bridge="br-functions", subnet="10.0.0.0/20", control_plane="10.0.0.1", own_container=None
)
_REACH = Reach(control_plane="10.0.0.1", runtime_port=9001)
_CONTROL_PLANE = "c" * 64
_MINE, _OTHER = ("subnet-mine",), ("subnet-other",)
_OF_SET = 2
_TURNS = 500


@pytest.fixture
def docker() -> DockerStandIn:
    """An engine with two networks that functions may be in."""
    networks = (a_network(), a_network("other", subnet="10.218.0.0/24"))
    return DockerStandIn(networks={one["Id"]: one for one in networks})


@dataclass
class HostRules:
    """
    What nftables holds in the host's namespace.

    Args:
        is_there: Does it take rules at all?
    """

    is_there: bool = True
    text: str = ""

    def one_shot(self, specification: dict[str, Any]) -> str:
        """What the one-shot that sets them says."""
        _script, _name, _table, *rules = specification["Cmd"][1:]
        if not self.is_there:
            return "Error: Operation not supported\n"
        self.text = "".join(rules)
        return "stands\n" if rules else "gone\n"


@pytest.fixture
async def host(docker: DockerStandIn, tmp_path: Path) -> AsyncIterator[HostFirewall]:
    """Where rules stand that sandboxes cannot hold."""
    numbers = itertools.count(1)
    engine: Any = docker
    firewall = HostFirewall(
        engine, image="sandbox", owner="me", folder=tmp_path, random=lambda count: next(numbers).to_bytes(count, "big")
    )
    yield firewall
    await firewall.remove()


@pytest.fixture
def on_host(docker: DockerStandIn) -> HostRules:
    """Its rules, as the one-shots set them."""
    rules = HostRules()
    docker.says["host-firewall"] = rules.one_shot
    return rules


@pytest.fixture
def too_open() -> list[str]:
    """The ids of those that were told to reach what they must not."""
    return []


@pytest.fixture
async def pools(
    docker: DockerStandIn, on_host: HostRules, host: HostFirewall, too_open: list[str], tmp_path: Path
) -> AsyncIterator[SandboxPools]:
    """Not started: nothing is made of what is not asked for."""
    numbers = itertools.count(1)
    engine: Any = docker
    pools = SandboxPools(
        engine,
        SandboxTemplate(image="sandbox", owner="me", network=_NETWORK, ruleset=ruleset(_REACH)),
        _REACH,
        Subnets(engine, {}, _CONTROL_PLANE),
        host,
        ReadySandboxes(tmp_path / "ready-sandboxes"),
        sizes=Sizes(alone=0, of_set=_OF_SET),
        side_by_side=SideBySide(starting=asyncio.Semaphore(2), removing=asyncio.Semaphore(1)),
        random=lambda count: next(numbers).to_bytes(count, "big"),
        cut_off=lambda: None,
        too_open=too_open.append,
    )
    yield pools
    docker.is_away = False
    await pools.close()
    for sandbox_id in list(docker.containers):
        await pools.discard(sandbox_id)
    assert pools.ids() == set()


async def until(is_so: Callable[[], bool]) -> None:
    """Let what is under way go on until this is so."""
    for _ in range(_TURNS):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never became so")


def on(docker: DockerStandIn, network_id: str) -> set[str]:
    """The containers that there are on a further network."""
    return {one for one, places in docker.places.items() if network_id in places and one in docker.containers}


def rules_of(docker: DockerStandIn, sandbox_id: str) -> str:
    """What it sets as its firewall."""
    (variable,) = docker.specifications[sandbox_id]["Env"]
    return str(variable)


async def test_those_that_are_kept_are_ready_before_anybody_asks(pools: SandboxPools, docker: DockerStandIn) -> None:
    """On the functions' network and the subnet's, behind rules that open that subnet and no other."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    assert on(docker, "id-of-mine") == pools.ready()
    assert on(docker, "id-of-other") == set()
    made = set(docker.containers)
    taken = await pools.take(_MINE)
    assert taken.sandbox_id in made
    assert taken.address == "10.0.8.1"
    number = int(taken.sandbox_id.rpartition("-")[2])
    assert taken.in_subnets == (f"10.217.0.{number}",)
    assert docker.specifications[taken.sandbox_id]["HostConfig"]["NetworkMode"] == "functions"
    assert "ip daddr 10.217.0.0/24 accept" in rules_of(docker, taken.sandbox_id)
    assert "10.218.0.0" not in rules_of(docker, taken.sandbox_id)


async def test_a_set_has_all_of_its_networks(pools: SandboxPools, docker: DockerStandIn) -> None:
    """And is another than each of its parts."""
    both = (*_MINE, *_OTHER)
    await pools.keep([both, _MINE])
    taken, alone = await pools.take(both), await pools.take(_MINE)
    assert docker.places[taken.sandbox_id] == ["id-of-mine", "id-of-other"]
    assert docker.places[alone.sandbox_id] == ["id-of-mine"]
    for subnet in ("10.217.0.0/24", "10.218.0.0/24"):
        assert f"ip daddr {subnet} accept" in rules_of(docker, taken.sandbox_id)


async def test_a_function_in_no_subnet_gets_none_of_theirs(pools: SandboxPools, docker: DockerStandIn) -> None:
    """Though they are ready and its own are not."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    taken = await pools.take()
    assert taken.sandbox_id not in docker.places
    assert taken.in_subnets == ()
    assert "10.217" not in rules_of(docker, taken.sandbox_id)


async def test_those_that_nobody_is_in_any_more_are_removed_and_what_serves_goes_on(
    pools: SandboxPools, docker: DockerStandIn
) -> None:
    """What serves is still known, so that nobody takes it for a leftover; it goes when it has served."""
    await pools.keep([_MINE, _OTHER])
    serving = await pools.take(_MINE)
    await until(lambda: len(pools.ready()) == 2 * _OF_SET)
    await pools.keep([_OTHER])
    await until(lambda: on(docker, "id-of-mine") == {serving.sandbox_id})
    assert serving.sandbox_id in pools.ids()
    assert on(docker, "id-of-other") == pools.ready()
    await pools.discard(serving.sandbox_id)
    assert on(docker, "id-of-mine") == set()
    assert pools._let_go_of == []


async def test_keeping_the_same_again_makes_nothing_anew(pools: SandboxPools, docker: DockerStandIn) -> None:
    """It is said whenever a function changes."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    before = pools.ready()
    await pools.keep([_MINE, _OTHER])
    await pools.tick()
    assert before <= pools.ready()


async def test_who_comes_before_anything_was_kept_gets_one_that_is_made_now(
    pools: SandboxPools, docker: DockerStandIn
) -> None:
    """And none is kept for others; the next look lets it go."""
    taken = await pools.take(_MINE)
    assert on(docker, "id-of-mine") == {taken.sandbox_id}
    await pools.tick()
    assert pools._sets == {}
    assert taken.sandbox_id in pools.ids()


async def test_those_of_who_came_too_early_are_filled_once_they_are_kept(
    pools: SandboxPools, docker: DockerStandIn
) -> None:
    """A call may overtake the word that its function is there."""
    await pools.take(_MINE)
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)


async def test_a_subnet_that_is_not_there_is_told_to_who_calls_and_joined_once_it_is(
    pools: SandboxPools, docker: DockerStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is kept is looked for again; the log says it once."""
    network = docker.networks.pop("id-of-mine")
    await pools.keep([_MINE])
    await pools.tick()
    assert capsys.readouterr().out.count("subnets.not-joined") == 1
    with pytest.raises(StartFailed, match="The subnet ID 'subnet-mine' does not exist"):
        await pools.take(_MINE)
    docker.networks["id-of-mine"] = network
    await pools.tick()
    await until(lambda: len(pools.ready()) == _OF_SET)


async def test_a_label_that_is_taken_away_closes_the_network(pools: SandboxPools, docker: DockerStandIn) -> None:
    """Whoever did it meant it: none of the ready ones is handed out."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    docker.networks["id-of-mine"]["Labels"] = {}
    await pools.tick()
    await until(lambda: on(docker, "id-of-mine") == set())
    with pytest.raises(StartFailed, match="does not exist"):
        await pools.take(_MINE)


async def test_a_network_that_was_made_anew_is_joined_anew(pools: SandboxPools, docker: DockerStandIn) -> None:
    """By the same name, with other addresses: the rules are those of now."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    before = pools.ready()
    del docker.networks["id-of-mine"]
    docker.networks["again"] = a_network(subnet="10.219.0.0/24") | {"Id": "again"}
    await pools.tick()
    taken = await pools.take(_MINE)
    assert docker.places[taken.sandbox_id] == ["again"]
    assert "ip daddr 10.219.0.0/24 accept" in rules_of(docker, taken.sandbox_id)
    await until(lambda: not before & docker.containers.keys())


def control_plane_joins(docker: DockerStandIn, network_id: str, address: str = "10.217.0.7/24") -> None:
    """Somebody connects it."""
    docker.networks[network_id]["Containers"] = {_CONTROL_PLANE: {"IPv4Address": address}}


async def test_what_serves_on_a_network_that_the_control_plane_joins_is_told_to_reach_what_it_must_not(
    pools: SandboxPools, docker: DockerStandIn, too_open: list[str]
) -> None:
    """Its rules accept the whole network; those that are made from then on are closed there."""
    await pools.keep([_MINE, _OTHER])
    serving, elsewhere = await pools.take(_MINE), await pools.take(_OTHER)
    await until(lambda: len(pools.ready()) == 2 * _OF_SET)
    control_plane_joins(docker, "id-of-mine")
    await pools.tick()
    assert too_open == [serving.sandbox_id]
    assert pools.is_too_open(serving.sandbox_id)
    assert not pools.is_too_open(elsewhere.sandbox_id)
    after = await pools.take(_MINE)
    assert "ip daddr 10.217.0.7 drop" in rules_of(docker, after.sandbox_id)
    await pools.tick()
    assert too_open == [serving.sandbox_id]
    assert not pools.is_too_open(after.sandbox_id)


async def test_what_serves_where_nobody_is_kept_any_more_is_looked_after_too(
    pools: SandboxPools, docker: DockerStandIn, too_open: list[str]
) -> None:
    """The last version in that subnet has gone, or its label has; what it began may go on for minutes."""
    await pools.keep([_MINE])
    serving = await pools.take(_MINE)
    docker.networks["id-of-mine"]["Labels"] = {}
    await pools.keep([])
    await pools.tick()
    assert too_open == []
    control_plane_joins(docker, "id-of-mine")
    await pools.tick()
    assert too_open == [serving.sandbox_id]


async def test_a_control_plane_that_leaves_a_network_ends_nobody(
    pools: SandboxPools, docker: DockerStandIn, too_open: list[str]
) -> None:
    """Rules that close one address more than they must hurt nobody; new ones do not."""
    control_plane_joins(docker, "id-of-mine")
    await pools.keep([_MINE])
    await pools.take(_MINE)
    docker.networks["id-of-mine"]["Containers"] = {}
    await pools.tick()
    after = await pools.take(_MINE)
    assert "10.217.0.7" not in rules_of(docker, after.sandbox_id)
    assert too_open == []


async def test_an_engine_that_does_not_answer_ends_nobody_before_it_says_more(
    pools: SandboxPools, docker: DockerStandIn, too_open: list[str]
) -> None:
    """The next look asks again."""
    await pools.keep([_MINE])
    serving = await pools.take(_MINE)
    await pools.keep([])
    control_plane_joins(docker, "id-of-mine")
    docker.is_away = True
    await pools.tick()
    assert too_open == []
    docker.is_away = False
    await pools.tick()
    assert too_open == [serving.sandbox_id]


async def test_an_engine_that_is_away_takes_nothing_away(pools: SandboxPools, docker: DockerStandIn) -> None:
    """What is ready stays ready until the engine says otherwise."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    docker.is_away = True
    await pools.tick()
    assert len(pools.ready()) == _OF_SET
    with pytest.raises(EngineUnreachable):
        await pools.take(_OTHER)


def link_of(docker: DockerStandIn, sandbox_id: str) -> str:
    """Its link address on its further network."""
    return str(docker._inspect_container(sandbox_id)["NetworkSettings"]["Networks"]["mine"]["MacAddress"])


async def test_where_the_firewall_is_on_the_host_each_sandbox_in_a_subnet_is_closed_in_before_it_is_taken(
    pools: SandboxPools, docker: DockerStandIn, host: HostFirewall, on_host: HostRules
) -> None:
    """By its own link, for others are on that network, too; and only while it is there: its addresses are reused."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    earlier = pools.ready()
    await host.stand(["the host's rules\n"], _REACH)
    assert on_host.text == "the host's rules\n"
    await pools.stand(Wall.ON_HOST)
    taken = await pools.take(_MINE)
    assert taken.sandbox_id not in earlier
    assert "Env" not in docker.specifications[taken.sandbox_id]
    link = link_of(docker, taken.sandbox_id)
    assert on_host.text.startswith("the host's rules\n")
    assert f"ether saddr {link} goto" in on_host.text
    assert "ip daddr 10.217.0.0/24 accept" in on_host.text
    alone = await pools.take()
    assert "Env" not in docker.specifications[alone.sandbox_id]
    await pools.discard(taken.sandbox_id)
    assert link not in on_host.text


async def test_a_sandbox_that_cannot_be_closed_in_is_not_handed_out(
    pools: SandboxPools, docker: DockerStandIn, host: HostFirewall, on_host: HostRules
) -> None:
    """Nothing of it is left; who waits is told why."""
    await host.stand(["the host's rules\n"], _REACH)
    await pools.stand(Wall.ON_HOST)
    on_host.is_there = False
    with pytest.raises(StartFailed, match=r"could not be closed in: .*Operation not supported"):
        await pools.take(_MINE)
    await until(lambda: on(docker, "id-of-mine") == set())
    on_host.is_there = True
    taken = await pools.take(_MINE)
    assert on_host.text.count("goto routed_") == 1
    assert link_of(docker, taken.sandbox_id) in on_host.text


async def test_what_is_no_set_or_too_many_are_refused(pools: SandboxPools, docker: DockerStandIn) -> None:
    """A control plane that was taken over fills no host with sandboxes, and joins nothing by its name."""
    for asked in (("host",), ("functions",), ("subnet-other", "subnet-mine")):
        with pytest.raises(NotHardened):
            await pools.take(asked)
        with pytest.raises(NotHardened):
            await pools.keep([asked])
    with pytest.raises(NotHardened, match="64"):
        await pools.keep([(f"subnet-{number}",) for number in range(65)])
    assert docker.containers == {}


def sets_of(docker: DockerStandIn, count: int) -> list[tuple[str, ...]]:
    """So many, of two networks' subnets and of networks of their own."""
    for number in range(count):
        docker.networks[f"id-of-{number}"] = a_network(f"{number}", subnet=f"10.100.{number}.0/24")
    return [(f"subnet-{number}",) for number in range(count)]


async def test_a_set_of_subnets_for_which_no_sandboxes_could_be_kept_is_refused_before_a_function_is_in_it(
    pools: SandboxPools, docker: DockerStandIn
) -> None:
    """Every start of it would fail; one of those that there are takes as many functions as come."""
    *others, last = sets_of(docker, 65)
    await pools.keep(others)
    await pools.check(others[0])
    with pytest.raises(
        SubnetUnusable, match=r"functions are in 64 sets of subnets already.*; give this one the subnets of"
    ):
        await pools.check(last)
    with pytest.raises(NotHardened, match="functions are in 64 sets of subnets already"):
        await pools.take(last)
    await pools.keep(others[1:])
    await pools.check(last)


async def test_a_subnet_that_is_not_there_is_no_set_to_be_in(pools: SandboxPools) -> None:
    """Nor one that is no id."""
    with pytest.raises(SubnetNotFound):
        await pools.check(("subnet-none",))
    with pytest.raises(NotHardened):
        await pools.check(("host",))


async def test_one_that_loses_its_place_is_not_handed_out(pools: SandboxPools, docker: DockerStandIn) -> None:
    """Somebody disconnected it; it is told by the look around which places each is to have."""
    await pools.keep([_MINE])
    await until(lambda: len(pools.ready()) == _OF_SET)
    (lost, *_) = sorted(pools.ready())
    assert pools.places() == {"id-of-mine": pools.ready()}
    pools.lost(lost)
    await until(lambda: len(pools.ready()) == _OF_SET and lost not in docker.containers)


async def test_one_that_serves_from_a_pool_that_was_let_go_of_is_to_keep_its_place_too(
    pools: SandboxPools, docker: DockerStandIn
) -> None:
    """Its last version has gone, what it began has not; cut off from its subnet it would wait for its timeout."""
    await pools.keep([_MINE])
    serving = await pools.take(_MINE)
    await pools.keep([])
    await until(lambda: on(docker, "id-of-mine") == {serving.sandbox_id})
    assert pools.places() == {"id-of-mine": {serving.sandbox_id}}
    await pools.discard(serving.sandbox_id)
    assert pools.places() == {}


async def test_a_sandbox_that_cannot_join_its_network_is_told_and_nothing_is_left(
    pools: SandboxPools, docker: DockerStandIn
) -> None:
    """The network went between the look and the joining."""
    await pools.take(_MINE)
    network = docker.networks.pop("id-of-mine")
    with pytest.raises(StartFailed, match="could not be made"):
        await pools.take(_MINE)
    docker.networks["id-of-mine"] = network
    await until(lambda: len(docker.containers) == 1)


async def test_without_an_engine_who_waits_is_told(pools: SandboxPools, docker: DockerStandIn) -> None:
    """As of every sandbox."""
    await pools.take(_MINE)
    docker.is_away = True
    with pytest.raises(EngineUnreachable):
        await pools.take(_MINE)
