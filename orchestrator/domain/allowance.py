"""
An allowance: so much at once, and so much more each second; and the allowances of many. What becomes of who goes over
it is decided by who asks.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    What somebody may still take.

    Args:
        burst: The most that can be left.
        per_s: What comes back in a second.
        left: Below zero it is owed.
        at: When that was so, in monotonic seconds.
    """

    burst: float
    per_s: float
    left: float
    at: float

    @staticmethod
    def full(burst: float, per_s: float, now: float) -> Allowance:
        """Nothing of it taken yet."""
        return Allowance(burst, per_s, burst, now)

    def left_at(self, now: float) -> float:
        """What may be taken by now."""
        return min(self.burst, self.left + (now - self.at) * self.per_s)

    def taken(self, amount: float, now: float) -> Allowance:
        """So much was taken, whether it was left or not."""
        return Allowance(self.burst, self.per_s, self.left_at(now) - amount, now)

    @property
    def full_at(self) -> float:
        """From when on everything is back, in monotonic seconds."""
        return self.at + (self.burst - self.left) / self.per_s

    @property
    def settled_in_s(self) -> float:
        """How long it takes until nothing is owed any more."""
        return max(0.0, -self.left / self.per_s)


class Allowances(Generic[Name]):
    """
    One for each name, all alike. Whoever has everything back is forgotten.

    Args:
        burst: The most that can be left to one.
        per_s: What comes back to each in a second.
    """

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._kept: dict[Name, Allowance] = {}
        self._full_at: list[tuple[float, int, Name]] = []
        """When each has everything back at the earliest, the first of them first; what was taken since moves it on."""
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._kept)

    def left_to(self, name: Name, now: float) -> float:
        """
        What this name may still take; below zero it is owed.

        Args:
            now: Monotonic seconds.
        """
        allowance = self._kept.get(name)
        return allowance.left_at(now) if allowance is not None else self._burst

    def take_one(self, name: Name, now: float) -> float:
        """
        Take one of this name's, whether it was left or not; the seconds until nothing is owed any more.

        Args:
            now: Monotonic seconds.
        """
        self._forget(now)
        known = self._kept.get(name)
        allowance = (known or Allowance.full(self._burst, self._per_s, now)).taken(1, now)
        self._kept[name] = allowance
        if known is None:
            self._look_at(name)
        return allowance.settled_in_s

    def _forget(self, now: float) -> None:
        """Those who have everything back: what they may take is what anybody may."""
        while self._full_at and self._full_at[0][0] <= now:
            _, _, name = heappop(self._full_at)
            if self._kept[name].full_at <= now:
                del self._kept[name]
            else:
                self._look_at(name)

    def _look_at(self, name: Name) -> None:
        heappush(self._full_at, (self._kept[name].full_at, next(self._order), name))
