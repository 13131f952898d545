"""Answers on the wire: outputs as their shapes say, errors as AWS renders them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from orchestrator.domain.errors import ServiceError, TooManyRequests
from orchestrator.lambda_api.model import ServiceModel

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


async def send_output(send: Send, status: int, output: dict[str, Any] | None, request_id: str) -> None:
    """Send an operation's output; None is no body at all."""
    body = b"" if output is None else json.dumps(_without_none(output)).encode()
    request = (b"x-amzn-requestid", request_id.encode())
    if status == 204:
        await send_raw(send, status, [request], body)
    else:
        await send_json(send, status, body, request)


async def send_error(send: Send, model: ServiceModel, error: ServiceError, request_id: str) -> None:
    """
    Send an error: status, `x-amzn-errortype`, and the body with this error's own casing of `message`.

    AWS: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
    """
    content: dict[str, str] = {"Type": error.fault} if error.fault else {}
    content[model.message_member(error.code)] = error.message
    headers: Headers = [(b"x-amzn-errortype", error.code.encode()), (b"x-amzn-requestid", request_id.encode())]
    if isinstance(error, TooManyRequests):
        content["Reason"] = error.reason
        retry_after = str(max(1, round(error.retry_after.total_seconds())))
        headers.append((b"retry-after", retry_after.encode()))
    await send_json(send, error.status, json.dumps(content).encode(), *headers)


async def send_json(send: Send, status: int, body: bytes, *others: tuple[bytes, bytes]) -> None:
    """Send a whole answer that is JSON; and headers of its own."""
    length = (b"content-length", str(len(body)).encode())
    await send_raw(send, status, [(b"content-type", b"application/json"), length, *others], body)


async def send_raw(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value
