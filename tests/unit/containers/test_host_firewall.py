"""The rules that a host is given concern its functions' bridge, and nothing else there."""

from __future__ import annotations

import re

import pytest

from orchestrator.containers.firewall import Reach, host_ruleset
from orchestrator.containers.spec import USER, host_firewall_container, sandbox_container

_REACH = Reach(
    control_plane="10.213.0.1",
    runtime_port=9001,
    host_addresses=("192.0.2.9",),
    dns_servers=("192.0.2.53",),
    open_addresses=("10.1.2.3:5432",),
)


def chains(*, internet: bool = True, knows_bridges: bool = True) -> dict[str, list[str]]:
    """The rules by chain."""
    reach = Reach(
        control_plane=_REACH.control_plane,
        runtime_port=_REACH.runtime_port,
        host_addresses=_REACH.host_addresses,
        dns_servers=_REACH.dns_servers,
        open_addresses=_REACH.open_addresses,
        internet=internet,
    )
    text = host_ruleset(reach, table="paddock_a", bridge="br-a", subnet="10.213.0.0/20", knows_bridges=knows_bridges)
    return {
        name: [line.strip() for line in body.splitlines() if line.strip()]
        for name, body in re.findall(r"chain (\w+) \{\n(.*?)\n  \}", text, re.DOTALL)
    }


@pytest.mark.parametrize("knows_bridges", [True, False])
def test_each_chain_lets_everything_else_go_first(knows_bridges: bool) -> None:
    """What does not come from the functions' bridge is accepted before any rule that drops."""
    for name, rules in chains(knows_bridges=knows_bridges).items():
        hook, first, *others = rules
        assert hook.endswith("policy accept;"), name
        assert first in (
            'iifname != "br-a" accept',
            'meta ibrname != "br-a" accept',
            "ip saddr != 10.213.0.0/20 accept",
        )
        assert any(rule.endswith("drop") for rule in others), name


def test_the_internet_is_closed_where_the_setting_says_so() -> None:
    """The last word is then a drop."""
    assert chains(internet=True)["from_functions"][-1] != "drop"
    assert chains(internet=False)["from_functions"][-1] == "drop"


def test_only_our_own_table_is_named() -> None:
    """It is made, emptied and made anew in one step; no other is spoken of."""
    text = host_ruleset(_REACH, table="paddock_a", bridge="br-a", subnet="10.213.0.0/20", knows_bridges=True)
    assert set(re.findall(r"table (\w+ \w+)", text)) == {"inet paddock_a", "bridge paddock_a"}
    assert "flush" not in text


def test_the_one_shot_that_sets_them_has_one_capability_and_no_mount() -> None:
    """On the host's network, for as long as `nft` takes."""
    host = host_firewall_container(image="i", owner="o", script="s", arguments=("a",))["HostConfig"]
    assert (host["NetworkMode"], host["CapDrop"], host["CapAdd"]) == ("host", ["ALL"], ["NET_ADMIN"])
    assert host["ReadonlyRootfs"]
    assert not {"Mounts", "Binds", "Privileged", "PidMode", "Devices"} & host.keys()


def test_a_sandbox_whose_firewall_is_elsewhere_has_no_capability_at_all() -> None:
    """It has no rules to set, and nothing to give up."""
    container = sandbox_container(
        image="i", owner="o", network="n", hostname="h", control_plane="10.213.0.1", ruleset=None, labels={}
    )
    assert container["HostConfig"]["CapAdd"] == []
    assert container["User"] not in ("", "0:0", USER)
    assert "Env" not in container
