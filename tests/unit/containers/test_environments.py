"""What is looked at between the taking of a sandbox and the start of a function in it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.containers.environments import Environments, Host
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.output_streams import OutputQueue
from orchestrator.containers.running import Container, Running
from orchestrator.containers.spec import OfTheImage
from orchestrator.driver.protocol import Sandbox, StartFailed
from orchestrator.loop import Tasks
from tests.support.builders import a_spec
from tests.support.docker_stand_in import DockerStandIn
from tests.support.fake_clock import FakeClock

_NETWORK = FunctionsNetwork(
    name="functions", bridge="br-functions", subnet="10.0.0.0/20", control_plane="10.0.0.1", own_container=None
)
_SANDBOX = Sandbox(sandbox_id="sandbox", hostname="rt-a", address="10.0.8.1")


class OnePool:
    """One sandbox, which somebody may come to be reached from while it is on its way."""

    def __init__(self) -> None:
        self.too_open: set[str] = set()
        self.discarded: list[str] = []

    async def take(self, _subnet_ids: tuple[str, ...]) -> Sandbox:
        """It."""
        return _SANDBOX

    def opening(self, _count: int) -> None:
        """Nothing is refilled."""

    def is_too_open(self, sandbox_id: str) -> bool:
        """As a test says."""
        return sandbox_id in self.too_open

    async def discard(self, sandbox_id: str) -> None:
        """Note it."""
        self.discarded.append(sandbox_id)


class NoDisks:
    """A host without loop devices."""

    async def take(self, _size_mib: int) -> None:
        """None."""


class PlainImages:
    """Images with nothing in them that a specification has to know."""

    async def for_specification(self, _image_id: str, _own: None) -> OfTheImage:
        """Nothing."""
        return OfTheImage()

    async def check_working_directory(self, _image_id: str, _directory: str | None) -> None:
        """It is there."""


class NoRoots:
    """No root that is written."""

    def forget(self, _container_id: str) -> None:
        """There is nothing to forget."""


class Asked:
    """An engine that notes what is asked of a container."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def call_if_there(self, *what: str, **how: int) -> None:
        """Note it."""
        self.calls.append((*what, how))


def environments_of(engine: Any, pools: OnePool, running: Running | None = None) -> Environments:
    """On this engine."""
    parts: dict[str, Any] = {"images": PlainImages(), "pools": pools, "disks": NoDisks(), "roots": NoRoots()}
    clock = FakeClock()
    return Environments(
        engine,
        Host(owner="me", own=None, network=_NETWORK, seccomp=None),
        running=running or Running(engine, "me", clock),
        output=OutputQueue(clock.now, clock.monotonic),
        tasks=Tasks("tests"),
        **parts,
    )


async def test_no_function_is_started_in_a_sandbox_that_came_to_reach_what_it_must_not_since_it_was_taken() -> None:
    """The look around found it in nobody's use, and ended nobody; nothing is left of it."""
    docker, pools = DockerStandIn(), OnePool()
    started: list[str] = []

    def runs(specification: dict[str, Any]) -> str:
        started.append(specification["Image"])
        return "the function ran\n"

    docker.says["environment"] = runs
    environments = environments_of(docker, pools)
    sandbox = await environments.take_sandbox(("subnet-mine",))
    pools.too_open.add(sandbox.sandbox_id)
    with pytest.raises(StartFailed, match="subnets changed while it started"):
        await environments.open(a_spec(), sandbox)
    assert started == []
    assert docker.containers == {}
    assert pools.discarded == [sandbox.sandbox_id]


@pytest.mark.parametrize(("memory_mib", "period_us"), [(128, 100_000), (512, 25_000), (1024, 20_000)])
async def test_when_its_init_is_over_a_function_has_the_share_of_its_memory(memory_mib: int, period_us: int) -> None:
    """128 of 1,769 MB: 7.2 ms in each 100. The period goes with it, or some runtimes make it 100 ms."""
    engine: Any = Asked()
    running = Running(engine, "me", FakeClock())
    running.add(Container(environment_id="e", container_id="c", memory_mib=memory_mib, sandbox=_SANDBOX))
    await environments_of(engine, OnePool(), running).limit_cpu("e")
    quota_us = memory_mib * period_us // 1769
    assert engine.calls == [("update_container", "c", {"cpu_period": period_us, "cpu_quota": quota_us})]
