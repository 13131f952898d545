"""Which network a subnet's id names: only one that somebody labelled or set, and none that reaches the host."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.containers.firewall import Further
from orchestrator.containers.subnets import Subnets
from orchestrator.driver.protocol import NotHardened, PaddockError, SubnetNotFound, SubnetUnusable
from tests.support.docker_stand_in import DockerStandIn

_CONTROL_PLANE = "c" * 64


def a_network(name: str = "mine", *, subnet: str = "10.217.0.0/24", **changes: Any) -> dict[str, Any]:
    """As the engine describes one."""
    described: dict[str, Any] = {
        "Id": f"id-of-{name}",
        "Name": name,
        "Driver": "bridge",
        "Scope": "local",
        "Labels": {"paddock.subnet": f"subnet-{name}"},
        "IPAM": {"Config": [{"Subnet": subnet, "Gateway": "10.217.0.1"}]},
        "Containers": {},
    }
    return described | changes


def subnets_of(*described: dict[str, Any], named: dict[str, str] | None = None) -> Subnets:
    """On an engine with these networks."""
    docker: Any = DockerStandIn(networks={one["Id"]: one for one in described})
    return Subnets(docker, named or {}, _CONTROL_PLANE)


async def test_a_label_names_a_network() -> None:
    """Its addresses may be reached, but for the host's and those that mean all."""
    (found,) = await subnets_of(a_network(), a_network("other")).find(("subnet-mine",))
    assert (found.subnet_id, found.network_id) == ("subnet-mine", "id-of-mine")
    assert found.reach == (Further(subnet="10.217.0.0/24", closed=("10.217.0.1", "10.217.0.0", "10.217.0.255")),)


async def test_the_settings_name_a_network_and_go_before_a_label() -> None:
    """Whoever sets them knows; the network need not have a label."""
    plain = a_network("plain", Labels=None)
    found = await subnets_of(a_network(), plain, named={"subnet-mine": "plain"}).find(("subnet-mine",))
    assert [one.network_id for one in found] == ["id-of-plain"]


async def test_a_gateway_that_is_not_told_is_the_first_address() -> None:
    """The host has it all the same."""
    network = a_network(IPAM={"Config": [{"Subnet": "10.217.0.0/24"}]})
    (found,) = await subnets_of(network).find(("subnet-mine",))
    assert "10.217.0.1" in found.reach[0].closed


async def test_addresses_of_ipv6_are_left_out() -> None:
    """Functions have none."""
    network = a_network(
        IPAM={"Config": [{"Subnet": "fd00:1::/64"}, {"Subnet": "10.217.0.0/24", "Gateway": "10.217.0.1"}]}
    )
    (found,) = await subnets_of(network).find(("subnet-mine",))
    assert [one.subnet for one in found.reach] == ["10.217.0.0/24"]


async def test_a_control_plane_that_is_on_it_too_is_not_reached_there() -> None:
    """Its front port listens on every address of its container."""
    network = a_network(Containers={_CONTROL_PLANE: {"IPv4Address": "10.217.0.7/24"}, "x": {"IPv4Address": ""}})
    (found,) = await subnets_of(network).find(("subnet-mine",))
    assert "10.217.0.7" in found.reach[0].closed


@pytest.mark.parametrize("named", [{}, {"subnet-mine": "gone"}], ids=["no label", "no network of that name"])
async def test_what_names_no_network_is_not_found(named: dict[str, str]) -> None:
    """In AWS's words."""
    with pytest.raises(SubnetNotFound, match=r"^The subnet ID 'subnet-mine' does not exist$"):
        await subnets_of(a_network("other"), named=named).find(("subnet-mine",))


REFUSED: dict[str, tuple[dict[str, Any], type[PaddockError]]] = {
    "the host's network": (a_network("host", Driver="host"), NotHardened),
    "no network": (a_network("none", Driver="null"), NotHardened),
    "a machine of the host's own network": (a_network(Driver="macvlan"), NotHardened),
    "a network of other engines": (a_network(Driver="overlay", Scope="swarm"), NotHardened),
    "the network of a Paddock": (
        a_network(Labels={"paddock.owner": "x", "paddock.subnet": "subnet-mine"}),
        NotHardened,
    ),
    "the metadata address": (a_network(subnet="169.254.169.0/24"), SubnetUnusable),
    "everything": (a_network(subnet="0.0.0.0/0"), SubnetUnusable),
    "the loopback": (a_network(subnet="127.0.0.0/8"), SubnetUnusable),
    "one without addresses": (a_network(IPAM={"Config": None}), SubnetUnusable),
}


@pytest.mark.parametrize(("network", "error"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("by", ["label", "settings"])
async def test_a_network_that_functions_must_not_join_is_refused(
    network: dict[str, Any], error: type[PaddockError], by: str
) -> None:
    """Though it was labelled or set."""
    labelled = network | {"Labels": (network["Labels"] or {}) | {"paddock.subnet": "subnet-mine"}}
    named = {"subnet-mine": network["Name"]} if by == "settings" else {}
    with pytest.raises(error):
        await subnets_of(labelled, named=named).find(("subnet-mine",))


async def test_an_id_on_two_networks_is_refused() -> None:
    """Which of them was meant is nobody's guess."""
    twice = [a_network(name, Labels={"paddock.subnet": "subnet-mine"}) for name in ("one", "two")]
    with pytest.raises(SubnetUnusable, match="2 networks are labelled"):
        await subnets_of(*twice).find(("subnet-mine",))


@pytest.mark.parametrize(
    "asked",
    [
        ("host",),
        ("mine",),
        ("id-of-mine",),
        ("container:x",),
        ("subnet-",),
        ("subnet-mine\n",),
        ("subnet-../x",),
        ("subnet-mine", "subnet-mine"),
        ("subnet-other", "subnet-mine"),
        tuple(f"subnet-{number:02}" for number in range(17)),
        (),
    ],
    ids=str,
)
async def test_what_is_no_set_of_ids_is_refused_before_the_engine_is_asked(asked: tuple[str, ...]) -> None:
    """A control plane that was taken over asks for networks by their names, too."""
    docker: Any = DockerStandIn(is_away=True)
    with pytest.raises(NotHardened):
        await Subnets(docker, {"host": "host"}, None).find(asked)
