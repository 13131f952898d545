"""Allowances: how much at once, how much again."""

from __future__ import annotations

import pytest

from orchestrator.domain.allowance import Allowance, Allowances


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


def test_each_name_has_an_allowance_of_its_own() -> None:
    """Who took too much waits, and nobody else."""
    allowances = Allowances[str](burst=2, per_s=10)
    assert [allowances.take_one("a", now=0) for _ in range(4)] == pytest.approx([0, 0, 0.1, 0.2])
    assert allowances.take_one("b", now=0) == 0
    assert allowances.left_to("a", now=0) == -2
    assert allowances.take_one("a", now=1) == 0
    assert allowances.left_to("nobody", now=1) == 2


def test_of_many_names_only_those_are_kept_that_have_not_everything_back() -> None:
    """Whoever invents a new one each time fills nothing, and wins nothing back by it."""
    allowances = Allowances[str](burst=2, per_s=10)
    for _ in range(12):
        allowances.take_one("owes", now=0)
    for number in range(10_000):
        allowances.take_one(f"name-{number}", now=0.9)
    assert len(allowances) > 4096
    assert allowances.take_one("owes", now=1.05) == pytest.approx(0.05)
    assert len(allowances) == 1


def test_what_was_taken_meanwhile_is_remembered_beyond_the_first_moment() -> None:
    """Who goes on taking has everything back later, and is kept until then."""
    allowances = Allowances[str](burst=2, per_s=1)
    for second in range(5):
        allowances.take_one("a", now=second)
    allowances.take_one("b", now=5)
    assert (len(allowances), allowances.left_to("a", now=5)) == (1, 2)
    for _ in range(3):
        allowances.take_one("a", now=5)
    allowances.take_one("b", now=6.5)
    assert (len(allowances), allowances.left_to("a", now=6.5)) == (2, 0.5)
    allowances.take_one("b", now=8)
    assert len(allowances) == 1
