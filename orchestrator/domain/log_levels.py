"""
Levels of log lines, from the most detailed to the gravest.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_GRAVITY = {level: number for number, level in enumerate(_LEVELS)}
_DEFAULT = "INFO"
# Python's own names, which its runtime client writes.
_GRAVITY |= {"WARNING": _GRAVITY["WARN"], "CRITICAL": _GRAVITY["FATAL"]}


def is_at_least(level: str | None, least: str | None) -> bool:
    """
    Is a line of this level kept where this is the least?

    Args:
        level: In any case; one that is missing or none of AWS's counts as INFO.
        least: None keeps everything.
    """
    if least is None:
        return True
    known = _GRAVITY.get((level or _DEFAULT).upper(), _GRAVITY[_DEFAULT])
    return known >= _GRAVITY[least]
