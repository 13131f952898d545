"""
The functions' network: one ordinary bridge without IPv6, on which the control plane has a fixed address.

In a container, the control plane joins the bridge itself; straight on the host, its address is the bridge's gateway.
Environments get addresses from the upper half of the subnet only, so that none can take the control plane's.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.errors import APIError

from orchestrator.containers.engine import Engine
from orchestrator.containers.spec import OWNER
from orchestrator.domain.errors import PaddockError

_CANDIDATES = tuple(f"10.{second}.{third}.0/20" for second in (213, 214, 215) for third in range(0, 256, 16))
_COMPOSE_LABELS = ("com.docker.compose.project", "com.docker.compose.service")
_CONTAINER_ID = re.compile(r"/(?:docker/)?(?:containers/)?([0-9a-f]{64})(?:/|\.scope|$)")


class NoFreeSubnet(PaddockError):
    """Every candidate subnet overlaps with something on this host; set PADDOCK_FUNCTIONS_SUBNET."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionsNetwork:
    """
    Args:
        control_plane: Its IPv4 address on this network.
        own_container: The container the control plane runs in, or None on the host.
        labels: What its environments are labelled with so that Compose cleans them up, too.
    """

    name: str
    subnet: str
    control_plane: str
    own_container: str | None
    labels: dict[str, str] = field(default_factory=dict)


async def provide(engine: Engine, owner: str, wanted_subnet: str | None) -> FunctionsNetwork:
    """
    Find or create the owner's network and take the control plane's place on it.

    Args:
        wanted_subnet: CIDR, or None for the first that is free.

    Raises:
        NoFreeSubnet: If none can be had.
    """
    # The published front port moves to whichever network sorts first: this one must be the last.
    name = f"zz-paddock-{owner[:12]}"
    own = await _own_container(engine)
    network = await engine.call_if_there("inspect_network", name)
    if network is None:
        await _create(engine, name, owner, wanted_subnet)
        network = await engine.call("inspect_network", name)
    subnet = ipaddress.ip_network(network["IPAM"]["Config"][0]["Subnet"])
    gateway = str(network["IPAM"]["Config"][0].get("Gateway", subnet.network_address + 1)).partition("/")[0]
    labels: dict[str, str] = {}
    address = gateway
    if own is not None:
        address = str(subnet.network_address + 2)
        labels = _compose_labels(own["Config"]["Labels"] or {})
        if name not in own["NetworkSettings"]["Networks"]:
            await engine.call("connect_container_to_network", own["Id"], name, ipv4_address=address)
    return FunctionsNetwork(
        name=name,
        subnet=str(subnet),
        control_plane=address,
        own_container=own["Id"] if own is not None else None,
        labels=labels,
    )


async def remove(engine: Engine, network: FunctionsNetwork) -> None:
    """Leave it and remove it; no error if it is gone."""
    if network.own_container is not None:
        await engine.call_if_there("disconnect_container_from_network", network.own_container, network.name, force=True)
    await engine.call_if_there("remove_network", network.name)


async def _create(engine: Engine, name: str, owner: str, wanted: str | None) -> None:
    for candidate in (wanted,) if wanted else _CANDIDATES:
        subnet = ipaddress.ip_network(candidate)
        upper_half = list(subnet.subnets(prefixlen_diff=1))[1]
        pool = {"Subnet": str(subnet), "IPRange": str(upper_half), "Gateway": str(subnet.network_address + 1)}
        try:
            await engine.call(
                "create_network",
                name,
                driver="bridge",
                ipam={"Driver": "default", "Config": [pool]},
                labels={OWNER: owner},
                check_duplicate=True,
                enable_ipv6=False,
            )
        except APIError as error:
            if wanted is None and "overlap" in str(error.explanation).lower():
                continue
            raise
        return
    raise NoFreeSubnet(
        "no free subnet for the functions' network among 10.213.0.0/16 to 10.215.0.0/16; "
        "set PADDOCK_FUNCTIONS_SUBNET to one that is free on this host"
    )


async def _own_container(engine: Engine) -> dict[str, Any] | None:
    """The container this process runs in, or None. The files the engine mounts into it are named by its id."""
    for line in (await asyncio.to_thread(Path("/proc/self/mountinfo").read_text)).splitlines():
        if " /etc/hostname " not in line and " /etc/hosts " not in line and " /etc/resolv.conf " not in line:
            continue
        match = _CONTAINER_ID.search(line)
        if match:
            found: dict[str, Any] | None = await engine.call_if_there("inspect_container", match[1])
            return found
    return None


def _compose_labels(own: dict[str, str]) -> dict[str, str]:
    labels = {name: own[name] for name in _COMPOSE_LABELS if name in own}
    if labels:
        # `compose down --remove-orphans` then removes what a killed control plane left.
        labels["com.docker.compose.service"] = "environment"
        labels["com.docker.compose.oneoff"] = "False"
        labels["com.docker.compose.container-number"] = "1"
    return labels


def host_addresses(fib_trie: str) -> tuple[str, ...]:
    """The host's own IPv4 addresses, from /proc/net/fib_trie."""
    found: set[str] = set()
    address = ""
    for line in fib_trie.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ("|--", "+--"):
            address = words[1]
        elif "/32 host LOCAL" in line:
            found.add(address)
    return tuple(sorted(found))


def dns_servers(resolv_conf: str) -> tuple[str, ...]:
    """The IPv4 servers of a resolv.conf."""
    servers = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "nameserver" and ":" not in words[1]:
            servers.append(words[1])
    return tuple(servers)
