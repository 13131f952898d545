"""Where the firewall of functions stands: the sandbox, the host, or nowhere, and what is remembered of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.containers.firewall import Reach, ruleset
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.isolation import Isolation, Rules
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.sandbox_pool import SandboxTemplate, SideBySide
from orchestrator.containers.sandbox_pools import SandboxPools, Sizes
from orchestrator.containers.self_test import Surroundings
from orchestrator.containers.subnets import Subnets
from orchestrator.driver.protocol import IsolationBroken
from tests.support.docker_stand_in import DockerStandIn

_NETWORK = FunctionsNetwork(
    name="functions", bridge="br-functions", subnet="10.0.0.0/20", control_plane="10.0.0.1", own_container=None
)
_REACH = Reach(control_plane=_NETWORK.control_plane, runtime_port=9001, open_addresses=("10.9.0.1",))
_FORBIDDEN_PORT = 4711


@dataclass
class Host:
    """
    A host on which rules hold or do not.

    Args:
        has_nft: Does nftables take rules there?
    """

    folder: Path
    holds_in_sandbox: bool = True
    holds_on_host: bool = True
    has_nft: bool = True
    tables: set[str] = field(default_factory=set)
    docker: DockerStandIn = field(default_factory=DockerStandIn)
    tried: int = 0
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """What one-shots find."""
        self.docker.images.add("sandbox")
        self.docker.says = {"self-test": self._self_test, "host-firewall": self._host_firewall}

    def random(self, count: int) -> bytes:
        """Different each time."""
        return next(self._numbers).to_bytes(count, "big")

    def _self_test(self, specification: dict[str, Any]) -> str:
        self.tried += 1
        sandbox = specification["HostConfig"]["NetworkMode"].removeprefix("container:")
        has_rules = bool(self.docker.specifications[sandbox].get("Env"))
        holds = self.holds_in_sandbox if has_rules else bool(self.tables) and self.holds_on_host
        runtime_api, *forbidden = specification["Cmd"]
        return "".join([f"{runtime_api} yes\n", *(f"{one} {'no' if holds else 'yes'}\n" for one in forbidden)])

    def _host_firewall(self, specification: dict[str, Any]) -> str:
        script, _, table, *rules = specification["Cmd"][1:]
        if not rules:
            self.tables.discard(table)
            return "gone\n"
        assert "nft delete" not in script
        if not self.has_nft:
            return "Error: Operation not supported\n"
        stood = "stood\n" if table in self.tables else ""
        self.tables.add(table)
        return stood + "stands\n"


@dataclass
class Life:
    """A driver's life on that host."""

    host: Host
    pools: SandboxPools
    isolation: Isolation

    async def end(self) -> None:
        """In order."""
        for sandbox_id in self.pools.ids():
            await self.pools.discard(sandbox_id)
        await self.pools.close()
        await self.isolation.close()

    async def crash(self) -> None:
        """Its tasks end; nothing on the host is put in order."""
        await self.pools.close()
        await self.isolation._host_firewall._looking.stop()


def begun(host: Host, *, insecure: bool = False) -> Life:
    """Another life."""
    docker: Any = host.docker
    host_firewall = HostFirewall(docker, image="sandbox", owner="owner", folder=host.folder, random=host.random)
    pools = SandboxPools(
        docker,
        SandboxTemplate(image="sandbox", owner="owner", network=_NETWORK, ruleset=ruleset(_REACH)),
        _REACH,
        Subnets(docker, {}, None),
        host_firewall,
        ReadySandboxes(host.folder / "ready-sandboxes"),
        sizes=Sizes(alone=1, of_set=1),
        side_by_side=SideBySide(starting=asyncio.Semaphore(2), removing=asyncio.Semaphore(1)),
        random=host.random,
        cut_off=lambda: None,
        too_open=lambda _sandbox_id: None,
    )
    isolation = Isolation(
        docker,
        pools,
        host_firewall,
        Surroundings(owner="owner", image="sandbox", control_plane=_NETWORK.control_plane, runtime_port=9001),
        Rules(reach=_REACH, network=_NETWORK),
        tested_as="rules",
        folder=host.folder,
        insecure=insecure,
        random=host.random,
    )
    return Life(host, pools, isolation)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """One that is as it should be, until a test says otherwise; nothing is left on it."""
    found = Host(tmp_path)
    yield found
    assert found.tables == set()


