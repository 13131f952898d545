"""A driver without Docker: it remembers what it was asked for, fails when told to, and reports what a test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import timedelta

from orchestrator.domain.functions import Image
from orchestrator.driver.protocol import (
    DriverEvent,
    EngineFacts,
    EnvironmentSpec,
    ImageNotFound,
    IsolationReport,
    Limitation,
    OutputChunk,
    Place,
    Sandbox,
    SubnetNotFound,
)
from tests.support.builders import an_image


class FakeDriver:
    """Implements the driver protocol in memory; everything happens at once unless `hold_opening` is called."""

    def __init__(self) -> None:
        self.opened: list[EnvironmentSpec] = []
        self.stopped: list[tuple[str, timedelta]] = []
        self.frozen: set[str] = set()
        self.limited: set[str] = set()
        self.images: dict[str, Image] = {"hello:latest": an_image()}
        self.subnets: set[str] = set()
        self.subnet_failures: deque[Exception] = deque()
        self.kept: list[tuple[tuple[str, ...], ...]] = []
        self.taken: list[tuple[str, ...]] = []
        self.sandbox_failures: deque[Exception] = deque()
        self.open_failures: deque[Exception] = deque()
        self.thaw_failures: deque[Exception] = deque()
        self.earlier_addresses: tuple[str, ...] = ()
        self.isolation_report = IsolationReport(fact="functions reach nothing", remedy=None)
        self.limits: tuple[Limitation, ...] = ()
        self.stop_failures: deque[Exception] = deque()
        self._sandboxes = 0
        self._may_open = asyncio.Event()
        self._may_open.set()
        self._may_stop = asyncio.Event()
        self._may_stop.set()
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.is_starting = asyncio.Event()
        self._may_thaw = asyncio.Event()
        self._may_thaw.set()
        self._may_freeze = asyncio.Event()
        self._may_freeze.set()
        self._may_find: dict[str, asyncio.Event] = {}
        self.happenings: asyncio.Queue[DriverEvent] = asyncio.Queue()
        self.written: asyncio.Queue[OutputChunk] = asyncio.Queue()

    def hold_opening(self) -> asyncio.Event:
        """Containers take until this event is set to start."""
        self._may_open = asyncio.Event()
        return self._may_open

    def hold_finding(self, reference: str) -> asyncio.Event:
        """This image, which is there, takes until this event is set to be found."""
        self.images[reference] = an_image("sha256:" + "d" * 64)
        self._may_find[reference] = asyncio.Event()
        return self._may_find[reference]

    def hold_stopping(self) -> asyncio.Event:
        """Containers take until this event is set to end."""
        self._may_stop = asyncio.Event()
        return self._may_stop

    def hold_freezing(self) -> None:
        """No container's freezing comes to its end from now on."""
        self._may_freeze = asyncio.Event()

    def hold_thawing(self) -> asyncio.Event:
        """No container thaws until this event is set."""
        self._may_thaw = asyncio.Event()
        return self._may_thaw

    async def start(self, control_plane_container: str | None) -> Place:
        """Nothing to reach."""
        self.is_starting.set()
        await self.may_start.wait()
        return Place(
            control_plane_address="10.0.0.1",
            functions_subnet="10.0.0.0/20",
            published_addresses=None,
            earlier_addresses=self.earlier_addresses,
        )

    async def test_isolation(self, forbidden_port: int) -> None:
        """Nothing to test."""

    async def isolation(self) -> IsolationReport:
        """What a test says."""
        return self.isolation_report

    async def close(self) -> None:
        """Nothing to leave."""

    async def facts(self) -> EngineFacts:
        """A small host."""
        return EngineFacts(
            version="20.10.24",
            api_version="1.41",
            cpus=2,
            memory_bytes=8 << 30,
            cgroup_version="1",
            architecture="x86_64",
        )

    async def limitations(self) -> tuple[Limitation, ...]:
        """What a test says; none by itself."""
        return self.limits

    async def find_image(self, reference: str) -> Image:
        """One of `images`."""
        if reference not in self.images:
            raise ImageNotFound(f"image {reference} is not here")
        if reference in self._may_find:
            await self._may_find[reference].wait()
        return self.images[reference]

    async def check_subnets(self, subnet_ids: tuple[str, ...]) -> None:
        """Those of `subnets` are there."""
        if self.subnet_failures:
            raise self.subnet_failures.popleft()
        for subnet_id in subnet_ids:
            if subnet_id not in self.subnets:
                raise SubnetNotFound(f"The subnet ID '{subnet_id}' does not exist")

    async def keep_subnets(self, sets: tuple[tuple[str, ...], ...]) -> None:
        """Note it."""
        self.kept.append(sets)

    async def take_sandbox(self, subnet_ids: tuple[str, ...] = ()) -> Sandbox:
        """A new one, with addresses of its own."""
        self.taken.append(subnet_ids)
        if self.sandbox_failures:
            raise self.sandbox_failures.popleft()
        self._sandboxes += 1
        number = self._sandboxes
        return Sandbox(
            sandbox_id=f"sandbox-{number}",
            hostname=f"rt-{number:032}",
            address=f"10.0.8.{number}",
            in_subnets=tuple(f"10.217.{subnet}.{number}" for subnet, _ in enumerate(subnet_ids)),
        )

    async def open(self, spec: EnvironmentSpec, sandbox: Sandbox) -> str:
        """Note it."""
        await self._may_open.wait()
        if self.open_failures:
            raise self.open_failures.popleft()
        self.opened.append(spec)
        return f"container-of-{spec.environment_id}"

    async def freeze(self, environment_id: str) -> None:
        """Note it."""
        await self._may_freeze.wait()
        self.frozen.add(environment_id)

    async def thaw(self, environment_id: str) -> None:
        """Note it."""
        await self._may_thaw.wait()
        if self.thaw_failures:
            raise self.thaw_failures.popleft()
        self.frozen.discard(environment_id)

    async def limit_cpu(self, environment_id: str) -> None:
        """Note it."""
        self.limited.add(environment_id)

    async def stop(self, environment_id: str, grace: timedelta) -> None:
        """Note it."""
        if self.stop_failures:
            raise self.stop_failures.popleft()
        self.stopped.append((environment_id, grace))
        await self._may_stop.wait()

    async def events(self) -> AsyncIterator[DriverEvent]:
        """What a test put in."""
        while True:
            yield await self.happenings.get()

    async def output(self) -> AsyncIterator[OutputChunk]:
        """What a test put in."""
        while True:
            yield await self.written.get()
