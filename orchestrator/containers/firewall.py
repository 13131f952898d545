"""
The firewall of functions, as nftables rulesets (D12). Pure: addresses in, text out.

`ruleset` is loaded in a sandbox's own network namespace, atomically, before the sandbox joins the pool. What holds
then, for a function at any uid: the Runtime API, DNS and the internet are reached; the host, the front port, other
environments, private networks and the metadata address are not. `host_ruleset` says the same from outside, in the
host's namespace, where sandboxes cannot set rules (`host_firewall.py`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PRIVATE = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "224.0.0.0/3",
)


class Wall(StrEnum):
    """Where the firewall stands."""

    IN_SANDBOX = "in-sandbox"
    ON_HOST = "on-host"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """
    A further network that a sandbox is on.

    Args:
        subnet: Its IPv4 addresses, in CIDR notation: those that may be reached.
        closed: The addresses among these that may not: the host's own, the control plane's, and those that mean all.
    """

    subnet: str
    closed: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """
    What functions may reach.

    Args:
        control_plane: Its IPv4 address on the functions' network.
        runtime_port: Where it serves the Runtime API.
        host_addresses: Every IPv4 address of the host.
        dns_servers: The engine's upstream servers: its embedded DNS asks them from inside the sandbox.
        internet: May public addresses be reached?
        open_addresses: Named exceptions: `10.0.0.5`, `10.0.0.0/24`, `10.0.0.5:5432`.
        further: The further networks of a function that is in a VPC.
    """

    control_plane: str
    runtime_port: int
    host_addresses: Sequence[str] = ()
    dns_servers: Sequence[str] = ()
    internet: bool = True
    open_addresses: Sequence[str] = ()
    further: Sequence[Further] = ()


def ruleset(reach: Reach) -> str:
    """The rules, ready for `nft -f -`."""
    control_plane, port = reach.control_plane, reach.runtime_port
    subnets = [one.subnet for one in reach.further]
    closed = closed_in(reach.further, reach.host_addresses)
    lines = [
        # Nothing is flushed: Docker keeps the rules of its embedded DNS in this namespace too.
        "table inet paddock {",
        "  chain input {",
        "    type filter hook input priority 0; policy drop;",
        '    iif "lo" accept',
        "    ct state related accept",
        # Stateless: a long poll may be answered after conntrack has forgotten it.
        f"    ip saddr {control_plane} tcp sport {port} accept",
        *each("    ip saddr {} udp sport 53 ct state established accept", reach.dns_servers),
        *each("    ip saddr {} tcp sport 53 ct state established accept", reach.dns_servers),
        *(f"    ip saddr {_address(one)} ct state established accept" for one in reach.open_addresses),
        *each("    ip saddr {} drop", closed),
        # Neighbours on a further network answer with an undecremented TTL, too.
        *each("    ip saddr {} ct state established accept", subnets),
        # An undecremented TTL says that the host itself answers, on whichever of its addresses.
        "    ip ttl { 64, 128, 255 } drop",
        "    ct state established accept",
        "  }",
        "  chain forward {",
        "    type filter hook forward priority 0; policy drop;",
        "  }",
        "  chain output {",
        "    type filter hook output priority 0; policy drop;",
        '    oif "lo" accept',
        f"    ip daddr {control_plane} tcp dport {port} accept",
        *resolvers(reach),
        *opened(reach),
        # By address, never by interface: the default route may go by any network.
        *each("    ip daddr {} drop", closed),
        *each("    ip daddr {} accept", subnets),
        f"    ip daddr {{ {', '.join(PRIVATE)} }} drop",
        *each("    ip daddr {} drop", _public(reach.host_addresses)),
        "    meta nfproto ipv6 drop",
        *(["    accept"] if reach.internet else []),
        "  }",
        "}",
    ]
    return "\n".join([*lines, ""])


def host_ruleset(reach: Reach, *, table: str, bridge: str, subnet: str, knows_bridges: bool) -> str:
    """
    The same from outside, for the host's network namespace: what comes from the functions' bridge is dropped, or left
    to the host's other rules. Nothing is accepted here that those drop, and nothing else is looked at.

    It covers the functions' network; what sandboxes on further ones may there is in `attached_ruleset.py`.

    Args:
        table: Its name, in both families; whatever an earlier one of this name held is replaced.
        bridge: The interface of the functions' network.
        subnet: The addresses on it.
        knows_bridges: Can this kernel tell on which bridge a packet is (`ibrname`)? Else, what goes from sandbox to
            sandbox is told by its IPv4 address; that IPv6 is off in a sandbox then counts alone.
    """
    control_plane, port = reach.control_plane, reach.runtime_port
    asks = f"    ip daddr {control_plane} tcp dport {port} accept"
    answers = f"    ip saddr {control_plane} tcp sport {port} accept"
    wanted = [
        asks,
        *resolvers(reach),
        *opened(reach),
    ]
    elsewhere = f'meta ibrname != "{bridge}"' if knows_bridges else f"ip saddr != {subnet}"
    lines = [
        *(f"{verb} table {family} {table}" for family in ("inet", "bridge") for verb in ("add", "delete")),
        f"table inet {table} {{",
        "  chain from_functions {",
        # Before the engine's own rules give a published port another address.
        "    type filter hook prerouting priority -300; policy accept;",
        f'    iifname != "{bridge}" accept',
        # Where bridged packets come by here too (br_netfilter), so do the control plane's answers.
        answers,
        f"    ip saddr != {subnet} drop",
        *wanted,
        f"    ip daddr {{ {', '.join(PRIVATE)} }} drop",
        *each("    ip daddr {} drop", _public(reach.host_addresses)),
        "    meta nfproto ipv6 drop",
        *([] if reach.internet else ["    drop"]),
        "  }",
        # Whatever address of the host it was sent to, also one that the host has got since.
        "  chain to_the_host {",
        "    type filter hook input priority -300; policy accept;",
        f'    iifname != "{bridge}" accept',
        *wanted,
        "    drop",
        "  }",
        "}",
        f"table bridge {table} {{",
        "  chain between_functions {",
        "    type filter hook forward priority -300; policy accept;",
        f"    {elsewhere} accept",
        "    ether type != { ip, ip6 } accept",
        answers,
        asks,
        "    drop" if knows_bridges else f"    ip saddr {subnet} drop",
        "  }",
        "}",
    ]
    return "\n".join([*lines, ""])


def closed_in(further: Sequence[Further], host_addresses: Sequence[str]) -> list[str]:
    """What on further networks must not be reached; the host may have more addresses there than the gateway's."""
    subnets = [ipaddress.ip_network(one.subnet) for one in further]
    of_host = [one for one in host_addresses if any(ipaddress.ip_address(one) in subnet for subnet in subnets)]
    return sorted({*of_host, *(address for one in further for address in one.closed)})


def resolvers(reach: Reach) -> list[str]:
    """Rules that accept what is asked of the DNS servers."""
    return [
        *each("    ip daddr {} udp dport 53 accept", reach.dns_servers),
        *each("    ip daddr {} tcp dport 53 accept", reach.dns_servers),
    ]


def opened(reach: Reach) -> list[str]:
    """Rules that accept what goes to the named exceptions."""
    return [f"    {_destination(one)} accept" for one in reach.open_addresses]


def each(line: str, addresses: Sequence[str]) -> list[str]:
    """The line with each of these."""
    return [line.format(address) for address in addresses]


def _public(addresses: Sequence[str]) -> list[str]:
    """Without those that are dropped with their range: of these, each network that the engine makes adds one."""
    ranges = [ipaddress.ip_network(one) for one in PRIVATE]
    return [one for one in addresses if not any(ipaddress.ip_address(one) in each for each in ranges)]


def _address(opened: str) -> str:
    return opened.partition(":")[0]


def _destination(opened: str) -> str:
    address, _, port = opened.partition(":")
    return f"ip daddr {address} tcp dport {port}" if port else f"ip daddr {address}"
