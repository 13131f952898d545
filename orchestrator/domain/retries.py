"""
What follows an attempt of an asynchronous invocation.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.domain.invocations import Invocation

RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"

_DELAYS = (timedelta(minutes=1), timedelta(minutes=2))
_FIRST_BACKOFF = timedelta(seconds=1)
_LONGEST_BACKOFF = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """
    How often and how long an event is tried.

    Args:
        delays: Before each retry after a function error; AWS waits 1 and 2 minutes.
        max_age: Events older than this are given up; AWS: 6 hours by default.
    """

    delays: tuple[timedelta, ...] = _DELAYS
    max_age: timedelta = timedelta(hours=6)

    @property
    def longest_wait(self) -> timedelta:
        """No event is ever due later than after so long."""
        return max((_LONGEST_BACKOFF, *self.delays))

    def limited(self, retries: int | None, max_age: timedelta | None) -> RetryPolicy:
        """
        This policy with limits of a function's own; None leaves what stands here.

        Args:
            retries: How often a failed event is tried again; where more than there are delays, AWS's follow.
        """
        delays = self.delays if retries is None else (*self.delays, *_DELAYS[len(self.delays) :])[:retries]
        return RetryPolicy(delays=delays, max_age=self.max_age if max_age is None else max_age)


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Try again after so long."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nothing more is tried; AWS's condition says why."""

    condition: str


def after_function_error(invocation: Invocation, now: datetime, policy: RetryPolicy) -> RetryAfter | GiveUp:
    """
    Decide what follows an attempt that the function failed.

    Args:
        invocation: With the failed attempt counted.
        now: When the attempt ended, UTC.
    """
    if invocation.attempts > len(policy.delays):
        return GiveUp(RETRIES_EXHAUSTED)
    delay = policy.delays[invocation.attempts - 1]
    if now + delay - invocation.accepted_at > policy.max_age:
        return GiveUp(EVENT_AGE_EXCEEDED)
    return RetryAfter(delay)


def is_too_old(accepted_at: datetime, now: datetime, policy: RetryPolicy) -> bool:
    """Has an event that still waits outlived its age?"""
    return now - accepted_at > policy.max_age


def backoff_after(failures: int) -> timedelta:
    """
    How long to wait after throttles or failures of our own: 1 s, doubling up to 5 minutes.

    Args:
        failures: In a row; 1 for the first.
    """
    doublings = min(failures - 1, 10)
    return min(_LONGEST_BACKOFF, _FIRST_BACKOFF * float(1 << doublings))
