"""The rules that a host is given concern its functions' bridge, and nothing else there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.containers.firewall import Reach, host_ruleset
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.spec import USER, host_firewall_container, sandbox_container
from tests.support.docker_stand_in import DockerStandIn

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


_NFT = """#!/bin/sh
case "$1" in
    list) exit "$(cat "$0.had")" ;;
    -f) cat > "$0.took" ;;
    *) printf %s "$1" > "$0.took" ;;
esac
"""


@dataclass
class ShellOfTheHost:
    """
    An engine whose one-shots are run by a shell, with a program in the place of `nft`.

    Args:
        folder: Where that is.
    """

    folder: Path

    def __post_init__(self) -> None:
        nft = self.folder / "nft"
        nft.write_text(_NFT)
        nft.chmod(0o755)
        self.has_our_table(False)

    def has_our_table(self, is_there: bool) -> None:
        """Does it stand already?"""
        (self.folder / "nft.had").write_text("0" if is_there else "1")

    def took(self) -> str:
        """The rules that it was given last."""
        return (self.folder / "nft.took").read_text()

    def one_shot(self, specification: dict[str, Any]) -> str:
        """Run it; what it writes."""
        words = [*specification["Entrypoint"], *specification["Cmd"]]
        path = f"{self.folder}:{os.environ['PATH']}"
        ended = subprocess.run(
            words, env={"PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return ended.stdout


@pytest.fixture
def shell(tmp_path: Path) -> ShellOfTheHost:
    """The host's."""
    return ShellOfTheHost(tmp_path)


@pytest.fixture
async def firewall(shell: ShellOfTheHost, tmp_path: Path) -> AsyncIterator[HostFirewall]:
    """Where nothing stands yet."""
    docker: Any = DockerStandIn(says={"host-firewall": shell.one_shot})
    firewall = HostFirewall(docker, image="sandbox", owner="a", folder=tmp_path, random=lambda count: b"a" * count)
    yield firewall
    await firewall.remove()


async def test_the_rules_of_thousands_of_sandboxes_are_taken(firewall: HostFirewall, shell: ShellOfTheHost) -> None:
    """As they are, in one piece; a program's argument has 128 KiB, which those of 380 would fill."""
    rules = "".join(f"# {number:>98}\n" for number in range(10_000))
    await firewall.stand([rules], _REACH)
    assert shell.took() == rules


async def test_whether_the_rules_stood_before_is_told(
    firewall: HostFirewall, shell: ShellOfTheHost, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may have flushed them."""
    await firewall.stand(["# the rules\n"], _REACH)
    shell.has_our_table(True)
    await firewall._look()
    assert "was-gone" not in capsys.readouterr().out
    shell.has_our_table(False)
    await firewall._look()
    assert "was-gone" in capsys.readouterr().out


def test_a_sandbox_whose_firewall_is_elsewhere_has_no_capability_at_all() -> None:
    """It has no rules to set, and nothing to give up."""
    container = sandbox_container(
        image="i", owner="o", network="n", hostname="h", control_plane="10.213.0.1", ruleset=None, labels={}
    )
    assert container["HostConfig"]["CapAdd"] == []
    assert container["User"] not in ("", "0:0", USER)
    assert "Env" not in container
