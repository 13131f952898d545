"""How AWS writes a time where its model has a text for it; elsewhere it is a number of seconds."""

from __future__ import annotations

from datetime import datetime


def aws_time(at: datetime) -> str:
    """Like `2026-11-23T12:00:00.000+0000`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"
