"""What `GET /next` answers: the headers and body of one attempt."""

from __future__ import annotations

from orchestrator.domain.invocations import Invocation
from orchestrator.fleet.live import Event


class UnknownRequest(Exception):
    """A runtime posted for a request id that its environment does not work on, or for an earlier attempt."""


def event_for(
    invocation: Invocation, payload: bytes, *, invoked_arn: str, deadline_ms: int, nonce: str, trace_id: str
) -> Event:
    """
    Build the event of one attempt.

    Args:
        deadline_ms: Milliseconds since 1970.
        nonce: Fresh for this attempt.
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
    """
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(payload)).encode()),
        (b"lambda-runtime-aws-request-id", invocation.request_id.encode()),
        (b"lambda-runtime-deadline-ms", str(deadline_ms).encode()),
        (b"lambda-runtime-invoked-function-arn", invoked_arn.encode()),
        (b"lambda-runtime-trace-id", trace_id.encode()),
        (b"lambda-runtime-invocation-id", nonce.encode()),
    ]
    if invocation.client_context is not None:
        headers.append((b"lambda-runtime-client-context", invocation.client_context.encode()))
    if invocation.tenant_id is not None:
        headers.append((b"lambda-runtime-aws-tenant-id", invocation.tenant_id.encode()))
    return Event(request_id=invocation.request_id, nonce=nonce, headers=tuple(headers), body=payload)


def new_trace_id(epoch_s: int, random: bytes) -> str:
    """
    A trace header for an invocation that came without one.

    Args:
        random: 20 bytes: 12 for the root, 8 for the parent.
    AWS: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    return f"Root=1-{epoch_s:08x}-{random[:12].hex()};Parent={random[12:20].hex()};Sampled=0"
