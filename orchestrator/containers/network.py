"""
The functions' network: one ordinary bridge without IPv6, on which the control plane has a fixed address.

In a container, the control plane joins the bridge itself; straight on the host, its address is the bridge's gateway.
Environments get addresses from the upper half of the subnet only, so that none can take the control plane's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from docker.errors import APIError

from orchestrator.containers.engine import Engine
from orchestrator.containers.own_container import OwnContainer
from orchestrator.containers.spec import OWNER
from orchestrator.domain.errors import PaddockError

_CANDIDATES = tuple(f"10.{second}.{third}.0/20" for second in (213, 214, 215) for third in range(0, 256, 16))
_BRIDGE = "com.docker.network.bridge.name"
_COMPOSE_LABELS = ("com.docker.compose.project", "com.docker.compose.service")


class NoFreeSubnet(PaddockError):
    """Every candidate subnet overlaps with something on this host; set PADDOCK_FUNCTIONS_SUBNET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionsNetwork:
    """
    Args:
        bridge: The host's interface on it.
        control_plane: Its IPv4 address on this network.
        own_container: The id of the container the control plane runs in, or None on the host.
        labels: What its environments are labelled with so that Compose cleans them up, too.
    """

    name: str
    bridge: str
    subnet: str
    control_plane: str
    own_container: str | None
    labels: dict[str, str] = field(default_factory=dict)


async def provide(
    engine: Engine,
    owner: str,
    wanted_subnet: str | None,
    own: OwnContainer | None,
    host_addresses: Callable[[], Awaitable[Collection[str]]],
    bridge: str | None = None,
) -> FunctionsNetwork:
    """
    Find or create the owner's network and take the control plane's place on it.

    Args:
        wanted_subnet: CIDR, or None for the first that is free.
        own: The container we run in, if we do.
        host_addresses: The host's own IPv4 addresses; asked for only where a network is created. The engine itself
            knows its own networks alone, not those of another engine on the same host.
        bridge: The name of its interface, where one is created; None for the owner's.

    Raises:
        NoFreeSubnet: If none can be had.
    """
    # The published front port moves to whichever network sorts first: this one must be the last.
    name = f"zz-paddock-{owner[:12]}"
    # 15 characters, as many as an interface's name may have.
    bridge = bridge or f"pd-{owner[:12]}"
    network = await engine.call_if_there("inspect_network", name)
    if network is None:
        if wanted_subnet is not None:
            await _create(engine, name, owner, wanted_subnet, bridge)
        else:
            await _create_where_free(engine, name, owner, free_subnets(await host_addresses()), bridge)
        network = await engine.call("inspect_network", name)
    subnet = ipaddress.ip_network(network["IPAM"]["Config"][0]["Subnet"])
    gateway = str(network["IPAM"]["Config"][0].get("Gateway", subnet.network_address + 1)).partition("/")[0]
    labels: dict[str, str] = {}
    address = gateway
    if own is not None:
        address = str(subnet.network_address + 2)
        labels = _compose_labels(own.labels)
        if name not in own.networks:
            await engine.call("connect_container_to_network", own.container_id, name, ipv4_address=address)
    return FunctionsNetwork(
        name=name,
        # One that an earlier Paddock made has the engine's own name for it.
        bridge=(network.get("Options") or {}).get(_BRIDGE) or f"br-{network['Id'][:12]}",
        subnet=str(subnet),
        control_plane=address,
        own_container=own.container_id if own is not None else None,
        labels=labels,
    )


async def provide_again(engine: Engine, owner: str, network: FunctionsNetwork, own: OwnContainer | None) -> None:
    """Make one that was removed again, just as it was: rules go by its interface, all else by its addresses."""

    async def unasked() -> Collection[str]:
        return ()

    await provide(engine, owner, network.subnet, own, unasked, network.bridge)


async def members(engine: Engine, network: FunctionsNetwork) -> frozenset[str] | None:
    """The ids of the containers that have a place on it; None if there is no such network any more."""
    return await members_of(engine, network.name)


async def members_of(engine: Engine, name: str) -> frozenset[str] | None:
    """The same of any network, by its name or its id."""
    found = await engine.call_if_there("inspect_network", name)
    return frozenset(found.get("Containers") or ()) if found is not None else None


async def remove(engine: Engine, network: FunctionsNetwork) -> None:
    """Leave it and remove it; no error if it is gone."""
    if network.own_container is not None:
        await engine.call_if_there("disconnect_container_from_network", network.own_container, network.name, force=True)
    await engine.call_if_there("remove_network", network.name)


def free_subnets(host_addresses: Collection[str]) -> tuple[str, ...]:
    """The candidates in which the host has no address yet, in order."""
    taken = [ipaddress.ip_address(one) for one in host_addresses]
    return tuple(one for one in _CANDIDATES if not any(address in ipaddress.ip_network(one) for address in taken))


async def _create_where_free(engine: Engine, name: str, owner: str, candidates: Collection[str], bridge: str) -> None:
    for candidate in candidates:
        try:
            await _create(engine, name, owner, candidate, bridge)
        except APIError as error:
            if "overlap" not in str(error.explanation).lower():
                raise
        else:
            return
    raise NoFreeSubnet(
        "no free subnet for the functions' network among 10.213.0.0/16 to 10.215.0.0/16; "
        "set PADDOCK_FUNCTIONS_SUBNET to one that is free on this host"
    )


async def _create(engine: Engine, name: str, owner: str, cidr: str, bridge: str) -> None:
    subnet = ipaddress.ip_network(cidr)
    upper_half = list(subnet.subnets(prefixlen_diff=1))[1]
    pool = {"Subnet": str(subnet), "IPRange": str(upper_half), "Gateway": str(subnet.network_address + 1)}
    await engine.call(
        "create_network",
        name,
        driver="bridge",
        ipam={"Driver": "default", "Config": [pool]},
        options={_BRIDGE: bridge},
        labels={OWNER: owner},
        check_duplicate=True,
        enable_ipv6=False,
    )


def _compose_labels(own: Mapping[str, str]) -> dict[str, str]:
    labels = {name: own[name] for name in _COMPOSE_LABELS if name in own}
    if labels:
        # `compose down --remove-orphans` then removes what a killed control plane left.
        labels["com.docker.compose.service"] = "environment"
        labels["com.docker.compose.oneoff"] = "False"
        labels["com.docker.compose.container-number"] = "1"
    return labels
