"""
CloudFormation's properties as the Lambda API takes them: numbers that were written as text, tags that are a list.

What a member is, is read from AWS's own model, as the client has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestrator.cli.templates.forms import Malformed, map_at, text_at

_RENAMED = {"KmsKeyArn": "KMSKeyArn"}
_WRITTEN = {"list": "a list", "boolean": "true or false", "blob": "a text", "timestamp": "a time"}


def shaped(operation: str, properties: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """
    The properties that the operation has a member for, each as the type that the model says.

    Args:
        place: Where they stand, if they are a property themselves.

    Raises: Malformed: if a value cannot be read as its type.
    """
    shape = _model().operation_model(operation).input_shape
    given = {_RENAMED.get(name, name): value for name, value in map_at(place or "Properties", properties).items()}
    if isinstance(given.get("Tags"), list):
        given["Tags"] = _tags(given["Tags"])
    before = f"{place}." if place else ""
    return {
        name: _as(shape.members[name], value, before + name) for name, value in given.items() if name in shape.members
    }


def _tags(listed: list[Any]) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for place, one in ((f"Tags[{index}]", one) for index, one in enumerate(listed)):
        tag = map_at(place, one, "a map of Key and Value")
        tags[text_at(f"{place}.Key", tag.get("Key"))] = tag.get("Value", "")
    return tags


def _as(shape: Any, value: Any, place: str) -> Any:
    match shape.type_name:
        case "structure":
            named = {_RENAMED.get(name, name): one for name, one in map_at(place, value).items()}
            return {
                name: _as(shape.members[name], one, f"{place}.{name}")
                for name, one in named.items()
                if name in shape.members
            }
        case "map":
            return {str(name): _as(shape.value, one, f"{place}.{name}") for name, one in map_at(place, value).items()}
        case "list" if value is not None:
            listed = value if isinstance(value, list) else [value]
            return [_as(shape.member, one, f"{place}[{index}]") for index, one in enumerate(listed)]
        case "integer" | "long":
            return _whole_number(value, place)
        case "double" | "float":
            return _number(value, place)
        case "boolean" if isinstance(value, bool):
            return value
        case "boolean" if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        case "string" if isinstance(value, bool):
            return "true" if value else "false"
        case "string":
            return text_at(place, value)
        case "blob" | "timestamp" if isinstance(value, str | int | float):
            return value
    raise Malformed(place, value, _WRITTEN[shape.type_name])


def _number(value: Any, place: str, wanted: str = "a number") -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with contextlib.suppress(ValueError):
            return float(value)
    raise Malformed(place, value, wanted)


def _whole_number(value: Any, place: str) -> int:
    number = _number(value, place, "a whole number")
    if not number.is_integer():
        raise Malformed(place, value, "a whole number")
    return int(number)


@cache
def _model() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("lambda")
