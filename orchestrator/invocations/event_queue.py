"""
Asynchronous events: kept in the store, run at least once, retried by AWS's rules (`domain/retries.py`).

In memory are only the few that are about to run; everything else waits in the store. What follows an attempt is
decided purely, written with compare-and-set, and only then forgotten here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum, auto
from itertools import islice

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.event_places import Occupancy, free_places
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
from orchestrator.invocations.in_hand import InHand, target_of
from orchestrator.invocations.leases import Leases
from orchestrator.invocations.work import Ended, Refused, Work
from orchestrator.loop import Tasks
from orchestrator.store.invocation_queries import Target
from orchestrator.store.invocations import InvocationStore
from orchestrator.store.writer import StoreFailed

_TARGETS_AT_ONCE = 64
"""Of a function in one tick: the next goes on behind them."""
_COUNTED_AT_MOST = 1000
"""More than so many of one target do not make more environments start."""
_LOOKED_AT_FOR_AGE = 100
"""Of a target, whose first is too old, in one tick: none needs a place, and their ends are written together."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class _Kept(Enum):
    """Why an event that is due stays in the store."""

    NOT_ACTIVE = auto()
    NO_LEASE = auto()


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
        self._in_hand = InHand()
        self._accepting: set[int] = set()
        self._behind: dict[FunctionKey, Target] = {}
        self._in_want: set[FunctionKey] = set()
        self._throttled: set[FunctionKey] = set()
        self._tasks = Tasks("events")
        self._is_closed = False
        self._turn = 0

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
        function, target = invocation.function, target_of(invocation)
        if self._is_closed or self._others_want_its_lease(function):
            return
        # Who waits in the store for a place comes before what is new, as who waits there for a lease.
        if self._free(function, target, others_wait=function in self._in_want):
            self._take(invocation, payload)

    def lease_returned(self) -> None:
        """Feed those who wait for one, if there are any; it may be of another function, within the account's limit."""
        if self._throttled:
            self._wake()

    async def tick(self) -> None:
        """Feed what is due; functions in turn: each tick begins with another one."""
        now = self._clock.steady()
        backlog: dict[VersionKey, int] = defaultdict(int)
        functions = await self._store.functions_with_due(now)
        self._turn += 1
        first = self._turn % len(functions) if functions else 0
        for function in (*functions[first:], *functions[:first]):
            if self._is_closed:
                return
            due = await self._feed_function(function, now)
            for target in self._in_hand.targets(function):
                waiting = max(0, due.get(target, 0) - len(self._in_hand.sent_to(function, target)))
                for version, share in self._shares(function, target).items():
                    backlog[VersionKey(function, version, target.tenant_id)] += round(waiting * share)
        for function in (self._behind.keys() | self._in_want | self._throttled).difference(functions):
            self._note_turn(function, None, False)
            self._throttled.discard(function)
        self._dispatcher.waiting.note_backlog(backlog)

    async def look_at_waiting(self) -> None:
        """Take back what waits in memory and may no longer: the next tick decides as of what waits in the store."""
        if not self._is_closed:
            self._dispatcher.take_back_events(self._may_wait_no_longer)

    def _may_wait_no_longer(self, work: Work) -> bool:
        one = work.invocation
        return self._reservation(one.function) == 0 or self._is_too_old(one.function, target_of(one), one.accepted_at)

    async def _feed_function(self, function: FunctionKey, now: datetime) -> Mapping[Target, int]:
        """
        Feed its targets in turn, a bounded number of them.

        The next turn begins with the first that wanted a place or a lease and got none; behind the one that had the
        last lease, where others want one; else behind the last that was looked at.

        Returns: How much is due of each, and of those in hand.
        """
        before = self._behind.get(function)
        looked = await self._store.due_targets(
            function,
            now,
            behind=before,
            at_most=_TARGETS_AT_ONCE,
            also=list(islice(self._in_hand.targets(function), _TARGETS_AT_ONCE)),
            count_at_most=_COUNTED_AT_MOST,
        )
        next_behind, is_one_in_want, is_throttled = looked.last, False, False
        has_moved = has_more_too_old = False
        for target in looked.in_turn:
            if self._is_closed:
                return looked.due
            if self._is_too_old(function, target, looked.first_accepted[target]):
                set_aside, are_more = await self._set_aside_too_old(function, target, now)
                has_moved, has_more_too_old = has_moved or set_aside > 0, has_more_too_old or are_more
            if is_throttled:
                continue
            free = self._free(function, target)
            moved, is_throttled = await self._feed(function, target, now, free) if free else (0, False)
            has_moved = has_moved or moved > 0
            if is_throttled and moved:
                # It had its share of the leases: what is given back next is for those behind it.
                next_behind, is_one_in_want = target, True
            elif is_throttled or (not free and self._occupancy(function, target).free > 0):
                next_behind, is_one_in_want = next_behind if is_one_in_want else before, True
            before = target
        self._note_turn(function, next_behind, is_one_in_want)
        if not is_throttled:
            self._throttled.discard(function)
        if has_more_too_old or (has_moved and looked.last is not None and not is_one_in_want):
            # There are places, and more targets. Where nothing moved, nothing is gained by looking again at once.
            self._wake()
        return looked.due

    def _others_want_its_lease(self, function: FunctionKey) -> bool:
        if not self._throttled:
            return False
        is_reserved = self._reservation(function) is not None
        return function in self._throttled or any(
            not is_reserved
            and (one.account, one.region) == (function.account, function.region)
            and self._reservation(one) is None
            for one in self._throttled
        )

    def _is_too_old(self, function: FunctionKey, target: Target, accepted_at: datetime) -> bool:
        return is_too_old(accepted_at, self._clock.now(), self._policy(function, target.qualifier))

    async def _set_aside_too_old(self, function: FunctionKey, target: Target, now: datetime) -> tuple[int, bool]:
        """
        Give up what is too old, whether or not there is a place or a lease for it.

        Returns: How many, and whether there may be more.
        """
        held = self._in_hand.sent_to(function, target)
        found = await self._store.first_due(function, now, _LOOKED_AT_FOR_AGE, frozenset(held), target=target)
        not_ours = self._in_hand.sent_to(function, target) | self._accepting
        too_old = [
            one for one in found if one.key not in not_ours and self._is_too_old(function, target, one.accepted_at)
        ]
        await asyncio.gather(*(self._give_up(one, EVENT_AGE_EXCEEDED) for one in too_old))
        return len(too_old), bool(too_old) and len(found) == _LOOKED_AT_FOR_AGE

    def _note_turn(self, function: FunctionKey, behind: Target | None, is_one_in_want: bool) -> None:
        if behind is None:
            self._behind.pop(function, None)
        else:
            self._behind[function] = behind
        if is_one_in_want:
            self._in_want.add(function)
        else:
            self._in_want.discard(function)

    async def _feed(self, function: FunctionKey, target: Target, now: datetime, free: int) -> tuple[int, bool]:
        held = self._in_hand.sent_to(function, target)
        found = await self._store.due(function, now, free, frozenset(held), target=target)
        # Now, before anything is waited for again: later, one of these may have been taken and have ended.
        not_ours = self._in_hand.sent_to(function, target) | self._accepting
        moved = 0
        for invocation, payload in found[: self._free(function, target)]:
            if invocation.key in not_ours:
                continue
            if self._is_too_old(function, target, invocation.accepted_at):
                await self._give_up(invocation, EVENT_AGE_EXCEEDED)
            elif (kept := self._take(invocation, payload)) is not None:
                return moved, kept is _Kept.NO_LEASE
            moved += 1
        return moved, False

    def stop_taking(self) -> None:
        """Take no more: what is accepted stays in the store."""
        self._is_closed = True

    async def close(self) -> None:
        """Take no more; finish writing what has ended."""
        self.stop_taking()
        await self._tasks.finish(patience=backoff_after(3))

    def in_hand(self, function: FunctionKey) -> int:
        """Events of this function that wait in memory or run."""
        return self._in_hand.count(function)

    def holds(self, invocation: Invocation) -> bool:
        """Does this one wait in memory, run, or have its end written?"""
        return invocation.key in self._in_hand.sent_to(invocation.function, target_of(invocation))

    def _free(self, function: FunctionKey, target: Target, *, others_wait: bool = False) -> int:
        of_target = self._occupancy(function, target)
        if of_target.free <= 0:
            return 0
        of_function = Occupancy(
            in_hand=self._in_hand.count(function), serving=self._fleet.pools.serving_function(function)
        )
        return free_places(of_target, of_function, others_wait=others_wait)

    def _occupancy(self, function: FunctionKey, target: Target) -> Occupancy:
        versions = self._shares(function, target)
        return Occupancy(
            in_hand=len(self._in_hand.sent_to(function, target)),
            serving=sum(self._fleet.pools.serving(VersionKey(function, one, target.tenant_id)) for one in versions),
        )

    def _shares(self, key: FunctionKey, target: Target) -> Mapping[str, float]:
        function = self._function(key)
        return function.shares(target.qualifier) if function is not None else {}

    def _take(self, invocation: Invocation, payload: bytes) -> _Kept | None:
        """Hand it to the dispatcher, or give it up; else say why neither."""
        function = invocation.function
        version = self._led_to(function, invocation.qualifier)
        if version is not None and not version.is_active:
            # It was redirected to one that is not active yet: it stays in the store, until that is, or it is too old.
            return _Kept.NOT_ACTIVE
        self._in_hand.add(invocation)
        if version is None or self._reservation(function) == 0:
            reason = self._gone(invocation) if version is None else "ReservedConcurrencyIsZero"
            self._tasks.start(self._give_up_and_wake(invocation, reason))
            return None
        if not version.serves(invocation.tenant_id):
            # Its function was deleted, and another of this name tells its tenants apart otherwise.
            self._tasks.start(self._give_up_and_wake(invocation, "TenancyChanged"))
            return None
        if self._leases.take(function, invocation.request_id) is not None:
            # It stays in the store; a lease that is given back wakes the feeding.
            self._throttled.add(function)
            self._in_hand.remove(invocation)
            return _Kept.NO_LEASE
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
        return None

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
                due_at = self._clock.steady() + backoff_after(max(1, self._fleet.pool(version).learnt.failures))
                await self._move(invocation.requeued(due_at), InvocationState.RUNNING)
            case Refused():
                # It never began: its row still says queued or retrying, and is due.
                self._in_hand.remove(invocation)
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

    async def _give_up_and_wake(self, invocation: Invocation, condition: str) -> None:
        await self._give_up(invocation, condition)
        self._wake()

    async def _move(self, after: Invocation, before: InvocationState) -> None:
        try:
            is_moved = await self._store.ended(after, before=before, promised=True)
        except StoreFailed:
            # Whoever opened the store has been told. It stays in hand, for it must not run again before the next start,
            # which finds it as it is in the store.
            return
        if not is_moved:
            log.warning("invocation.race-lost", request_id=after.request_id, before=before, after=after.state)
        self._in_hand.remove(after)
