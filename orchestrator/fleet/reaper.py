"""The reaper: acts on what time makes due (`domain/lifetimes.py`): freeze, shutdown, timeouts."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from orchestrator.clock import Clock
from orchestrator.domain.environments import EnvironmentState, StopReason
from orchestrator.domain.lifetimes import Age, Due, Lifetimes, provisioned_init_timeout, what_is_due
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.live import LiveEnvironment

_SAMPLE_MEMORY_EVERY_S = 0.2


class TimeoutObserver(Protocol):
    """Who decides what a timeout means for the invocation: the dispatcher."""

    def init_timed_out(self, live: LiveEnvironment) -> None:
        """Its init took longer than AWS gives it."""
        ...

    def invocation_timed_out(self, live: LiveEnvironment) -> None:
        """The invocation it runs, or initializes in, is over its deadline."""
        ...


class Reaper:
    """
    Looks at every environment's age.

    Args:
        lifetimes: How long each stage may last.
    """

    def __init__(self, *, fleet: Fleet, observer: TimeoutObserver, clock: Clock, lifetimes: Lifetimes) -> None:
        self._fleet = fleet
        self._observer = observer
        self._clock = clock
        self._lifetimes = lifetimes
        self._sampled = 0.0

    async def tick(self) -> None:
        """Look once at every environment."""
        now = self._clock.monotonic()
        samples = now - self._sampled >= _SAMPLE_MEMORY_EVERY_S
        if samples:
            self._sampled = now
        for live in list(self._fleet.live()):
            if samples and live.state is EnvironmentState.BUSY:
                self._fleet.look_at_memory(live)
            match what_is_due(self._age(live, now), self._lifetimes):
                case Due.FREEZE if live.parked is not None:
                    self._fleet.freeze(live)
                case Due.SHUTDOWN:
                    self._fleet.stop(live, StopReason.IDLE)
                case Due.INIT_TIMED_OUT:
                    self._observer.init_timed_out(live)
                case Due.INIT_IS_SLOW:
                    # It may run for up to fifteen minutes: inside an invocation, or to be provisioned.
                    self._fleet.limit_cpu(live)
                case Due.INVOCATION_TIMED_OUT:
                    self._observer.invocation_timed_out(live)
                case _:
                    pass

    @staticmethod
    def _age(live: LiveEnvironment, now: float) -> Age:
        deadline = live.assignment.deadline if live.assignment is not None else live.deadline
        in_state = now - live.entered
        if live.is_opening and live.state is EnvironmentState.INITIALIZING:
            # The engine's time is not the function's: its program may not run yet.
            deadline, in_state = None, 0.0
        # An environment chosen for an invocation is no longer idle while it thaws for it.
        return Age(
            state=live.state,
            phase=live.environment.phase,
            in_state=timedelta(seconds=in_state),
            idle_for=timedelta() if live.is_chosen else timedelta(seconds=now - live.idle_since),
            until_deadline=None if deadline is None else timedelta(seconds=deadline - now),
            has_init_cpu=live.has_init_cpu,
            provisioned_init=(
                provisioned_init_timeout(live.version.timeout) if live.environment.is_provisioned else None
            ),
        )
