"""
The composition root: builds, starts and stops everything. The only place that knows every part.

Start: store → listeners (callers wait) → engine, leftovers removed → recovery → loops → open.
Stop: closed → what runs may finish → the rest is interrupted → environments → sandboxes and network → store.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network

import structlog

from orchestrator import logs
from orchestrator.access.browsers import BrowserRules
from orchestrator.access.exposure import Decision, must_be_signed
from orchestrator.access.function_peers import FunctionPeers
from orchestrator.clock import Clock
from orchestrator.console.doctor import Doctor
from orchestrator.console.sources import ConsoleSources
from orchestrator.domain.aliases import draw_from
from orchestrator.domain.connections import front_port_connections, runtime_api_connections
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.history import LifecycleEntry, LifecycleEvent
from orchestrator.domain.lifetimes import Lifetimes
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.retries import RetryPolicy
from orchestrator.driver.own_container import own_container_id
from orchestrator.driver.protocol import Driver, Place
from orchestrator.fleet.deployments import Deployments
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.memory import MemoryReader
from orchestrator.fleet.output import OutputLog
from orchestrator.fleet.provisioning import Provisioning
from orchestrator.fleet.reaper import Reaper
from orchestrator.fleet.room import Room, host_limits
from orchestrator.fleet.scaler import Scaler
from orchestrator.front_door import FrontDoor
from orchestrator.garbage import spare_what_is_there
from orchestrator.http_bounds import Bounds
from orchestrator.invocations.dispatcher import Dispatcher
from orchestrator.invocations.event_queue import EventQueue
from orchestrator.invocations.front_desk import FrontDesk
from orchestrator.invocations.leases import Leases
from orchestrator.invocations.run_log import RunLog
from orchestrator.lambda_api.answers import App
from orchestrator.lambda_api.api import LambdaApi
from orchestrator.lambda_api.bodies import BodyRoom
from orchestrator.lambda_api.catalogue import Parts, handlers_of
from orchestrator.lambda_api.invoke import InvokeApp
from orchestrator.lambda_api.layer_downloads import LayerDownloads
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.lambda_api.signed import SignedOnly
from orchestrator.listeners import Listener, listening_that_none_may_reach
from orchestrator.loop import Loop, kept_up
from orchestrator.on_demand import OnDemand
from orchestrator.runtime_api.refusals import Refusals
from orchestrator.runtime_api.routes import RuntimeApi
from orchestrator.runtime_api.turns import Turns
from orchestrator.settings import Settings
from orchestrator.store.event_invoke_configs import retry_policy
from orchestrator.store.recovery import MAX_CRASHES
from orchestrator.store.store import Store
from orchestrator.store.writer import StoreFailed

_SWITCH_INTERVAL_S = 0.002
"""How long a thread may keep the interpreter while another waits: short for the writer, long for the loop (ADR 5)."""
_MIB = 1_048_576
_FRONT_KEEP_ALIVE_S = 75
_RUNTIME_KEEP_ALIVE_S = 86_400
_DRAIN = timedelta(seconds=5)
_TURNS = frozenset({LifecycleEvent.BUSY, LifecycleEvent.IDLE})
_SHUTTING_DOWN = "Paddock is shutting down; try again when it is back"

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ControlPlane:
    """
    Everything, built and connected.

    Args:
        driver: What runs containers.
        lifecycle_log: Writes lifecycle entries to the log.
        random: Returns that many random bytes.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        driver: Driver,
        clock: Clock,
        lifecycle_log: logs.Sink,
        random: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._store = store
        self._driver = driver
        self._clock = clock
        self._random = random
        self._is_ready = False
        self._place: Place | None = None
        self._memory = memory = MemoryReader(settings.cgroup_root)

        self._journal = Journal(clock, lifecycle_log, _without_turns(store.history.record))
        self._output = OutputLog(clock, store.history.record_output)
        self._fleet = Fleet(
            driver=driver,
            memory=memory,
            journal=self._journal,
            output=self._output,
            clock=clock,
            current=self._current,
            runtime_port=settings.runtime_port,
            stop_grace=timedelta(seconds=settings.stop_grace_s),
            random=random,
        )
        self._leases = Leases(
            reservation=self._reservation,
            reserved_in_all=lambda key: store.provisioned.set_aside(key.account, key.region),
            account_limit=settings.account_concurrency,
            provisioned=store.provisioned.requested,
            returned=self._lease_returned,
        )
        self._dispatcher = Dispatcher(
            fleet=self._fleet,
            run_log=RunLog(output=self._output, journal=self._journal, clock=clock),
            journal=self._journal,
            leases=self._leases,
            clock=clock,
            attempt_begun=store.invocations.attempt_begun,
            current=self._current,
            want_environments=self._want_environments,
            random=random,
            room_wait=timedelta(seconds=settings.room_wait_s),
        )
        self._fleet.observe(self._dispatcher)
        self._policy = RetryPolicy(
            delays=tuple(timedelta(seconds=delay) for delay in settings.async_retry_delays_s),
            max_age=timedelta(seconds=settings.async_max_age_s),
        )
        self._events = EventQueue(
            store=store.invocations,
            dispatcher=self._dispatcher,
            fleet=self._fleet,
            leases=self._leases,
            journal=self._journal,
            clock=clock,
            policy=self._retry_policy,
            function=store.functions.get,
            led_to=self._led_to,
            reservation=self._reservation,
            wake=self._feed,
        )
        self._front_desk = FrontDesk(
            store=store.invocations,
            fleet=self._fleet,
            dispatcher=self._dispatcher,
            events=self._events,
            leases=self._leases,
            clock=clock,
            led_to=self._led_to,
            random=random,
            synchronous_full=settings.synchronous_full,
        )
        self._deployments = Deployments(
            functions=store.functions,
            driver=driver,
            journal=self._journal,
            clock=clock,
            retire=self._fleet.retire_outdated,
            new_revision=_new_id,
        )
        self._room = Room(
            self._fleet,
            clock,
            host_limits(None, 0, settings.max_environments, timedelta(seconds=settings.minimum_stay_s)),
        )
        self._scaler = Scaler(
            fleet=self._fleet,
            room=self._room,
            clock=clock,
            demands=self._dispatcher.waiting.demands,
            start=self._dispatcher.start_environment,
            max_starting=settings.max_starting or 1,
        )
        self._provisioning = Provisioning(
            fleet=self._fleet,
            room=self._room,
            journal=self._journal,
            clock=clock,
            wanted=store.provisioned.wanted,
            current=self._current,
            max_starting=settings.max_starting or 1,
        )
        reaper = Reaper(
            fleet=self._fleet,
            observer=self._dispatcher,
            clock=clock,
            lifetimes=Lifetimes(
                freeze_after=settings.freeze_after,
                idle_timeout=settings.idle_timeout,
                init_timeout=timedelta(seconds=settings.init_timeout_s),
            ),
        )
        self._scaling = Loop("scaler", self._scaler.tick, timedelta(milliseconds=250))
        self._feeding = Loop("events", self._events.tick, timedelta(milliseconds=500))
        self._loops = [
            Loop("reaper", reaper.tick, timedelta(milliseconds=50)),
            Loop("output", self._output.tick, timedelta(milliseconds=50)),
            Loop("waits", self._dispatcher.tick, timedelta(milliseconds=500)),
            Loop("ages", self._events.look_at_waiting, timedelta(milliseconds=500)),
            Loop("provisioning", self._provisioning.tick, timedelta(milliseconds=250)),
            Loop("retention", self._retain, timedelta(seconds=30)),
            self._scaling,
            self._feeding,
        ]
        self._streams: list[asyncio.Task[None]] = []
        self._signing = Decision()
        self._functions = FunctionPeers(self._fleet.addresses.is_in_subnet)
        self._model = ServiceModel()
        self._bodies = BodyRoom(settings.request_memory_mib * _MIB)
        self._lambda_api = self._build_lambda_api()
        self._front = Listener(
            self._build_front_door(),
            name="the front port",
            host=settings.host,
            port=settings.port,
            keep_alive_s=_FRONT_KEEP_ALIVE_S,
            bounds=Bounds(connections_in_all=front_port_connections(_open_files(), settings.max_environments)),
        )
        self._runtime: Listener | None = None

    async def start(self, *, blames_events: bool = True) -> None:
        """
        Start everything, in the order of this module's docstring.

        Args:
            blames_events: Could an event that ran when the last start ended be why? Then it is not run for ever.

        Raises:
            AddressInUse: If a port is taken.
            EngineUnreachable: If there is no Docker engine.
            NoAccessKey: If it would be reached from beyond this host without keys.
        """
        settings = self._settings
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        await self._front.start()
        self._place = place = await self._driver.start(await asyncio.to_thread(own_container_id))
        self._functions.are_on(IPv4Network(place.functions_subnet), place.earlier_addresses)
        await self._decide_who_signs(place)
        facts = await self._driver.facts()
        self._room.limits = host_limits(
            settings.memory_budget_mib,
            facts.memory_bytes,
            settings.max_environments,
            timedelta(seconds=settings.minimum_stay_s),
        )
        self._scaler.max_starting = self._provisioning.max_starting = settings.max_starting or facts.cpus
        refusals = Refusals(self._journal, self._clock, self._fleet.at_address)
        together, each = runtime_api_connections(_open_files(), settings.max_environments)
        self._runtime = Listener(
            RuntimeApi(
                fleet=self._fleet,
                dispatcher=self._dispatcher,
                lambda_api=self._lambda_api,
                refusals=refusals,
                turns=Turns(self._clock),
            ),
            name="the Runtime API",
            host=place.control_plane_address,
            port=settings.runtime_port,
            keep_alive_s=_RUNTIME_KEEP_ALIVE_S,
            tells_date=False,
            bounds=Bounds(
                connections_in_all=together,
                connections=each,
                connections_per_s=300,
                requests_ahead=4,
                dropped_bytes=8_388_608,
            ),
            refused=refusals.note_peer,
        )
        await self._runtime.start()
        async with listening_that_none_may_reach(place.control_plane_address) as port:
            await self._driver.test_isolation(port)
        recovered = await self._store.invocations.recover(
            self._clock.now(), MAX_CRASHES if blames_events else None, self._policy.longest_wait
        )
        log.info(
            "recovered",
            requeued=len(recovered.requeued),
            set_aside=[one.request_id for one in recovered.set_aside],
            unknown=recovered.unknown,
        )
        for one in recovered.set_aside:
            self._journal.invocation(
                LifecycleEvent.INVOCATION_SET_ASIDE, one, error_type=one.error_type, diagnosis=one.diagnosis
            )
        self._streams = [
            asyncio.create_task(kept_up("engine events", self._fleet.watch), name="engine events"),
            asyncio.create_task(kept_up("function output", self._read_output), name="function output"),
        ]
        for loop in self._loops:
            loop.start()
        self._deployments.resume()
        self._front_desk.open()
        spare_what_is_there()
        self._is_ready = True
        log.info(
            "ready",
            front=f"http://{settings.host}:{settings.port}",
            runtime_api=f"{place.control_plane_address}:{settings.runtime_port}",
            memory_budget_mib=self._room.limits.memory_mib,
            docker=facts.version,
        )

    def fail(self, failure: StoreFailed) -> None:
        """The store cannot be written any more: take nothing from now on."""
        self._is_ready = False
        self._events.stop_taking()
        goes_on = "; Paddock goes on by itself then" if failure.is_full else ""
        self._front_desk.close(f"the store failed: {failure}{goes_on}")

    async def stop(self) -> None:
        """Stop everything, in the order of this module's docstring. What was accepted stays in the store."""
        self._is_ready = False
        self._front_desk.close(_SHUTTING_DOWN)
        await self._feeding.stop()
        await self._dispatcher.drain(_DRAIN)
        self._dispatcher.interrupt_all(_SHUTTING_DOWN)
        await self._events.close()
        await self._front.stop()
        for loop in self._loops:
            await loop.stop()
        await self._deployments.close()
        await self._fleet.stop_all()
        if self._runtime is not None:
            await self._runtime.stop()
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)
        await self._output.tick()
        await self._driver.close()
        log.info("stopped")

    async def _decide_who_signs(self, place: Place) -> None:
        published = place.published_addresses
        reached_on = (self._settings.host,) if published is None else published
        signed = must_be_signed(self._settings.access, reached_on, await self._store.access_keys.any())
        self._signing.make(signed)
        log.info("access", reached_on=list(reached_on), signed=signed)

    # -- what the parts ask of each other

    def _current(self, key: VersionKey) -> FunctionVersion | None:
        function = self._store.functions.get(key.function)
        return function.version(key.version) if function is not None else None

    def _led_to(self, key: FunctionKey, qualifier: str | None) -> FunctionVersion | None:
        function = self._store.functions.get(key)
        if function is None:
            return None
        return function.latest if qualifier is None else function.led_to(qualifier, draw_from(self._random(7)))

    def _reservation(self, key: FunctionKey) -> int | None:
        function = self._store.functions.get(key)
        return function.reserved_concurrency if function is not None else None

    def _retry_policy(self, key: FunctionKey, qualifier: str | None) -> RetryPolicy:
        return retry_policy(self._store.documents, self._policy, key, qualifier)

    def _want_environments(self) -> None:
        self._scaling.wake()

    def _lease_returned(self) -> None:
        self._events.lease_returned()

    def _feed(self) -> None:
        self._feeding.wake()

    async def _retain(self) -> None:
        await self._store.retention.tick(self._clock.now())

    async def _read_output(self) -> None:
        async for chunk in self._driver.output():
            self._output.received(chunk)

    # -- the doors

    def _build_lambda_api(self) -> LambdaApi:
        settings, functions, model = self._settings, self._store.functions, self._model
        invoke = InvokeApp(
            invoker=self._front_desk,
            model=model,
            region=settings.region,
            new_request_id=_new_id,
            bodies=self._bodies,
        )
        parts = Parts(
            functions=functions,
            documents=self._store.documents,
            layer_archives=self._store.layer_archives,
            provisioned=self._store.provisioned,
            deployments=self._deployments,
            provisioning=self._provisioning,
            clock=self._clock,
            account_limit=settings.account_concurrency,
            retire=self._fleet.retire_outdated,
            new_id=_new_id,
            url_authority=f"localhost:{settings.port}",
        )
        return LambdaApi(
            invoke=invoke,
            handlers=handlers_of(parts),
            model=model,
            region=settings.region,
            new_request_id=_new_id,
            control_from_functions=settings.control_from_functions,
            bodies=self._bodies,
        )

    def _build_front_door(self) -> FrontDoor:
        sources = ConsoleSources(
            fleet=self._fleet,
            leases=self._leases,
            store=self._store,
            doctor=Doctor(
                driver=self._driver,
                place=lambda: self._place,
                memory=self._memory,
                store=self._store,
                settings=self._settings,
            ),
            region=self._settings.region,
        )
        return FrontDoor(
            lambda_api=self._lambda_api,
            console=OnDemand(lambda: _console(sources, self._lambda_api)),
            is_ready=lambda: self._is_ready,
            functions=self._functions,
            browsers=BrowserRules(self._settings.allowed_hosts, self._settings.allowed_origins),
            downloads=LayerDownloads(self._store.documents, self._store.layer_archives),
            signing=self._signing,
            signed_only=lambda app: SignedOnly(
                app,
                keys=self._store.access_keys,
                clock=self._clock,
                model=self._model,
                new_request_id=_new_id,
                bodies=self._bodies,
            ),
            model=self._model,
            new_request_id=_new_id,
        )


def _without_turns(record: logs.Sink) -> logs.Sink:
    """Busy and idle are in the log only: `invocation.ended` keeps both, in a third of the rows."""

    def keep(entry: LifecycleEntry) -> None:
        if entry.event not in _TURNS:
            record(entry)

    return keep


def _console(sources: ConsoleSources, lambda_api: App) -> App:
    # Imported here: FastAPI is a fifth of all that a start imports.
    from orchestrator.console.api import console_application

    application = console_application(sources, lambda_api)
    spare_what_is_there()
    return application


def _open_files() -> int:
    """As many as this process may have."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if allowed == resource.RLIM_INFINITY else allowed


def _new_id() -> str:
    return str(uuid.uuid4())
