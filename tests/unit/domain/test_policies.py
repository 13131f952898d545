"""Retrying, scaling, throttling, room and lifetimes: pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.domain.concurrency import ConcurrencySnapshot, throttle
from orchestrator.domain.environments import EnvironmentState, InitPhase
from orchestrator.domain.errors import ThrottleReason
from orchestrator.domain.lifetimes import Age, Due, Lifetimes, provisioned_init_timeout, what_is_due
from orchestrator.domain.retries import (
    GiveUp,
    RetryAfter,
    RetryPolicy,
    after_function_error,
    backoff_after,
    is_too_old,
)
from orchestrator.domain.room import Evict, Fits, Footprint, HostLimits, NoRoom, make_room
from orchestrator.domain.scaling import PoolSnapshot, environments_to_start
from tests.support.builders import NOW, an_event

S = timedelta(seconds=1)
MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(("attempts", "delay"), [(1, 60), (2, 120)])
def test_a_function_error_is_retried_after_one_and_two_minutes(attempts: int, delay: int) -> None:
    """AWS's two retries."""
    assert after_function_error(an_event(attempts=attempts), NOW, RetryPolicy()) == RetryAfter(delay * S)


def test_after_the_third_failed_attempt_nothing_more_is_tried() -> None:
    """The retries are exhausted."""
    assert after_function_error(an_event(attempts=3), NOW, RetryPolicy()) == GiveUp("RetriesExhausted")


def test_a_retry_that_would_come_after_the_events_age_is_not_made() -> None:
    """An event of almost six hours gets no retry that would begin later."""
    event = an_event(attempts=1, accepted_at=NOW - timedelta(hours=5, minutes=59, seconds=30))
    assert after_function_error(event, NOW, RetryPolicy()) == GiveUp("EventAgeExceeded")
    assert is_too_old(event.accepted_at, NOW + S * 31, RetryPolicy())
    assert not is_too_old(event.accepted_at, NOW, RetryPolicy())


@pytest.mark.parametrize(
    ("delays_s", "retries", "limited_s"),
    [
        ((60, 120), None, (60, 120)),
        ((60, 120), 0, ()),
        ((60, 120), 1, (60,)),
        ((60, 120), 2, (60, 120)),
        ((1,), 2, (1, 120)),
        ((), 2, (60, 120)),
        ((1, 2, 3), 2, (1, 2)),
    ],
)
def test_a_policy_is_limited_to_a_number_of_retries(
    delays_s: tuple[int, ...], retries: int | None, limited_s: tuple[int, ...]
) -> None:
    """Where the host's settings have fewer delays than a function wants retries, AWS's follow."""
    policy = RetryPolicy(delays=tuple(timedelta(seconds=one) for one in delays_s))
    limited = policy.limited(retries, timedelta(minutes=5))
    assert [one.total_seconds() for one in limited.delays] == list(limited_s)
    assert limited.max_age == timedelta(minutes=5)
    assert policy.limited(retries, None).max_age == timedelta(hours=6)


def test_an_event_is_never_due_later_than_the_longest_wait() -> None:
    """Also where nothing is retried after function errors."""
    assert RetryPolicy(delays=()).longest_wait == timedelta(minutes=5)
    assert RetryPolicy(delays=(timedelta(hours=1),)).longest_wait == timedelta(hours=1)


def test_backoff_doubles_from_one_second_to_five_minutes() -> None:
    """However often it fails, it never waits longer."""
    assert [backoff_after(n).total_seconds() for n in (1, 2, 3, 9, 10, 500)] == [1, 2, 4, 256, 300, 300]


def a_pool(**changes: object) -> PoolSnapshot:
    values: dict[str, object] = {
        "waiting": 0,
        "serving": 0,
        "starting": 0,
        "run_time": None,
        "cold_start": 250 * MS,
    }
    return PoolSnapshot(**(values | changes))  # type: ignore[arg-type]


