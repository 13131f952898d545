"""
How many events of a function may be in memory, where each holds a lease, and whose turn it is to send them there.

A target is what an event was sent to: a qualifier, for a tenant.
"""

from __future__ import annotations

from dataclasses import dataclass

_FOR_EACH_ENVIRONMENT = 2
FEWEST_PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """
    Of a function, or of one of its targets.

    Args:
        in_hand: Events that wait in memory or run.
        serving: Environments that can run them.
    """

    in_hand: int
    serving: int

    @property
    def free(self) -> int:
        """Places that are left; below zero when environments have gone since."""
        return max(FEWEST_PLACES, _FOR_EACH_ENVIRONMENT * self.serving) - self.in_hand


def free_places(target: Occupancy, function: Occupancy, *, others_wait: bool = False) -> int:
    """
    How many more events of a target may be taken now.

    Its places are bounded, and so are those of its function: who waits in memory holds leases, which others need. But
    those who hold a function's places may be stuck there. So a target may always have what its own environments can
    run, and one for which the first shall start, as long as no more than a few of these are beyond the bound.

    Args:
        others_wait: Is it the turn of other targets to have what the function has left?
    """
    shared = 0 if others_wait else min(target.free, function.free)
    own = min(max(1, target.serving) - target.in_hand, function.free + FEWEST_PLACES)
    return max(shared, own, 0)
