"""
Is it worth waiting for an environment? And what those are told for whom it is not: no room, or an engine in trouble.

An engine may answer nothing at all, or take minutes for what takes it milliseconds. Who waits learns that in time, for
a caller's own patience ends without an answer.
"""

from __future__ import annotations

from datetime import timedelta

from orchestrator.domain.errors import ServiceFailure, ThrottleReason, TooManyRequests
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.live import LiveEnvironment, Pool

_ENGINE_MAY_TAKE = 3
"""Times the wait for room: an environment that takes the engine longer to start is no hope to those who wait."""


class Patience:
    """
    Knows how long is waited for what.

    Args:
        room_wait: How long a synchronous call waits while nothing is being started for it.
    """

    def __init__(self, fleet: Fleet, room_wait: timedelta) -> None:
        self._fleet = fleet
        self._room_wait_s = room_wait.total_seconds()
        self._engine_s = self._room_wait_s * _ENGINE_MAY_TAKE
        self.stuck = (
            f"Docker engine has not started a container within {self._engine_s:g} s; `paddock doctor` says what it "
            "answers"
        )

    def is_over(self, enqueued: float, now: float) -> bool:
        """Has who waits since then waited long enough, if there is no hope? A wait for the engine does not count."""
        return now - max(enqueued, self._fleet.engine_back_at) > self._room_wait_s

    def has_hope(self, pool: Pool, now: float) -> bool:
        """Is an environment on its way that may serve whoever comes first?"""
        return not self._fleet.engine_is_lost and any(
            live.may_come_soon(now) and not self.is_stuck(live, now) for live in pool.members.values()
        )

    def is_stuck(self, live: LiveEnvironment, now: float) -> bool:
        """Was the engine asked to start it, and has not done so for too long?"""
        return live.is_opening and now - live.launched > self._engine_s

    def refusal(self, pool: Pool, now: float) -> ServiceFailure | TooManyRequests:
        """What those are told for whom there is no hope."""
        if pool.learnt.last_failure is not None:
            return ServiceFailure(pool.learnt.last_failure)
        if self._fleet.engine_is_lost:
            return ServiceFailure("Docker engine does not answer; start it and try again")
        for live in self._fleet.live():
            if self.is_stuck(live, now):
                return ServiceFailure(self.stuck)
            if live.not_removed is not None:
                return ServiceFailure(f"an environment that ended still takes its room: {live.not_removed}")
        return TooManyRequests(ThrottleReason.CONCURRENT)