def test_the_first_call_starts_one_environment_and_only_one() -> None:
    """No container is started twice for the same need."""
    assert environments_to_start(a_pool(waiting=1), 4) == 1
    assert environments_to_start(a_pool(waiting=1, starting=1), 3) == 0


def test_while_the_run_time_is_unknown_one_is_started_per_waiter_within_the_limit() -> None:
    """Fifty callers of a new function: as many as may start at once."""
    assert environments_to_start(a_pool(waiting=50), 4) == 4
    assert environments_to_start(a_pool(waiting=50, starting=4), 0) == 0


def test_short_runs_wait_for_the_warm_environment_rather_than_a_cold_start() -> None:
    """32 calls of 10 ms with one warm environment: one more helps, a third does not."""
    assert environments_to_start(a_pool(waiting=31, serving=1, run_time=10 * MS), 4) == 1
    assert environments_to_start(a_pool(waiting=20, serving=2, run_time=10 * MS), 4) == 0


def test_behind_a_run_that_is_longer_than_all_before_one_is_started_and_then_another() -> None:
    """The average says that it is over soon; that somebody has waited for longer than a cold start says it is not."""
    behind = {"waiting": 3, "serving": 1, "run_time": MS, "cold_start": 150 * MS}
    assert environments_to_start(a_pool(**behind, waited=100 * MS), 4) == 0
    assert environments_to_start(a_pool(**behind, waited=200 * MS), 4) == 1
    assert environments_to_start(a_pool(**behind, waited=200 * MS, starting=1), 3) == 0


def test_long_runs_get_an_environment_each() -> None:
    """Calls of a second do not wait for one another."""
    assert environments_to_start(a_pool(waiting=30, serving=20, run_time=S), 4) == 4


@pytest.mark.parametrize(
    ("of_function", "unreserved", "reserved", "expected"),
    [
        (0, 0, 0, ThrottleReason.RESERVED),
        (0, 0, 1, None),
        (1, 0, 1, ThrottleReason.RESERVED),
        (5, 899, None, None),
        (5, 900, None, ThrottleReason.CONCURRENT),
    ],
)
def test_concurrency_is_throttled_by_reservation_or_by_the_account(
    of_function: int, unreserved: int, reserved: int | None, expected: ThrottleReason | None
) -> None:
    """A reservation is its own limit; everyone else shares what no one reserved."""
    snapshot = ConcurrencySnapshot(
        of_function=of_function, unreserved=unreserved, reserved=reserved, reserved_in_all=100, account_limit=1000
    )
    assert throttle(snapshot) is expected


@pytest.mark.parametrize(("of_function", "expected"), [(4, None), (5, ThrottleReason.CONCURRENT)])
def test_what_is_provisioned_for_a_function_is_free_for_it_whatever_the_others_do(
    of_function: int, expected: ThrottleReason | None
) -> None:
    """Beyond that it shares with everyone."""
    snapshot = ConcurrencySnapshot(
        of_function=of_function, unreserved=900, reserved=None, reserved_in_all=100, account_limit=1000, provisioned=5
    )
    assert throttle(snapshot) is expected


LIMITS = HostLimits(memory_mib=512, environments=10, minimum_stay=2 * S)


def idle(name: str, seconds: float, memory_mib: int = 128) -> Footprint:
    return Footprint(environment_id=name, memory_mib=memory_mib, idle_for=timedelta(seconds=seconds))


def busy(name: str, memory_mib: int = 128) -> Footprint:
    return Footprint(environment_id=name, memory_mib=memory_mib, idle_for=None)


def test_there_is_room_while_the_budget_lasts() -> None:
    """Four of 128 MB fit in 512."""
    assert make_room(128, [busy("a"), busy("b"), busy("c")], LIMITS) == Fits()
    assert make_room(128, [busy(n) for n in "abcd"], LIMITS) == NoRoom()


