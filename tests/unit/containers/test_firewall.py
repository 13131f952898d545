"""What a sandbox's rules say of a packet: read as nftables does, the first rule that fits decides."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace

import pytest

from orchestrator.containers.attached_ruleset import Attached, attached_ruleset
from orchestrator.containers.firewall import Further, Reach, ruleset

_MINE = Further(subnet="10.217.0.0/24", closed=("10.217.0.1", "10.217.0.0", "10.217.0.255", "10.217.0.7"))
_PUBLIC = Further(subnet="203.0.113.0/24", closed=("203.0.113.1", "203.0.113.0", "203.0.113.255"))
_REACH = Reach(
    control_plane="10.213.0.1",
    runtime_port=9001,
    host_addresses=("10.213.0.1", "10.217.0.1", "10.217.0.66", "10.218.0.1", "192.0.2.9", "198.51.100.1"),
    dns_servers=("192.0.2.53",),
)


_ATTACHED = [
    Attached(network_id="mine", link=f"02:42:0a:d9:00:{number:02x}", address=f"10.217.0.{number}", reach=(_MINE,))
    for number in (9, 10)
]


def rules(text: str, chain: str) -> list[str]:
    """Of one chain, in order."""
    (body,) = re.findall(rf"chain {chain} \{{\n(.*?)\n  \}}", text, re.DOTALL)
    return [line.strip() for line in body.splitlines()]


def _fits(rule: str, address: str, what: dict[str, str]) -> bool:
    """Does a rule speak of a packet to (or from) this address?"""
    if rule.startswith(("iif", "oif", "meta nfproto ipv6")):
        return False
    found = re.match(r"ip [sd]addr (!= )?(?:\{ (.*?) \}|(\S+))", rule)
    if found is not None:
        places = (found[2] or found[3]).split(", ")
        is_in = any(ipaddress.ip_address(address) in ipaddress.ip_network(place) for place in places)
        if is_in is bool(found[1]):
            return False
    for pattern in (r"(tcp|udp) [sd]port (\d+)", r"(ct state) (\w+)"):
        asked = re.search(pattern, rule)
        if asked is not None and what.get(asked[1]) != asked[2]:
            return False
    ttl = re.search(r"ip ttl \{ (.*?) \}", rule)
    return ttl is None or what.get("ttl") in ttl[1].split(", ")


def verdict(reach: Reach, chain: str, address: str, **what: str) -> str:
    """What becomes of it; the policy of both chains is to drop."""
    hook, *others = rules(ruleset(reach), chain)
    assert hook.endswith("policy drop;")
    told = {name.replace("_", " "): value for name, value in what.items()}
    return next((rule.rpartition(" ")[2] for rule in others if _fits(rule, address, told)), "drop")


def verdict_on_host(chain: str, address: str, *, internet: bool = True, **what: str) -> str:
    """The same of the host's rules for two sandboxes in `_MINE`, of the first one's chains; what is left goes on."""
    reach = with_further(internet=internet)
    told = {name.replace("_", " "): value for name, value in what.items()}
    chosen = rules(attached_ruleset(reach, "paddock_a", _ATTACHED), chain)
    chosen = [rule for rule in chosen if not rule.startswith(("ether type", "tcp flags"))]
    return next((rule.rpartition(" ")[2] for rule in chosen if _fits(rule, address, told)), "accept")


def with_further(*further: Further, internet: bool = True) -> Reach:
    """The reach of a function in these networks."""
    return Reach(
        control_plane=_REACH.control_plane,
        runtime_port=_REACH.runtime_port,
        host_addresses=_REACH.host_addresses,
        dns_servers=_REACH.dns_servers,
        internet=internet,
        further=further,
    )


def test_a_neighbour_on_a_given_network_is_reached_and_answers() -> None:
    """On every port; its answers come with a TTL that nobody has lowered."""
    reach = with_further(_MINE)
    for port in ("22", "5432", "9001"):
        assert verdict(reach, "output", "10.217.0.20", tcp=port) == "accept"
    assert verdict(reach, "input", "10.217.0.20", ct_state="established", ttl="64") == "accept"


def test_nobody_on_a_given_network_reaches_a_function() -> None:
    """As on AWS; only answers come in."""
    assert verdict(with_further(_MINE), "input", "10.217.0.20", ct_state="new", ttl="64") == "drop"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("10.217.0.1", id="the gateway"),
        pytest.param("10.217.0.66", id="another address of the host"),
        pytest.param("10.217.0.7", id="the control plane"),
        pytest.param("10.217.0.255", id="everybody"),
        pytest.param("10.217.0.0", id="everybody, as it was written once"),
        pytest.param("10.217.1.20", id="beside it"),
        pytest.param("10.218.0.20", id="a network that was not given"),
        pytest.param("10.218.0.1", id="the host on it"),
        pytest.param("10.213.8.9", id="another sandbox"),
        pytest.param("192.168.1.1", id="a private network"),
        pytest.param("169.254.169.254", id="the metadata address"),
        pytest.param("192.0.2.9", id="the host"),
    ],
)
def test_nothing_else_is_reached(address: str) -> None:
    """With one network, and with two."""
    for further in ((_MINE,), (_MINE, _PUBLIC)):
        for internet in (True, False):
            reach = with_further(*further, internet=internet)
            for what in ({"tcp": "80"}, {"udp": "53"}, {}):
                assert verdict(reach, "output", address, **what) == "drop"
            if address.startswith("10.217.0."):
                assert verdict(reach, "input", address, ct_state="established", ttl="64") == "drop"


def test_a_function_without_further_networks_reaches_none_of_them() -> None:
    """It has another sandbox, with other rules."""
    assert verdict(_REACH, "output", "10.217.0.20", tcp="5432") == "drop"
    assert verdict(_REACH, "input", "10.217.0.20", ct_state="established", ttl="64") == "drop"


def test_a_given_network_with_public_addresses_is_reached_without_the_internet_but_not_its_gateway() -> None:
    """The gateway's address is the host's, whatever it looks like."""
    reach = with_further(_PUBLIC, internet=False)
    assert verdict(reach, "output", "203.0.113.9", tcp="80") == "accept"
    assert verdict(reach, "output", "203.0.113.1", tcp="80") == "drop"
    assert verdict(with_further(_PUBLIC), "output", "203.0.113.1", tcp="80") == "drop"
    assert verdict(reach, "output", "198.51.100.9", tcp="80") == "drop"


def test_the_runtime_api_dns_and_the_internet_are_reached_as_ever() -> None:
    """Whatever networks are given."""
    reach = with_further(_MINE)
    assert verdict(reach, "output", "10.213.0.1", tcp="9001") == "accept"
    assert verdict(reach, "output", "10.213.0.1", tcp="4574") == "drop"
    assert verdict(reach, "output", "192.0.2.53", udp="53") == "accept"
    assert verdict(reach, "output", "9.9.9.9", tcp="443") == "accept"
    assert verdict(with_further(_MINE, internet=False), "output", "9.9.9.9", tcp="443") == "drop"


@pytest.mark.parametrize("chain", ["routed_0", "from_0"])
def test_rules_on_the_host_let_a_sandbox_reach_its_subnet_and_no_more(chain: str) -> None:
    """By what passes the host, and by what passes its bridge alone."""
    assert verdict_on_host(chain, "10.217.0.20", tcp="5432") == "accept"
    for address in ("10.217.0.1", "10.217.0.66", "10.217.0.7", "10.217.0.255", "10.217.0.0", "10.218.0.20"):
        assert verdict_on_host(chain, address, tcp="80") == "drop", address
    assert verdict_on_host(chain, "10.217.0.10", tcp="80") == "drop", "another sandbox"
    assert verdict_on_host(chain, "169.254.169.254", tcp="80") == "drop"


def test_a_sandbox_sends_by_a_further_link_what_is_from_that_link_s_address_only() -> None:
    """Else its rules could be passed by with another address of its own."""
    text = attached_ruleset(_REACH, "paddock_a", _ATTACHED)
    for chain in ("from_attached", "between_attached"):
        _hook, *others = rules(text, chain)
        for one in _ATTACHED:
            of_link = [rule for rule in others if rule.startswith(f"ether saddr {one.link} ")]
            assert of_link[0] == f"ether saddr {one.link} ip saddr != {one.address} drop"
            assert of_link[1].startswith(f"ether saddr {one.link} goto ")


def test_the_host_s_rules_grow_with_the_sandboxes_not_with_their_pairs() -> None:
    """They are handed over as arguments of a program, which may have 2 MiB."""
    many = [
        Attached(
            network_id="mine", link=f"02:42:0a:d9:{n // 256:02x}:{n % 256:02x}", address="10.217.0.9", reach=(_MINE,)
        )
        for n in range(400)
    ]
    assert len(attached_ruleset(_REACH, "paddock_a", many)) < 128 * 1024


def test_what_is_closed_on_a_network_by_the_newest_look_is_closed_to_those_of_before() -> None:
    """The control plane came to it between the two sandboxes."""
    joined = Further(subnet=_MINE.subnet, closed=(*_MINE.closed, "10.217.0.8"))
    newest = Attached(network_id="mine", link="02:42:0a:d9:00:0b", address="10.217.0.11", reach=(joined,))
    text = attached_ruleset(_REACH, "paddock_a", [*_ATTACHED, newest])
    for chain in ("routed_0", "from_0"):
        chosen = rules(text, chain)
        assert chosen.index("ip daddr 10.217.0.8 drop") < chosen.index("ip daddr 10.217.0.0/24 accept")


def test_the_internet_is_reached_by_the_host_where_the_setting_says_so() -> None:
    """Never past it."""
    assert verdict_on_host("routed_0", "9.9.9.9", tcp="443") == "accept"
    assert verdict_on_host("routed_0", "9.9.9.9", tcp="443", internet=False) == "drop"
    assert verdict_on_host("routed_0", "192.0.2.53", udp="53", internet=False) == "accept"
    assert verdict_on_host("from_0", "9.9.9.9", tcp="443") == "drop"


def test_the_host_s_rules_speak_of_sandboxes_links_alone() -> None:
    """Others on the same network go on as before; where there is no such sandbox, there are no rules."""
    assert attached_ruleset(_REACH, "paddock_a", []) == ""
    one = Attached(network_id="mine", link="02:42:0a:d9:00:09", address="10.217.0.9", reach=(_MINE,))
    text = attached_ruleset(_REACH, "paddock_a", [one])
    for chain in ("from_attached", "between_attached"):
        hook, *others = rules(text, chain)
        assert hook.endswith("policy accept;")
        assert all(
            re.match(r"ether [sd]addr 02:42:0a:d9:00:09 (goto|ip saddr != 10\.217\.0\.9 drop)", rule) for rule in others
        )
    # What the host sends to itself has no link address, and is none of these rules' business.
    hook, *only = rules(text, "attached_to_the_host")
    assert (hook[-14:], only) == ("policy accept;", ["ether saddr { 02:42:0a:d9:00:09 } goto into_the_host"])
    assert rules(text, "into_the_host")[-1] == "drop"
    assert "flush" not in text


def test_a_public_address_of_the_host_is_dropped_and_private_ones_with_their_range() -> None:
    """Each network that the engine makes gives the host one more, and is no reason for other rules."""
    others = replace(_REACH, host_addresses=(*_REACH.host_addresses, "192.168.4.2", "127.0.0.1"))
    assert ruleset(others) == ruleset(_REACH)
    assert "ip daddr 198.51.100.1 drop" in rules(ruleset(_REACH), "output")
