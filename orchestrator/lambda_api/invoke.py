"""
Invoke: the hot path. Plain ASGI, one pass over the headers, the payload untouched (D3). InvokeAsync and
InvokeWithResponseStream are its siblings: the same call, asked and answered otherwise.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, unquote

import msgspec
import structlog

from orchestrator.domain.errors import (
    InvalidParameterValue,
    InvalidRequestContent,
    RequestTooLarge,
    ServiceError,
    ServiceFailure,
    ValidationFailed,
)
from orchestrator.domain.invocations import MAX_ASYNC_PAYLOAD_BYTES, MAX_SYNC_PAYLOAD_BYTES, InvocationType
from orchestrator.domain.names import FunctionReference, check_tenant_id, parse_reference
from orchestrator.invocations.requests import Invoker, InvokeRequest, InvokeResult
from orchestrator.lambda_api.answers import Headers, Receive, Scope, Send, send_error, send_raw
from orchestrator.lambda_api.bodies import BodyRoom, BodyTooLarge, CallerLeft, HeldBody, read_body
from orchestrator.lambda_api.callers import Caller, caller_in
from orchestrator.lambda_api.invoke_stream import STREAM_HEADER, stream_of
from orchestrator.lambda_api.leaving import WhileCallerStays
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.lambda_api.ownership import own

_MAX_CLIENT_CONTEXT = 3_583
_LONGEST_REMEMBERED = 1024
_OF_A_PAIR = tuple(f"\\u{high}{low}".encode() for high in "dD" for low in "89abcdefABCDEF")
"""How half a surrogate pair begins, escaped."""
_SMALL_ANSWER: Headers = [(b"content-type", b"application/json")]
_syntax = msgspec.json.Decoder(msgspec.Raw)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeOperation:
    """
    One way to invoke.

    Args:
        path: Its label is the function's name.
        types: Which invocation types it has, in AWS's order.
        default: The type of a call that does not say one.
        reads_headers: Has it more than a name and a payload?
        is_streamed: Is it answered with events?
        action: What IAM calls it.
    """

    name: str
    path: re.Pattern[bytes]
    types: tuple[InvocationType, ...]
    default: InvocationType = InvocationType.REQUEST_RESPONSE
    reads_headers: bool = True
    is_streamed: bool = False
    action: str = "InvokeFunction"


_OPERATIONS = (
    InvokeOperation(
        name="Invoke",
        path=re.compile(rb"/2015-03-31/functions/([^/]+)/invocations/?"),
        types=(InvocationType.EVENT, InvocationType.REQUEST_RESPONSE, InvocationType.DRY_RUN),
    ),
    InvokeOperation(
        name="InvokeWithResponseStream",
        path=re.compile(rb"/2021-11-15/functions/([^/]+)/response-streaming-invocations/?"),
        types=(InvocationType.REQUEST_RESPONSE, InvocationType.DRY_RUN),
        is_streamed=True,
    ),
    InvokeOperation(
        name="InvokeAsync",
        path=re.compile(rb"/2014-11-13/functions/([^/]+)/invoke-async/?"),
        types=(InvocationType.EVENT,),
        default=InvocationType.EVENT,
        reads_headers=False,
        action="InvokeAsync",
    ),
)
INVOKE_OPERATIONS = tuple(one.name for one in _OPERATIONS)


def invoke_operation(method: str, raw_path: bytes) -> InvokeOperation | None:
    """The operation of a request, if it is one of these."""
    if method == "POST":
        for operation in _OPERATIONS:
            if operation.path.fullmatch(raw_path):
                return operation
    return None


class InvokeApp:
    """
    The ASGI application of the operations that invoke.

    Args:
        region: For callers that do not sign.
        new_request_id: For answers to calls that never became an invocation.
        bodies: The room for payloads.
    """

    def __init__(
        self,
        *,
        invoker: Invoker,
        model: ServiceModel,
        region: str,
        new_request_id: Callable[[], str],
        bodies: BodyRoom,
    ) -> None:
        self._bodies = bodies
        self._invoker = invoker
        self._model = model
        self._region = region
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        operation = invoke_operation(scope["method"], scope["raw_path"])
        assert operation is not None, "only such paths are sent here"
        try:
            with self._bodies.hold() as held:
                request = await self._read(operation, scope, receive, held)
                with WhileCallerStays(scope):
                    result = await self._invoker.invoke(request)
        except CallerLeft:
            return
        except ServiceError as error:
            await send_error(send, self._model, error, self._new_request_id())
            return
        except Exception:
            request_id = self._new_request_id()
            log.exception("invoke.failed", request_id=request_id)
            failure = ServiceFailure(f"an unexpected failure of ours; the log has it under {request_id}")
            await send_error(send, self._model, failure, request_id)
            return
        await self._send(send, operation, request, result)

    async def _read(self, operation: InvokeOperation, scope: Scope, receive: Receive, held: HeldBody) -> InvokeRequest:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        trace_id = headers.get(b"x-amzn-trace-id")
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        presigned = query if "X-Amz-Credential" in query else ""
        caller = caller_in(scope, authorization, presigned, self._region, operation.action)
        if not operation.reads_headers:
            headers, query = {}, ""
        log_type = headers.get(b"x-amz-log-type", b"").decode("latin-1")
        client_context = headers.get(b"x-amz-client-context", b"").decode("latin-1")
        kind = _invocation_type(operation, headers.get(b"x-amz-invocation-type", b"").decode("latin-1"))
        reference = _reference(operation, scope["raw_path"], query, caller)
        tenant_id = _tenant_id(headers)
        payload = await self._payload(operation, receive, kind, held)
        if log_type not in ("", "None", "Tail"):
            raise ValidationFailed(
                f"1 validation error detected: Value '{log_type}' at 'logType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [None, Tail]"
            )
        if b"x-amz-durable-execution-name" in headers:
            # Whoever names an execution relies on it being run once: to run it all the same would mislead.
            raise InvalidParameterValue(
                f"A durable execution name cannot be given: {reference.invoked_arn} is not a durable function"
            )
        return InvokeRequest(
            reference=reference,
            invocation_type=kind,
            payload=payload,
            wants_log_tail=log_type == "Tail",
            client_context=_client_context(client_context) if client_context else None,
            trace_id=trace_id.decode("latin-1") if trace_id is not None else None,
            caller=scope.get("paddock.caller"),
            tenant_id=tenant_id,
        )

    @staticmethod
    async def _payload(operation: InvokeOperation, receive: Receive, kind: InvocationType, held: HeldBody) -> bytes:
        is_event = kind is InvocationType.EVENT
        try:
            limit = MAX_ASYNC_PAYLOAD_BYTES if is_event else MAX_SYNC_PAYLOAD_BYTES
            payload = await read_body(receive, limit, held)
        except BodyTooLarge as error:
            raise RequestTooLarge(
                f"{error.size_bytes} byte payload is too large for the Event invocation type "
                f"(limit {MAX_ASYNC_PAYLOAD_BYTES} bytes)"
                if is_event
                else f"Request must be smaller than {MAX_SYNC_PAYLOAD_BYTES} bytes for the {_said(operation)} operation"
            ) from error
        if not payload:
            return b"{}"
        try:
            _check_json(payload)
        except (ValueError, RecursionError) as error:
            raise InvalidRequestContent(f"Could not parse request body into json: {error}") from error
        return payload

    @staticmethod
    async def _send(send: Send, operation: InvokeOperation, request: InvokeRequest, result: InvokeResult) -> None:
        is_streamed = operation.is_streamed and result.status_code == 200
        body = stream_of(result) if is_streamed else result.payload
        headers = [
            (b"x-amzn-requestid", result.request_id.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        if result.status_code == 204:
            headers.pop()
        if result.status_code == 200:
            headers += [STREAM_HEADER] if is_streamed else _SMALL_ANSWER
        if result.executed_version is not None:
            headers.append((b"x-amz-executed-version", result.executed_version.encode()))
        if result.function_error is not None and not is_streamed:
            headers.append((b"x-amz-function-error", result.function_error.encode()))
        if result.log_tail is not None and not is_streamed:
            headers.append((b"x-amz-log-result", base64.b64encode(result.log_tail.encode())))
        if request.trace_id is not None:
            headers.append((b"x-amzn-trace-id", request.trace_id.encode("latin-1")))
        await send_raw(send, result.status_code, headers, body)


def _check_json(payload: bytes) -> None:
    """Nothing is built of it: of 6 MB that can take a second, in which nobody else is answered, in a thread or not."""
    if not payload.isascii():
        payload.decode()
    try:
        _syntax.decode(payload)
    except msgspec.DecodeError:
        # Half a surrogate pair, which Node writes, is JSON all the same.
        for half in _OF_A_PAIR:
            payload = payload.replace(half, b"\\u00")
        _syntax.decode(payload)


def _said(operation: InvokeOperation) -> str:
    """The name of an operation in AWS's sentences."""
    return "InvokeFunction" if operation.name == "Invoke" else operation.name


