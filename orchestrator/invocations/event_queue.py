"""
Asynchronous events: kept in the store, run at least once, retried by AWS's rules (`domain/retries.py`).

In memory are only the few that are about to run; everything else waits in the store. What follows an attempt is
decided purely, written with compare-and-set, and only then forgotten here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import Answer, FunctionError, Interrupted, Invocation, InvocationState
from orchestrator.domain.names import LATEST, FunctionKey, FunctionReference, VersionKey
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
from orchestrator.store.invocations import InvocationStore
from orchestrator.store.writer import StoreFailed

_IN_HAND_PER_ENVIRONMENT = 2
_FEWEST_IN_HAND = 8
_COUNTED_AT_MOST = 1000
"""More than so many do not make more environments start."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class EventQueue:
    """
    Feeds due events to the dispatcher and decides what follows each attempt.

    Args:
        current: What a version is now, or None if it was deleted.
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
        policy: RetryPolicy,
        current: Callable[[VersionKey], FunctionVersion | None],
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
        self._current = current
        self._reservation = reservation
        self._wake = wake
        self._in_hand: dict[FunctionKey, set[int]] = {}
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
        if not self._is_closed and len(self._of(invocation.function)) < self._places(
            VersionKey(invocation.function, invocation.qualifier or LATEST)
        ):
            self._take(invocation, payload)

    async def tick(self) -> None:
        """Feed what is due."""
        now = self._clock.steady()
        backlog: dict[VersionKey, int] = {}
        for function in await self._store.functions_with_due(now):
            if self._is_closed:
                return
            key = VersionKey(function)
            await self._feed(key, now)
            due = await self._store.count_due(function, now, _COUNTED_AT_MOST)
            backlog[key] = max(0, due - len(self._of(function)))
        self._dispatcher.note_backlog(backlog)

    async def _feed(self, key: VersionKey, now: datetime) -> None:
        function = key.function
        free = self._places(key) - len(self._of(function))
        if free <= 0:
            return
        found = await self._store.due(function, now, free, frozenset(self._of(function)))
        # Now, before anything is waited for again: later, one of these may have been taken and have ended.
        not_ours = self._of(function) | self._accepting
        for invocation, payload in found:
            if invocation.key in not_ours:
                continue
            if is_too_old(invocation, self._clock.now(), self._policy):
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
        return len(self._of(function))

    def _of(self, function: FunctionKey) -> set[int]:
        return self._in_hand.get(function, set())

    def _places(self, key: VersionKey) -> int:
        return max(_FEWEST_IN_HAND, _IN_HAND_PER_ENVIRONMENT * self._fleet.pool(key).serving())

    def _take(self, invocation: Invocation, payload: bytes) -> bool:
        """Hand it to the dispatcher; False if the function may run no more now."""
        function = invocation.function
        version = self._current(VersionKey(function, invocation.qualifier or LATEST))
        self._in_hand.setdefault(function, set()).add(invocation.key)
        if version is None or version.image is None or self._reservation(function) == 0:
            reason = "FunctionDeleted" if version is None else "ReservedConcurrencyIsZero"
            self._tasks.start(self._give_up(invocation, reason))
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

    def _ended(self, work: Work, how: Ended) -> None:
        self._tasks.start(self._follow(work.invocation, how))

    async def _follow(self, invocation: Invocation, how: Ended) -> None:
        match how.outcome:
            case Answer():
                await self._move(invocation.succeeded(self._clock.now()), InvocationState.RUNNING)
            case FunctionError() as error:
                await self._after_function_error(invocation, error)
            case Interrupted():
                pool = self._fleet.pool(VersionKey(invocation.function, invocation.qualifier or LATEST))
                due_at = self._clock.steady() + backoff_after(max(1, pool.failures))
                await self._move(invocation.requeued(due_at), InvocationState.RUNNING)
            case Refused():
                # It never began: its row still says queued or retrying, and is due.
                self._let_go(invocation)
        self._wake()

    async def _after_function_error(self, invocation: Invocation, error: FunctionError) -> None:
        now = self._clock.now()
        match after_function_error(invocation, now, self._policy):
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
        held = self._in_hand.get(invocation.function)
        if held is not None:
            held.discard(invocation.key)
            if not held:
                del self._in_hand[invocation.function]
