"""
Asynchronous events: kept in the store, run at least once, retried by AWS's rules (`domain/retries.py`).

In memory are only the few that are about to run; everything else waits in the store. What follows an attempt is
decided purely, written with compare-and-set, and only then forgotten here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.functions import Function, FunctionVersion
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import Answer, FunctionError, Interrupted, Invocation, InvocationState
from orchestrator.domain.names import FunctionKey, FunctionReference, VersionKey
from orchestrator.domain.retries import (
    EVENT_AGE_EXCEEDED,
    GiveUp,
    RetryAfter,
    RetryPolicy,
    after_function_error,
    backoff_after,
    is_too_old,
)
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.journal import Journal
from orchestrator.invocations.dispatcher import Dispatcher
from orchestrator.invocations.leases import Leases
from orchestrator.invocations.work import Ended, Refused, Work
from orchestrator.loop import Tasks
from orchestrator.store.invocation_queries import Target
from orchestrator.store.invocations import InvocationStore
from orchestrator.store.writer import StoreFailed

_IN_HAND_PER_ENVIRONMENT = 2
_FEWEST_IN_HAND = 8
_COUNTED_AT_MOST = 1000
"""More than so many do not make more environments start."""

_Target = tuple[FunctionKey, Target]
"""What an event was sent to. What its qualifier leads to is asked when it runs."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class EventQueue:
    """
    Feeds due events to the dispatcher and decides what follows each attempt.

    Args:
        policy: How often and how long events are tried that were sent to this function and qualifier.
        function: A function, or None if it was deleted.
        led_to: The version that an event with this qualifier goes to now, or None if there is none.
        reservation: A function's reserved concurrency, or None.
        wake: Called when there may be more to feed.
    """

    def __init__(
        self,
        *,
        store: InvocationStore,
        dispatcher: Dispatcher,
        fleet: Fleet,
        leases: Leases,
        journal: Journal,
        clock: Clock,
        policy: Callable[[FunctionKey, str | None], RetryPolicy],
        function: Callable[[FunctionKey], Function | None],
        led_to: Callable[[FunctionKey, str | None], FunctionVersion | None],
        reservation: Callable[[FunctionKey], int | None],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._fleet = fleet
        self._leases = leases
        self._journal = journal
        self._clock = clock
        self._policy = policy
        self._function = function
        self._led_to = led_to
        self._reservation = reservation
        self._wake = wake
        self._in_hand: dict[_Target, set[int]] = {}
        self._accepting: set[int] = set()
        self._tasks = Tasks("events")
        self._is_closed = False

    @contextmanager
    def accepting(self, invocation: Invocation) -> Iterator[None]:
        """While it is written, and until it is taken: whoever reads the store meanwhile leaves it alone."""
        self._accepting.add(invocation.key)
        try:
            yield
        finally:
            self._accepting.discard(invocation.key)

    def accepted(self, invocation: Invocation, payload: bytes) -> None:
        """A promised event: run it now if there is a place for it, else it waits in the store."""
        target = _target_of(invocation)
        if not self._is_closed and len(self._of(target)) < self._places(target):
            self._take(invocation, payload)

    async def tick(self) -> None:
        """Feed what is due."""
        now = self._clock.steady()
        backlog: dict[VersionKey, int] = defaultdict(int)
        for function in await self._store.functions_with_due(now):
            for within, due in (await self._store.count_due(function, now, _COUNTED_AT_MOST)).items():
                if self._is_closed:
                    return
                target = (function, within)
                await self._feed(target, now)
                waiting = max(0, due - len(self._of(target)))
                for version, share in self._shares(target).items():
                    backlog[VersionKey(function, version, within.tenant_id)] += round(waiting * share)
        self._dispatcher.note_backlog(backlog)

    async def _feed(self, target: _Target, now: datetime) -> None:
        function, within = target
        free = self._places(target) - len(self._of(target))
        if free <= 0:
            return
        found = await self._store.due(function, now, free, frozenset(self._of(target)), target=within)
        # Now, before anything is waited for again: later, one of these may have been taken and have ended.
        not_ours = self._of(target) | self._accepting
        for invocation, payload in found:
            if invocation.key in not_ours:
                continue
            if is_too_old(invocation, self._clock.now(), self._policy(function, within.qualifier)):
                await self._give_up(invocation, EVENT_AGE_EXCEEDED)
            elif not self._take(invocation, payload):
                break

    def stop_taking(self) -> None:
        """Take no more: what is accepted stays in the store."""
        self._is_closed = True

    async def close(self) -> None:
        """Take no more; finish writing what has ended."""
        self.stop_taking()
        await self._tasks.finish(patience=backoff_after(3))

    def in_hand(self, function: FunctionKey) -> int:
        """Events of this function that wait in memory or run."""
        return sum(len(held) for (key, _), held in self._in_hand.items() if key == function)

    def holds(self, invocation: Invocation) -> bool:
        """Does this one wait in memory, run, or have its end written?"""
        return invocation.key in self._of(_target_of(invocation))

    def _of(self, target: _Target) -> set[int]:
        return self._in_hand.get(target, set())

    def _places(self, target: _Target) -> int:
        function, within = target
        keys = (VersionKey(function, version, within.tenant_id) for version in self._shares(target))
        serving = sum(self._fleet.pool(key).serving() for key in keys)
        return max(_FEWEST_IN_HAND, _IN_HAND_PER_ENVIRONMENT * serving)

    def _shares(self, target: _Target) -> Mapping[str, float]:
        key, within = target
        function = self._function(key)
        return function.shares(within.qualifier) if function is not None else {}

    def _take(self, invocation: Invocation, payload: bytes) -> bool:
        """Hand it to the dispatcher; False if the function may run no more now."""
        function = invocation.function
        version = self._led_to(function, invocation.qualifier)
        if version is not None and not version.is_active:
            # It was redirected to one that is not active yet: it stays in the store, until that is, or it is too old.
            return False
        self._in_hand.setdefault(_target_of(invocation), set()).add(invocation.key)
        if version is None or self._reservation(function) == 0:
            reason = self._gone(invocation) if version is None else "ReservedConcurrencyIsZero"
            self._tasks.start(self._give_up(invocation, reason))
            return True
        if not version.serves(invocation.tenant_id):
            # Its function was deleted, and another of this name tells its tenants apart otherwise.
            self._tasks.start(self._give_up(invocation, "TenancyChanged"))
            return True
        if self._leases.take(function, invocation.request_id) is not None:
            # Throttled: it stays in the store; a lease that is given back wakes the feeding.
            self._let_go(invocation)
            return False
        self._dispatcher.submit(
            Work(
                invocation=invocation,
                payload=payload,
                version=version,
                invoked_arn=FunctionReference(function, invocation.qualifier).invoked_arn,
                wants_log_tail=False,
                on_end=self._ended,
                enqueued=self._clock.monotonic(),
            )
        )
        return True

    def _gone(self, invocation: Invocation) -> str:
        """What it was sent to and is no more."""
        if self._function(invocation.function) is None:
            return "FunctionDeleted"
        return "VersionDeleted" if (invocation.qualifier or "").isdigit() else "AliasDeleted"

    def _ended(self, work: Work, how: Ended) -> None:
        self._tasks.start(self._follow(work.invocation, work.version_key, how))

    async def _follow(self, invocation: Invocation, version: VersionKey, how: Ended) -> None:
        match how.outcome:
            case Answer():
                await self._move(invocation.succeeded(self._clock.now()), InvocationState.RUNNING)
            case FunctionError() as error:
                await self._after_function_error(invocation, error)
            case Interrupted():
                due_at = self._clock.steady() + backoff_after(max(1, self._fleet.pool(version).failures))
                await self._move(invocation.requeued(due_at), InvocationState.RUNNING)
            case Refused():
                # It never began: its row still says queued or retrying, and is due.
                self._let_go(invocation)
        self._wake()

    async def _after_function_error(self, invocation: Invocation, error: FunctionError) -> None:
        now = self._clock.now()
        policy = self._policy(invocation.function, invocation.qualifier)
        match after_function_error(invocation, now, policy):
            case RetryAfter(delay=delay):
                after = invocation.retry_at(self._clock.steady() + delay, error.error_type, error.diagnosis)
                self._journal.invocation(
                    LifecycleEvent.INVOCATION_RETRYING,
                    after,
                    attempt=invocation.attempts,
                    error_type=error.error_type,
                    in_s=round(delay.total_seconds(), 1),
                )
            case GiveUp(condition=condition):
                after = invocation.failed(error.error_type, error.diagnosis, now)
                self._journal.invocation(
                    LifecycleEvent.INVOCATION_SET_ASIDE,
                    after,
                    attempt=invocation.attempts,
                    condition=condition,
                    error_type=error.error_type,
                )
        await self._move(after, InvocationState.RUNNING)

    async def _give_up(self, invocation: Invocation, condition: str) -> None:
        before = invocation.state
        after = invocation.failed(condition, None, self._clock.now())
        self._journal.invocation(LifecycleEvent.INVOCATION_SET_ASIDE, after, condition=condition)
        await self._move(after, before)

    async def _move(self, after: Invocation, before: InvocationState) -> None:
        try:
            is_moved = await self._store.ended(after, before=before, promised=True)
        except StoreFailed:
            # Whoever opened the store has been told. It stays in hand, for it must not run again before the next start,
            # which finds it as it is in the store.
            return
        if not is_moved:
            log.warning("invocation.race-lost", request_id=after.request_id, before=before, after=after.state)
        self._let_go(after)

    def _let_go(self, invocation: Invocation) -> None:
        target = _target_of(invocation)
        held = self._in_hand.get(target)
        if held is not None:
            held.discard(invocation.key)
            if not held:
                del self._in_hand[target]


def _target_of(invocation: Invocation) -> _Target:
    return invocation.function, Target(invocation.qualifier, invocation.tenant_id)