def _invocation_type(operation: InvokeOperation, text: str) -> InvocationType:
    if not text:
        return operation.default
    for one in operation.types:
        if one.value == text:
            return one
    raise ValidationFailed(
        f"1 validation error detected: Value '{text}' at 'invocationType' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(operation.types)}]"
    )


def _tenant_id(headers: dict[bytes, bytes]) -> str | None:
    given = headers.get(b"x-amz-tenant-id")
    if given is None:
        return None
    tenant_id = given.decode("latin-1")
    check_tenant_id(tenant_id)
    return tenant_id


def _reference(operation: InvokeOperation, raw_path: bytes, query: str, caller: Caller) -> FunctionReference:
    # What callers made as long as a head may be is not remembered some thousand times.
    is_short = len(raw_path) + len(query) + len(caller.region) <= _LONGEST_REMEMBERED
    read = _remembered_reference if is_short else _remembered_reference.__wrapped__
    return own(caller, read(operation.path, raw_path, query, caller.account, caller.region))


@lru_cache(maxsize=4096)
def _remembered_reference(
    path: re.Pattern[bytes], raw_path: bytes, query: str, account: str, region: str
) -> FunctionReference:
    match = path.fullmatch(raw_path)
    assert match is not None, "its operation was found by its path"
    name = unquote(match[1].decode("latin-1"))
    qualifier = parse_qs(query).get("Qualifier", [None])[-1]
    return parse_reference(name, qualifier, account, region)


def _client_context(encoded: str) -> str:
    if len(encoded) > _MAX_CLIENT_CONTEXT:
        raise InvalidRequestContent(f"Client context must be no more than {_MAX_CLIENT_CONTEXT} bytes")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
        json.loads(text)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestContent("Client context must be a valid Base64-encoded JSON object.") from error
    # It becomes a header of `/next`: one line, in ASCII.
    return json.dumps(json.loads(text))
