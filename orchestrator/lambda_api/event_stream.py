"""
Messages of `application/vnd.amazon.eventstream`, as bytes. Their headers are texts here.

A message: its length, the length of its headers, a checksum of both, headers, payload, a checksum of all.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from zlib import crc32

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
_NUMBER = struct.Struct("!I")
_PRELUDE = struct.Struct("!II")
_HEADER_VALUE = struct.Struct("!BH")
_IS_TEXT = 7
_AROUND_BYTES = _PRELUDE.size + 2 * _NUMBER.size


def event(kind: str, content_type: str, payload: bytes) -> bytes:
    """
    One event of a stream.

    Args:
        kind: Its member of the model, as `PayloadChunk`.
    """
    return message({":message-type": "event", ":event-type": kind, ":content-type": content_type}, payload)


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message."""
    encoded = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    lengths = _PRELUDE.pack(_AROUND_BYTES + len(encoded) + len(payload), len(encoded))
    checked = lengths + _NUMBER.pack(crc32(lengths)) + encoded + payload
    return checked + _NUMBER.pack(crc32(checked))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + _HEADER_VALUE.pack(_IS_TEXT, len(value)) + value
