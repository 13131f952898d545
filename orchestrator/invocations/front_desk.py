"""
The front desk: resolves who is called, checks limits, records, then waits (synchronous) or acknowledges (asynchronous).

What was acknowledged with a 202 is on disk before the acknowledgement; a synchronous payload is on disk before its
answer, while the run may overlap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.errors import (
    InvalidParameterValue,
    ResourceConflict,
    ResourceNotFound,
    ServiceFailure,
    ThrottleReason,
    TooManyRequests,
)
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.invocations import (
    Answer,
    FunctionError,
    Interrupted,
    Invocation,
    InvocationState,
    InvocationType,
)
from orchestrator.domain.names import LATEST, FunctionKey, FunctionReference, request_id_for
from orchestrator.fleet.fleet import Fleet
from orchestrator.invocations.dispatcher import Dispatcher
from orchestrator.invocations.event_queue import EventQueue
from orchestrator.invocations.leases import Leases
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from orchestrator.invocations.work import Ended, Refused, Work
from orchestrator.store.invocations import InvocationStore
from orchestrator.store.writer import StoreFailed

_PATIENCE_FOR_A_LEASE_S = 0.15
"""
An environment that has just answered is about to ask for more, and a call waits for that (D16). Longer than the 100 ms
of a CPU period: a small function may have used its quota up between its answer and its next poll.
"""
CALLER_LEFT = "CallerLeft"


class FrontDesk:
    """
    Takes invocations.

    Args:
        led_to: The version that a call with this qualifier goes to, or None if there is none.
        random: Returns that many random bytes.
        synchronous_full: Flush synchronous payloads to the disk as well (D2).
    """

    def __init__(
        self,
        *,
        store: InvocationStore,
        fleet: Fleet,
        dispatcher: Dispatcher,
        events: EventQueue,
        leases: Leases,
        clock: Clock,
        led_to: Callable[[FunctionKey, str | None], FunctionVersion | None],
        random: Callable[[int], bytes],
        synchronous_full: bool = False,
    ) -> None:
        self._synchronous_full = synchronous_full
        self._store = store
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._events = events
        self._leases = leases
        self._clock = clock
        self._led_to = led_to
        self._random = random
        self._opened = asyncio.Event()
        self._closed_because: str | None = None

    def open(self) -> None:
        """Take invocations from now on; those that came earlier have waited."""
        self._opened.set()

    def close(self, reason: str) -> None:
        """Refuse from now on, saying why."""
        self._closed_because = reason
        self._opened.set()

    async def invoke(self, request: InvokeRequest) -> InvokeResult:
        """
        Run a function, or accept its event.

        Raises:
            ResourceNotFound: If there is no such function, version or alias.
            ResourceConflict: If it is not Active yet.
            InvalidParameterValue: If it isolates its tenants and none is named, or the other way round.
            TooManyRequests: If its or the account's concurrency is used up, or the host has no room.
            ServiceFailure: If our side cannot: engine away, store failed, shutting down.
        AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        """
        if not self._opened.is_set():
            await self._opened.wait()
        if self._closed_because is not None:
            raise ServiceFailure(self._closed_because)
        version = self._resolve(request.reference)
        _check_tenant(version, request.tenant_id)
        invocation = self._invocation(request)
        match request.invocation_type:
            case InvocationType.DRY_RUN:
                return InvokeResult(status_code=204, request_id=invocation.request_id)
            case InvocationType.EVENT:
                return await self._accept(invocation, request)
            case InvocationType.REQUEST_RESPONSE:
                return await self._run(invocation, request, version)

    async def _accept(self, invocation: Invocation, request: InvokeRequest) -> InvokeResult:
        with self._events.accepting(invocation):
            try:
                await self._store.accept(invocation, request.payload, promised=True)
            except StoreFailed as error:
                raise _store_failed(error) from error
            self._events.accepted(invocation, request.payload)
        return InvokeResult(status_code=202, request_id=invocation.request_id)

    async def _run(self, invocation: Invocation, request: InvokeRequest, version: FunctionVersion) -> InvokeResult:
        await self._take_lease(invocation)
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

        def on_end(work: Work, how: Ended) -> None:
            if self._is_led_elsewhere(work, how, request.reference):
                return
            if not ended.done():
                ended.set_result(how)
            self._record_end(work.invocation, how)

        work = Work(
            invocation=invocation,
            payload=request.payload,
            version=version,
            invoked_arn=request.reference.invoked_arn,
            wants_log_tail=request.wants_log_tail,
            on_end=on_end,
            enqueued=self._clock.monotonic(),
        )
        try:
            stored = self._store.accept(invocation, request.payload, promised=self._synchronous_full)
        except StoreFailed as error:
            self._leases.give_back(invocation.function, invocation.request_id)
            raise _store_failed(error) from error
        self._dispatcher.submit(work)
        try:
            how = await ended
            await stored
        except asyncio.CancelledError:
            if self._dispatcher.leave(work):
                self._leases.give_back(invocation.function, invocation.request_id)
                self._record_left(invocation)
            raise
        except StoreFailed as error:
            raise _store_failed(error) from error
        return _result(invocation, work.version, how)

    def _is_led_elsewhere(self, work: Work, how: Ended, reference: FunctionReference) -> bool:
        """It waited for a version that was deleted, and its alias leads to another by now: it goes there."""
        if not (isinstance(how.outcome, Refused) and isinstance(how.outcome.error, ResourceNotFound)):
            return False
        version = self._led_to(reference.key, reference.qualifier)
        if version is None or not version.is_active or work.was_left:
            return False
        if not version.serves(work.invocation.tenant_id):
            return False
        if self._leases.take(reference.key, work.invocation.request_id) is not None:
            return False
        work.version = version
        self._dispatcher.submit(work)
        return True

    async def _take_lease(self, invocation: Invocation) -> None:
        function, request_id = invocation.function, invocation.request_id
        reason = self._leases.take(function, request_id)
        if reason is None:
            return
        deadline = self._clock.monotonic() + _PATIENCE_FOR_A_LEASE_S
        while reason is not None and self._leases.held(function):
            patience_s = deadline - self._clock.monotonic()
            if patience_s <= 0 or not self._fleet.is_about_to_ask(function):
                break
            await self._leases.wait_for_return(function, patience_s)
            reason = self._leases.take(function, request_id)
        if reason is not None:
            raise TooManyRequests(reason, timedelta(seconds=1), _throttle_text(reason))

    def _resolve(self, reference: FunctionReference) -> FunctionVersion:
        version = self._led_to(reference.key, reference.qualifier)
        if version is None:
            raise ResourceNotFound(f"Function not found: {reference.key.qualified_arn(reference.qualifier or LATEST)}")
        if not version.is_active:
            raise ResourceConflict(
                "The operation cannot be performed at this time. "
                f"The function is currently in the following state: {version.state}"
            )
        return version

    def _invocation(self, request: InvokeRequest) -> Invocation:
        key = self._store.next_key()
        return Invocation(
            key=key,
            request_id=request_id_for(key, int.from_bytes(self._random(8))),
            function=request.reference.key,
            qualifier=request.reference.qualifier,
            invocation_type=request.invocation_type,
            accepted_at=self._clock.now(),
            due_at=self._clock.steady(),
            client_context=request.client_context,
            trace_id=request.trace_id,
            caller=request.caller,
            tenant_id=request.tenant_id,
        )

    def _record_end(self, invocation: Invocation, how: Ended) -> None:
        now = self._clock.now()
        # The row stands as running since its acceptance (its caller is its life); a refused one never began.
        running = invocation if invocation.state is InvocationState.RUNNING else invocation.dispatched()
        match how.outcome:
            case Answer():
                after = running.succeeded(now)
            case FunctionError(error_type=error_type, diagnosis=diagnosis):
                after = running.failed(error_type, diagnosis, now)
            case Interrupted(reason=reason):
                after = running.failed("Interrupted", reason, now)
            case Refused(error=error):
                after = running.failed(error.code, error.message, now)
        self._store.note_end(after)

    def _record_left(self, invocation: Invocation) -> None:
        after = invocation.dispatched().failed(CALLER_LEFT, "its caller left while it waited", self._clock.now())
        self._store.note_end(after)


def _check_tenant(version: FunctionVersion, tenant_id: str | None) -> None:
    """AWS: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html"""
    if version.serves(tenant_id):
        return
    if tenant_id is None:
        raise InvalidParameterValue(
            "The invoked function is enabled with tenancy configuration. "
            "Add a valid tenant ID in your request and try again."
        )
    raise InvalidParameterValue(
        "The invoked function is not enabled with tenancy configuration. "
        "Remove the tenant ID from your request and try again."
    )


def _result(invocation: Invocation, version: FunctionVersion, how: Ended) -> InvokeResult:
    match how.outcome:
        case Answer(payload=payload):
            function_error = None
        case FunctionError(payload=payload):
            function_error = "Unhandled"
        case Interrupted(reason=reason):
            raise ServiceFailure(reason)
        case Refused(error=error):
            raise error
    return InvokeResult(
        status_code=200,
        request_id=invocation.request_id,
        payload=payload,
        function_error=function_error,
        log_tail=how.log_tail,
        executed_version=version.version,
    )


def _throttle_text(reason: ThrottleReason) -> str:
    return "Rate Exceeded." if reason is not ThrottleReason.CALLER_RATE else "Rate exceeded"


def _store_failed(error: StoreFailed) -> ServiceFailure:
    return ServiceFailure(f"the store could not keep the invocation: {error}; see `paddock doctor` for disk and rights")
