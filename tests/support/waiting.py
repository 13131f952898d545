"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

_POLL_S = 0.02


def until(condition: Callable[[], Value], what: str, patience_s: float = 60) -> Value:
    """
    Ask until the condition holds.

    Args:
        what: Said when it did not come to pass.
        patience_s: How long to ask.

    Returns: What the condition gave.
    """
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"in {patience_s} s it did not come to pass that {what}"
        time.sleep(_POLL_S)
