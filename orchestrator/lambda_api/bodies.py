"""Request bodies, read within a limit each, and within one for all that are in memory at the same time."""

from __future__ import annotations

from types import TracebackType

from orchestrator.domain.errors import ThrottleReason, TooManyRequests
from orchestrator.lambda_api.answers import Receive

MAX_CONTROL_BYTES = 6_291_456
"""Of a request that has no archive in it."""
_MAX_ARCHIVE_BYTES = 70_167_211
"""AWS's, of one that has: an archive of 50 MB as base64."""
_WITH_ARCHIVE = frozenset({"PublishLayerVersion", "CreateFunction", "UpdateFunctionCode"})
_MAX_DISCARDED_BYTES = 67_108_864
_NOT_COUNTED_BYTES = 65_536
"""A body that comes in one piece of at most this is not counted: there are as many as connections, and small."""


def largest_body_bytes(operation: str) -> int:
    """What the body of an operation may have."""
    return _MAX_ARCHIVE_BYTES if operation in _WITH_ARCHIVE else MAX_CONTROL_BYTES


class BodyRoom:
    """
    The memory for bodies of requests under way. A thousand callers with 6 MB each would otherwise be 6 GB.

    Args:
        limit_bytes: Of all together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes

    def hold(self) -> HeldBody:
        """For one request: a block that gives back at its end what was taken in it."""
        return HeldBody(self)

    def take(self, size_bytes: int) -> None:
        """
        Raises:
            TooManyRequests: If there is no room for so much more.
        """
        if size_bytes > self._left:
            raise TooManyRequests(ThrottleReason.CALLER_RATE)
        self._left -= size_bytes

    def give_back(self, size_bytes: int) -> None:
        """It is no longer in memory."""
        self._left += size_bytes


class HeldBody:
    """What one request has taken of the room."""

    __slots__ = ("_bytes", "_room")

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self._bytes = 0

    def take(self, size_bytes: int) -> None:
        """More of the body has come."""
        self._room.take(size_bytes)
        self._bytes += size_bytes

    def __enter__(self) -> HeldBody:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.give_back(self._bytes)


class BodyTooLarge(Exception):
    """The body is over its limit. `size_bytes` has come so far."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


class CallerLeft(Exception):
    """The caller went away before its whole body had come."""


async def read_body(receive: Receive, limit_bytes: int, held: HeldBody) -> bytes:
    """
    Read a body.

    Args:
        held: Takes its room.

    Raises:
        TooManyRequests: If there is no room for it beside the others.
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
            if size > _NOT_COUNTED_BYTES or message.get("more_body"):
                held.take(len(piece))
            pieces.append(piece)
        elif size > _MAX_DISCARDED_BYTES:
            raise BodyTooLarge(size)
        if not message.get("more_body"):
            break
    if size > limit_bytes:
        raise BodyTooLarge(size)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
