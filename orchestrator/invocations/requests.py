"""What a front door asks of the front desk, and what it gets."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from orchestrator.domain.invocations import InvocationType
from orchestrator.domain.names import FunctionReference


class InvokeRequest(NamedTuple):
    """
    One call. A tuple, as its answer: they are made for each.

    Args:
        client_context: Decoded JSON text, or None.
        trace_id: As the caller sent it, or None.
        caller: Request id of the invocation that calls from inside a function, or None.
        tenant_id: For whom the function is to run, or None.
    """

    reference: FunctionReference
    invocation_type: InvocationType
    payload: bytes
    wants_log_tail: bool = False
    client_context: str | None = None
    trace_id: str | None = None
    caller: str | None = None
    tenant_id: str | None = None


class InvokeResult(NamedTuple):
    """
    Its answer.

    Args:
        status_code: 200, 202 or 204.
        function_error: `Unhandled` if the payload is the function's error.
        log_tail: The last 4 KB of the log as text, if it was asked for.
        executed_version: None for Event and DryRun.
    """

    status_code: int
    request_id: str
    payload: bytes = b""
    function_error: str | None = None
    log_tail: str | None = None
    executed_version: str | None = None


class Invoker(Protocol):
    """The front desk, or a test's stand-in."""

    async def invoke(self, request: InvokeRequest) -> InvokeResult:
        """
        Run a function, or accept its event.

        Raises:
            ServiceError: As AWS would answer.
        """
        ...
