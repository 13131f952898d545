"""A REST-JSON request → the operation's parameters, as its input shape says. Types only; ranges are `validation.py`."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from orchestrator.domain.errors import ServiceError
from orchestrator.lambda_api.model import Match

Parameters = dict[str, Any]
_MOST_PARTS = 10_000
"""
Of a body: values in lists and objects. AWS's own limits are far below: 50 tags, 4 KB of variables. Six megabytes of
them would take half a minute to be checked, and nobody else would be answered meanwhile.
"""


class SerializationFailed(ServiceError):
    """The body is not what the operation takes."""

    code = "SerializationException"
    status = 400
    fault = "User"


def parse(match: Match, query: str, headers: Mapping[str, str], body: bytes) -> Parameters:
    """
    Read a request.

    Args:
        headers: With lower-case names.

    Raises:
        SerializationFailed: If the body is not JSON of the shape, or a number is none.
    """
    shape = match.operation.input_shape
    if shape is None:
        return {}
    asked = parse_qs(query, keep_blank_values=True)
    parameters: Parameters = {}
    in_body: list[tuple[str, Any]] = []
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                parameters[name] = _from_text(member, [match_label(match, wire)])
            case "querystring" if wire in asked:
                parameters[name] = _from_text(member, asked[wire])
            case "header" if wire.lower() in headers:
                parameters[name] = _from_text(member, [headers[wire.lower()]])
            case None:
                in_body.append((name, member))
    if in_body and body:
        payload = shape.serialization.get("payload")
        parameters |= _from_body(in_body, body) if payload is None else _whole_body(payload, shape, body)
    return parameters


def match_label(match: Match, wire: str) -> str:
    """A label of the path."""
    return match.labels[wire]


def _from_text(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    text = values[-1]
    match shape.type_name:
        case "integer" | "long":
            try:
                return int(text)
            except ValueError as error:
                raise SerializationFailed(f"'{text}' is not a number") from error
        case "boolean":
            return text.lower() == "true"
        case _:
            return text


def _whole_body(name: str, shape: Any, body: bytes) -> Parameters:
    """Of operations whose body is one of their members, and not an object of them all."""
    member = shape.members[name]
    return {name: body if member.type_name == "blob" else _from_json(member, _object_in(body), name)}


def _from_body(members: list[tuple[str, Any]], body: bytes) -> Parameters:
    content = _object_in(body)
    return {
        name: _from_json(member, content[wire], name)
        for name, member in members
        if (wire := member.serialization.get("name", name)) in content and content[wire] is not None
    }


def _object_in(body: bytes) -> dict[str, Any]:
    if _has_too_many_parts(body):
        raise SerializationFailed(f"The request body has more than {_MOST_PARTS} values; no operation takes as many")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SerializationFailed(f"Could not parse request body into json: {error}") from error
    if not isinstance(content, dict):
        raise SerializationFailed("Could not parse request body into json: an object is expected")
    return content


def _has_too_many_parts(body: bytes) -> bool:
    """Counted before anything is built of it, by what is outside of its texts, which may be of any length."""
    if len(body) <= _MOST_PARTS:
        return False
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > 4 * _MOST_PARTS:
        return True
    outside = b"".join(unescaped.split(b'"')[::2])
    return sum(outside.count(mark) for mark in (b",", b"[", b"{")) > _MOST_PARTS


def _from_json(shape: Any, value: Any, path: str) -> Any:
    """Coerce as the shape says; what has the wrong type is refused."""
    expected: tuple[type, ...]
    match shape.type_name:
        case "structure":
            _expect(value, (dict,), path)
            return {
                name: _from_json(member, value[wire], f"{path}.{name}")
                for name, member in shape.members.items()
                if (wire := member.serialization.get("name", name)) in value and value[wire] is not None
            }
        case "list":
            _expect(value, (list,), path)
            return [_from_json(shape.member, one, path) for one in value]
        case "map":
            _expect(value, (dict,), path)
            return {_text(key, path): _from_json(shape.value, one, path) for key, one in value.items()}
        case "blob":
            _expect(value, (str,), path)
            try:
                return base64.b64decode(value, validate=True)
            except ValueError as error:
                raise SerializationFailed(f"{path} is not base64") from error
        case "integer" | "long":
            expected = (int,)
        case "boolean":
            expected = (bool,)
        case "double" | "float":
            _expect(value, (int, float), path)
            return float(value)
        case "timestamp":
            return _seconds(value, path)
        case _:
            _expect(value, (str,), path)
            return _text(value, path)
    _expect(value, expected, path)
    return value


def _seconds(value: Any, path: str) -> float:
    """A time as seconds since 1970; SDKs send a number or a text of ISO 8601."""
    _expect(value, (int, float, str), path)
    try:
        seconds = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)
    except (ValueError, OverflowError) as error:
        raise SerializationFailed(f"{path} is not a time") from error
    if not math.isfinite(seconds):
        raise SerializationFailed(f"{path} is not a time")
    return seconds


def _text(value: str, path: str) -> str:
    # Half a surrogate pair, which JSON can spell, has no UTF-8 form: no database, header or container could have it.
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SerializationFailed(f"{path} holds half a surrogate pair, which is no text") from error
    return value


def _expect(value: Any, expected: tuple[type, ...], path: str) -> None:
    is_wrong = not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)
    if is_wrong:
        names = " or ".join(one.__name__ for one in expected)
        raise SerializationFailed(f"{path} is a {type(value).__name__} where a {names} is expected")
