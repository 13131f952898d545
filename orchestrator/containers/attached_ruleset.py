"""
The host's rules for sandboxes on further networks, where they hold none of their own. Pure: values in, text out.

On such a network are containers of others, whom these rules must leave alone: so it goes by the sandbox's own link
address, which a function cannot change. What a sandbox sends by that link goes to the network's other containers, not
to the host and not to another sandbox; what goes on from the host goes where it may by the functions' network, too.
What comes to it opens no connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.containers.firewall import PRIVATE, Further, Reach, closed_in, each, opened, resolvers


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """
    A sandbox's place on a further network.

    Args:
        network_id: The engine's.
        link: Its link address, as `02:42:0a:d9:00:09`.
        address: Its IPv4 address there.
        reach: What may be reached on it.
    """

    network_id: str
    link: str
    address: str
    reach: tuple[Further, ...]


def attached_ruleset(reach: Reach, table: str, attached: Sequence[Attached]) -> str:
    """
    To be loaded together with `host_ruleset`, whose tables these chains are added to.

    Args:
        reach: Of functions in no further network.
        table: Its name, in both families.
    """
    if not attached:
        return ""
    wanted = [*resolvers(reach), *opened(reach)]
    links = ", ".join(sorted(one.link for one in attached))
    networks = {key: number for number, key in enumerate(sorted({one.network_id for one in attached}))}
    by_number = {number: [one for one in attached if one.network_id == key] for key, number in networks.items()}
    lines = [
        f"table inet {table} {{",
        *(line for number, held in by_number.items() for line in _routed(number, held, reach, wanted)),
        "  chain from_attached {",
        "    type filter hook prerouting priority -300; policy accept;",
        *_each_link(attached, networks, "routed"),
        "  }",
        "  chain into_the_host {",
        *wanted,
        "    drop",
        "  }",
        "  chain attached_to_the_host {",
        "    type filter hook input priority -300; policy accept;",
        # Not the other way round: what came by no Ethernet, as from the host to itself, has no link address to differ.
        f"    ether saddr {{ {links} }} goto into_the_host",
        "  }",
        "}",
        f"table bridge {table} {{",
        *(line for number, held in by_number.items() for line in _bridged(number, held, reach)),
        "  chain between_attached {",
        "    type filter hook forward priority -300; policy accept;",
        *_each_link(attached, networks, "from"),
        *(f"    ether daddr {one.link} goto to_{networks[one.network_id]}" for one in attached),
        "  }",
        "}",
    ]
    return "\n".join([*lines, ""])


def _each_link(attached: Sequence[Attached], networks: Mapping[str, int], chain: str) -> Iterator[str]:
    for one in attached:
        # Whatever address of its own a function gives: it is this link's, or it is dropped.
        yield f"    ether saddr {one.link} ip saddr != {one.address} drop"
        yield f"    ether saddr {one.link} goto {chain}_{networks[one.network_id]}"


def _within(held: Sequence[Attached], reach: Reach) -> list[str]:
    """What sandboxes on one network may send there."""
    # Of the newest: what has come to the network since the others were attached is closed to them, too.
    further = held[-1].reach
    return [
        *each("    ip daddr {} drop", closed_in(further, reach.host_addresses)),
        *each("    ip daddr {} drop", sorted({one.address for one in held})),
        *each("    ip daddr {} accept", [part.subnet for part in further]),
    ]


def _routed(number: int, held: Sequence[Attached], reach: Reach, wanted: Sequence[str]) -> list[str]:
    return [
        f"  chain routed_{number} {{",
        "    meta nfproto ipv6 drop",
        *wanted,
        *_within(held, reach),
        f"    ip daddr {{ {', '.join(PRIVATE)} }} drop",
        *each("    ip daddr {} drop", reach.host_addresses),
        *([] if reach.internet else ["    drop"]),
        "  }",
    ]


def _bridged(number: int, held: Sequence[Attached], reach: Reach) -> list[str]:
    subnets = ", ".join(part.subnet for part in held[-1].reach)
    return [
        f"  chain from_{number} {{",
        "    ether type arp accept",
        "    ether type != ip drop",
        *_within(held, reach),
        "    drop",
        "  }",
        f"  chain to_{number} {{",
        "    ether type arp accept",
        "    ether type != ip drop",
        f"    ip saddr != {{ {subnets} }} drop",
        "    tcp flags & (syn | ack) == syn drop",
        "  }",
    ]
