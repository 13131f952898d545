"""
The host's rules for sandboxes on further networks, where they hold none of their own. Pure: values in, text out.

On such a network are containers of others, whom these rules must leave alone: so it goes by the sandbox's own link
address, which a function cannot change. What a sandbox sends by that link goes to the network's other containers, not
to the host and not to another sandbox; what goes on from the host goes where it may by the functions' network, too.
What comes to it opens no connection.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    routed, between = [], []
    for number, one in enumerate(attached):
        beside = sorted({other.address for other in attached if other.network_id == one.network_id})
        # Whatever address of its own it gives: it is this link's, or it is dropped.
        first = [
            f"    ip saddr != {one.address} drop",
            *each("    ip daddr {} drop", closed_in(one.reach, reach.host_addresses)),
            *each("    ip daddr {} drop", beside),
            *each("    ip daddr {} accept", [part.subnet for part in one.reach]),
        ]
        routed += [
            f"  chain routed_{number} {{",
            "    meta nfproto ipv6 drop",
            *wanted,
            *first,
            f"    ip daddr {{ {', '.join(PRIVATE)} }} drop",
            *each("    ip daddr {} drop", reach.host_addresses),
            *([] if reach.internet else ["    drop"]),
            "  }",
        ]
        subnets = ", ".join(part.subnet for part in one.reach)
        between += [
            f"  chain from_{number} {{",
            "    ether type arp accept",
            "    ether type != ip drop",
            *first,
            "    drop",
            "  }",
            f"  chain to_{number} {{",
            "    ether type arp accept",
            "    ether type != ip drop",
            f"    ip saddr != {{ {subnets} }} drop",
            "    tcp flags & (syn | ack) == syn drop",
            "  }",
        ]
    lines = [
        f"table inet {table} {{",
        *routed,
        "  chain from_attached {",
        "    type filter hook prerouting priority -300; policy accept;",
        *(f"    ether saddr {one.link} goto routed_{number}" for number, one in enumerate(attached)),
        "  }",
        "  chain attached_to_the_host {",
        "    type filter hook input priority -300; policy accept;",
        f"    ether saddr != {{ {links} }} accept",
        *wanted,
        "    drop",
        "  }",
        "}",
        f"table bridge {table} {{",
        *between,
        "  chain between_attached {",
        "    type filter hook forward priority -300; policy accept;",
        *(f"    ether saddr {one.link} goto from_{number}" for number, one in enumerate(attached)),
        *(f"    ether daddr {one.link} goto to_{number}" for number, one in enumerate(attached)),
        "  }",
        "}",
    ]
    return "\n".join([*lines, ""])
