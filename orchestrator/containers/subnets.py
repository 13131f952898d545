"""
Subnets of the Lambda API as Docker networks: which network an id names, and what on it may be reached.

The driver finds that out by itself, from a label of the network (`paddock.subnet=subnet-…`) or from the settings. A
control plane asks for ids, never for networks: one that was taken over joins nothing that nobody gave it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.containers.engine import Engine
from orchestrator.containers.firewall import Further
from orchestrator.containers.hardening import check_further_network, check_subnets_asked_for
from orchestrator.driver.protocol import SubnetNotFound, SubnetUnusable

LABEL = "paddock.subnet"
_NEVER = tuple(ipaddress.ip_network(one) for one in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """
    One that was found.

    Args:
        network_id: The engine's: another network that later has the same name is another.
        reach: What may be reached on it.
    """

    subnet_id: str
    network_id: str
    reach: tuple[Further, ...]


class Subnets:
    """
    Finds them.

    Args:
        named: By subnet id, the names of networks that the settings give; these go before labels.
        control_plane_container: The id of the one that has a place on the functions' network, if it is in one: where it
            is on a further network, too, it is not to be reached there.
    """

    def __init__(self, engine: Engine, named: Mapping[str, str], control_plane_container: str | None) -> None:
        self._engine = engine
        self._named = named
        self._control_plane_container = control_plane_container

    async def find(self, subnet_ids: Sequence[str]) -> tuple[Subnet, ...]:
        """
        What these ids name now, in their order.

        Raises:
            NotHardened: If one is no id, or names a network that functions must not join.
            SubnetNotFound: If one names no network.
            SubnetUnusable: If one names several, or one without IPv4 addresses of its own.
        """
        check_subnets_asked_for(subnet_ids)
        return tuple([await self._find(subnet_id) for subnet_id in subnet_ids])

    async def closes_more(self, subnet: Subnet) -> bool:
        """Is there more on its network now that must not be reached than when it was found?"""
        found = await self._engine.call_if_there("inspect_network", subnet.network_id)
        if found is None:
            return False
        now = _reach(subnet.subnet_id, found, self._place_of_control_plane(found))
        return not _closed(now) <= _closed(subnet.reach)

    async def _find(self, subnet_id: str) -> Subnet:
        found = await self._network(subnet_id)
        check_further_network(found)
        reach = tuple(_reach(subnet_id, found, self._place_of_control_plane(found)))
        if not reach:
            raise SubnetUnusable(f"the network {found['Name']} of {subnet_id} has no IPv4 addresses of its own")
        return Subnet(subnet_id=subnet_id, network_id=found["Id"], reach=reach)

    async def _network(self, subnet_id: str) -> dict[str, Any]:
        """As the engine describes it."""
        named = self._named.get(subnet_id)
        if named is not None:
            places = [named]
        else:
            listed = await self._engine.call("networks", filters={"label": f"{LABEL}={subnet_id}"})
            places = [one["Id"] for one in listed]
        if len(places) > 1:
            raise SubnetUnusable(f"{len(places)} networks are labelled {LABEL}={subnet_id}; leave it on one of them")
        found: dict[str, Any] | None = None
        if places:
            found = await self._engine.call_if_there("inspect_network", places[0])
        if found is None:
            raise SubnetNotFound(f"The subnet ID '{subnet_id}' does not exist")
        return found

    def _place_of_control_plane(self, found: Mapping[str, Any]) -> str | None:
        joined = (found.get("Containers") or {}).get(self._control_plane_container)
        return str(joined["IPv4Address"]).partition("/")[0] if joined and joined.get("IPv4Address") else None


def _closed(reach: Sequence[Further]) -> set[str]:
    return {address for one in reach for address in one.closed}


def _reach(subnet_id: str, found: Mapping[str, Any], control_plane: str | None) -> list[Further]:
    reach = []
    for one in (found.get("IPAM") or {}).get("Config") or ():
        network = ipaddress.ip_network(one["Subnet"], strict=False)
        if not isinstance(network, ipaddress.IPv4Network):
            continue
        if any(network.overlaps(one) for one in _NEVER):
            raise SubnetUnusable(f"the network {found['Name']} of {subnet_id} is {network}: functions never reach that")
        # Where the engine does not say, the host has the first address.
        gateway = str(one.get("Gateway") or network.network_address + 1).partition("/")[0]
        closed = [gateway, str(network.network_address), str(network.broadcast_address)]
        if control_plane is not None and ipaddress.IPv4Address(control_plane) in network:
            closed.append(control_plane)
        reach.append(Further(subnet=str(network), closed=tuple(closed)))
    return reach
