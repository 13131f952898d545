"""
The driver protocol across a process boundary, the control plane's side: it asks the process that holds the Docker
socket (`containers/serving.py`), and cannot ask for more than the protocol has.

When that process ends, what runs is lost to us: another is reached, which removes every container of ours as any
driver does at its start, and only then what ran is reported as ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Protocol

import structlog
from msgspec import msgpack, structs

from orchestrator.clock import Clock
from orchestrator.domain.errors import PaddockError
from orchestrator.domain.functions import Image
from orchestrator.driver import messages
from orchestrator.driver.channel import Channel
from orchestrator.driver.protocol import (
    ContainerEnded,
    DriverEvent,
    EngineBack,
    EngineFacts,
    EngineLost,
    EngineUnreachable,
    EnvironmentSpec,
    IsolationReport,
    Limitation,
    OutputChunk,
    Place,
    Sandbox,
)
from orchestrator.loop import Tasks

_AGAIN_AFTER_S = 0.5
_BEFORE_STARTED = (messages.Start, messages.Close)

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_reply = msgpack.Decoder(messages.Reply)
_chunk = msgpack.Decoder(OutputChunk)


class Connector(Protocol):
    """Reaches a driver's process: one of our own, or one that is there."""

    async def connect(self) -> tuple[Channel, Channel]:
        """
        A process that serves us alone: for verbs, and for what functions write.

        Raises:
            EngineUnreachable: If there is none; the message says what helps.
        """
        ...

    async def close(self) -> None:
        """Wait until it has ended, if it is our own."""
        ...