async def test_where_rules_hold_in_the_sandbox_nothing_is_set_on_the_host(host: Host) -> None:
    """What is reached is said, with the addresses that were opened; the next life does not test again."""
    life = begun(host)
    await life.isolation.begin()
    assert life.isolation.report().remedy == "wait for /readyz"
    await life.isolation.establish(_FORBIDDEN_PORT)
    assert host.tables == set()
    report = life.isolation.report()
    assert report.remedy is None
    assert "the Runtime API, DNS, the internet, 10.9.0.1 and nothing else" in report.fact
    await life.end()
    again = begun(host)
    await again.isolation.begin()
    await again.isolation.establish(_FORBIDDEN_PORT)
    assert host.tried == 1
    assert again.isolation.report() == report
    await again.end()


async def test_another_container_runtime_is_tested_anew(host: Host) -> None:
    """What held with one may not with another."""
    first = begun(host)
    await first.isolation.begin()
    await first.isolation.establish(_FORBIDDEN_PORT)
    await first.end()
    host.docker.about["DefaultRuntime"] = "runsc"
    host.holds_in_sandbox = False
    second = begun(host)
    await second.isolation.begin()
    await second.isolation.establish(_FORBIDDEN_PORT)
    assert len(host.tables) == 1
    await second.end()


async def test_where_they_do_not_hold_there_they_stand_on_the_host_from_then_on(host: Host) -> None:
    """A life that goes on after a crash is not asked to test, and stands there before its pool fills."""
    host.holds_in_sandbox = False
    life = begun(host)
    await life.isolation.begin()
    await life.isolation.establish(_FORBIDDEN_PORT)
    (table,) = host.tables
    report = life.isolation.report()
    assert table in report.fact
    assert "NET_ADMIN" in (report.remedy or "")
    await life.crash()
    assert host.tables == {table}
    host.tables.clear()
    again = begun(host)
    await again.isolation.begin()
    assert host.tables == {table}
    sandbox = await again.pools.take()
    assert not host.docker.specifications[sandbox.sandbox_id].get("Env")
    assert host.tried == 2
    await again.end()


async def test_where_they_stood_on_the_host_and_cannot_any_more_nothing_begins(host: Host) -> None:
    """A driver that went on without would run functions in the open."""
    host.holds_in_sandbox = False
    life = begun(host)
    await life.isolation.begin()
    await life.isolation.establish(_FORBIDDEN_PORT)
    await life.end()
    host.has_nft = False
    again = begun(host)
    with pytest.raises(IsolationBroken, match="could not be set"):
        await again.isolation.begin()
    await again.end()


@pytest.mark.parametrize("cause", ["no nft", "rules that count for nothing"])
async def test_where_neither_holds_nothing_begins_but_for_who_asked_for_it(host: Host, cause: str) -> None:
    """Both reasons are named. What was allowed once is not remembered for a start that does not allow it."""
    host.holds_in_sandbox = host.holds_on_host = False
    host.has_nft = cause != "no nft"
    life = begun(host)
    await life.isolation.begin()
    with pytest.raises(IsolationBroken, match=r"in the sandbox: .*; on the host: .*PADDOCK_INSECURE_NETWORK"):
        await life.isolation.establish(_FORBIDDEN_PORT)
    assert host.tables == set()
    await life.end()

    for _ in range(2):
        insecure = begun(host, insecure=True)
        await insecure.isolation.begin()
        await insecure.isolation.establish(_FORBIDDEN_PORT)
        assert "functions reach this host and each other" in insecure.isolation.report().fact
        sandbox = await insecure.pools.take()
        assert not host.docker.specifications[sandbox.sandbox_id].get("Env")
        await insecure.end()

    tried = host.tried
    secure = begun(host)
    await secure.isolation.begin()
    with pytest.raises(IsolationBroken):
        await secure.isolation.establish(_FORBIDDEN_PORT)
    assert host.tried > tried
    await secure.end()


async def test_a_table_that_somebody_removes_is_set_again(host: Host) -> None:
    """At the next look."""
    host.holds_in_sandbox = False
    life = begun(host)
    await life.isolation.begin()
    await life.isolation.establish(_FORBIDDEN_PORT)
    (table,) = host.tables
    host.tables.clear()
    await life.isolation._host_firewall._look()
    assert host.tables == {table}
    await life.end()
