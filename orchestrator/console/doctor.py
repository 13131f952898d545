"""The checks behind `paddock doctor`: each says what is, and a failed one what to do."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.driver.protocol import Driver, EngineFacts, EngineUnreachable, ImageNotFound, Place
from orchestrator.fleet.memory import MemoryReader
from orchestrator.settings import Settings
from orchestrator.store.store import Store

_OLDEST_ENGINE = (20, 10)
_FREE_DISK_MIB = 1024
_MIB = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One check.

    Args:
        fact: What was found.
        remedy: What helps, if it is not ok.
    """

    name: str
    ok: bool
    fact: str
    remedy: str | None = None


class Doctor:
    """Looks at everything the control plane stands on."""

    def __init__(
        self,
        *,
        driver: Driver,
        place: Callable[[], Place | None],
        memory: MemoryReader,
        store: Store,
        settings: Settings,
    ) -> None:
        self._driver = driver
        self._place = place
        self._memory = memory
        self._store = store
        self._settings = settings

    async def examine(self) -> list[Check]:
        """Run every check."""
        try:
            of_engine = await self._of_engine()
        except EngineUnreachable as error:
            remedy = "start the Docker engine: scripts/engine.sh ensure"
            of_engine = [Check(name="engine", ok=False, fact=str(error), remedy=remedy)]
        return [*of_engine, *await self._without_engine()]

    async def _of_engine(self) -> list[Check]:
        facts = await self._driver.facts()
        return [
            Check(name="engine", ok=True, fact=f"Docker {facts.version}, API {facts.api_version}"),
            _version(facts),
            Check(
                name="host",
                ok=True,
                fact=f"{facts.cpus} CPUs, {facts.memory_bytes // _MIB} MiB, {facts.architecture}, "
                f"cgroup v{facts.cgroup_version}",
            ),
            *(Check(name="engine warning", ok=True, fact=warning) for warning in facts.warnings),
            self._network(),
            await self._isolation(),
            *await self._limitations(),
            await self._sandbox_image(),
        ]

    def _network(self) -> Check:
        place = self._place()
        if place is None:
            return Check(
                name="network",
                ok=False,
                fact="the functions' network does not exist yet",
                remedy="wait for /readyz; if it stays, set PADDOCK_FUNCTIONS_SUBNET to a free range",
            )
        runtime_api = f"{place.control_plane_address}:{self._settings.runtime_port}"
        return Check(
            name="network", ok=True, fact=f"functions on {place.functions_subnet}, Runtime API at {runtime_api}"
        )

    async def _isolation(self) -> Check:
        report = await self._driver.isolation()
        return Check(name="isolation", ok=report.remedy is None, fact=report.fact, remedy=report.remedy)

    async def _limitations(self) -> list[Check]:
        unknown = self._memory.limitation
        found = (*await self._driver.limitations(), *((unknown,) if unknown is not None else ()))
        if not found:
            return [Check(name="guarantees", ok=True, fact="/tmp, system calls and memory are bounded and seen")]
        return [Check(name="guarantees", ok=False, fact=one.fact, remedy=one.remedy) for one in found]

    async def _sandbox_image(self) -> Check:
        name = self._settings.sandbox_image
        try:
            image = await self._driver.find_image(name)
        except ImageNotFound as error:
            return Check(name="images", ok=False, fact=str(error), remedy="build the base images: make base-images")
        return Check(name="images", ok=True, fact=f"{name} is {image.image_id[:19]}")

    async def _without_engine(self) -> list[Check]:
        disk = await asyncio.to_thread(_disk, self._settings.data_dir)
        dropped = self._store.history.dropped
        output = Check(
            name="output",
            ok=dropped == 0,
            fact=f"{dropped} batches of output or history dropped since the start",
            remedy=None
            if dropped == 0
            else "a function writes faster than the disk takes, or the disk is full (the log says which): see "
            "docs/settings.md, history_*",
        )
        return [disk, output]


def _version(facts: EngineFacts) -> Check:
    numbers = facts.version.partition("+")[0].partition("-")[0].split(".")[:2]
    is_old = all(part.isdigit() for part in numbers) and tuple(int(part) for part in numbers) < _OLDEST_ENGINE
    return Check(
        name="engine version",
        ok=not is_old,
        fact=facts.version,
        remedy="update the Docker engine to 20.10 or later" if is_old else None,
    )


def _disk(data_dir: Path) -> Check:
    free_mib = shutil.disk_usage(data_dir).free // _MIB
    is_full = free_mib < _FREE_DISK_MIB
    return Check(
        name="disk",
        ok=not is_full,
        fact=f"{free_mib} MiB free at {data_dir}",
        remedy=f"free some space, or set PADDOCK_DATA_DIR to a larger disk (at least {_FREE_DISK_MIB} MiB)"
        if is_full
        else None,
    )
