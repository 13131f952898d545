"""
The Lambda API as one ASGI application: what invokes goes to the hot path, the rest to its operation's handler (D3, D8).

From inside functions only the invoke operations are open, unless it was set otherwise (D13).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from orchestrator.domain.errors import AccessDenied, NotBuiltYet, RequestTooLarge, ServiceError, ServiceFailure
from orchestrator.lambda_api.answers import App, Receive, Scope, Send, send_error, send_output
from orchestrator.lambda_api.bodies import BodyRoom, BodyTooLarge, CallerLeft, largest_body_bytes, read_body
from orchestrator.lambda_api.callers import caller_in, origin_in
from orchestrator.lambda_api.invoke import INVOKE_OPERATIONS, invoke_operation
from orchestrator.lambda_api.model import Match, ServiceModel
from orchestrator.lambda_api.operations import Handler, Reply
from orchestrator.lambda_api.parse import Parameters, parse
from orchestrator.lambda_api.validation import validate
from orchestrator.store.writer import StoreFailed

_READ_IN_THE_LOOP_BYTES = 1_048_576
"""What has more is read in a thread: fifty megabytes of an archive would hold up everyone else."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class UnknownOperation(ServiceError):
    """No operation of Lambda has this method and path."""

    code = "UnknownOperationException"
    status = 404
    fault = "User"


class LambdaApi:
    """
    Every operation of Lambda's model: served, or refused by name.

    Args:
        invoke: The hot path.
        handlers: By operation name.
        region: For callers that do not sign.
        control_from_functions: May functions call more than the invoke operations?
        bodies: The room for requests.
    """

    def __init__(
        self,
        *,
        invoke: App,
        handlers: Mapping[str, Handler],
        model: ServiceModel,
        region: str,
        new_request_id: Callable[[], str],
        control_from_functions: bool,
        bodies: BodyRoom,
    ) -> None:
        self._bodies = bodies
        self._invoke = invoke
        self._handlers = handlers
        self._model = model
        self._region = region
        self._new_request_id = new_request_id
        self._control_from_functions = control_from_functions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if invoke_operation(scope["method"], scope["raw_path"]) is not None:
            await self._invoke(scope, receive, send)
            return
        request_id = self._new_request_id()
        try:
            reply = await self._serve(scope, receive)
        except CallerLeft:
            return
        except ServiceError as error:
            await send_error(send, self._model, error, request_id)
        except StoreFailed as error:
            failure = ServiceFailure(f"the store could not keep it: {error}; see `paddock doctor` for disk and rights")
            await send_error(send, self._model, failure, request_id)
        except Exception:
            log.exception("operation.failed", path=scope["path"], request_id=request_id)
            failure = ServiceFailure(f"an unexpected failure of ours; the log has it under {request_id}")
            await send_error(send, self._model, failure, request_id)
        else:
            await send_output(send, reply.status, reply.output, request_id)

    async def _serve(self, scope: Scope, receive: Receive) -> Reply:
        method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
        match = self._model.match(method, raw_path, scope["query_string"].decode("latin-1"))
        if match is None:
            raise UnknownOperation(f"{method} {raw_path} is no operation of Lambda")
        name: str = match.operation.name
        if scope.get("paddock.caller") and name not in INVOKE_OPERATIONS and not self._control_from_functions:
            raise AccessDenied(
                f"{name} is not open to functions, only the invoke operations are; "
                "set PADDOCK_CONTROL_FROM_FUNCTIONS=true to open it"
            )
        handler = self._handlers.get(name)
        if handler is None:
            raise NotBuiltYet(f"{name} is not built yet in Paddock; docs/compatibility.md has what is")
        return await self._handle(handler, match, scope, receive)

    async def _handle(self, handler: Handler, match: Match, scope: Scope, receive: Receive) -> Reply:
        limit_bytes = largest_body_bytes(match.operation.name)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        caller = caller_in(scope, headers.get("authorization", ""), query, self._region, match.operation.name)
        caller = caller._replace(origin=origin_in(scope, headers.get("host", "")))
        # Held until the end: what was read of a body is as large as the body.
        with self._bodies.hold() as held:
            try:
                body = await read_body(receive, limit_bytes, held)
            except BodyTooLarge as error:
                raise RequestTooLarge(
                    f"Request must be smaller than {limit_bytes} bytes for the {match.operation.name} operation"
                ) from error
            if len(body) > _READ_IN_THE_LOOP_BYTES:
                parameters = await asyncio.to_thread(_parameters, match, query, headers, body)
            else:
                parameters = _parameters(match, query, headers, body)
            return await handler(caller, parameters)


def _parameters(match: Match, query: str, headers: Mapping[str, str], body: bytes) -> Parameters:
    parameters = parse(match, query, headers, body)
    if match.operation.input_shape is not None:
        validate(match.operation.input_shape, parameters)
    return parameters
