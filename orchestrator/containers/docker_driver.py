"""
The Docker driver: execution environments as containers in pooled sandboxes. See the contract in `driver.py`.

The order of removal: whoever calls has forgotten the hostname; then the container with its volumes; then the sandbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from docker.errors import APIError, NotFound

from orchestrator.clock import Clock
from orchestrator.containers import network as networks
from orchestrator.containers.container_events import ContainerEvents, EngineEvent
from orchestrator.containers.driver import (
    ContainerEnded,
    DriverEvent,
    EngineBack,
    EngineFacts,
    EngineLost,
    EngineRefused,
    EnvironmentSpec,
    ImageNotFound,
    OutOfMemory,
    OutputChunk,
    Sandbox,
    StartFailed,
)
from orchestrator.containers.engine import Engine, start_failed
from orchestrator.containers.firewall import Reach, ruleset
from orchestrator.containers.memory import MemoryReader
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.output_streams import FrameReader, OutputQueue, read_frames
from orchestrator.containers.sandbox_pool import SandboxPool, SandboxTemplate
from orchestrator.containers.spec import (
    ENVIRONMENT_ROLE,
    OWNER,
    ROLE,
    environment_container,
    host_probe_container,
)
from orchestrator.domain.functions import CPU_PERIOD_US, Image
from orchestrator.loop import Tasks
from orchestrator.settings import Settings

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_KILLED = 137
_REMOVING_AT_ONCE = 8
_PROBED_FILES = ("/proc/net/fib_trie", "/etc/resolv.conf")

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(slots=True, kw_only=True, eq=False)
class _Container:
    """One environment's container, while it is ours."""

    environment_id: str
    container_id: str
    sandbox: Sandbox
    reader: FrameReader | None = None
    out_of_memory: bool = False
    is_started: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    report: ContainerEnded | None = None


