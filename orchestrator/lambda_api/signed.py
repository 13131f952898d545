"""Requests that must be signed: the body is read, the signature checked, and the account noted for what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from orchestrator.access.signatures import SignedRequest, check, claim_of
from orchestrator.clock import Clock
from orchestrator.domain.access import AccessKey
from orchestrator.domain.errors import RequestTooLarge, ServiceError
from orchestrator.lambda_api.answers import App, Message, Receive, Scope, Send, send_error
from orchestrator.lambda_api.bodies import BodyRoom, BodyTooLarge, CallerLeft, HeldBody, largest_body_bytes, read_body
from orchestrator.lambda_api.callers import ACCOUNT
from orchestrator.lambda_api.model import ServiceModel

_CHECKED_IN_THE_LOOP_BYTES = 8_388_608
"""More than a payload: of an archive of fifty megabytes the hash alone would hold up everyone else."""


class Keys(Protocol):
    """Where keys are looked up."""

    async def find(self, access_key_id: str) -> AccessKey | None:
        """The key of this id, or None."""
        ...


class SignedOnly:
    """
    Lets signed requests through to an application, and answers the others with AWS's errors.

    Args:
        new_request_id: For those answers.
        bodies: The room for what is read before it is known who sent it.
    """

    def __init__(
        self,
        app: App,
        *,
        keys: Keys,
        clock: Clock,
        model: ServiceModel,
        new_request_id: Callable[[], str],
        bodies: BodyRoom,
    ) -> None:
        self._bodies = bodies
        self._app = app
        self._keys = keys
        self._clock = clock
        self._model = model
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        with self._bodies.hold() as held:
            try:
                body = await self._check(scope, receive, held)
            except CallerLeft:
                return
            except ServiceError as error:
                await send_error(send, self._model, error, self._new_request_id())
                return
        await self._app(scope, _once_more(body, receive), send)

    async def _check(self, scope: Scope, receive: Receive, held: HeldBody) -> bytes:
        limit_bytes = self._limit_bytes(scope)
        try:
            body = await read_body(receive, limit_bytes, held)
        except BodyTooLarge as error:
            raise RequestTooLarge(f"Request must be smaller than {limit_bytes} bytes") from error
        request = SignedRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body=body,
        )
        claim = claim_of(request)
        key = await self._keys.find(claim.access_key_id)
        if len(body) > _CHECKED_IN_THE_LOOP_BYTES:
            await asyncio.to_thread(check, request, claim, key, self._clock.now())
        else:
            check(request, claim, key, self._clock.now())
        assert key is not None, "check refuses an unknown key"
        scope[ACCOUNT] = key.account
        return body

    def _limit_bytes(self, scope: Scope) -> int:
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        match = self._model.match(scope["method"], path, query)
        return largest_body_bytes(match.operation.name if match is not None else "")


def _once_more(body: bytes, receive: Receive) -> Receive:
    """The body again, then whatever comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
