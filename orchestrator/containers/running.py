"""
The containers that run, and what became of them: the engine's events as the driver protocol's.

An end is reported once, whichever way it is learnt: the container's own, its sandbox's, or that it is no longer there
when the engine is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from docker.errors import APIError

from orchestrator.clock import Clock
from orchestrator.containers.container_events import ContainerEvents, EngineEvent
from orchestrator.containers.engine import Engine
from orchestrator.containers.first_words import FirstWords
from orchestrator.containers.output_streams import FrameReader
from orchestrator.containers.sandbox_pools import SandboxPools
from orchestrator.containers.scratch_disks import ScratchDisk
from orchestrator.containers.spec import OWNER
from orchestrator.driver.protocol import (
    ContainerEnded,
    DriverEvent,
    EngineBack,
    EngineLost,
    EngineUnreachable,
    OutOfMemory,
    Sandbox,
)
from orchestrator.loop import Tasks

_KILLED = 137
_WORD_OF_MEMORY_WITHIN_S = 0.2


@dataclass(slots=True, kw_only=True, eq=False)
class Container:
    """One environment's container, while it is ours."""

    environment_id: str
    container_id: str
    memory_mib: int
    sandbox: Sandbox
    disk: ScratchDisk | None = None
    reader: FrameReader | None = None
    first_words: FirstWords = field(default_factory=FirstWords)
    out_of_memory: asyncio.Event = field(default_factory=asyncio.Event)
    is_started: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    report: ContainerEnded | None = None


