"""
Which lines of a function's own output its log keeps.

A runtime client of AWS filters what goes through its language's logging itself. For all else a line that is a JSON
object says its level in its member `level`; other lines have none and are kept.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from orchestrator.domain.log_levels import is_at_least
from orchestrator.domain.version_options import LoggingConfig


class _Levelled(msgspec.Struct):
    level: msgspec.Raw = msgspec.Raw(b"null")


_objects = msgspec.json.Decoder(_Levelled)
_texts = msgspec.json.Decoder(str)


def keeps_all(_line: str) -> bool:
    """In text nothing is filtered."""
    return True


def filter_of(logging: LoggingConfig) -> Callable[[str], bool]:
    """Is a line kept?"""
    least = logging.application_level
    if not logging.is_json or least is None:
        return keeps_all
    return lambda line: not line.startswith("{") or is_at_least(_level_of(line, least), least)


def _level_of(line: str, otherwise: str) -> str | None:
    """What the object says; `otherwise` if the line is none."""
    try:
        level = _objects.decode(line).level
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return otherwise
    try:
        return _texts.decode(level)
    except msgspec.DecodeError:
        # None, or a number, say: not one of AWS's.
        return None
