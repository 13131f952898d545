"""
How fast one function's environments may come: 1,000 within ten seconds, refilled all the time, never saved up.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""

from __future__ import annotations

from dataclasses import dataclass

ENVIRONMENTS = 1_000
WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRate:
    """
    What one function may still start.

    Args:
        left: Environments, also parts of one.
        at: When that was so, in monotonic seconds.
    """

    left: float
    at: float

    @classmethod
    def full(cls, now: float) -> ScalingRate:
        """Of a function that has started nothing lately."""
        return cls(left=ENVIRONMENTS, at=now)

    def refilled(self, now: float) -> ScalingRate:
        """The same at a later time."""
        gained = max(0.0, now - self.at) * ENVIRONMENTS / WITHIN_S
        return ScalingRate(left=min(float(ENVIRONMENTS), self.left + gained), at=now)

    def allowed(self, now: float) -> int:
        """How many may be started now."""
        return int(self.refilled(now).left)

    def started(self, now: float, environments: int = 1) -> ScalingRate:
        """After so many were started."""
        refilled = self.refilled(now)
        return ScalingRate(left=refilled.left - environments, at=now)

    def is_full(self, now: float) -> bool:
        """Has what was started been made up for?"""
        return self.refilled(now).left >= ENVIRONMENTS
