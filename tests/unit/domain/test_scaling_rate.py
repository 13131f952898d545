"""How fast one function's environments may come."""

from __future__ import annotations

import pytest

from orchestrator.domain.scaling_rate import ScalingRate


def test_a_thousand_may_start_at_once_and_then_a_hundred_a_second() -> None:
    """Continuously, not at the end of ten seconds."""
    rate = ScalingRate.full(50.0)
    assert rate.allowed(50.0) == 1000
    rate = rate.started(50.0, 1000)
    assert [rate.allowed(50.0 + later) for later in (0.0, 0.009, 0.02, 1.0, 9.99, 10.0)] == [0, 0, 2, 100, 999, 1000]
    assert not rate.is_full(59.9)
    assert rate.is_full(60.0)


def test_nothing_is_saved_up() -> None:
    """An hour without a start allows no more than ten seconds."""
    assert ScalingRate.full(0.0).allowed(3600.0) == 1000


@pytest.mark.parametrize("period_s", [10.0, 60.0])
def test_over_a_long_time_no_more_than_a_thousand_start_in_ten_seconds(period_s: float) -> None:
    """However eagerly it is asked for."""
    rate, started, step_s = ScalingRate.full(0.0), 0, 0.05
    for turn in range(int(period_s / step_s)):
        now = turn * step_s
        count = rate.allowed(now)
        rate = rate.started(now, count)
        started += count
    assert 1000 + (period_s - 2 * step_s) * 100 <= started <= 1000 + period_s * 100


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    """Monotonic clocks do not, but a rate must not grow by it."""
    rate = ScalingRate.full(10.0).started(10.0, 1000)
    assert rate.allowed(9.0) == 0
