"""
The Docker driver: execution environments as containers in pooled sandboxes. See the contract in `driver/protocol.py`.

Here is what happens once: start, the end, and looking after what the engine does meanwhile. What happens to each
environment is in `environments.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import structlog
from docker.errors import APIError

from orchestrator.clock import Clock
from orchestrator.containers import network as networks
from orchestrator.containers.cut_off import replace_what_was_cut_off
from orchestrator.containers.engine import Engine
from orchestrator.containers.environments import Environments, Host
from orchestrator.containers.firewall import Reach, ruleset
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.host_view import HostView, look_at_host, seccomp_profile
from orchestrator.containers.images import Images
from orchestrator.containers.isolation import NOT_YET, Isolation, Rules
from orchestrator.containers.leftovers import EarlierLives, Leftovers
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.output_streams import OutputQueue
from orchestrator.containers.own_container import OwnContainer, check_is_control_plane, inspect, on_host
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.running import Running
from orchestrator.containers.sandbox_pool import SandboxTemplate, SideBySide
from orchestrator.containers.sandbox_pools import SandboxPools, Sizes
from orchestrator.containers.scratch_disks import ScratchDisks
from orchestrator.containers.self_test import Surroundings
from orchestrator.containers.spec import LIFE
from orchestrator.containers.subnets import Subnets
from orchestrator.containers.writable_roots import OverItsSize, WritableRoots
from orchestrator.domain.functions import Image
from orchestrator.driver.own_container import own_container_id
from orchestrator.driver.protocol import (
    DriverEvent,
    EngineFacts,
    EngineUnreachable,
    EnvironmentSpec,
    IsolationReport,
    Limitation,
    OutputChunk,
    Place,
    Sandbox,
    StartFailed,
)
from orchestrator.loop import Loop, Tasks
from orchestrator.settings import Settings

_REMOVING_AT_ONCE = 8
_SURPLUS_WAITS_S = 1.0
_FIRST_COME_UP_WITHIN_S = 3.0
_FILLED_WITHIN_S = 10.0
_BEGUN_IS_FINISHED_WITHIN = timedelta(seconds=20)
_LIVES_WHOSE_SANDBOXES_MAY_WAIT = 4
_LOOK_AFTER_EVERY = timedelta(seconds=10)
_NETWORKS_REMOVED_SIDE_BY_SIDE = 23
"""
Since this version of the engine. Before, two containers that leave one network at the same time may lock the whole
engine up for good (https://github.com/moby/moby/issues/46661, seen once in about 5,000 removals).
"""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


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
        self._life = random(8).hex()
        self._engine = Engine({LIFE: self._life})
        self._images = Images(self._engine, owner, settings.driver_folder / "accounts")
        self._own: OwnContainer | None = None
        self._seccomp: str | None = None
        self._output = OutputQueue(clock.now, clock.monotonic)
        self._running = Running(self._engine, owner, clock)
        self._roots = WritableRoots(
            self._engine, owner=owner, image=settings.sandbox_image, over=self._wrote_too_much, random=random
        )
        self._host_firewall = HostFirewall(
            self._engine, image=settings.sandbox_image, owner=owner, folder=settings.driver_folder, random=random
        )
        self._environments: Environments | None = None
        self._network: FunctionsNetwork | None = None
        self._pools: SandboxPools | None = None
        self._disks: ScratchDisks | None = None
        self._isolation: Isolation | None = None
        self._tasks = Tasks("driver")
        self._discarding = asyncio.Lock()
        self._is_ending = asyncio.Event()
        self._leftovers = Leftovers(
            self._engine,
            owner=owner,
            life=self._life,
            known=self._known,
            discard=self._discard,
            monotonic=clock.monotonic,
        )
        self._looking_after = Loop("look after", self._look_after, _LOOK_AFTER_EVERY)

    async def start(self, control_plane_container: str | None) -> Place:
        """Reach the engine, remove leftovers, provide the network, begin to fill the pool."""
        await self._engine.connect()
        own_id = await asyncio.to_thread(own_container_id)
        self._own = await inspect(self._engine, own_id)
        control_plane = await inspect(self._engine, control_plane_container)
        if control_plane is not None and control_plane.container_id != own_id:
            check_is_control_plane(control_plane)
        earlier = await self._leftovers.of_earlier_lives()
        # Side by side, for callers wait for this after a crash. Nothing is started before every function of an earlier
        # start has gone; its sandboxes hold nothing, and may serve now, or go later.
        removing = asyncio.create_task(self._leftovers.remove(earlier.functions))
        looking = asyncio.create_task(self._look_at_host())

        async def host_addresses() -> tuple[str, ...]:
            return (await looking).addresses

        try:
            network = await networks.provide(
                self._engine, self._owner, self._settings.functions_subnet, control_plane, host_addresses
            )
            self._seccomp = seccomp_profile(self._engine)
            if await self._host_firewall.may_stand():
                # It is set anew, without the places of an earlier life's functions on further networks.
                await removing
            disks = await self._begin(network, await looking, earlier)
            assert self._pools is not None
            old = [one for one in earlier.others if one not in self._pools.ids()]
            bearable = _LIVES_WHOSE_SANDBOXES_MAY_WAIT * self._settings.network_pool_size
            # One crash after the other leaves no time for it later.
            await self._leftovers.discard(old[2 * bearable :])
            await removing
        finally:
            removing.cancel()
            looking.cancel()
        # Only now: the disks of an earlier start were mounted until its functions had gone.
        self._tasks.start(self._fill(disks))
        self._tasks.start(self._clear_up(old[bearable : 2 * bearable], old[:bearable]))
        self._roots.start()
        return Place(
            control_plane_address=network.control_plane,
            functions_subnet=network.subnet,
            published_addresses=control_plane.published_on if control_plane is not None else None,
            earlier_addresses=earlier.addresses,
        )

    async def _fill(self, disks: ScratchDisks) -> None:
        """Where there are sandboxes for the first environments, a disk is all that these wait for."""
        assert self._pools is not None
        if self._pools.ready():
            await disks.start()
            self._pools.start()
        else:
            self._pools.start()
            await disks.start()

    async def _clear_up(self, surplus: list[str], waiting: list[str]) -> None:
        """
        Remove old sandboxes: they hold nothing, and it would take the engine's time from the first new environments.

        Args:
            surplus: Removed soon all the same: one crash after the other would let them pile up.
            waiting: Removed once the first have had their time, and the pool is full.
        """
        assert self._pools is not None
        try:
            await _wait_at_most(_SURPLUS_WAITS_S, self._is_ending)
            await self._leftovers.discard(surplus)
            await _wait_at_most(_FIRST_COME_UP_WITHIN_S - _SURPLUS_WAITS_S, self._is_ending)
            await _wait_at_most(_FILLED_WITHIN_S, self._pools.filled)
            await self._leftovers.discard(waiting)
        finally:
            self._looking_after.start()

    async def _look_at_host(self) -> HostView:
        return await look_at_host(
            self._engine,
            image=self._settings.sandbox_image,
            owner=self._owner,
            name=f"paddock-probe-{self._random(6).hex()}",
        )

    async def _begin(self, network: FunctionsNetwork, host: HostView, earlier: EarlierLives) -> ScratchDisks:
        self._network = network
        reach = self._reach(network, host)
        one_at_a_time = self._engine.major_version < _NETWORKS_REMOVED_SIDE_BY_SIDE
        self._pools = SandboxPools(
            self._engine,
            SandboxTemplate(
                image=self._settings.sandbox_image,
                owner=self._owner,
                network=network,
                ruleset=ruleset(reach),
            ),
            reach,
            Subnets(self._engine, self._settings.subnets, network.own_container),
            self._host_firewall,
            ReadySandboxes(self._settings.driver_folder / "ready-sandboxes"),
            sizes=Sizes(alone=self._settings.network_pool_size, of_set=self._settings.subnet_pool_size),
            side_by_side=SideBySide(
                starting=asyncio.Semaphore(self._engine.about["NCPU"]),
                removing=asyncio.Semaphore(1 if one_at_a_time else _REMOVING_AT_ONCE),
            ),
            random=self._random,
            cut_off=self._looking_after.wake,
            too_open=self._running.sandbox_failed,
        )
        self._isolation = self._isolation_of(self._pools, network, reach)
        # What another runtime has made would say nothing of this one's.
        if await self._isolation.begin():
            await self._pools.adopt(earlier.unjoined)
        disks = self._scratch_disks()
        self._environments = Environments(
            self._engine,
            Host(owner=self._owner, own=self._own, network=network, seccomp=self._seccomp),
            images=self._images,
            pools=self._pools,
            disks=disks,
            roots=self._roots,
            running=self._running,
            output=self._output,
            tasks=self._tasks,
        )
        self._running.watch(self._pools, network.name)
        return disks

    def _isolation_of(self, pools: SandboxPools, network: FunctionsNetwork, reach: Reach) -> Isolation:
        settings = self._settings
        image, folder = settings.sandbox_image, settings.driver_folder
        return Isolation(
            self._engine,
            pools,
            self._host_firewall,
            Surroundings(
                owner=self._owner,
                image=image,
                control_plane=network.control_plane,
                runtime_port=settings.runtime_port,
            ),
            Rules(reach=reach, network=network),
            tested_as=ruleset(self._reach(network, HostView(addresses=(), dns_servers=()))),
            folder=folder,
            insecure=settings.insecure_network,
            random=self._random,
        )

    async def test_isolation(self, forbidden_port: int) -> None:
        """Try it from sandboxes of the pool, unless it was seen to hold here."""
        assert self._isolation is not None, "start it first"
        await self._isolation.establish(forbidden_port)

    async def isolation(self) -> IsolationReport:
        """What functions reach."""
        return self._isolation.report() if self._isolation is not None else NOT_YET

    async def close(self) -> None:
        """Remove every sandbox and the network; release the engine."""
        self._is_ending.set()
        if self._pools is not None:
            await self._pools.close()
        await self._roots.close()
        await self._tasks.finish(_BEGUN_IS_FINISHED_WITHIN)
        await self._looking_after.stop()
        functions, others = await self._leftovers.of_any_life()
        await self._leftovers.remove(functions)
        await self._leftovers.discard(others)
        await self._images.remove_volumes()
        if self._disks is not None:
            await self._disks.close()
        if self._isolation is not None:
            await self._isolation.close()
        if self._network is not None:
            await networks.remove(self._engine, self._network)
        self._running.close()
        self._engine.close()

    async def limitations(self) -> tuple[Limitation, ...]:
        """What cannot be guaranteed on this host."""
        unlimited = Limitation(fact="system calls are not limited", remedy="use an engine built with seccomp")
        found = (
            self._disks.limitation if self._disks is not None else None,
            self._roots.limitation,
            unlimited if self._seccomp is None else None,
        )
        return tuple(one for one in found if one is not None)

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
        """Look up an image, and look into it now, so that a cold start need not."""
        image = await self._images.find(reference)
        await self._images.traits(image.image_id)
        with contextlib.suppress(StartFailed):
            # Told by the invocations, as on AWS.
            await self._images.check_working_directory(image.image_id, None)
        return image

    async def check_subnets(self, subnet_ids: tuple[str, ...]) -> None:
        """May functions be in these?"""
        assert self._pools is not None, "start it first"
        await self._pools.check(subnet_ids)

    async def keep_subnets(self, sets: tuple[tuple[str, ...], ...]) -> None:
        """Keep sandboxes ready in these sets."""
        assert self._pools is not None, "start it first"
        await self._pools.keep(sets)

    async def take_sandbox(self, subnet_ids: tuple[str, ...] = ()) -> Sandbox:
        """A ready sandbox."""
        return await self._started().take_sandbox(subnet_ids)

    async def open(self, spec: EnvironmentSpec, sandbox: Sandbox) -> str:
        """Create, attach, start."""
        return await self._started().open(spec, sandbox)

    async def freeze(self, environment_id: str) -> None:
        """Pause it."""
        await self._started().freeze(environment_id)

    async def thaw(self, environment_id: str) -> None:
        """Unpause it."""
        await self._started().thaw(environment_id)

    async def limit_cpu(self, environment_id: str) -> None:
        """Limit its CPU time to its function's share."""
        await self._started().limit_cpu(environment_id)

    async def stop(self, environment_id: str, grace: timedelta) -> None:
        """End and remove container and sandbox."""
        await self._started().stop(environment_id, grace)

    def events(self) -> AsyncIterator[DriverEvent]:
        """Ends and out-of-memory kills, for ever."""
        return self._running.events()

    def output(self) -> AsyncIterator[OutputChunk]:
        """Everything the containers write, for ever."""
        return self._output.chunks()

    # -- inside

    def _started(self) -> Environments:
        assert self._environments is not None, "start it first"
        return self._environments

    def _scratch_disks(self) -> ScratchDisks:
        folder = self._settings.driver_folder / "scratch"
        self._disks = ScratchDisks(
            self._engine,
            owner=self._owner,
            image=self._settings.sandbox_image,
            folder=folder,
            folder_on_host=on_host(self._own, folder),
            random=self._random,
        )
        return self._disks

    def _wrote_too_much(self, found: OverItsSize) -> None:
        self._running.end(
            found.container_id,
            f"it wrote {found.written_mib} MB outside /tmp, where it may write {found.size_mib}, as much as in "
            "/tmp; raise its EphemeralStorage, or write less",
        )

    async def _look_after(self) -> None:
        """Mend what the engine, or somebody at it, has done meanwhile."""
        assert self._network is not None
        assert self._pools is not None
        try:
            await replace_what_was_cut_off(self._engine, self._owner, self._network, self._pools, self._running)
            await self._pools.tick()
            await self._leftovers.sweep()
            if self._disks is not None:
                await self._disks.tick()
        except (APIError, EngineUnreachable) as error:
            log.warning("look-after.failed", reason=str(error))

    def _known(self) -> set[str]:
        """The containers that are in use, or will be."""
        return self._running.ids() | (self._pools.ids() if self._pools is not None else set())

    async def _discard(self, sandbox_id: str) -> None:
        """One with a place on the network leaves it as the pool's do."""
        if self._pools is not None:
            await self._pools.discard(sandbox_id)
            return
        # It did not come to a pool: nothing else is removed meanwhile.
        async with self._discarding:
            await self._engine.call_if_there("remove_container", sandbox_id, force=True, v=True)

    def _reach(self, network: FunctionsNetwork, host: HostView) -> Reach:
        return Reach(
            control_plane=network.control_plane,
            runtime_port=self._settings.runtime_port,
            host_addresses=host.addresses,
            dns_servers=host.dns_servers,
            internet=self._settings.internet,
            open_addresses=self._settings.open_addresses,
        )


async def _wait_at_most(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
