"""
A request's parameters against the model's constraints, in the words of AWS's service side.

botocore's own validator knows ranges and required members, not patterns and enums, and words things for the SDK's
user; so the walk over the shapes is ours, the constraints are the model's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from orchestrator.domain.errors import InvalidParameterValue, ValidationFailed

_CONTAINERS = ("structure", "list", "map")
_NUMBERS = ("integer", "long", "float", "double")
_NOT_NULL = "Member must not be null"
_SERVICE_CHECKED = ("runtime",)
"""Paths of members that AWS looks at after all that the model says, with another error."""
_SAYS_ONLY_ITS_ENUM = ("CompatibleRuntimes",)
_SAYS_NOTHING_OF_NULL = ("CompatibleArchitectures",)
_SAYS_KEYS_ARE_NOT_NULL = ("AdditionalVersionWeights",)
"""Lists and maps that AWS speaks of otherwise than of all others, as recorded."""
_MOST_TOLD = 100
_MOST_SHOWN = 2_000
"""Characters of a value: it comes back in the message, and it may have millions."""
_UNICODE_CLASSES = {"L": r"\w", "N": r"\w", "Z": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"}


def validate(shape: Any, parameters: dict[str, Any]) -> None:
    """
    Check all constraints.

    Raises:
        ValidationFailed: With every violation in one message, as AWS has it; of a great many the first.
        InvalidParameterValue: If nothing but the runtime is wrong.
    """
    problems = list(islice(_violations(shape, parameters, ""), _MOST_TOLD))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise ValidationFailed(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")
    if "Runtime" in parameters:
        _check_runtime(shape.members["Runtime"], parameters["Runtime"])


def _check_runtime(shape: Any, runtime: str) -> None:
    allowed = shape.metadata["enum"]
    if runtime not in allowed and not runtime.startswith("arn:"):
        raise InvalidParameterValue(
            f"Value {_shortened(runtime)} at 'runtime' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}] or be a valid ARN"
        )


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name in shape.required_members:
                if name not in value:
                    yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
            for name, member in shape.members.items():
                inner = _join(path, name)
                if name in value and inner not in _SERVICE_CHECKED:
                    yield from _violations(member, value[name], inner)
        case "list":
            yield from _broken(shape, value, path)
            if shape.member.type_name in _CONTAINERS:
                for at, one in enumerate(value, start=1):
                    yield from _violations(shape.member, one, f"{path}.{at}.member")
            else:
                further = () if shape.name in _SAYS_NOTHING_OF_NULL else (_NOT_NULL,)
                yield from _in_all(shape, shape.member, value, value, path, "Member", further)
        case "map":
            further = (_NOT_NULL,) if shape.name in _SAYS_KEYS_ARE_NOT_NULL else ()
            yield from _in_all(shape, shape.key, value, value, path, "Map keys", further)
            yield from _in_all(shape, shape.value, value.values(), value, path, "Map value", (_NOT_NULL,))
        case _:
            yield from _broken(shape, value, path)


def _broken(shape: Any, value: Any, path: str) -> Iterator[str]:
    """One violation for each constraint that the value breaks."""
    for says, holds in _constraints(shape):
        if not holds(value):
            yield _say(shape, value, path, says)


def _in_all(
    shape: Any, inner: Any, ones: Iterable[Any], value: Any, path: str, who: str, further: tuple[str, ...]
) -> Iterator[str]:
    """AWS reports what is wrong inside of lists and maps once, for the whole, with every constraint of the inside."""
    constraints = list(_constraints(inner))
    if all(holds(one) for one in ones for _, holds in constraints):
        return
    sensitive = inner if inner.metadata.get("sensitive") else shape
    if shape.name in _SAYS_ONLY_ITS_ENUM:
        yield _say(sensitive, value, path, constraints[0][0])
        return
    listed = ", ".join((*(says for says, _ in constraints), *further))
    yield _say(sensitive, value, path, f"{who} must satisfy constraint: [{listed}]")


def _constraints(shape: Any) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    """What the model says of a shape, each in AWS's words and as a check, in AWS's order."""
    metadata = shape.metadata
    if allowed := metadata.get("enum"):
        yield f"Member must satisfy enum value set: [{', '.join(allowed)}]", lambda value: value in allowed
    what, measure = ("value", _itself) if shape.type_name in _NUMBERS else ("length", len)
    if (most := metadata.get("max")) is not None:
        yield f"Member must have {what} less than or equal to {most}", lambda value: measure(value) <= most
    if (least := metadata.get("min")) is not None:
        yield f"Member must have {what} greater than or equal to {least}", lambda value: measure(value) >= least
    if pattern := metadata.get("pattern"):
        yield (
            f"Member must satisfy regular expression pattern: {pattern}",
            lambda value: _compiled(pattern).fullmatch(value) is not None,
        )


def _itself(value: Any) -> Any:
    return value


def _say(shape: Any, value: Any, path: str, constraint: str) -> str:
    shown = "" if shape.metadata.get("sensitive") else f" {_shortened(_shown(value))}"
    return f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...'"


def _shown(value: Any) -> str:
    """As Java prints it: AWS does."""
    match value:
        case list():
            return f"'[{', '.join(str(one) for one in value)}]'"
        case dict():
            return f"'{{{', '.join(f'{name}={one}' for name, one in value.items())}}}'"
        case _:
            return f"'{value}'"


def _join(path: str, name: str) -> str:
    """AWS names members with a small first letter."""
    small = name[:1].lower() + name[1:]
    return f"{path}.{small}" if path else small


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The model's patterns are Java's: its classes of Unicode are spelled otherwise, its `\\d` is ASCII."""
    if r"\p{" not in pattern:
        return re.compile(pattern, re.ASCII)
    return re.compile(re.sub(r"\\p\{([LNZ])\}", lambda found: _UNICODE_CLASSES[found[1]], pattern))
