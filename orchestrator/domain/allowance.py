"""
An allowance: so much at once, and so much more each second; and the allowances of many. What becomes of who goes over
it is decided by who asks.
"""

from __future__ import annotations

from dataclasses import dataclass

_MANY = 4096


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
    def settled_in_s(self) -> float:
        """How long it takes until nothing is owed any more."""
        return max(0.0, -self.left / self.per_s)


class Allowances:
    """
    One for each name, all alike. Whoever has everything back is forgotten once there are many.

    Args:
        burst: The most that can be left to one.
        per_s: What comes back to each in a second.
    """

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._kept: dict[str, Allowance] = {}
        self._looked_through_at = _MANY

    def __len__(self) -> int:
        return len(self._kept)

    def take_one(self, name: str, now: float) -> float:
        """
        Take one of this name's, whether it was left or not; the seconds until nothing is owed any more.

        Args:
            now: Monotonic seconds.
        """
        if len(self._kept) > self._looked_through_at:
            self._kept = {one: kept for one, kept in self._kept.items() if kept.left_at(now) < self._burst}
            # Not with every new name where none can be forgotten.
            self._looked_through_at = max(_MANY, 2 * len(self._kept))
        allowance = self._kept.get(name) or Allowance.full(self._burst, self._per_s, now)
        self._kept[name] = allowance = allowance.taken(1, now)
        return allowance.settled_in_s
