"""How many environments to start for a pool (D9): only such as end somebody's wait sooner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_FIRST_GUESS = timedelta(milliseconds=300)
_WEIGHT = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSnapshot:
    """
    One pool of environments as the scaler sees it.

    Args:
        waiting: Invocations that wait for an environment.
        serving: Environments that are idle, frozen, busy or answered.
        starting: Environments on their way that may come soon, and that no invocation has for itself.
        run_time: Moving average of an invocation, or None while unknown.
        cold_start: Moving average of a cold start.
        waited: How long the first of them has waited.
    """

    waiting: int
    serving: int
    starting: int
    run_time: timedelta | None
    cold_start: timedelta
    waited: timedelta = timedelta()


def environments_to_start(pool: PoolSnapshot, free_starts: int) -> int:
    """
    How many to start now.

    One is worth starting while the last in the queue would otherwise wait longer than a cold start takes:
    place in the queue x run time / environments. While the run time is unknown, one per waiter. Who has waited longer
    than a cold start already shows that it does not hold now, as behind a run that takes a hundred times as long as
    others: one is started, and another when that has come and somebody still waits.

    Args:
        free_starts: How many more may be starting at once on this host.
    """
    is_overdue = pool.waited > pool.cold_start
    wanted = 0
    while wanted < free_starts and pool.starting + wanted < pool.waiting:
        environments = pool.serving + pool.starting + wanted
        if environments > 0 and pool.run_time is not None:
            expected_wait = pool.run_time * pool.waiting / environments
            if expected_wait <= pool.cold_start and not (is_overdue and pool.starting + wanted == 0):
                break
        wanted += 1
    return wanted


def moving_average(average: timedelta | None, sample: timedelta) -> timedelta:
    """The average with one more sample; recent ones weigh more."""
    return sample if average is None else average + (sample - average) * _WEIGHT


def first_cold_start() -> timedelta:
    """What a cold start is taken to last before one was seen."""
    return _FIRST_GUESS
