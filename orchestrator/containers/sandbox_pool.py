"""
The pool of network sandboxes (D4): attached, firewalled and ready, so that a cold start need not wait for it.

A sandbox is in the pool only after it said `ready` behind its rules. It serves one environment, once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from docker.errors import APIError

from orchestrator.containers.driver import EngineUnreachable, OutputStream, Sandbox, StartFailed
from orchestrator.containers.engine import Engine
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.output_streams import FrameReader, read_frames
from orchestrator.containers.spec import sandbox_container
from orchestrator.domain.names import hostname_from
from orchestrator.loop import Tasks

SANDBOX_FAILURE = "Sandbox.Failure"
_READY = b"ready"
_READY_WITHIN_S = 20.0
_MAKING_AT_ONCE = 2
_PAUSE_AFTER_FAILURE_S = 2.0

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTemplate:
    """What every sandbox of this control plane is made from."""

    image: str
    owner: str
    network: FunctionsNetwork
    ruleset: str


class SandboxPool:
    """
    Keeps sandboxes ready.

    Args:
        size: How many.
        random: Returns that many random bytes.
    """

    def __init__(
        self,
        engine: Engine,
        template: SandboxTemplate,
        *,
        size: int,
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._template = template
        self._size = size
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._random = random
        self._ready: deque[Sandbox] = deque()
        self._readers: dict[str, FrameReader] = {}
        self._making = 0
        self._wanted = asyncio.Event()
        self._tasks = Tasks("sandbox pool")
        self._refilling: asyncio.Task[None] | None = None
        self.last_failure: str | None = None

    def start(self) -> None:
        """Begin to fill."""
        self._wanted.set()
        self._refilling = asyncio.create_task(self._refill(), name="sandbox pool")

    async def take(self) -> Sandbox:
        """
        A ready sandbox; made now if none is ready.

        Raises:
            StartFailed: If its firewall could not be set.
            EngineUnreachable: If the engine does not answer.
        """
        sandbox = self._ready.popleft() if self._ready else None
        self._wanted.set()
        return sandbox or await self._make()

    def lost(self, sandbox_id: str) -> None:
        """It died: it is not handed out any more."""
        for sandbox in list(self._ready):
            if sandbox.sandbox_id == sandbox_id:
                self._ready.remove(sandbox)
        self._close_reader(sandbox_id)
        self._wanted.set()

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
        await self._engine.call_if_there("remove_container", sandbox_id, force=True, v=True)

    async def close(self) -> None:
        """Stop filling and remove those that are ready."""
        if self._refilling is not None:
            self._refilling.cancel()
            await asyncio.wait([self._refilling])
        await asyncio.gather(*(self.discard(sandbox.sandbox_id) for sandbox in self._ready))
        self._ready.clear()

    async def _refill(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while len(self._ready) + self._making < self._size:
                await self._quiet.wait()
                try:
                    self._ready.append(await self._make())
                except (StartFailed, EngineUnreachable) as error:
                    log.error("sandbox.not-made", reason=str(error))
                    await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)

    async def _make(self) -> Sandbox:
        self._making += 1
        try:
            return await self._try_to_make()
        except APIError as error:
            self.last_failure = str(error.explanation or error)
            raise StartFailed(SANDBOX_FAILURE, f"the network sandbox could not be made: {self.last_failure}") from error
        finally:
            self._making -= 1

    async def _try_to_make(self) -> Sandbox:
        template = self._template
        hostname = hostname_from(self._random(20))
        specification = sandbox_container(
            image=template.image,
            owner=template.owner,
            network=template.network.name,
            hostname=hostname,
            control_plane=template.network.control_plane,
            ruleset=template.ruleset,
            labels=template.network.labels,
        )
        name = f"paddock-sandbox-{self._random(6).hex()}"
        sandbox_id = await self._engine.create(specification, name)
        try:
            await self._start_and_wait(sandbox_id)
            inspected = await self._engine.call("inspect_container", sandbox_id)
        except BaseException:
            self._close_reader(sandbox_id)
            await asyncio.shield(self._engine.call_if_there("remove_container", sandbox_id, force=True, v=True))
            raise
        address = inspected["NetworkSettings"]["Networks"][template.network.name]["IPAddress"]
        return Sandbox(sandbox_id=sandbox_id, hostname=hostname, address=address)

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
