"""
The only place that asks what time it is: monotonic for deadlines, steady time for what is due, wall time for ages and
records.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EVEN = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The first is Linux's; elsewhere a suspension counts as a step of the clock."""


class Clock(Protocol):
    """Time as the parts that loop ask for it; tests bring their own."""

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines and durations."""
        ...

    def steady(self) -> datetime:
        """
        Wall time of the start, UTC, gone on evenly: for what is due. A step of the clock, which neither hastens nor
        holds up what waits, makes it differ from wall time.
        """
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

    def __init__(self) -> None:
        self._began = datetime.now(UTC) - _since_boot()

    def steady(self) -> datetime:
        """Wall time of the start, gone on evenly; also while the machine is suspended."""
        return self._began + _since_boot()

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


def _since_boot() -> timedelta:
    return timedelta(seconds=time.clock_gettime(_EVEN))
