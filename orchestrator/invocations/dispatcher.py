"""
The dispatcher: matches waiting invocations with environments, and says how each run ended.

It hears from three sides: work is submitted, the Runtime API's routes tell what a runtime did, the fleet and the
reaper tell what became of an environment. Who called and what follows is known to the work's own `on_end`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from orchestrator.clock import Clock
from orchestrator.domain import endings
from orchestrator.domain.endings import HowItEnded
from orchestrator.domain.environments import EnvironmentState, InitPhase, StopReason
from orchestrator.domain.errors import ResourceNotFound, ServiceFailure
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import FunctionError, Interrupted, Invocation, InvocationState, Outcome
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.start_failures import SANDBOX_FAILURE, StartFailure
from orchestrator.driver.protocol import EngineUnreachable, StartFailed
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.live import Assignment, Event, LiveEnvironment
from orchestrator.invocations.events import UnknownRequest, event_for, new_trace_id
from orchestrator.invocations.leases import Leases
from orchestrator.invocations.patience import Patience
from orchestrator.invocations.run_log import RunLog
from orchestrator.invocations.waiting import Waiting
from orchestrator.invocations.work import Ended, Queue, Refused, Work
from orchestrator.loop import Tasks

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Dispatcher:
    """
    Matches.

    Args:
        attempt_begun: Records that an asynchronous attempt begins; not awaited.
        current: What a version is now, or None if it was deleted.
        want_environments: Called when somebody waits who found none idle.
        room_wait: How long a synchronous call waits while nothing is being started for it.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        run_log: RunLog,
        journal: Journal,
        leases: Leases,
        clock: Clock,
        attempt_begun: Callable[[Invocation], None],
        current: Callable[[VersionKey], FunctionVersion | None],
        want_environments: Callable[[], None],
        random: Callable[[int], bytes],
        room_wait: timedelta,
    ) -> None:
        self._fleet = fleet
        self._run_log = run_log
        self._journal = journal
        self._leases = leases
        self._clock = clock
        self._attempt_begun = attempt_begun
        self._current = current
        self._want_environments = want_environments
        self._random = random
        self._patience = Patience(fleet, room_wait)
        self.waiting = Waiting(current, clock)
        self._running: dict[str, Work] = {}
        self._pinned: dict[str, Work] = {}
        self._thawing: dict[str, Work] = {}
        self._tasks = Tasks("dispatcher")
        self._when_drained: asyncio.Event | None = None

    # -- work comes and goes

    def submit(self, work: Work) -> None:
        """Find it an environment, or let it wait for one."""
        queue = self.waiting.append(work)
        self._match(work.version_key)
        if len(queue):
            self._want_environments()

    def leave(self, work: Work) -> bool:
        """Its caller has gone: True if it had not begun and now never will."""
        if work.invocation.state is not InvocationState.QUEUED:
            return False
        work.was_left = True
        self.waiting.of(work.version_key).remove(work)
        return True

    def take_back_events(self, which: Callable[[Work], bool]) -> None:
        """Those that wait here, and for which this holds, wait in the store from now on."""
        for _, queue in self.waiting.queues():
            for work in queue.take_events(which):
                self._refuse(work, Refused(error=ServiceFailure("it waits in the store")))

    def start_environment(self, key: VersionKey) -> bool:
        """
        Start one for this version, as the scaler decided.

        After an init that failed, init runs inside the invocation that has waited longest, as on AWS.

        Returns: False if there is nothing to start, or nobody for whom.
        """
        version = self._current(key)
        if version is None or version.image is None or not version.serves(key.tenant_id):
            return False
        if not self._fleet.pool(key).learnt.last_init_failed:
            self._fleet.launch(version, tenant_id=key.tenant_id)
            return True
        work = self._begin_next(key)
        if work is not None:
            live = self._fleet.launch(version, InitPhase.INVOKE, tenant_id=key.tenant_id)
            self._pinned[live.environment_id] = work
        return work is not None

    async def tick(self) -> None:
        """End the waits that have become hopeless."""
        now = self._clock.monotonic()
        for key, queue in self.waiting.queues():
            if self._current(key) is None:
                # It was deleted while this was written down, and came to wait after that.
                self._refuse_as_deleted(queue)
            if not len(queue):
                continue
            pool = self._fleet.pool(key)
            if self._patience.has_hope(pool, now):
                continue
            while queue.synchronous and self._patience.is_over(queue.synchronous[0].enqueued, now):
                self._refuse(queue.synchronous.popleft(), Refused(error=self._patience.refusal(pool, now)))
            self._want_environments()
        self.waiting.forget_empty()
        self._fleet.pools.forget_tenants_but(self.waiting.keys())
        for live in list(self._fleet.live()):
            # Those whose environment was started for them alone, and does not start.
            if live.environment_id in self._pinned and self._patience.is_stuck(live, now):
                self._fleet.stop(live, StopReason.START_FAILED)
                self._end(self._pinned.pop(live.environment_id), live, Interrupted(reason=self._patience.stuck))

    # -- the Runtime API

    def asked_for_work(self, live: LiveEnvironment) -> asyncio.Future[Event | None]:
        """
        A runtime called `/next`.

        Returns: What ends the wait: an event, or None when the environment has gone or another poll took over.
            A busy environment is given its event again.
        """
        if live.parked is not None and not live.parked.done():
            live.parked.set_result(None)
        poll: asyncio.Future[Event | None] = asyncio.get_running_loop().create_future()
        if live.state is EnvironmentState.BUSY and live.assignment is not None:
            poll.set_result(live.assignment.event)
            return poll
        live.parked = poll
        if live.state in (EnvironmentState.INITIALIZING, EnvironmentState.ANSWERED):
            if not live.is_settling:
                self._became_idle(live)
        elif not live.is_chosen:
            self._fleet.offer(live)
            self._match(live.environment.version)
        return poll

    def poll_left(self, live: LiveEnvironment, poll: asyncio.Future[Event | None]) -> None:
        """The client of a waiting `/next` has gone: nothing is given to it any more."""
        if live.parked is poll:
            live.parked = None
            self._fleet.withdraw(live)
        if not poll.done():
            poll.set_result(None)

    def check_request(self, live: LiveEnvironment, request_id: str, nonce: str | None) -> None:
        """
        Is this what the environment works on?

        Args:
            nonce: `Lambda-Runtime-Invocation-Id`, if the runtime client echoes it.
        Raises:
            UnknownRequest: If it is not, or of an earlier attempt.
        """
        assignment = live.assignment
        if assignment is None or assignment.event.request_id != request_id:
            raise UnknownRequest(request_id)
        if nonce is not None and nonce != assignment.event.nonce:
            raise UnknownRequest(request_id)

    def answered(self, live: LiveEnvironment, request_id: str, outcome: Outcome) -> None:
        """
        A runtime posted a response or an error; checked before by `check_request`.

        Raises:
            IllegalMove: If it has posted one already.
        """
        self._fleet.answered(live, request_id)
        work = self._running.pop(live.environment_id, None)
        if work is None:
            # It was interrupted at shutdown: its caller has been told.
            return
        assignment = live.assignment
        assert assignment is not None
        live.learnt.ran(timedelta(seconds=live.entered - assignment.began))
        self._run_log.answered(live, outcome)
        if work.wants_log_tail:
            live.is_settling = True
            self._tasks.start(self._settle(live, work, outcome))
        else:
            work.on_end(work, Ended(outcome=outcome))
        self._note_end()

    def init_failed(self, live: LiveEnvironment, error: FunctionError) -> None:
        """A runtime posted `/init/error`."""
        self._fleet.stop(live, StopReason.INIT_ERROR)
        self._init_ended(live, "error", error.error_type, lambda _request_id: error)

    async def _settle(self, live: LiveEnvironment, work: Work, outcome: Outcome) -> None:
        await self._run_log.settle(live)
        tail = self._run_log.tail(live)
        live.is_settling = False
        work.on_end(work, Ended(outcome=outcome, log_tail=tail))
        if live.state is EnvironmentState.ANSWERED and live.parked is not None:
            self._became_idle(live)

    def _became_idle(self, live: LiveEnvironment) -> None:
        if live.assignment is not None:
            self._run_log.finished(live)
            self._leases.give_back(live.environment.version.function, live.assignment.event.request_id)
        init_deadline, init_began = live.deadline, live.entered
        if live.is_opening:
            # The engine has not even said that it runs: how much of the time its init took is not known.
            init_deadline, init_began = None, self._clock.monotonic()
        self._fleet.asked_for_work(live)
        live.deadline = None
        work = self._pinned.pop(live.environment_id, None)
        if work is not None:
            # Its init ran inside this invocation and used some of its time.
            live.reported_init = True
            self._give(live, work, began=init_began, deadline=init_deadline)
            return
        self._fleet.offer(live)
        self._match(live.environment.version)

    # -- what the fleet and the reaper tell

    def start_failed(self, live: LiveEnvironment, error: StartFailed | EngineUnreachable) -> None:
        """A container could not be started."""
        if isinstance(error, StartFailed) and error.error_type != SANDBOX_FAILURE:
            diagnosis = error.diagnosis or f"the container did not start: {error.message}"
            self._never_ran(live, StartFailure(error_type=error.error_type, message=error.message, diagnosis=diagnosis))
            return
        learnt, version = live.learnt, live.environment.version
        work = self._pinned.pop(live.environment_id, None)
        self._failed_by_no_fault(live, str(error))
        log.warning("environment.start-failed", function=str(version), reason=str(error), failures=learnt.failures)
        if work is not None:
            self._end(work, live, Interrupted(reason=str(error)))

    def ended(self, live: LiveEnvironment, before: EnvironmentState, how: HowItEnded) -> None:
        """A container ended by itself."""
        if before is EnvironmentState.BUSY:
            work = self._running.pop(live.environment_id, None)
            if work is not None:
                self._end_run(live, work, endings.ended(how, work.invocation.request_id))
        elif before is EnvironmentState.INITIALIZING and how.start_failure is not None:
            self._never_ran(live, how.start_failure)
        elif before is EnvironmentState.INITIALIZING:
            error_type = endings.OUT_OF_MEMORY if how.out_of_memory else endings.EXIT_ERROR
            what = endings.ended(how, "")
            diagnosis = what.diagnosis if isinstance(what, FunctionError) else what.reason
            self._init_ended(live, "error", error_type, lambda request_id: endings.ended(how, request_id), diagnosis)
        elif before is EnvironmentState.ANSWERED and not live.is_settling:
            self._run_log.finished(live)

    def gone(self, live: LiveEnvironment) -> None:
        """An environment is confirmed gone."""
        if live.assignment is not None:
            self._leases.give_back(live.environment.version.function, live.assignment.event.request_id)
        if len(self.waiting):
            self._want_environments()

    def changed(self, function: FunctionKey) -> None:
        """Whoever waits for a version that was deleted hears it now: the next of its name would be another."""
        for environment_id, work in list(self._thawing.items()):
            if work.version_key.function == function and self._current(work.version_key) is None:
                # Its environment is being stopped: it would wait for another.
                del self._thawing[environment_id]
                if not work.was_left:
                    self.waiting.put_back(work)
        for key, queue in self.waiting.queues():
            if key.function == function and self._current(key) is None:
                self._refuse_as_deleted(queue)

    def _refuse_as_deleted(self, queue: Queue) -> None:
        while (work := queue.take()) is not None:
            self._refuse(work, Refused(error=ResourceNotFound(f"Function not found: {work.invoked_arn}")))

    def init_timed_out(self, live: LiveEnvironment) -> None:
        """Init took longer than the time AWS gives it; it runs again inside the first invocation."""
        waited = timedelta(seconds=self._clock.monotonic() - live.entered)
        self._fleet.stop(live, StopReason.INIT_TIMEOUT)
        self._init_ended(live, "timeout", None, None, endings.never_asked(waited))

    def invocation_timed_out(self, live: LiveEnvironment) -> None:
        """The running invocation, or the init inside one, is over its time."""
        timeout = live.version.timeout
        if live.state is EnvironmentState.INITIALIZING:
            waited = timedelta(seconds=self._clock.monotonic() - live.entered)
            self._fleet.stop(live, StopReason.TIMEOUT)
            diagnosis = endings.never_asked(waited)
            self._init_ended(
                live, "timeout", None, lambda request_id: endings.timed_out(timeout, request_id, diagnosis), diagnosis
            )
            return
        work = self._running.pop(live.environment_id, None)
        if work is None:
            # It has answered and then did not ask for more within the time: the caller has its answer.
            self._run_log.finished(live)
            self._fleet.stop(live, StopReason.TIMEOUT)
            return
        diagnosis = endings.never_answered(timeout, live.environment.invocations - 1)
        outcome = endings.timed_out(timeout, work.invocation.request_id, diagnosis)
        self._fleet.sample_memory(live)
        self._end_run(live, work, outcome)
        self._fleet.stop(live, StopReason.TIMEOUT)

    async def drain(self, patience: timedelta) -> None:
        """Wait until nothing runs, or for this long."""
        self._when_drained = asyncio.Event()
        self._note_end()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._when_drained.wait(), patience.total_seconds())

    def interrupt_all(self, reason: str) -> None:
        """End everything in hand by no fault of the functions: the control plane shuts down."""
        interrupted = Interrupted(reason=reason)
        for work in (*self._running.values(), *self._pinned.values()):
            work.on_end(work, Ended(outcome=interrupted))
        self._running.clear()
        self._pinned.clear()
        for work in self._thawing.values():
            if not work.was_left:
                self._refuse(work, Refused(error=ServiceFailure(reason)))
        self._thawing.clear()
        for _, queue in self.waiting.queues():
            while (waiting := queue.take()) is not None:
                self._refuse(waiting, Refused(error=ServiceFailure(reason)))

    def running(self) -> int:
        """Invocations that are in an environment now, or will be once it has thawed."""
        return len(self._running) + len(self._pinned) + len(self._thawing)

    # -- inside

    def _note_end(self) -> None:
        if self._when_drained is not None and not self.running():
            self._when_drained.set()

    def _match(self, key: VersionKey) -> None:
        queue = self.waiting.of(key)
        while len(queue):
            live = self._fleet.take_idle(self._fleet.pool(key))
            if live is None:
                return
            work = queue.take()
            assert work is not None
            if live.state is EnvironmentState.FROZEN:
                live.is_chosen = True
                self._thawing[live.environment_id] = work
                self._tasks.start(self._thaw_and_give(live))
            else:
                self._give(live, work)

    async def _thaw_and_give(self, live: LiveEnvironment) -> None:
        has_thawed = await self._fleet.thaw(live)
        live.is_chosen = False
        # None if it was refused meanwhile.
        work = self._thawing.pop(live.environment_id, None)
        if work is not None and work.was_left:
            work = None
        if has_thawed and live.parked is not None:
            if work is not None:
                self._give(live, work)
                return
            self._fleet.offer(live)
        if work is not None:
            self.waiting.put_back(work)
        self._note_end()
        self._match(live.environment.version)
        self._want_environments()

    def _begin(self, work: Work) -> None:
        work.invocation = work.invocation.dispatched()
        if work.invocation.is_asynchronous:
            self._attempt_begun(work.invocation)

    def _begin_next(self, key: VersionKey) -> Work | None:
        work = self.waiting.of(key).take()
        if work is not None:
            self._begin(work)
        return work

    def _give(
        self, live: LiveEnvironment, work: Work, began: float | None = None, deadline: float | None = None
    ) -> None:
        now = self._clock.monotonic()
        if began is None:
            self._begin(work)
            began = now
        if deadline is None:
            deadline = now + live.version.timeout.total_seconds()
        invocation = work.invocation
        epoch_ms = self._clock.epoch_ms()
        random = self._random(36)
        event = event_for(
            invocation,
            work.payload,
            invoked_arn=work.invoked_arn,
            deadline_ms=epoch_ms + int((deadline - now) * 1000),
            nonce=random[20:].hex(),
            trace_id=invocation.trace_id or new_trace_id(epoch_ms // 1000, random),
        )
        self._fleet.give(live, Assignment(event=event, began=began, deadline=deadline))
        self._running[live.environment_id] = work
        self._run_log.began(live, invocation.request_id)
        if live.parked is not None and not live.parked.done():
            live.parked.set_result(event)
        live.parked = None

    def _init_ended(
        self,
        live: LiveEnvironment,
        status: str,
        error_type: str | None,
        outcome_of: Callable[[str], FunctionError | Interrupted] | None,
        diagnosis: str | None = None,
    ) -> None:
        self._run_log.init_ended(live, status, error_type)
        self._journal.environment(
            LifecycleEvent.INIT_FAILED, live.environment, status=status, error_type=error_type, diagnosis=diagnosis
        )
        work = self._pinned.pop(live.environment_id, None)
        outcome = outcome_of(work.invocation.request_id) if work is not None and outcome_of is not None else None
        if work is not None and outcome is not None:
            self._end(work, live, outcome)
        elif outcome_of is not None and isinstance(interrupted := outcome_of(""), Interrupted):
            self._failed_by_no_fault(live, interrupted.reason)
        elif not live.environment.is_provisioned:
            live.learnt.last_init_failed = True
        self._want_environments()

    def _failed_by_no_fault(self, live: LiveEnvironment, reason: str) -> None:
        live.failure = reason
        live.learnt.start_failed(reason, self._clock.monotonic())

    def _end_run(self, live: LiveEnvironment, work: Work, outcome: FunctionError | Interrupted) -> None:
        if live.assignment is not None and live.assignment.ended is None:
            live.assignment.ended = self._clock.monotonic()
        self._run_log.answered(live, outcome)
        self._run_log.finished(live)
        tail = self._run_log.tail(live) if work.wants_log_tail else None
        self._run_log.failed(live, work.invocation, outcome)
        work.on_end(work, Ended(outcome=outcome, log_tail=tail))
        self._note_end()

    def _end(self, work: Work, live: LiveEnvironment, outcome: FunctionError | Interrupted) -> None:
        """End work that no environment was given: its init failed."""
        self._leases.give_back(work.invocation.function, work.invocation.request_id)
        self._run_log.failed(live, work.invocation, outcome)
        tail = self._run_log.tail(live) if work.wants_log_tail else None
        work.on_end(work, Ended(outcome=outcome, log_tail=tail))
        self._note_end()

    def _never_ran(self, live: LiveEnvironment, failure: StartFailure) -> None:
        """Its program could not be run, nor could it if tried again: who has waited longest is told."""
        work = self._pinned.pop(live.environment_id, None)
        if work is None and not self._fleet.is_outdated(live):
            work = self._begin_next(live.environment.version)
        if work is None:
            self._init_ended(live, "error", failure.error_type, None, failure.diagnosis)
            return
        self._run_log.init_ended(live, "error", failure.error_type)
        self._end(work, live, endings.never_ran(failure, work.invocation.request_id))

    def _refuse(self, work: Work, refused: Refused) -> None:
        self._leases.give_back(work.invocation.function, work.invocation.request_id)
        work.on_end(work, Ended(outcome=refused))