def test_the_least_recently_used_idle_environment_goes_first() -> None:
    """The longest idle, and no more of them than needed."""
    live = [idle("young", 3), idle("old", 9), busy("b"), busy("c")]
    assert make_room(128, live, LIMITS) == Evict(("old",))
    assert make_room(256, live, LIMITS) == Evict(("old", "young"))


def test_what_has_just_become_idle_may_stay_a_while() -> None:
    """Else two functions would throw each other out at every call."""
    assert make_room(128, [idle("a", 1), busy("b"), busy("c"), busy("d")], LIMITS) == NoRoom()


def test_nobody_more_is_evicted_while_room_is_being_made() -> None:
    """One that is leaving already makes the room that is needed."""
    leaving = Footprint(environment_id="l", memory_mib=128, idle_for=None, is_leaving=True)
    assert make_room(128, [leaving, idle("a", 9), busy("b"), busy("c")], LIMITS) == Evict(())


def test_asynchronous_work_leaves_a_fifth_of_the_room() -> None:
    """409 of 512 MB: a fourth environment of 128 MB does not fit."""
    live = [busy("a"), busy("b"), busy("c")]
    assert make_room(128, live, LIMITS, share=0.8) == NoRoom()
    assert make_room(128, live[:2], LIMITS, share=0.8) == Fits()


def test_asynchronous_work_may_have_all_of_the_room_for_a_first_one_that_needs_it() -> None:
    """Else it would wait for ever. Whatever is idle goes for it; beside what works, it waits."""
    limits = replace(LIMITS, memory_mib=1600)
    assert make_room(1536, [], limits, share=0.8) == Fits()
    assert make_room(1600, [], limits, share=0.8) == Fits()
    assert make_room(1601, [], limits, share=0.8) == NoRoom()
    assert make_room(1536, [idle("a", 9, memory_mib=64)], limits, share=0.8) == Evict(("a",))
    assert make_room(1536, [busy("a", memory_mib=64)], limits, share=0.8) == NoRoom()
    kept = [Footprint(environment_id=n, memory_mib=256, idle_for=None, is_kept=True) for n in "abc"]
    assert make_room(256, kept, replace(LIMITS, memory_mib=1024), share=0.8) == Fits()


def test_what_is_provisioned_leaves_room_for_asynchronous_work() -> None:
    """Neither keeps the other from the last fifth: of what is left, asynchronous work may have most."""
    limits = replace(LIMITS, memory_mib=1280)
    kept = [Footprint(environment_id=n, memory_mib=128, idle_for=None, is_kept=True) for n in "abcdefgh"]
    of_provisioned = limits.for_one_more_provisioned()
    assert make_room(128, kept[:7], of_provisioned) == Fits()
    assert make_room(128, kept, of_provisioned) == NoRoom()
    assert make_room(128, kept, limits, share=0.8) == Fits()
    assert make_room(128, [*kept, busy("i")], limits, share=0.8) == NoRoom()
    assert make_room(128, [*kept, busy("i")], limits) == Fits()
    assert make_room(128, [*kept, busy("i"), busy("j")], limits) == NoRoom()


def test_no_more_live_than_there_are_places_though_all_are_provisioned() -> None:
    """Nor does asynchronous work get a first one beyond them."""
    limits = replace(LIMITS, environments=1)
    kept = [Footprint(environment_id="a", memory_mib=128, idle_for=None, is_kept=True)]
    assert make_room(128, [], limits.for_one_more_provisioned()) == Fits()
    assert make_room(128, kept, limits) == NoRoom()
    assert make_room(128, kept, limits, share=0.8) == NoRoom()


LIFETIMES = Lifetimes(freeze_after=S, idle_timeout=600 * S, init_timeout=10 * S)


def an_age(state: EnvironmentState, **changes: object) -> Age:
    values: dict[str, object] = {
        "state": state,
        "phase": InitPhase.INIT,
        "in_state": S * 0,
        "idle_for": S * 0,
        "until_deadline": None,
    }
    return Age(**(values | changes))  # type: ignore[arg-type]


