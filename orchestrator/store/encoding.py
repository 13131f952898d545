"""How single values become columns: times, JSON, text from strangers. Whole rows are mapped beside each noun."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
import orjson

Value = TypeVar("Value")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_text(text: str | None) -> str | None:
    """
    Text from outside, as the database can keep it.

    Half a surrogate pair, which any function can send as an error type, has no UTF-8 form: one such row would fail
    the whole batch it is written with.
    """
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def to_json(value: object) -> str:
    """Compact JSON, plain ASCII."""
    return json.dumps(value, separators=(",", ":"))


def history_json(value: object) -> str:
    """Compact JSON for the history, which is written with every invocation: five times as fast as `to_json`."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # Half a surrogate pair has no UTF-8 form.
        return to_json(value)


def texts_to_json(texts: tuple[str, ...] | None) -> str | None:
    """A tuple of texts, or None, which is not the empty tuple."""
    return None if texts is None else to_json(texts)


def texts_from_json(column: str | None) -> tuple[str, ...] | None:
    """What `texts_to_json` wrote."""
    return None if column is None else tuple(json.loads(column))


def document_to_json(value: object) -> str:
    """A value of the domain, as JSON: its members by their names, times and durations in ISO 8601."""
    return msgspec.json.encode(value).decode()


def document_from_json(column: str, kind: type[Value]) -> Value:
    """What `document_to_json` wrote of a value of this kind; members that it did not know have their defaults."""
    return msgspec.json.decode(column, type=kind)