class DockerDriver:
    """
    Runs environments on one Docker engine.

    Args:
        owner: On the label of everything it creates; what carries it from an earlier start is removed.
        random: Returns that many random bytes.
    """

    def __init__(
        self, settings: Settings, clock: Clock, owner: str, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._random = random
        self._engine = Engine()
        self._memory = MemoryReader(settings.cgroup_root)
        self._output = OutputQueue(clock.now)
        self._happenings: asyncio.Queue[DriverEvent] = asyncio.Queue()
        self._containers: dict[str, _Container] = {}
        self._by_container: dict[str, _Container] = {}
        self._by_sandbox: dict[str, _Container] = {}
        self._opening = 0
        self._network: FunctionsNetwork | None = None
        self._pool: SandboxPool | None = None
        self._events: ContainerEvents | None = None
        self._tasks = Tasks("driver")

    async def start(self) -> None:
        """Reach the engine, remove leftovers, provide the network, begin to fill the pool."""
        await self._engine.connect()
        functions, others = await self._leftovers()
        # Side by side, for callers wait for this after a crash. Nothing is started before every function of an earlier
        # start has gone; its sandboxes hold nothing, and may go later.
        removing = asyncio.create_task(self._remove(functions))
        try:
            network, host_files = await asyncio.gather(
                networks.provide(self._engine, self._owner, self._settings.functions_subnet), self._probe_host()
            )
            self._begin(network, host_files)
            await removing
        finally:
            removing.cancel()
        self._tasks.start(self._remove(others))

    def _begin(self, network: FunctionsNetwork, host_files: str) -> None:
        self._network = network
        self._events = ContainerEvents(
            self._engine,
            self._owner,
            epoch_s=lambda: self._clock.epoch_ms() // 1000,
            happened=self._happened,
            lost=self._engine_lost,
            back=self._engine_back,
        )
        self._events.start()
        self._pool = SandboxPool(
            self._engine,
            SandboxTemplate(
                image=self._settings.sandbox_image,
                owner=self._owner,
                network=network,
                ruleset=ruleset(self._reach(network, host_files)),
            ),
            size=self._settings.network_pool_size,
            random=self._random,
        )
        self._pool.start()

    async def close(self) -> None:
        """Remove every sandbox and the network; release the engine."""
        if self._pool is not None:
            await self._pool.close()
        for leftovers in await self._leftovers():
            await self._remove(leftovers)
        if self._network is not None:
            await networks.remove(self._engine, self._network)
        if self._events is not None:
            self._events.close()
        self._engine.close()

    @property
    def control_plane_address(self) -> str:
        """Where environments find the Runtime API."""
        assert self._network is not None, "start it first"
        return self._network.control_plane

    @property
    def functions_subnet(self) -> str:
        """The functions' network."""
        assert self._network is not None, "start it first"
        return self._network.subnet

    async def facts(self) -> EngineFacts:
        """Ask the engine about itself."""
        info: dict[str, Any] = await self._engine.call("info")
        version: dict[str, Any] = await self._engine.call("version")
        return EngineFacts(
            version=version["Version"],
            api_version=version["ApiVersion"],
            cpus=info["NCPU"],
            memory_bytes=info["MemTotal"],
            cgroup_version=info.get("CgroupVersion", "1"),
            architecture=info["Architecture"],
            warnings=tuple(info.get("Warnings") or ()),
        )

    async def find_image(self, reference: str) -> Image:
        """Look up an image; the local one wins, else it is pulled."""
        try:
            found: dict[str, Any] = await self._engine.call("inspect_image", reference)
        except NotFound:
            found = await self._pull(reference)
        configuration = found.get("Config") or {}
        return Image(
            image_id=found["Id"],
            architecture=_ARCHITECTURES.get(found["Architecture"], found["Architecture"]),
            size_bytes=found["Size"],
            entry_point=tuple(configuration.get("Entrypoint") or ()),
            command=tuple(configuration.get("Cmd") or ()),
            working_directory=configuration.get("WorkingDir") or "",
        )

    async def take_sandbox(self) -> Sandbox:
        """A ready sandbox."""
        assert self._pool is not None, "start it first"
        return await self._pool.take()

    async def open(self, spec: EnvironmentSpec, sandbox: Sandbox) -> None:
        """Create, attach, start: the three round trips of a cold start."""
        assert self._network is not None, "start it first"
        assert self._pool is not None
        specification = environment_container(spec, sandbox, owner=self._owner, labels=self._network.labels)
        self._note_opening(1)
        container: _Container | None = None
        try:
            container_id = await self._engine.create(specification, f"paddock-{spec.environment_id}")
            container = _Container(environment_id=spec.environment_id, container_id=container_id, sandbox=sandbox)
            self._containers[spec.environment_id] = container
            self._by_container[container_id] = container
            self._by_sandbox[sandbox.sandbox_id] = container
            raw = await self._engine.attach(container_id)
            environment_id = spec.environment_id
            container.reader = await read_frames(
                raw, lambda stream, content: self._output.put(environment_id, stream, content), lambda: None
            )
            await self._engine.call("start", container_id)
        except APIError as error:
            await self._clear(container, sandbox)
            if isinstance(error, NotFound) and "no such image" in str(error.explanation).lower():
                raise StartFailed(
                    "Runtime.InvalidImage",
                    f"image {spec.image_id} is no longer here; build or pull it and deploy again",
                ) from error
            raise start_failed(error) from error
        except BaseException:
            await asyncio.shield(self._clear(container, sandbox))
            raise
        finally:
            self._note_opening(-1)
        container.is_started = True
        if container.report is not None:
            self._happenings.put_nowait(container.report)

    async def freeze(self, environment_id: str) -> None:
        """Pause it."""
        await self._on_container(environment_id, "pause")

    async def thaw(self, environment_id: str) -> None:
        """Unpause it."""
        await self._on_container(environment_id, "unpause")

    async def limit_cpu(self, environment_id: str, quota_us: int) -> None:
        """Limit its CPU time in each 100 ms."""
        container = self._containers.get(environment_id)
        if container is None:
            return
        try:
            await self._engine.call_if_there(
                "update_container", container.container_id, cpu_period=CPU_PERIOD_US, cpu_quota=quota_us
            )
        except APIError as error:
            raise EngineRefused(f"its CPU time was not limited: {error.explanation or error}") from error

    async def stop(self, environment_id: str, grace: timedelta) -> None:
        """End and remove container and sandbox."""
        container = self._containers.get(environment_id)
        if container is None:
            return
        try:
            if grace > timedelta() and not container.ended.is_set():
                # A signal through the API thaws a frozen container.
                await self._engine.call_if_there("kill", container.container_id, signal="SIGTERM")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(container.ended.wait(), grace.total_seconds())
            await self._clear(container, container.sandbox)
        except APIError as error:
            raise EngineRefused(f"it was not removed: {error.explanation or error}") from error

    def memory_used_mib(self, environment_id: str) -> int | None:
        """What its processes hold now."""
        container = self._containers.get(environment_id)
        return None if container is None else self._memory.used_mib(container.container_id)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """Ends and out-of-memory kills, for ever."""
        while True:
            yield await self._happenings.get()

    def output(self) -> AsyncIterator[OutputChunk]:
        """Everything the containers write, for ever."""
        return self._output.chunks()

    # -- inside

    def _note_opening(self, more: int) -> None:
        assert self._pool is not None
        self._opening += more
        self._pool.opening(self._opening)

    async def _on_container(self, environment_id: str, method: str) -> None:
        container = self._containers.get(environment_id)
        if container is None:
            return
        try:
            await self._engine.call(method, container.container_id)
        except APIError as error:
            raise StartFailed("Sandbox.Failure", f"{method}: {error.explanation or error}") from error

    async def _clear(self, container: _Container | None, sandbox: Sandbox) -> None:
        """Remove the container with its volumes, then the sandbox."""
        assert self._pool is not None
        if container is not None:
            await self._engine.call_if_there("remove_container", container.container_id, force=True, v=True)
            if container.reader is not None:
                container.reader.close()
            self._containers.pop(container.environment_id, None)
            self._by_container.pop(container.container_id, None)
            self._memory.forget(container.container_id)
        self._by_sandbox.pop(sandbox.sandbox_id, None)
        await self._pool.discard(sandbox.sandbox_id)

    async def _leftovers(self) -> tuple[list[str], list[str]]:
        """The ids of everything that carries our owner's label: the functions, and what else there is."""
        found: list[dict[str, Any]] = await self._engine.call(
            "containers", all=True, filters={"label": f"{OWNER}={self._owner}"}
        )
        functions = [one["Id"] for one in found if one["Labels"].get(ROLE) == ENVIRONMENT_ROLE]
        return functions, [one["Id"] for one in found if one["Id"] not in functions]

    async def _remove(self, container_ids: list[str]) -> None:
        turn = asyncio.Semaphore(_REMOVING_AT_ONCE)

        async def remove(container_id: str) -> None:
            async with turn:
                await self._engine.call_if_there("remove_container", container_id, force=True, v=True)

        await asyncio.gather(*(remove(container_id) for container_id in container_ids))

    def _reach(self, network: FunctionsNetwork, host_files: str) -> Reach:
        return Reach(
            control_plane=network.control_plane,
            runtime_port=self._settings.runtime_port,
            host_addresses=networks.host_addresses(host_files),
            dns_servers=networks.dns_servers(host_files),
            internet=self._settings.internet,
            open_addresses=self._settings.open_addresses,
        )

    async def _probe_host(self) -> str:
        """The host's routing table and resolver, one after the other, read by an unprivileged one-shot."""
        specification = host_probe_container(image=self._settings.sandbox_image, owner=self._owner, paths=_PROBED_FILES)
        try:
            container_id = await self._engine.create(specification, f"paddock-probe-{self._random(6).hex()}")
        except NotFound as error:
            raise ImageNotFound(
                f"the sandbox image {self._settings.sandbox_image} is not here; build it with "
                "`make base-images`, or set PADDOCK_SANDBOX_IMAGE"
            ) from error
        return await self._output_of(container_id)

    async def _output_of(self, container_id: str) -> str:
        written = bytearray()
        ended = asyncio.Event()
        try:
            raw = await self._engine.attach(container_id)
            reader = await read_frames(raw, lambda _stream, content: written.extend(content), ended.set)
            await self._engine.call("start", container_id)
            await asyncio.wait_for(ended.wait(), 20)
            reader.close()
        finally:
            await self._engine.call_if_there("remove_container", container_id, force=True)
        return written.decode()

    async def _pull(self, reference: str) -> dict[str, Any]:
        remedy = f"build it (`docker build -t {reference} .`) or load it (`docker load`), then deploy again"
        if reference.startswith("sha256:"):
            raise ImageNotFound(f"image {reference} is not on this engine; {remedy}")
        repository, tag = _split_tag(reference)
        try:
            await self._engine.call("pull", repository, tag=tag)
            inspected: dict[str, Any] = await self._engine.call("inspect_image", reference)
        except APIError as error:
            reason = error.explanation or error
            raise ImageNotFound(
                f"image {reference} is not on this engine and could not be pulled ({reason}); {remedy}"
            ) from error
        return inspected

    # -- what the engine tells

    def _happened(self, event: EngineEvent) -> None:
        container = self._by_container.get(event.container_id)
        if container is not None:
            if event.action == "oom":
                container.out_of_memory = True
                self._happenings.put_nowait(OutOfMemory(environment_id=container.environment_id, at=self._clock.now()))
            elif event.action == "die" and not container.ended.is_set():
                self._tasks.start(self._died(container, event.exit_code))
            return
        if event.action != "die":
            return
        joined = self._by_sandbox.get(event.container_id)
        if joined is not None:
            self._report(
                joined, ContainerEnded(environment_id=joined.environment_id, at=self._clock.now(), sandbox_failed=True)
            )
        elif self._pool is not None:
            self._pool.lost(event.container_id)

    async def _died(self, container: _Container, exit_code: int | None) -> None:
        if exit_code == _KILLED and not container.out_of_memory:
            # With an older containerd the word of an out-of-memory kill may come after the death: ask.
            inspected = await self._engine.call_if_there("inspect_container", container.container_id)
            container.out_of_memory = inspected is not None and bool(inspected["State"].get("OOMKilled"))
        self._report(
            container,
            ContainerEnded(
                environment_id=container.environment_id,
                at=self._clock.now(),
                exit_code=exit_code,
                out_of_memory=container.out_of_memory,
            ),
        )

    def _report(self, container: _Container, report: ContainerEnded) -> None:
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
        for container in list(self._containers.values()):
            if container.container_id not in running and container.is_started:
                self._report(
                    container,
                    ContainerEnded(environment_id=container.environment_id, at=self._clock.now(), engine_lost=True),
                )
        if self._pool is not None:
            self._pool.keep_only(running)
        self._happenings.put_nowait(EngineBack(at=self._clock.now()))


def _split_tag(reference: str) -> tuple[str, str | None]:
    """`repository` and `tag` of a reference; a digest stays with its repository."""
    if "@" in reference:
        return reference, None
    head, _, tail = reference.rpartition(":")
    return (head, tail) if head and "/" not in tail else (reference, "latest")