class Running:
    """
    Knows every container by its environment, its own id and its sandbox's.

    Args:
        owner: Whose containers' events are watched.
    """

    def __init__(self, engine: Engine, owner: str, clock: Clock) -> None:
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._happenings: asyncio.Queue[DriverEvent] = asyncio.Queue()
        self._by_environment: dict[str, Container] = {}
        self._by_id: dict[str, Container] = {}
        self._by_sandbox: dict[str, Container] = {}
        self._pools: SandboxPools | None = None
        self._network_name: str | None = None
        self._events: ContainerEvents | None = None
        self._tasks = Tasks("ends")

    def watch(self, pools: SandboxPools, network_name: str) -> None:
        """
        Begin to watch the engine's events.

        Args:
            pools: Are told of its sandboxes' deaths.
            network_name: The functions' network. A program that ends while its sandbox has no place there may have
                ended for that, and is not blamed.
        """
        self._pools = pools
        self._network_name = network_name
        self._events = ContainerEvents(
            self._engine,
            self._owner,
            epoch_s=lambda: self._clock.epoch_ms() // 1000,
            happened=self._happened,
            lost=self._engine_lost,
            back=self._engine_back,
        )
        self._events.start()

    def close(self) -> None:
        """Watch no more."""
        if self._events is not None:
            self._events.close()

    def get(self, environment_id: str) -> Container | None:
        """An environment's container, if it has one."""
        return self._by_environment.get(environment_id)

    def ids(self) -> set[str]:
        """Of every container."""
        return set(self._by_id)

    def add(self, container: Container) -> None:
        """It was created; its end is not reported before `started`."""
        self._by_environment[container.environment_id] = container
        self._by_id[container.container_id] = container
        self._by_sandbox[container.sandbox.sandbox_id] = container

    def started(self, container: Container) -> None:
        """It was started; if it has ended since, that is reported now."""
        container.is_started = True
        if container.report is not None:
            self._happenings.put_nowait(container.report)

    def end(self, container_id: str, reason: str) -> None:
        """
        Kill it, for it does what it must not.

        Args:
            reason: Reported with its end.
        """
        container = self._by_id.get(container_id)
        if container is not None:
            self._report(
                container,
                ContainerEnded(
                    environment_id=container.environment_id, at=self._clock.now(), exit_code=_KILLED, ended_for=reason
                ),
            )
            self._tasks.start(self._kill(container_id))

    def forget(self, container: Container) -> None:
        """It has been removed; its sandbox is next."""
        self._by_environment.pop(container.environment_id, None)
        self._by_id.pop(container.container_id, None)

    def forget_sandbox(self, sandbox_id: str) -> None:
        """It is being removed; its death is no news."""
        self._by_sandbox.pop(sandbox_id, None)

    def sandboxes(self) -> set[str]:
        """The ids of those that serve."""
        return set(self._by_sandbox)

    def sandbox_failed(self, sandbox_id: str) -> None:
        """It died, or lost its place on the network: its environment reaches nobody."""
        joined = self._by_sandbox.get(sandbox_id)
        if joined is not None:
            now = self._clock.now()
            self._report(joined, ContainerEnded(environment_id=joined.environment_id, at=now, sandbox_failed=True))
        elif self._pools is not None:
            self._pools.lost(sandbox_id)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """Ends and out-of-memory kills, for ever."""
        while True:
            yield await self._happenings.get()

    # -- what the engine tells

    def _happened(self, event: EngineEvent) -> None:
        container = self._by_id.get(event.container_id)
        if container is not None:
            if event.action == "oom":
                container.out_of_memory.set()
                self._happenings.put_nowait(OutOfMemory(environment_id=container.environment_id, at=self._clock.now()))
            elif event.action == "die" and not container.ended.is_set():
                self._tasks.start(self._died(container, event.exit_code))
            return
        if event.action != "die":
            return
        self.sandbox_failed(event.container_id)

    async def _kill(self, container_id: str) -> None:
        with contextlib.suppress(APIError):
            await self._engine.call_if_there("kill", container_id)

    async def _died(self, container: Container, exit_code: int | None) -> None:
        was_out_of_memory = exit_code == _KILLED and await self._was_out_of_memory(container)
        was_out_of_memory = was_out_of_memory or container.out_of_memory.is_set()
        self._report(
            container,
            ContainerEnded(
                environment_id=container.environment_id,
                at=self._clock.now(),
                exit_code=exit_code,
                out_of_memory=was_out_of_memory,
                sandbox_failed=not was_out_of_memory and await self._is_cut_off(container.sandbox.sandbox_id),
                never_executed=await container.first_words.never_executed(exit_code),
            ),
        )

    async def _was_out_of_memory(self, container: Container) -> bool:
        """
        Was it killed for its memory?

        On cgroup v1 the engine says so before it says that it died. On v2 an older containerd may say it a little
        later: that is waited for, and the engine asked once more.
        """
        if container.out_of_memory.is_set() or await self._is_marked(container):
            return True
        if self._engine.about.get("CgroupVersion") != "2":
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(container.out_of_memory.wait(), _WORD_OF_MEMORY_WITHIN_S)
        return container.out_of_memory.is_set() or await self._is_marked(container)

    async def _is_marked(self, container: Container) -> bool:
        # An engine that cannot be asked now must not keep an end from being told.
        with contextlib.suppress(APIError, EngineUnreachable):
            inspected = await self._engine.call_if_there("inspect_container", container.container_id)
            return inspected is not None and bool(inspected["State"].get("OOMKilled"))
        return False

    async def _is_cut_off(self, sandbox_id: str) -> bool:
        """Nothing tells of that, and the program notices at once; the next look around may be seconds away."""
        with contextlib.suppress(APIError, EngineUnreachable):
            inspected = await self._engine.call_if_there("inspect_container", sandbox_id)
            return inspected is None or self._network_name not in inspected["NetworkSettings"]["Networks"]
        return False

    def _report(self, container: Container, report: ContainerEnded) -> None:
        if container.ended.is_set():
            return
        container.ended.set()
        container.report = report
        if container.is_started:
            self._happenings.put_nowait(report)

    def _engine_lost(self) -> None:
        self._happenings.put_nowait(EngineLost(at=self._clock.now()))

    async def _engine_back(self) -> None:
        found = await self._engine.call("containers", filters={"label": f"{OWNER}={self._owner}"})
        running = {one["Id"] for one in found}
        for container in list(self._by_environment.values()):
            if container.container_id not in running and container.is_started:
                self._report(
                    container,
                    ContainerEnded(environment_id=container.environment_id, at=self._clock.now(), engine_lost=True),
                )
        if self._pools is not None:
            self._pools.keep_only(running)
        self._happenings.put_nowait(EngineBack(at=self._clock.now()))
