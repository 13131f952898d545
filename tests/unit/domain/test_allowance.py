"""Allowances: how much at once, how much again."""

from __future__ import annotations

import pytest

from orchestrator.domain.allowance import Allowance


def test_a_burst_is_there_at_once_and_comes_back_with_time() -> None:
    """Never more than the burst, however long nobody asked."""
    fresh = Allowance.full(100, 10, now=5)
    assert fresh.left_at(5) == fresh.left_at(500) == 100
    used = fresh.taken(60, now=6)
    assert used.left_at(6) == 40
    assert used.left_at(8) == 60
    assert used.left_at(100) == 100


def test_what_is_taken_beyond_it_is_owed_and_takes_its_time() -> None:
    """Whoever waits that long is back within it."""
    owing = Allowance.full(100, 10, now=0).taken(130, now=0)
    assert owing.left_at(0) == -30
    assert owing.settled_in_s == pytest.approx(3)
    assert owing.left_at(3) == pytest.approx(0)
    assert Allowance.full(100, 10, now=0).settled_in_s == 0
