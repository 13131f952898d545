"""How many provisioned environments to start or let go of, and what follows a start that fails."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.domain.environments import StopReason
from orchestrator.domain.provisioning import (
    ENDED_UNUSED,
    INIT_FAILURE,
    Attempts,
    Keep,
    LetGo,
    ProvisionedPool,
    Start,
    failure_of,
    is_proven,
    what_to_do,
)
from tests.support.builders import an_environment

NOW = 1000.0
_COUNTS = list(itertools.product(range(4), repeat=4))
_BY_ITSELF = {
    StopReason.CRASH,
    StopReason.OUT_OF_MEMORY,
    StopReason.INIT_ERROR,
    StopReason.INIT_TIMEOUT,
    StopReason.START_FAILED,
    StopReason.SANDBOX_FAILURE,
}


def a_pool(wanted: int, starting: int = 0, idle: int = 0, busy: int = 0, **more: object) -> ProvisionedPool:
    return ProvisionedPool(wanted=wanted, starting=starting, idle=idle, busy=busy, **more)  # type: ignore[arg-type]


def test_what_is_missing_is_started_and_what_is_too_much_is_let_go() -> None:
    """Whatever lives: never more than is missing or may start, never one that works, and nothing if it is right."""
    for (wanted, starting, idle, busy), free_starts in itertools.product(_COUNTS, [-1, 0, 1, 2, 10]):
        live = starting + idle + busy
        match what_to_do(a_pool(wanted, starting, idle, busy), free_starts, NOW):
            case Start(count=count):
                assert 1 <= count == min(wanted - live, free_starts)
            case LetGo(count=count):
                assert 1 <= count == min(live - wanted, starting + idle)
            case Keep():
                is_right = live == wanted
                only_busy_ones_are_too_many = live > wanted and starting + idle == 0
                none_may_start = live < wanted and free_starts <= 0
                assert is_right or only_busy_ones_are_too_many or none_may_start


def test_repeating_what_was_decided_leads_to_what_is_wanted_and_stays_there() -> None:
    """From whatever there is, one step at a time; what works ends its work in between."""
    for wanted, starting, idle, busy in _COUNTS:
        pool = a_pool(wanted, starting, idle, busy)
        for _ in range(20):
            match what_to_do(pool, 1, NOW):
                case Start(count=count):
                    pool = replace(pool, idle=pool.idle + count)
                case LetGo(count=count):
                    of_starting = min(count, pool.starting)
                    pool = replace(pool, starting=pool.starting - of_starting, idle=pool.idle - count + of_starting)
                case Keep():
                    pool = replace(pool, idle=pool.idle + pool.busy, busy=0)
        assert pool.starting + pool.idle + pool.busy == wanted


def test_while_none_may_be_started_only_letting_go_goes_on() -> None:
    """Its image is not known, the engine is in trouble, or a failure is too fresh."""
    fresh = Attempts().failed(INIT_FAILURE, NOW)
    for wanted, starting, idle, busy in _COUNTS:
        for pool in (
            a_pool(wanted, starting, idle, busy, may_start=False),
            a_pool(wanted, starting, idle, busy, attempts=fresh),
        ):
            decided = what_to_do(pool, 10, NOW)
            assert not isinstance(decided, Start)
            assert isinstance(decided, LetGo) is (starting + idle + busy > wanted and starting + idle > 0)


@pytest.mark.parametrize("starting", [0, 1, 2])
def test_after_a_failure_one_is_tried_at_a_time(starting: int) -> None:
    """The others follow once it has come up."""
    failed = Attempts().failed(INIT_FAILURE, NOW)
    pool = a_pool(5, starting, attempts=failed)
    assert what_to_do(pool, 10, NOW + 0.999) == Keep()
    assert what_to_do(pool, 10, NOW + 1) == (Keep() if starting else Start(1))
    assert what_to_do(replace(pool, attempts=failed.came_up()), 10, NOW) == Start(5 - starting)


def test_failures_in_a_row_are_waited_for_longer_and_longer() -> None:
    """1 s, doubling up to 5 minutes; no crash loop."""
    attempts, now, waits = Attempts(), NOW, []
    for _ in range(11):
        attempts = attempts.failed(INIT_FAILURE, now)
        waits.append(attempts.retry_at - now)
        now = attempts.retry_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_those_that_fail_together_count_as_one() -> None:
    """Ten that were started at once are not ten failures in a row."""
    attempts = Attempts()
    for _ in range(10):
        attempts = attempts.failed(INIT_FAILURE, NOW)
    assert (attempts.failures, attempts.retry_at) == (1, NOW + 1)


def test_coming_up_is_not_yet_being_of_use() -> None:
    """What comes up and ends again and again waits longer each time; once one was of use, it begins anew."""
    attempts = Attempts().failed(ENDED_UNUSED, NOW).came_up().failed(ENDED_UNUSED, NOW + 1)
    assert (attempts.failures, attempts.retry_at) == (2, NOW + 3)
    attempts = attempts.came_up().proved().failed(ENDED_UNUSED, NOW + 3)
    assert (attempts.failures, attempts.retry_at) == (1, NOW + 4)


def test_trouble_is_told_until_one_comes_up() -> None:
    """Also while the next is tried."""
    attempts = Attempts().failed(INIT_FAILURE, NOW)
    assert Attempts().trouble(NOW) is None
    assert attempts.trouble(NOW + 1000) == INIT_FAILURE
    assert attempts.came_up().trouble(NOW) is None


def test_a_full_host_is_trouble_after_ten_seconds() -> None:
    """Room comes and goes; it counts from when there was none."""
    attempts = Attempts().found_no_room(NOW).found_no_room(NOW + 9)
    assert attempts.trouble(NOW + 9.9) is None
    assert "no room" in (attempts.trouble(NOW + 10) or "")
    assert attempts.found_room().trouble(NOW + 10) is None
    assert what_to_do(a_pool(1, attempts=attempts), 1, NOW + 10) == Start(1)


@pytest.mark.parametrize("invocations", [0, 1])
@pytest.mark.parametrize("init_ms", [None, 80.0])
@pytest.mark.parametrize("reason", [None, *StopReason])
def test_only_what_ends_by_itself_before_it_was_called_has_failed(
    reason: StopReason | None, init_ms: float | None, invocations: int
) -> None:
    """What we end, and what was of use before, says nothing against the next."""
    ended = an_environment(stop_reason=reason, init_ms=init_ms, invocations=invocations)
    failure = failure_of(ended, None)
    if reason not in _BY_ITSELF or invocations:
        assert failure is None
    else:
        assert failure == (INIT_FAILURE if init_ms is None else ENDED_UNUSED)


@pytest.mark.parametrize("reason", sorted(_BY_ITSELF))
def test_what_the_engine_says_is_the_reason_where_the_start_failed(reason: StopReason) -> None:
    """Not of a function whose init failed by itself, just after."""
    failure = failure_of(an_environment(stop_reason=reason), "Docker does not answer")
    is_ours = reason in (StopReason.START_FAILED, StopReason.SANDBOX_FAILURE)
    assert failure == ("Docker does not answer" if is_ours else INIT_FAILURE)


def test_it_has_proved_itself_once_it_was_called_or_has_waited_a_minute() -> None:
    """Not while it starts, however long that takes."""
    minute, less = timedelta(minutes=1), timedelta(seconds=59)
    assert not is_proven(an_environment(), minute)
    assert not is_proven(an_environment(init_ms=80.0), less)
    assert is_proven(an_environment(init_ms=80.0), minute)
    assert is_proven(an_environment(init_ms=80.0, invocations=1), timedelta())
