"""The only place that asks what time it is: monotonic for deadlines, wall time for ages and records."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the parts that loop ask for it; tests bring their own."""

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines and durations."""
        ...

    def now(self) -> datetime:
        """Wall time, UTC; for what is stored and shown."""
        ...

    def epoch_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        ...

    def epoch_us(self) -> int:
        """Wall time in microseconds since 1970."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Wall time, UTC."""
        return datetime.now(UTC)

    def epoch_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def epoch_us(self) -> int:
        """Wall time in microseconds since 1970."""
        return time.time_ns() // 1_000
