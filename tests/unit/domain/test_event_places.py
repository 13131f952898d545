"""How many events of a target and of a function are in memory at once."""

from __future__ import annotations

import pytest

from orchestrator.domain.event_places import Occupancy, free_places


def _of(in_hand: int, serving: int) -> Occupancy:
    return Occupancy(in_hand=in_hand, serving=serving)


@pytest.mark.parametrize(
    ("target", "function", "free"),
    [
        (_of(0, 0), _of(0, 0), 8),
        (_of(8, 0), _of(8, 0), 0),
        (_of(8, 10), _of(8, 10), 12),
        (_of(5, 0), _of(8, 10), 3),
        (_of(2, 4), _of(15, 10), 5),
    ],
    ids=["at first", "full", "two for each environment", "what its own bound leaves", "what its function's leaves"],
)
def test_both_bounds_hold(target: Occupancy, function: Occupancy, free: int) -> None:
    """Eight, or two for each environment, of a target and of all of a function together."""
    assert free_places(target, function) == free


def test_a_target_without_any_gets_one_where_others_hold_them_all() -> None:
    """They may be stuck there: an environment must be able to start for it. But not for any number of such targets."""
    assert free_places(_of(0, 0), _of(8, 0)) == 1
    assert free_places(_of(0, 0), _of(15, 0)) == 1
    assert free_places(_of(0, 0), _of(16, 0)) == 0
    assert free_places(_of(1, 0), _of(9, 0)) == 0


def test_a_target_gets_what_its_environments_can_run_where_others_hold_all_places() -> None:
    """None of them is idle for that."""
    assert free_places(_of(1, 3), _of(9, 3)) == 2
    assert free_places(_of(3, 3), _of(11, 3)) == 0


def test_what_is_new_leaves_the_places_of_its_function_to_who_waits_for_them() -> None:
    """Only what its target has anyway is taken."""
    assert free_places(_of(1, 1), _of(1, 1), others_wait=True) == 0
    assert free_places(_of(0, 0), _of(1, 1), others_wait=True) == 1


def test_there_are_never_less_than_none() -> None:
    """Environments have gone since their events were taken."""
    assert free_places(_of(20, 0), _of(40, 0)) == 0
