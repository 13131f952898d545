"""Keys that only grow: a time and a sequence in one integer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orchestrator.store.encoding import to_us

_SEQUENCE_BITS = 15


class KeySequence:
    """
    Hands out integers of 48 bits of milliseconds and 15 of sequence, each greater than the one before.

    When the clock stands or goes back, the keys go on from the last one and run ahead of the clock.

    Args:
        epoch_ms: Asks for the wall time in milliseconds since 1970.
        last: The greatest key that exists already.
    """

    def __init__(self, epoch_ms: Callable[[], int], last: int) -> None:
        self._epoch_ms = epoch_ms
        self._last = last

    def next(self) -> int:
        """A key greater than all before."""
        self._last = max(self._last + 1, self._epoch_ms() << _SEQUENCE_BITS)
        return self._last


def first_key_at(moment: datetime) -> int:
    """The smallest key of this time's millisecond: keys below it are older."""
    return max(0, to_us(moment) // 1000) << _SEQUENCE_BITS
