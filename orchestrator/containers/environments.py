"""
Environments' containers: made and started in a sandbox of the pool, frozen, limited, ended and removed.

The order of removal: whoever calls has forgotten the hostname; then the container with its volumes; then the sandbox,
and its disk may be another's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from docker.errors import APIError, NotFound

from orchestrator.containers.engine import Engine, start_failed
from orchestrator.containers.hardening import check_asked_for, check_environment
from orchestrator.containers.images import Images
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.output_streams import OutputQueue, read_frames
from orchestrator.containers.own_container import OwnContainer
from orchestrator.containers.running import Container, Running
from orchestrator.containers.sandbox_pools import SandboxPools
from orchestrator.containers.scratch_disks import ScratchDisk, ScratchDisks
from orchestrator.containers.spec import USER, OfTheImage, environment_container
from orchestrator.containers.writable_roots import WritableRoots
from orchestrator.domain.processor_time import cpu_period_us, cpu_quota_us
from orchestrator.domain.start_failures import SANDBOX_FAILURE
from orchestrator.driver.protocol import (
    EngineRefused,
    EngineUnreachable,
    EnvironmentSpec,
    NotHardened,
    OutputStream,
    Sandbox,
    StartFailed,
)
from orchestrator.loop import Tasks

_CLEAR_AGAIN_AFTER_S = 1.0

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """
    What every environment of this start has in common.

    Args:
        owner: On the label of everything that is created.
        own: The container this process runs in, if it does.
        seccomp: The profile of system calls; None where they cannot be limited.
    """

    owner: str
    own: OwnContainer | None
    network: FunctionsNetwork
    seccomp: str | None


class Environments:
    """
    Opens, freezes and ends them.

    Args:
        tasks: Own what goes on when the caller has its answer.
    """

    def __init__(
        self,
        engine: Engine,
        host: Host,
        *,
        images: Images,
        pools: SandboxPools,
        disks: ScratchDisks,
        roots: WritableRoots,
        running: Running,
        output: OutputQueue,
        tasks: Tasks,
    ) -> None:
        self._engine = engine
        self._host = host
        self._images = images
        self._pools = pools
        self._disks = disks
        self._roots = roots
        self._running = running
        self._output = output
        self._tasks = tasks
        self._taken: dict[str, Sandbox] = {}
        self._opening = 0

    async def take_sandbox(self, subnet_ids: tuple[str, ...]) -> Sandbox:
        """A ready sandbox."""
        # From here on: its `open` comes next, and a refill that begins between the two would slow it down.
        self._note_opening(1)
        try:
            sandbox = await self._pools.take(subnet_ids)
        except BaseException:
            self._note_opening(-1)
            raise
        self._taken[sandbox.sandbox_id] = sandbox
        return sandbox

    async def open(self, spec: EnvironmentSpec, sandbox: Sandbox) -> str:
        """Create, attach, start: the three round trips of a cold start."""
        # Only a sandbox that was taken here, and once: any other id would be another container's network.
        if self._taken.pop(sandbox.sandbox_id, None) != sandbox:
            raise NotHardened(f"{sandbox.sandbox_id[:12]} is no sandbox that was taken for an environment")
        container: Container | None = None
        disk: ScratchDisk | None = None
        looking: asyncio.Future[OfTheImage] | None = None
        try:
            check_asked_for(spec)
            # Side by side: in a new life both take their time, and callers wait.
            looking = asyncio.ensure_future(self._images.for_specification(spec.image_id, self._host.own))
            # That it failed is told here, or does not matter any more.
            looking.add_done_callback(lambda looked: looked.cancelled() or looked.exception())
            disk = await self._disks.take(spec.ephemeral_storage_mib)
            image = await looking
            await self._images.check_working_directory(spec.image_id, spec.working_directory)
            root_mib = spec.ephemeral_storage_mib if spec.has_writable_root else 0
            specification = environment_container(
                spec,
                sandbox,
                owner=self._host.owner,
                labels=self._host.network.labels,
                seccomp=self._host.seccomp,
                image=image,
                scratch_device=disk.device if disk is not None else None,
                root_size_mib=await self._roots.size_for_engine(root_mib) if root_mib else None,
            )
            check_environment(
                specification,
                sandbox_id=sandbox.sandbox_id,
                user=USER,
                files=frozenset(image.files.values()),
                has_writable_root=spec.has_writable_root,
            )
            container_id = await self._engine.create(specification, f"paddock-{spec.environment_id}")
            container = Container(
                environment_id=spec.environment_id,
                container_id=container_id,
                memory_mib=spec.memory_mib,
                sandbox=sandbox,
                disk=disk,
            )
            self._running.add(container)
            # From here on it is ended when that is seen; between its taking and this it could not be.
            if self._pools.is_too_open(sandbox.sandbox_id):
                raise StartFailed(
                    SANDBOX_FAILURE, "a network of the function's subnets changed while it started; it is tried anew"
                )
            if root_mib:
                self._roots.watch(container_id, root_mib)
            raw = await self._engine.attach(container_id)
            container.reader = await read_frames(raw, self._hears(container), container.first_words.ended)
            await self._engine.call("start", container_id)
        except APIError as error:
            await self._clear_or_later(container, sandbox, disk)
            if isinstance(error, NotFound) and "no such image" in str(error.explanation).lower():
                raise StartFailed(
                    "Runtime.InvalidImage",
                    f"image {spec.image_id} is no longer here; build or pull it and deploy again",
                ) from error
            raise start_failed(error) from error
        except BaseException:
            await asyncio.shield(self._clear_or_later(container, sandbox, disk))
            raise
        finally:
            self._note_opening(-1)
            if looking is not None:
                looking.cancel()
        self._running.started(container)
        return container_id

    async def freeze(self, environment_id: str) -> None:
        """Pause it."""
        await self._on_container(environment_id, "pause")

    async def thaw(self, environment_id: str) -> None:
        """Unpause it."""
        await self._on_container(environment_id, "unpause")

    async def limit_cpu(self, environment_id: str) -> None:
        """Limit its CPU time to its function's share."""
        container = self._running.get(environment_id)
        if container is None:
            return
        try:
            # Both, though its period stays: of a quota alone crun makes one in 100 ms (cgroup v2).
            await self._engine.call_if_there(
                "update_container",
                container.container_id,
                cpu_period=cpu_period_us(container.memory_mib),
                cpu_quota=cpu_quota_us(container.memory_mib),
            )
        except APIError as error:
            raise EngineRefused(f"its CPU time was not limited: {error.explanation or error}") from error

    async def stop(self, environment_id: str, grace: timedelta) -> None:
        """End and remove container and sandbox."""
        container = self._running.get(environment_id)
        if container is None:
            return
        try:
            if grace > timedelta() and not container.ended.is_set():
                # A signal through the API thaws a frozen container.
                await self._engine.call_if_there("kill", container.container_id, signal="SIGTERM")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(container.ended.wait(), grace.total_seconds())
            await self._clear(container, container.sandbox, container.disk)
        except APIError as error:
            raise EngineRefused(f"it was not removed: {error.explanation or error}") from error

    # -- inside

    def _hears(self, container: Container) -> Callable[[OutputStream, bytes], None]:
        def heard(stream: OutputStream, content: bytes) -> None:
            container.first_words.heard(stream, content)
            self._output.put(container.environment_id, stream, content)

        return heard

    def _note_opening(self, more: int) -> None:
        self._opening += more
        self._pools.opening(self._opening)

    async def _on_container(self, environment_id: str, method: str) -> None:
        container = self._running.get(environment_id)
        if container is None:
            return
        try:
            await self._engine.call(method, container.container_id)
        except APIError as error:
            raise StartFailed("Sandbox.Failure", f"{method}: {error.explanation or error}") from error

    async def _clear(self, container: Container | None, sandbox: Sandbox, disk: ScratchDisk | None) -> None:
        """Remove the container with its volumes, then the sandbox; its disk may then be another's."""
        if container is not None:
            await self._engine.call_if_there("remove_container", container.container_id, force=True, v=True)
            if container.reader is not None:
                container.reader.close()
            self._running.forget(container)
            self._roots.forget(container.container_id)
            self._output.forget(container.environment_id)
        if disk is not None:
            self._tasks.start(self._disks.give_back(disk))
        self._running.forget_sandbox(sandbox.sandbox_id)
        await self._pools.discard(sandbox.sandbox_id)

    async def _clear_or_later(self, container: Container | None, sandbox: Sandbox, disk: ScratchDisk | None) -> None:
        """What could not be opened: nobody will ask for its removal again."""
        try:
            await self._clear(container, sandbox, disk)
        except (EngineUnreachable, APIError) as error:
            log.warning("environment.not-cleared", sandbox=sandbox.sandbox_id[:12], reason=str(error))
            self._tasks.start(self._clear_later(container, sandbox, disk))

    async def _clear_later(self, container: Container | None, sandbox: Sandbox, disk: ScratchDisk | None) -> None:
        await asyncio.sleep(_CLEAR_AGAIN_AFTER_S)
        await self._clear_or_later(container, sandbox, disk)
