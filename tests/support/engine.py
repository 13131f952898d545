"""Fleet, dispatcher, event queue and front desk, wired on a fake driver, a fake clock and a real store."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestrator.domain.functions import Function, FunctionVersion
from orchestrator.domain.history import LifecycleEntry, LifecycleEvent, OutputBatch
from orchestrator.domain.invocations import InvocationType
from orchestrator.domain.lifetimes import Lifetimes
from orchestrator.domain.names import FunctionKey, FunctionReference, VersionKey
from orchestrator.domain.provisioned_concurrency import ProvisionedConfig, Standing, standing_of, wanted_of
from orchestrator.domain.retries import RetryPolicy
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.live import LiveEnvironment
from orchestrator.fleet.memory import MemoryReader
from orchestrator.fleet.output import OutputLog
from orchestrator.fleet.provisioning import Provisioning
from orchestrator.fleet.reaper import Reaper
from orchestrator.fleet.room import Room, host_limits
from orchestrator.fleet.scaler import Scaler
from orchestrator.invocations.dispatcher import Dispatcher
from orchestrator.invocations.event_queue import EventQueue
from orchestrator.invocations.front_desk import FrontDesk
from orchestrator.invocations.leases import Leases
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from orchestrator.invocations.run_log import RunLog
from orchestrator.store.event_invoke_configs import retry_policy
from orchestrator.store.store import Store
from tests.support.builders import KEY, a_version, an_alias
from tests.support.fake_clock import FakeClock
from tests.support.fake_driver import FakeDriver
from tests.support.runtime import ScriptedRuntime

RETRY_DELAYS_S = (60, 120)
ROOM_WAIT_S = 10.0
_TURNS = 200
_PATIENCE_S = 5


class TwentyMib(MemoryReader):
    """Every container's processes hold twenty MiB; a test says how many were killed for memory."""

    killed = 0

    def kills(self, container_id: str | None) -> int:
        """As a test says."""
        return self.killed if container_id is not None else 0

    def used_mib(self, container_id: str | None) -> int | None:
        """Once there is one."""
        return 20 if container_id is not None else None


