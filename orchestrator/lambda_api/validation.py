"""
A request's parameters against the model's constraints, in the words of AWS's service side.

botocore's own validator knows ranges and required members, not patterns and enums, and words things for the SDK's
user; so the walk over the shapes is ours, the constraints are the model's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from orchestrator.domain.errors import ValidationFailed


def validate(shape: Any, parameters: dict[str, Any]) -> None:
    """
    Check all constraints.

    Raises:
        ValidationFailed: With every violation in one message, as AWS has it.
    """
    problems = list(_violations(shape, parameters, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise ValidationFailed(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name in shape.required_members:
                if name not in value:
                    yield _say("null", _join(path, name), "Member must not be null")
            for name, member in shape.members.items():
                if name in value:
                    yield from _violations(member, value[name], _join(path, name))
        case "list":
            yield from _size(shape, len(value), value, path)
            for at, one in enumerate(value, start=1):
                yield from _violations(shape.member, one, f"{path}.{at}.member")
        case "map":
            for key, one in value.items():
                yield from _violations(shape.key, key, path)
                yield from _violations(shape.value, one, f"{path}.{key}.member")
        case "string":
            yield from _text(shape, value, path)
        case "integer" | "long":
            yield from _range(shape, value, path)


def _text(shape: Any, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _say(f"'{value}'", path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    yield from _size(shape, len(value), value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _say(f"'{value}'", path, f"Member must satisfy regular expression pattern: {pattern}")


def _size(shape: Any, size: int, value: object, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None and size > most:
        yield _say(f"'{value}'", path, f"Member must have length less than or equal to {most}")
    if least is not None and size < least:
        yield _say(f"'{value}'", path, f"Member must have length greater than or equal to {least}")


def _range(shape: Any, value: int, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None and value > most:
        yield _say(f"'{value}'", path, f"Member must have value less than or equal to {most}")
    if least is not None and value < least:
        yield _say(f"'{value}'", path, f"Member must have value greater than or equal to {least}")


def _say(value: str, path: str, constraint: str) -> str:
    return f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    """AWS names members with a small first letter."""
    small = name[:1].lower() + name[1:]
    return f"{path}.{small}" if path else small


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
