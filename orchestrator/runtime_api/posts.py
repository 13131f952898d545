"""What runtimes post: bodies read within their limit, error types as AWS accepts them. No routes here."""

from __future__ import annotations

import base64
import binascii
import re

from orchestrator.domain.invocations import Answer, FunctionError
from orchestrator.runtime_api.answers import Receive, Scope

ERROR_TYPE = b"lambda-runtime-function-error-type"
ERROR_BODY = b"lambda-runtime-function-error-body"
RESPONSE_MODE = b"lambda-runtime-function-response-mode"
INVOCATION_ID = b"lambda-runtime-invocation-id"

_MAX_DISCARDED_BYTES = 67_108_864
_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class ClientLeft(Exception):
    """The runtime went away before its whole body had come."""


class TooLarge(Exception):
    """The body is over its limit; it has been read to its end, up to a bound."""


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value, or None."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """
    Read a request's body.

    Raises:
        TooLarge: If it is over the limit. What follows is read and dropped, so that the client can hear the answer.
        ClientLeft: If the client went away first.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and len(body) <= limit_bytes:
        return body
    pieces, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        piece = message.get("body", b"")
        size += len(piece)
        if size <= limit_bytes:
            pieces.append(piece)
        elif size > _MAX_DISCARDED_BYTES:
            break
    if size > limit_bytes:
        raise TooLarge
    return b"".join(pieces)


def error_type_of(text: str | None) -> str:
    """
    The error type a runtime reported, as AWS accepts it.

    What is not of the form `Runtime.Xxx` or `Function.Xxx` becomes `Function.Unknown` or `Runtime.Unknown`.
    """
    if text is not None and _ERROR_TYPE.fullmatch(text):
        return text
    return "Function.Unknown" if text is not None and text.startswith("Function.") else "Runtime.Unknown"


def response_of(scope: Scope, body: bytes) -> Answer | FunctionError:
    """
    What a `/response` says, buffered or streamed.

    A streamed one may end with an error in its trailers, which httptools appends to the headers (D3).
    """
    if header(scope, RESPONSE_MODE) is not None:
        reported = header(scope, ERROR_TYPE)
        if reported is not None:
            encoded = header(scope, ERROR_BODY) or ""
            try:
                payload = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                payload = encoded.encode()
            return FunctionError(payload=payload, error_type=error_type_of(reported))
    return Answer(payload=body)