def test_an_idle_environment_is_frozen_then_shut_down() -> None:
    """After a second, and after the idle timeout counted from its last work."""
    assert what_is_due(an_age(EnvironmentState.IDLE, in_state=S * 0.9), LIFETIMES) is None
    assert what_is_due(an_age(EnvironmentState.IDLE, in_state=S), LIFETIMES) is Due.FREEZE
    assert what_is_due(an_age(EnvironmentState.FROZEN, in_state=S * 500, idle_for=S * 501), LIFETIMES) is None
    assert what_is_due(an_age(EnvironmentState.FROZEN, idle_for=S * 600), LIFETIMES) is Due.SHUTDOWN


def test_init_has_ten_seconds_of_its_own_but_not_inside_an_invocation() -> None:
    """Inside an invocation, the function's timeout governs."""
    ahead = an_age(EnvironmentState.INITIALIZING, in_state=S * 10)
    inside = an_age(EnvironmentState.INITIALIZING, phase=InitPhase.INVOKE, in_state=S * 10, until_deadline=S)
    assert what_is_due(ahead, LIFETIMES) is Due.INIT_TIMED_OUT
    assert what_is_due(inside, LIFETIMES) is None


def test_an_init_inside_an_invocation_keeps_its_processor_for_ten_seconds() -> None:
    """Fifteen minutes of one that spins would be too many."""
    early = an_age(
        EnvironmentState.INITIALIZING,
        phase=InitPhase.INVOKE,
        in_state=S * 9,
        until_deadline=S * 800,
        has_init_cpu=True,
    )
    late = replace(early, in_state=S * 10)
    assert what_is_due(early, LIFETIMES) is None
    assert what_is_due(late, LIFETIMES) is Due.INIT_IS_SLOW
    assert what_is_due(replace(late, has_init_cpu=False), LIFETIMES) is None
    assert what_is_due(replace(late, until_deadline=S * 0), LIFETIMES) is Due.INVOCATION_TIMED_OUT


@pytest.mark.parametrize(("timeout_s", "init_s"), [(3, 130), (129, 130), (131, 131), (900, 900)])
def test_a_provisioned_init_has_the_functions_timeout_and_no_less_than_130_s(timeout_s: int, init_s: int) -> None:
    """Nobody waits for it. Its processor it has for ten seconds."""
    init = provisioned_init_timeout(S * timeout_s)
    age = an_age(EnvironmentState.INITIALIZING, provisioned_init=init, has_init_cpu=True)
    assert what_is_due(replace(age, in_state=S * 9.9), LIFETIMES) is None
    assert what_is_due(replace(age, in_state=S * 10), LIFETIMES) is Due.INIT_IS_SLOW
    limited = replace(age, has_init_cpu=False)
    assert what_is_due(replace(limited, in_state=S * (init_s - 0.1)), LIFETIMES) is None
    assert what_is_due(replace(limited, in_state=S * init_s), LIFETIMES) is Due.INIT_TIMED_OUT


def test_what_is_provisioned_is_frozen_and_never_shut_down_for_idleness() -> None:
    """Not after a year."""
    year = timedelta(days=365)
    idle, frozen = (
        an_age(state, in_state=year, idle_for=year, provisioned_init=S * 130)
        for state in (EnvironmentState.IDLE, EnvironmentState.FROZEN)
    )
    assert what_is_due(idle, LIFETIMES) is Due.FREEZE
    assert what_is_due(frozen, LIFETIMES) is None


@pytest.mark.parametrize("state", [EnvironmentState.BUSY, EnvironmentState.ANSWERED])
def test_the_timeout_covers_the_run_and_the_way_back_to_next(state: EnvironmentState) -> None:
    """An environment that answered but never asks again is over its time too."""
    assert what_is_due(an_age(state, until_deadline=S * -0.01), LIFETIMES) is Due.INVOCATION_TIMED_OUT
    assert what_is_due(an_age(state, until_deadline=S * 0.01), LIFETIMES) is None