class Engine:
    """Everything between the doors and Docker. The scaler, the reaper and the loops move when a test says so."""

    def __init__(
        self,
        store: Store,
        clock: FakeClock,
        *,
        environments: int = 100,
        memory_mib: int = 8192,
        account_limit: int = 1000,
    ) -> None:
        self.store = store
        self.clock = clock
        self.driver = FakeDriver()
        self.memory = TwentyMib(Path("/nowhere"))
        self.draw: Callable[[], float] = lambda: 0.0
        self.entries: list[LifecycleEntry] = []
        self.batches: list[OutputBatch] = []
        numbers = itertools.count(1)

        def random(count: int) -> bytes:
            return next(numbers).to_bytes(count, "big")

        self.journal = journal = Journal(clock, self.entries.append)
        self.history_is_full = False
        self.output = OutputLog(clock, self._keep)
        self.fleet = Fleet(
            driver=self.driver,
            memory=self.memory,
            journal=journal,
            output=self.output,
            clock=clock,
            current=self.current,
            runtime_port=9001,
            stop_grace=timedelta(seconds=0.3),
            random=random,
        )
        self.leases = Leases(
            reservation=self._reservation,
            reserved_in_all=lambda key: store.provisioned.set_aside(key.account, key.region),
            account_limit=account_limit,
            provisioned=store.provisioned.requested,
            returned=lambda: self.events.lease_returned(),
        )
        self.dispatcher = Dispatcher(
            fleet=self.fleet,
            run_log=RunLog(output=self.output, journal=journal, clock=clock),
            journal=journal,
            leases=self.leases,
            clock=clock,
            attempt_begun=store.invocations.attempt_begun,
            current=self.current,
            want_environments=lambda: None,
            random=random,
            room_wait=timedelta(seconds=ROOM_WAIT_S),
        )
        self.fleet.observe(self.dispatcher)
        self.events = EventQueue(
            store=store.invocations,
            dispatcher=self.dispatcher,
            fleet=self.fleet,
            leases=self.leases,
            journal=journal,
            clock=clock,
            policy=self.retry_policy,
            function=store.functions.get,
            led_to=self.led_to,
            reservation=self._reservation,
            wake=lambda: None,
        )
        self.front_desk = FrontDesk(
            store=store.invocations,
            fleet=self.fleet,
            dispatcher=self.dispatcher,
            events=self.events,
            leases=self.leases,
            clock=clock,
            led_to=self.led_to,
            random=random,
        )
        self.front_desk.open()
        room = Room(self.fleet, clock, host_limits(memory_mib, 0, environments, timedelta(seconds=2)))
        self.provisioning = Provisioning(
            fleet=self.fleet,
            room=room,
            journal=journal,
            clock=clock,
            wanted=store.provisioned.wanted,
            current=self.current,
            max_starting=8,
        )
        self.scaler = Scaler(
            fleet=self.fleet,
            room=room,
            clock=clock,
            demands=self.dispatcher.waiting.demands,
            start=self.dispatcher.start_environment,
            max_starting=4,
        )
        self.reaper = Reaper(
            fleet=self.fleet,
            observer=self.dispatcher,
            clock=clock,
            lifetimes=Lifetimes(
                freeze_after=timedelta(seconds=1),
                idle_timeout=timedelta(seconds=600),
                init_timeout=timedelta(seconds=10),
            ),
        )

    # -- functions

    async def deploy(self, reserved: int | None = None, **changes: Any) -> FunctionVersion:
        """An active function."""
        version = a_version(**changes)
        await self.store.functions.create(Function(key=version.key, latest=version, reserved_concurrency=reserved))
        return version

    async def configure(self, key: FunctionKey = KEY, **changes: Any) -> None:
        """Change a function's configuration, as an update does."""
        function = self.store.functions.get(key)
        assert function is not None
        latest = replace(function.latest, **changes)
        await self.store.functions.replace_latest(latest, expected_revision=function.latest.revision_id)
        self.fleet.retire_outdated(key)

    async def publish(self, number: str, key: FunctionKey = KEY, **changes: Any) -> FunctionVersion:
        """A version, of what `$LATEST` is but for the changes."""
        function = self.store.functions.get(key)
        assert function is not None
        version = replace(function.latest, version=number, **changes)
        await self.store.functions.publish(version, expected_last=function.last_published)
        return version

    async def alias(self, name: str, version: str, weights: Mapping[str, float] = {}) -> None:
        """Make an alias lead there, or there from now on."""
        function = self.store.functions.get(KEY)
        assert function is not None
        alias = an_alias(name=name, version=version, weights=weights)
        if name in function.aliases:
            await self.store.functions.replace_alias(alias, expected_revision=alias.revision_id)
        else:
            await self.store.functions.create_alias(alias)

    async def provision(self, qualifier: str, count: int, key: FunctionKey = KEY) -> None:
        """Ask for so many environments of a version or alias; none takes it back."""
        if count:
            config = ProvisionedConfig(requested=count, last_modified=self.clock.now())
            await self.store.provisioned.put(key, qualifier, config)
        else:
            await self.store.provisioned.remove(key, qualifier)
        await self.keep_provisioned()

    async def keep_provisioned(self) -> list[ScriptedRuntime]:
        """Let the provisioning look once; the runtimes of what it started, which have not asked yet."""
        known = set(self.fleet.live())
        await self.provisioning.tick()
        await self.settle()
        return [ScriptedRuntime(self.dispatcher, live) for live in self.fleet.live() if live not in known]

    def provisioned(self, qualifier: str) -> Standing:
        """How far it is, of a version or alias, now."""
        function = self.store.functions.get(KEY)
        config = self.store.provisioned.get(KEY, qualifier)
        assert function is not None
        assert config is not None
        wanted = wanted_of(config.requested, function.shares(qualifier))
        return standing_of(wanted, {one: self.provisioning.found(VersionKey(KEY, one)) for one in wanted})

    def current(self, key: VersionKey) -> FunctionVersion | None:
        """What a version is now."""
        function = self.store.functions.get(key.function)
        return function.version(key.version) if function is not None else None

    def led_to(self, key: FunctionKey, qualifier: str | None) -> FunctionVersion | None:
        """What a qualifier leads to now; aliases share by the test's draws."""
        function = self.store.functions.get(key)
        return function.led_to(qualifier, self.draw()) if function is not None else None

    def retry_policy(self, key: FunctionKey, qualifier: str | None) -> RetryPolicy:
        """What is set on the qualifier, else three attempts within six hours."""
        delays = tuple(timedelta(seconds=delay) for delay in RETRY_DELAYS_S)
        default = RetryPolicy(delays=delays, max_age=timedelta(hours=6))
        return retry_policy(self.store.documents, default, key, qualifier)

    def _keep(self, batch: OutputBatch) -> bool:
        if not self.history_is_full:
            self.batches.append(batch)
        return not self.history_is_full

    def _reservation(self, key: FunctionKey) -> int | None:
        function = self.store.functions.get(key)
        return function.reserved_concurrency if function is not None else None

    # -- callers

    def call(
        self,
        payload: object = None,
        *,
        log_tail: bool = False,
        qualifier: str | None = None,
        tenant_id: str | None = None,
    ) -> asyncio.Task[InvokeResult]:
        """A synchronous call, under way."""
        request = _request(InvocationType.REQUEST_RESPONSE, payload, log_tail, qualifier, tenant_id)
        return asyncio.create_task(self.front_desk.invoke(request))

    async def send(self, payload: object = None, *, qualifier: str | None = None, tenant_id: str | None = None) -> str:
        """An event; its request id once it was accepted."""
        request = _request(InvocationType.EVENT, payload, False, qualifier, tenant_id)
        accepted = await self.front_desk.invoke(request)
        assert accepted.status_code == 202
        return accepted.request_id

    # -- time and environments

    async def settle(self) -> None:
        """Let everything that can go on without time passing do so. The one place that yields to the event loop."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def scale(self) -> None:
        """Let the scaler look once, and what it starts start."""
        await self.settle()
        await self.scaler.tick()
        await self.settle()

    async def pass_time(self, seconds: float) -> None:
        """Time passes, and the reaper and the waits look."""
        self.clock.advance(seconds)
        await self.reaper.tick()
        await self.dispatcher.tick()
        await self.settle()

    async def environment(self) -> ScriptedRuntime:
        """Start one for whoever waits, and its runtime; it has not asked yet."""
        known = set(self.fleet.live())
        await self.scale()
        started = [live for live in self.fleet.live() if live not in known]
        assert len(started) == 1, f"{len(started)} were started"
        return ScriptedRuntime(self.dispatcher, started[0])

    async def warm(self) -> ScriptedRuntime:
        """An idle environment that has answered one call."""
        call = self.call()
        runtime = await self.environment()
        event = runtime.ask() or await runtime.event()
        runtime.answer(event)
        await answer_of(call)
        assert runtime.ask() is None
        return runtime

    def seen(self, event: LifecycleEvent) -> list[LifecycleEntry]:
        """What the journal has of this."""
        return [entry for entry in self.entries if entry.event is event]

    def live(self) -> list[LiveEnvironment]:
        """Every live environment."""
        return list(self.fleet.live())

    async def state_of(self, request_id: str) -> str:
        """Where an invocation is, in the store."""
        found = await self.store.invocations.get(request_id)
        assert found is not None
        return found.state.value

    async def until_written(self, key: FunctionKey = KEY) -> None:
        """Wait until what follows the last attempt of each event is in the store."""

        async def poll() -> None:
            while self.events.in_hand(key):
                await self.settle()

        await asyncio.wait_for(poll(), _PATIENCE_S)

    async def until_gone(self) -> None:
        """Wait until no environment lives."""

        async def poll() -> None:
            while self.live():
                await self.settle()

        await asyncio.wait_for(poll(), _PATIENCE_S)

    async def until_state(self, request_id: str, state: str) -> None:
        """
        Wait until the store has it in this state, and whoever had it written knows: the writer is a thread of its own,
        and what it has committed can be read before it says so.
        """

        async def poll() -> None:
            while True:
                found = await self.store.invocations.get(request_id)
                assert found is not None
                if found.state.value == state and not self.events.holds(found):
                    return

        await asyncio.wait_for(poll(), _PATIENCE_S)


async def answer_of(call: asyncio.Task[InvokeResult]) -> InvokeResult:
    """What a call gets."""
    return await asyncio.wait_for(call, _PATIENCE_S)


async def error_of(call: asyncio.Task[InvokeResult]) -> dict[str, Any]:
    """The function error that a call gets."""
    answer = await answer_of(call)
    assert answer.function_error == "Unhandled", answer
    error: dict[str, Any] = json.loads(answer.payload)
    return error


def _request(
    kind: InvocationType, payload: object, log_tail: bool, qualifier: str | None, tenant_id: str | None
) -> InvokeRequest:
    return InvokeRequest(
        reference=FunctionReference(KEY, qualifier),
        invocation_type=kind,
        payload=json.dumps({} if payload is None else payload).encode(),
        wants_log_tail=log_tail,
        tenant_id=tenant_id,
    )


EngineMaker = Callable[..., Engine]
