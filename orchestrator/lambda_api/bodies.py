"""Request bodies, read within a limit."""

from __future__ import annotations

from orchestrator.lambda_api.answers import Receive

_MAX_DISCARDED_BYTES = 67_108_864


class BodyTooLarge(Exception):
    """The body is over its limit. `size_bytes` has come so far."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


class CallerLeft(Exception):
    """The caller went away before its whole body had come."""


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """
    Read a body.

    Raises:
        BodyTooLarge: After reading and dropping the rest, up to a bound, so that the caller can hear the answer.
        CallerLeft: If the caller went away first.
    """
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size <= limit_bytes:
            pieces.append(piece)
        elif size > _MAX_DISCARDED_BYTES:
            raise BodyTooLarge(size)
        if not message.get("more_body"):
            break
    if size > limit_bytes:
        raise BodyTooLarge(size)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
