"""An allowance: so much at once, and so much more each second. Values only; who goes over it is decided by who asks."""

from __future__ import annotations

from dataclasses import dataclass


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