class RemoteDriver:
    """
    A driver in another process.

    Args:
        connector: Reaches it.
    """

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock
        self._numbers = itertools.count(1)
        self._verbs: Channel | None = None
        self._written: Channel | None = None
        self._written_there = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[messages.Answered]] = {}
        self._happenings: asyncio.Queue[DriverEvent] = asyncio.Queue()
        self._open: set[str] = set()
        self._lost: set[str] = set()
        self._kept: tuple[tuple[str, ...], ...] = ()
        self._is_lost = False
        self._has_started = False
        self._tasks = Tasks("driver")
        self._container: str | None = None
        self._place: Place | None = None
        self._is_closing = False
        self._keeping: asyncio.Task[None] | None = None

    async def start(self, control_plane_container: str | None) -> Place:
        """Reach the process, and let it start."""
        self._container = control_plane_container
        await self._connect()
        self._keeping = asyncio.create_task(self._keep(), name="driver")
        self._place = await self._ask_to_start()
        return self._place

    async def test_isolation(self, forbidden_port: int) -> None:
        """Let it try what functions reach."""
        await self._ask(messages.TestIsolation(forbidden_port=forbidden_port))

    async def isolation(self) -> IsolationReport:
        """What functions reach."""
        report: IsolationReport = await self._ask(messages.Isolation())
        return report

    async def close(self) -> None:
        """Let it remove everything, and end."""
        self._is_closing = True
        # Without a connection the next start removes what is left.
        with contextlib.suppress(EngineUnreachable):
            await self._ask(messages.Close())
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        self._disconnect()
        await self._connector.close()

    async def facts(self) -> EngineFacts:
        """About the engine."""
        facts: EngineFacts = await self._ask(messages.Facts())
        return facts

    async def limitations(self) -> tuple[Limitation, ...]:
        """What cannot be guaranteed."""
        limitations: tuple[Limitation, ...] = await self._ask(messages.Limitations())
        return limitations

    async def find_image(self, reference: str) -> Image:
        """Look up an image."""
        image: Image = await self._ask(messages.FindImage(reference=reference))
        return image

    async def check_subnets(self, subnet_ids: tuple[str, ...]) -> None:
        """May functions be in these?"""
        await self._ask(messages.CheckSubnets(subnet_ids=subnet_ids))

    async def keep_subnets(self, sets: tuple[tuple[str, ...], ...]) -> None:
        """Keep sandboxes ready in these; another driver is told of them, too."""
        self._kept = sets
        await self._ask(messages.KeepSubnets(sets=sets))

    async def take_sandbox(self, subnet_ids: tuple[str, ...] = ()) -> Sandbox:
        """A ready sandbox."""
        sandbox: Sandbox = await self._ask(messages.TakeSandbox(subnet_ids=subnet_ids))
        return sandbox

    async def open(self, spec: EnvironmentSpec, sandbox: Sandbox) -> str:
        """Start a container in its sandbox."""
        container_id: str = await self._ask(messages.Open(spec=spec, sandbox=sandbox))
        self._open.add(spec.environment_id)
        return container_id

    async def freeze(self, environment_id: str) -> None:
        """Pause it."""
        await self._ask(messages.Freeze(environment_id=environment_id))

    async def thaw(self, environment_id: str) -> None:
        """Unpause it."""
        await self._ask(messages.Thaw(environment_id=environment_id))

    async def limit_cpu(self, environment_id: str) -> None:
        """Limit its CPU time."""
        await self._ask(messages.LimitCpu(environment_id=environment_id))

    async def stop(self, environment_id: str, grace: timedelta) -> None:
        """End and remove it."""
        await self._ask(messages.Stop(environment_id=environment_id, grace_s=grace.total_seconds()))
        self._open.discard(environment_id)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """Ends and out-of-memory kills, for ever."""
        while True:
            yield await self._happenings.get()

    async def output(self) -> AsyncIterator[OutputChunk]:
        """Everything the containers write, for ever."""
        while True:
            written = self._written
            packed = await written.receive() if written is not None else None
            if packed is not None:
                yield _chunk.decode(packed)
            elif written is self._written:
                self._written_there.clear()
                await self._written_there.wait()

    # -- inside

    async def _ask_to_start(self) -> Place:
        place: Place = await self._ask(messages.Start(control_plane_container=self._container))
        self._has_started = True
        return place

    async def _ask(self, verb: messages.AnyVerb) -> Any:
        if self._verbs is None:
            raise EngineUnreachable("the process that holds the Docker socket has ended; it is being started again")
        if not self._has_started and not isinstance(verb, _BEFORE_STARTED):
            # It would try, without an engine that it has found and while it removes what an earlier one left.
            raise EngineUnreachable("the process that holds the Docker socket is starting; try again in a moment")
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._verbs.send(messages.Request(number, verb))
        try:
            answered = await waiting
        finally:
            self._waiting.pop(number, None)
        return msgpack.decode(answered.value, type=verb.answer)

    async def _connect(self) -> None:
        self._verbs, self._written = await self._connector.connect()
        self._written_there.set()

    def _disconnect(self) -> None:
        for channel in (self._verbs, self._written):
            if channel is not None:
                channel.close()
        self._verbs = None
        self._has_started = False
        lost = EngineUnreachable("the process that holds the Docker socket ended before it answered")
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(lost)

    async def _keep(self) -> None:
        """Read what the process says; reach another when it has ended."""
        await self._read()
        while self._place is not None and not self._is_closing:
            self._note_loss()
            try:
                await self._connect()
            except EngineUnreachable as error:
                log.warning("driver.not-reached", reason=str(error))
            else:
                self._tasks.start(self._begin_again(self._place))
                await self._read()
            await asyncio.sleep(_AGAIN_AFTER_S)
        # It ended before it had started, or while it was asked to end: whoever waits for its answer hears of it.
        self._disconnect()

    def _note_loss(self) -> None:
        self._disconnect()
        self._lost |= self._open
        self._open = set()
        if not self._is_lost:
            self._is_lost = True
            log.error("driver.lost", consequence="what runs is lost to Paddock; the next driver removes it")
            self._happenings.put_nowait(EngineLost(at=self._clock.now()))

    async def _begin_again(self, before: Place) -> None:
        try:
            place = await self._ask_to_start()
        except PaddockError as error:
            log.warning("driver.not-started", reason=str(error))
            self._disconnect()
            return
        # What it found left behind is another matter at each start.
        if structs.replace(place, earlier_addresses=before.earlier_addresses) != before:
            log.error("driver.moved", was=before.functions_subnet, now=place.functions_subnet, remedy="restart Paddock")
        for environment_id in self._lost:
            self._happenings.put_nowait(
                ContainerEnded(environment_id=environment_id, at=self._clock.now(), engine_lost=True)
            )
        self._lost = set()
        self._is_lost = False
        self._happenings.put_nowait(EngineBack(at=self._clock.now()))
        if self._kept:
            with contextlib.suppress(EngineUnreachable):
                await self._ask(messages.KeepSubnets(sets=self._kept))

    async def _read(self) -> None:
        assert self._verbs is not None
        while (packed := await self._verbs.receive()) is not None:
            reply = _reply.decode(packed)
            match reply:
                case messages.Answered() | messages.Failed():
                    self._settle(reply)
                case _:
                    if isinstance(reply, ContainerEnded):
                        self._open.discard(reply.environment_id)
                    self._happenings.put_nowait(reply)

    def _settle(self, reply: messages.Answered | messages.Failed) -> None:
        waiting = self._waiting.get(reply.number)
        if waiting is None or waiting.done():
            return
        if isinstance(reply, messages.Failed):
            waiting.set_exception(messages.error_of(reply))
        else:
            waiting.set_result(reply)
