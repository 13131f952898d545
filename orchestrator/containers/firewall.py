"""
The firewall of a sandbox, as an nftables ruleset (D12). Pure: addresses in, text out.

It is loaded in the sandbox's own network namespace, atomically, before the sandbox joins the pool. What holds then,
for a function at any uid: the Runtime API, DNS and the internet are reached; the host, the front port, other
environments, private networks and the metadata address are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PRIVATE = (
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
    """

    control_plane: str
    runtime_port: int
    host_addresses: Sequence[str] = ()
    dns_servers: Sequence[str] = ()
    internet: bool = True
    open_addresses: Sequence[str] = ()


def ruleset(reach: Reach) -> str:
    """The rules, ready for `nft -f -`."""
    control_plane, port = reach.control_plane, reach.runtime_port
    lines = [
        # Nothing is flushed: Docker keeps the rules of its embedded DNS in this namespace too.
        "table inet paddock {",
        "  chain input {",
        "    type filter hook input priority 0; policy drop;",
        '    iif "lo" accept',
        "    ct state related accept",
        # Stateless: a long poll may be answered after conntrack has forgotten it.
        f"    ip saddr {control_plane} tcp sport {port} accept",
        *_each("    ip saddr {} udp sport 53 ct state established accept", reach.dns_servers),
        *_each("    ip saddr {} tcp sport 53 ct state established accept", reach.dns_servers),
        *(f"    ip saddr {_address(one)} ct state established accept" for one in reach.open_addresses),
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
        *_each("    ip daddr {} udp dport 53 accept", reach.dns_servers),
        *_each("    ip daddr {} tcp dport 53 accept", reach.dns_servers),
        *(f"    {_destination(one)} accept" for one in reach.open_addresses),
        f"    ip daddr {{ {', '.join(_PRIVATE)} }} drop",
        *_each("    ip daddr {} drop", reach.host_addresses),
        "    meta nfproto ipv6 drop",
        *(["    accept"] if reach.internet else []),
        "  }",
        "}",
    ]
    return "\n".join([*lines, ""])


def _each(line: str, addresses: Sequence[str]) -> list[str]:
    return [line.format(address) for address in addresses]


def _address(opened: str) -> str:
    return opened.partition(":")[0]


def _destination(opened: str) -> str:
    address, _, port = opened.partition(":")
    return f"ip daddr {address} tcp dport {port}" if port else f"ip daddr {address}"
