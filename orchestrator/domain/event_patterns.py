"""
Patterns that say which records of an event source are for a function: is a text one?

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
"""

from __future__ import annotations

import json
from typing import Any

_OPERATORS = frozenset(
    {
        "anything-but",
        "cidr",
        "equals-ignore-case",
        "exists",
        "numeric",
        "prefix",
        "suffix",
        "wildcard",
    }
)


def is_pattern(text: str) -> bool:
    """Is this an object whose leaves are lists of values and operators?"""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and _is_object(content)


def _is_object(content: dict[str, Any]) -> bool:
    if not content:
        return False
    for name, value in content.items():
        if name == "$or":
            fits = isinstance(value, list) and all(isinstance(one, dict) and _is_object(one) for one in value)
        elif isinstance(value, dict):
            fits = _is_object(value)
        else:
            fits = isinstance(value, list) and bool(value) and all(_is_rule(one) for one in value)
        if not fits:
            return False
    return True


def _is_rule(rule: Any) -> bool:
    """A value that is to be equal, or one operator with its operand."""
    if not isinstance(rule, dict):
        return not isinstance(rule, list)
    return len(rule) == 1 and set(rule) <= _OPERATORS
