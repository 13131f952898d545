"""
The pool of network sandboxes (D4): attached, firewalled and ready, so that a cold start need not wait for it.

A sandbox is in the pool only after it said `ready` behind its rules. It serves one environment, once. Those that are
ready are on a list on disk, from which one is taken before it is handed out: what a crash left there serves in the next
life.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from docker.errors import APIError, NotFound

from orchestrator.containers.attached_ruleset import Attached
from orchestrator.containers.engine import Engine
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.output_streams import FrameReader, read_frames
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.spec import sandbox_container
from orchestrator.containers.subnets import Subnet
from orchestrator.domain.names import hostname_from
from orchestrator.domain.start_failures import SANDBOX_FAILURE
from orchestrator.driver.protocol import EngineUnreachable, IsolationBroken, OutputStream, Sandbox, StartFailed
from orchestrator.loop import Tasks

_READY = b"ready"
_READY_WITHIN_S = 20.0
_PAUSE_AFTER_FAILURE_S = 2.0
_DISCARDED_WITHIN = timedelta(seconds=20)
CLOSED_WITHIN = timedelta(seconds=_READY_WITHIN_S) + 2 * _DISCARDED_WITHIN

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTemplate:
    """
    What every sandbox of this control plane is made from.

    Args:
        ruleset: Its firewall; None if that is elsewhere.
        further: What it is on besides.
        fence: Sets what it reaches there from outside; None if its own rules do, or nothing does.
    """

    image: str
    owner: str
    network: FunctionsNetwork
    ruleset: str | None
    further: tuple[Subnet, ...] = ()
    fence: HostFirewall | None = None

    def specification(self, hostname: str) -> dict[str, Any]:
        """Of one that is known by this name."""
        return sandbox_container(
            image=self.image,
            owner=self.owner,
            network=self.network.name,
            hostname=hostname,
            control_plane=self.network.control_plane,
            ruleset=self.ruleset,
            labels=self.network.labels,
        )

    def digest(self) -> str:
        """Of everything that all made from it share."""
        return hashlib.sha256(json.dumps(self.specification(""), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """
    How many are started and removed at the same time, in all pools together.

    Args:
        starting: It is work of the processor: more make the first one late.
        removing: An old engine takes only one.
    """

    starting: asyncio.Semaphore
    removing: asyncio.Semaphore


class SandboxPool:
    """
    Keeps sandboxes ready.

    Args:
        kept: Those that are ready, on disk; None if no later life is to take them over.
        size: How many.
        random: Returns that many random bytes.
        cut_off: Called when a new one finds no place on one of its networks.
    """

    def __init__(
        self,
        engine: Engine,
        template: SandboxTemplate,
        kept: ReadySandboxes | None,
        *,
        size: int,
        side_by_side: SideBySide,
        random: Callable[[int], bytes],
        cut_off: Callable[[], None],
    ) -> None:
        self._cut_off = cut_off
        self._engine = engine
        self._template = template
        self._kept = kept
        self._keeping = asyncio.Lock()
        self._size = size
        self._side_by_side = side_by_side
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._random = random
        self._ready: deque[Sandbox] = deque()
        self._waiters: deque[asyncio.Future[Sandbox]] = deque()
        self._readers: dict[str, FrameReader | None] = {}
        self._making = 0
        self._is_closing = False
        self._wanted = asyncio.Event()
        self._tasks = Tasks("sandbox pool")
        self._refilling: asyncio.Task[None] | None = None
        self.last_failure: str | None = None
        self.filled = asyncio.Event()
        """Set once there have been as many as there should be."""

    async def adopt(self, found: Iterable[Mapping[str, Any]]) -> int:
        """
        Before it fills: take over what an earlier life kept ready; how many that were.

        Args:
            found: Running sandboxes that no container has joined, as the engine lists them.
        """
        assert self._kept is not None, "it has a list of its own"
        hostnames = await asyncio.to_thread(self._kept.read, self._template.digest())
        for one in found:
            place = one["NetworkSettings"]["Networks"].get(self._template.network.name, {})
            sandbox_id, hostname, address = one["Id"], hostnames.get(one["Id"]), place.get("IPAddress")
            # Under the name of the image stands its id once the name is another's.
            is_of_now = one["Image"] == self._template.image
            if hostname and address and is_of_now and len(self._ready) < self._size:
                self._ready.append(Sandbox(sandbox_id=sandbox_id, hostname=hostname, address=address))
                self._readers[sandbox_id] = None
        if self._ready:
            log.info("sandboxes.taken-over", count=len(self._ready))
        return len(self._ready)

    def start(self) -> None:
        """Begin to fill."""
        self._wanted.set()
        self._refilling = asyncio.create_task(self._refill(), name="sandbox pool")

    async def take(self) -> Sandbox:
        """
        A ready sandbox; if none is ready the next one that is, be it made for the pool or for this.

        Raises:
            StartFailed: If its firewall could not be set.
            EngineUnreachable: If the engine does not answer.
        """
        self._wanted.set()
        if self._ready and await self._is_off_the_list(taken := self._ready.popleft()):
            return taken
        waiter: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        if self._making < len(self._waiters):
            self._tasks.start(self._make_for_waiter())
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._hand_over(waiter.result())
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def ids(self) -> set[str]:
        """Of every sandbox that is ready, being made, or serves."""
        return set(self._readers)

    def lost(self, sandbox_id: str) -> None:
        """It died: if it was ready, it is not handed out any more, and removed."""
        for sandbox in list(self._ready):
            if sandbox.sandbox_id == sandbox_id:
                self._ready.remove(sandbox)
                self._tasks.start(self._discard_at_last(sandbox_id))
                self._wanted.set()

    def ready(self) -> set[str]:
        """The ids of those that are ready."""
        return {sandbox.sandbox_id for sandbox in self._ready}

    def keep_only(self, running: Collection[str]) -> None:
        """The engine came back: only these containers still run."""
        for sandbox in list(self._ready):
            if sandbox.sandbox_id not in running:
                self.lost(sandbox.sandbox_id)

    def opening(self, count: int) -> None:
        """So many containers are being opened now: refilling would slow them down, and waits."""
        if count:
            self._quiet.clear()
        else:
            self._quiet.set()

    async def discard(self, sandbox_id: str) -> None:
        """Remove one that has served."""
        self._close_reader(sandbox_id)
        async with self._side_by_side.removing:
            await self._engine.call_if_there("remove_container", sandbox_id, force=True, v=True)
        if self._template.fence is not None:
            await self._template.fence.detach(sandbox_id)

    async def use(self, ruleset: str | None) -> None:
        """
        Make sandboxes with this firewall from now on; those that are ready behind another are removed.

        Args:
            ruleset: None if it is elsewhere.
        """
        if ruleset == self._template.ruleset:
            return
        self._template = replace(self._template, ruleset=ruleset)
        outdated = [self._ready.popleft() for _ in range(len(self._ready))]
        await asyncio.gather(*(self.discard(sandbox.sandbox_id) for sandbox in outdated))
        self._wanted.set()

    async def close(self) -> None:
        """Stop filling and remove those that are ready."""
        self._is_closing = True
        self._wanted.set()
        self._quiet.set()
        self.filled.set()
        if self._refilling is not None:
            # One that is being made is made: a request to the engine cannot be taken back, and what it creates would
            # be left behind.
            _, late = await asyncio.wait([self._refilling], timeout=_READY_WITHIN_S)
            for task in late:
                task.cancel()
                await asyncio.wait([task])
        await self._tasks.finish(_DISCARDED_WITHIN)
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(StartFailed(SANDBOX_FAILURE, "nothing is made there any more; it is tried anew"))
        # First: whoever starts next does not take over what is being removed.
        if self._kept is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._kept.remove)
        await asyncio.gather(*(self.discard(sandbox.sandbox_id) for sandbox in self._ready))
        self._ready.clear()

    async def _refill(self) -> None:
        while not self._is_closing:
            await self._wanted.wait()
            self._wanted.clear()
            while len(self._ready) + self._making < self._size and not self._is_closing:
                await self._quiet.wait()
                if not await self._make_one() and not self._is_closing:
                    await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
            self.filled.set()

    async def _make_for_waiter(self) -> None:
        await self._make_one()

    async def _make_one(self) -> bool:
        """Make one for who waits, or for the pool; False if that failed."""
        try:
            sandbox = await self._make()
        except (StartFailed, EngineUnreachable) as error:
            if not self._is_closing:
                log.error("sandbox.not-made", reason=str(error))
            # Whoever waits for one of the others that are being made goes on waiting.
            waiter = self._next_waiter() if self._making < len(self._waiters) else None
            if waiter is not None:
                waiter.set_exception(error)
            return False
        self._hand_over(sandbox)
        if sandbox in self._ready:
            # One that goes to who waits was never on it.
            await self._write_list()
        return True

    async def _is_off_the_list(self, sandbox: Sandbox) -> bool:
        """It was ready, and is to serve; one that stays on the list serves nobody."""
        # A list that is being written is written: else an older one could end up over a newer.
        writing = asyncio.create_task(self._write_list(), name="list of sandboxes")
        try:
            is_written = await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._tasks.start(self._return(sandbox, writing))
            raise
        if not is_written:
            self._tasks.start(self._discard_at_last(sandbox.sandbox_id))
        return is_written

    async def _return(self, sandbox: Sandbox, writing: asyncio.Task[bool]) -> None:
        if await writing:
            self._hand_over(sandbox)
        else:
            await self._discard_at_last(sandbox.sandbox_id)

    async def _write_list(self) -> bool:
        """False if it still says what it said before."""
        if self._kept is None:
            return True
        async with self._keeping:
            hostnames = {sandbox.sandbox_id: sandbox.hostname for sandbox in self._ready}
            try:
                await asyncio.to_thread(self._kept.write, self._template.digest(), hostnames)
            except OSError as error:
                consequence = "those that were on it serve nobody"
                log.warning("sandboxes.not-listed", reason=str(error), consequence=consequence)
                return False
        return True

    def _hand_over(self, sandbox: Sandbox) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(sandbox)
        else:
            self._ready.append(sandbox)

    def _next_waiter(self) -> asyncio.Future[Sandbox] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    async def _make(self) -> Sandbox:
        self._making += 1
        try:
            while True:
                template = self._template
                try:
                    sandbox = await self._try_to_make(template)
                except StartFailed:
                    if template is self._template:
                        raise
                    # It failed behind another firewall than that of now: nobody waits for such a one.
                    continue
                if template is self._template:
                    return sandbox
                await self.discard(sandbox.sandbox_id)
        except IsolationBroken as error:
            self.last_failure = str(error)
            raise StartFailed(SANDBOX_FAILURE, f"the network sandbox could not be closed in: {error}") from error
        except APIError as error:
            self.last_failure = str(error.explanation or error)
            if isinstance(error, NotFound):
                self._cut_off()
            raise StartFailed(SANDBOX_FAILURE, f"the network sandbox could not be made: {self.last_failure}") from error
        finally:
            self._making -= 1

    async def _try_to_make(self, template: SandboxTemplate) -> Sandbox:
        hostname = hostname_from(self._random(20))
        name = f"paddock-sandbox-{self._random(6).hex()}"
        sandbox_id = await self._engine.create(template.specification(hostname), name)
        try:
            # Before it starts: it has all its networks from the first moment on, and its rules before any of them.
            for subnet in template.further:
                await self._engine.call("connect_container_to_network", sandbox_id, subnet.network_id)
            async with self._side_by_side.starting:
                await self._start_and_wait(sandbox_id)
            inspected = await self._engine.call("inspect_container", sandbox_id)
            places = inspected["NetworkSettings"]["Networks"]
            place = places.get(template.network.name)
            if place is None:
                self._cut_off()
                raise StartFailed(SANDBOX_FAILURE, "the network sandbox lost its place on the functions' network")
            attached = self._attached(template, places)
            if template.fence is not None and attached:
                await template.fence.attach(sandbox_id, attached)
        except BaseException:
            self._tasks.start(self._discard_at_last(sandbox_id))
            raise
        return Sandbox(
            sandbox_id=sandbox_id,
            hostname=hostname,
            address=place["IPAddress"],
            in_subnets=tuple(one.address for one in attached),
        )

    def _attached(self, template: SandboxTemplate, places: Mapping[str, Any]) -> tuple[Attached, ...]:
        """Its places on its further networks."""
        by_network = {one.get("NetworkID"): one for one in places.values()}
        if not {subnet.network_id for subnet in template.further} <= by_network.keys():
            self._cut_off()
            raise StartFailed(SANDBOX_FAILURE, "the network sandbox lost its place on one of its subnets' networks")
        return tuple(
            Attached(
                network_id=subnet.network_id,
                link=by_network[subnet.network_id]["MacAddress"],
                address=by_network[subnet.network_id]["IPAddress"],
                reach=subnet.reach,
            )
            for subnet in template.further
        )

    async def _discard_at_last(self, sandbox_id: str) -> None:
        """An engine that failed at making it may fail at removing it, too."""
        while True:
            try:
                await self.discard(sandbox_id)
            except (APIError, EngineUnreachable) as error:
                log.warning("sandbox.not-removed", sandbox=sandbox_id[:12], reason=str(error))
                await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
            else:
                return

    async def _start_and_wait(self, sandbox_id: str) -> None:
        written = {OutputStream.STDOUT: bytearray(), OutputStream.STDERR: bytearray()}
        ready = asyncio.get_running_loop().create_future()

        def received(stream: OutputStream, content: bytes) -> None:
            written[stream] += content
            if written[OutputStream.STDOUT].startswith(_READY) and not ready.done():
                ready.set_result(True)

        def ended() -> None:
            if not ready.done():
                ready.set_result(False)

        raw = await self._engine.attach(sandbox_id)
        self._readers[sandbox_id] = await read_frames(raw, received, ended)
        await self._engine.call("start", sandbox_id)
        try:
            is_ready = await asyncio.wait_for(ready, _READY_WITHIN_S)
        except TimeoutError:
            is_ready = False
        if not is_ready:
            said = written[OutputStream.STDERR].decode(errors="replace").strip() or "it said nothing"
            self.last_failure = said
            raise StartFailed(
                SANDBOX_FAILURE,
                f"the sandbox's firewall could not be set ({said}); no function is started without it. "
                "`paddock doctor` says more",
            )

    def _close_reader(self, sandbox_id: str) -> None:
        reader = self._readers.pop(sandbox_id, None)
        if reader is not None:
            reader.close()
