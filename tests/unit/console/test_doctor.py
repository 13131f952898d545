"""`paddock doctor`, the control plane's part: what holds, what does not, and what helps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.console import doctor
from orchestrator.console.doctor import Check, Doctor
from orchestrator.domain.functions import Image
from orchestrator.driver.protocol import EngineFacts, EngineUnreachable, IsolationReport, Limitation, Place
from orchestrator.fleet.memory import MemoryReader
from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.builders import an_image
from tests.support.fake_clock import FakeClock
from tests.support.fake_driver import FakeDriver

_PLACE = Place(control_plane_address="10.213.0.1", functions_subnet="10.213.0.0/20", published_addresses=None)


class ScriptedDriver(FakeDriver):
    """An engine that is old, or goes away after so many answers."""

    def __init__(self) -> None:
        super().__init__()
        self.version = "20.10.24+dfsg1"
        self.answers = 1000

    def _answer(self) -> None:
        if not self.answers:
            raise EngineUnreachable("Docker engine does not answer")
        self.answers -= 1

    async def isolation(self) -> IsolationReport:
        """As a test says."""
        self._answer()
        return self.isolation_report

    async def limitations(self) -> tuple[Limitation, ...]:
        """As a test says."""
        self._answer()
        return self.limits

    async def find_image(self, reference: str) -> Image:
        """One that is there."""
        self._answer()
        return await super().find_image(reference)

    async def facts(self) -> EngineFacts:
        """As a test says."""
        self._answer()
        return EngineFacts(
            version=self.version,
            api_version="1.41",
            cpus=2,
            memory_bytes=8 << 30,
            cgroup_version="1",
            architecture="x86_64",
        )


@dataclass
class Machine:
    """Everything that is looked at; sound, until a test changes it."""

    store: Store
    settings: Settings
    cgroups: Path
    driver: ScriptedDriver = field(default_factory=ScriptedDriver)
    place: Place | None = _PLACE

    async def examine(self) -> dict[str, Check]:
        """Every check by its name."""
        looking = Doctor(
            driver=self.driver,
            place=lambda: self.place,
            memory=MemoryReader(self.cgroups),
            store=self.store,
            settings=self.settings,
        )
        return {one.name: one for one in await looking.examine()}


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A sound one."""
    settings = Settings(data_dir=tmp_path / "data")
    store = await Store.open(settings, FakeClock())
    (tmp_path / "cgroup" / "memory").mkdir(parents=True)
    found = Machine(store, settings, tmp_path / "cgroup")
    found.driver.images[settings.sandbox_image] = an_image()
    yield found
    await store.close()


async def test_on_a_sound_machine_every_check_says_what_is(machine: Machine) -> None:
    """Engine, its version, host, network, isolation, guarantees, images, disk, output."""
    checks = await machine.examine()
    assert [one.name for one in checks.values() if not one.ok] == []
    assert set(checks) == {
        *("engine", "engine version", "host", "network", "isolation", "guarantees", "images", "disk", "output")
    }
    assert all(one.fact for one in checks.values())


def _engine_away(machine: Machine) -> None:
    machine.driver.answers = 0


def _engine_old(machine: Machine) -> None:
    machine.driver.version = "19.03.15"


def _no_network(machine: Machine) -> None:
    machine.place = None


def _not_isolated(machine: Machine) -> None:
    machine.driver.isolation_report = IsolationReport(fact="functions reach this host", remedy="use runc")


def _limited(machine: Machine) -> None:
    machine.driver.limits = (Limitation(fact="/tmp has no size of its own", remedy="give it loop devices"),)


def _no_cgroups(machine: Machine) -> None:
    (machine.cgroups / "memory").rmdir()


def _no_sandbox_image(machine: Machine) -> None:
    machine.driver.images.clear()


def _output_dropped(machine: Machine) -> None:
    machine.store.history_writer.figures.dropped = 3


@pytest.mark.parametrize(
    ("harm", "name", "remedy"),
    [
        (_engine_away, "engine", "start the Docker engine"),
        (_engine_old, "engine version", "20.10 or later"),
        (_no_network, "network", "PADDOCK_FUNCTIONS_SUBNET"),
        (_not_isolated, "isolation", "use runc"),
        (_limited, "guarantees", "loop devices"),
        (_no_cgroups, "guarantees", "PADDOCK_CGROUP_ROOT"),
        (_no_sandbox_image, "images", "make base-images"),
        (_output_dropped, "output", "docs/settings.md"),
    ],
)
async def test_each_check_that_fails_carries_its_remedy(machine: Machine, harm: object, name: str, remedy: str) -> None:
    """And only that one fails."""
    assert callable(harm)
    harm(machine)
    checks = await machine.examine()
    assert [one.name for one in checks.values() if not one.ok] == [name]
    assert remedy in (checks[name].remedy or "")


@pytest.mark.parametrize("answers", [1, 2, 3])
async def test_an_engine_that_goes_away_in_the_midst_is_a_failed_check(machine: Machine, answers: int) -> None:
    """At whichever question; what needs no engine is told all the same."""
    machine.driver.answers = answers
    checks = await machine.examine()
    failed = [one for one in checks.values() if not one.ok]
    assert [one.fact for one in failed] == ["Docker engine does not answer"]
    assert all(one.remedy for one in failed)
    assert {"disk", "output"} <= checks.keys()


async def test_a_disk_that_is_nearly_full_is_named_with_what_helps(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory, what is free, and how much should be."""
    monkeypatch.setattr(doctor, "_FREE_DISK_MIB", 1 << 40)
    disk = (await machine.examine())["disk"]
    assert not disk.ok
    assert str(machine.settings.data_dir) in disk.fact
    assert "PADDOCK_DATA_DIR" in (disk.remedy or "")
