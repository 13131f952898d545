"""
The Runtime API's fixed answers, ready to be sent.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_JSON = (b"content-type", b"application/json")


class Reply:
    """A whole answer of the Runtime API."""

    def __init__(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content, separators=(",", ":")).encode()
        self._start = {
            "type": "http.response.start",
            "status": status,
            "headers": [_JSON, (b"content-length", str(len(body)).encode())],
        }
        self._body = {"type": "http.response.body", "body": body}

    async def send(self, send: Send) -> None:
        """Send it."""
        await send(self._start)
        await send(self._body)


def refusal(status: int, error_type: str, message: str) -> Reply:
    """An error answer."""
    return Reply(status, {"errorMessage": message, "errorType": error_type})


ACCEPTED = Reply(202, {"status": "OK"})
PONG = Reply(200, {"status": "pong"})
NOT_FOUND = refusal(404, "NotFound", "No such Runtime API call")
METHOD_NOT_ALLOWED = refusal(405, "MethodNotAllowed", "This Runtime API call has another method")
UNKNOWN_CALLER = refusal(
    403, "UnknownEnvironment", "The Runtime API answers execution environments only, each by its own host name"
)
INVALID_REQUEST_ID = refusal(400, "InvalidRequestID", "Invalid request ID")
INVALID_STATE = refusal(403, "InvalidStateTransition", "Transition from the current state is not allowed")
ENVIRONMENT_ENDED = refusal(403, "InvalidStateTransition", "This execution environment is ending")
TOO_LARGE = refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
INVALID_MODE = refusal(400, "InvalidFunctionResponseMode", "Invalid Lambda-Runtime-Function-Response-Mode")
