"""
CloudFormation's properties as the Lambda API takes them: numbers that were written as text, tags that are a list.

What a member is, is read from AWS's own model, as the client has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

_RENAMED = {"KmsKeyArn": "KMSKeyArn"}


def shaped(operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that the operation has a member for, each as the type that the model says."""
    shape = _model().operation_model(operation).input_shape
    given = {_RENAMED.get(name, name): value for name, value in properties.items()}
    if isinstance(given.get("Tags"), list):
        given["Tags"] = {str(one["Key"]): one.get("Value", "") for one in given["Tags"]}
    return {name: _as(shape.members[name], value) for name, value in given.items() if name in shape.members}


def _as(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            named = {_RENAMED.get(name, name): one for name, one in value.items()}
            return {name: _as(shape.members[name], one) for name, one in named.items() if name in shape.members}
        case "map" if isinstance(value, dict):
            return {str(name): _as(shape.value, one) for name, one in value.items()}
        case "list":
            return [_as(shape.member, one) for one in (value if isinstance(value, list) else [value])]
        case "integer" | "long" if isinstance(value, str | float) and _is_whole(value):
            return int(float(value))
        case "double" | "float" if isinstance(value, str | int):
            return float(value)
        case "boolean" if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        case "string" if isinstance(value, bool):
            return "true" if value else "false"
        case "string" if isinstance(value, int | float):
            return str(value)
    return value


def _is_whole(value: str | float) -> bool:
    try:
        return float(value) == int(float(value))
    except ValueError:
        return False


@cache
def _model() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("lambda")
