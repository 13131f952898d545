"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Wall time and monotonic time move together, and only by `advance`."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)) -> None:
        self._now = self._steady = start
        self._monotonic = 1000.0

    def advance(self, by: timedelta | float) -> None:
        """Move on; a number is seconds."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._now += step
        self._steady += step
        self._monotonic += step.total_seconds()

    def step_wall(self, by: timedelta) -> None:
        """The wall clock is set, forwards or back; monotonic and steady time do not care."""
        self._now += by

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._monotonic

    def steady(self) -> datetime:
        """Wall time without the steps."""
        return self._steady

    def now(self) -> datetime:
        """Wall time, UTC."""
        return self._now

    def epoch_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        return int(self._now.timestamp() * 1000)

    def epoch_us(self) -> int:
        """Wall time in microseconds since 1970."""
        return int(self._now.timestamp() * 1_000_000)
