"""
The answer of InvokeWithResponseStream: a function's response as a stream of events.

The response has come as a whole before its stream begins: what a function sends in pieces is collected.
AWS: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

from __future__ import annotations

import base64
import json

from orchestrator.invocations.requests import InvokeResult
from orchestrator.lambda_api.event_stream import CONTENT_TYPE, event

STREAM_HEADER = (b"content-type", CONTENT_TYPE)
_LARGEST_CHUNK_BYTES = 1_048_576


def stream_of(result: InvokeResult) -> bytes:
    """
    Every event of the stream: the payload in chunks, then that it is complete.

    A function's error is no payload: it stands in the last event.
    """
    payload = b"" if result.function_error is not None else result.payload
    chunks = [
        event("PayloadChunk", "application/octet-stream", payload[start : start + _LARGEST_CHUNK_BYTES])
        for start in range(0, len(payload), _LARGEST_CHUNK_BYTES)
    ]
    return b"".join([*chunks, event("InvokeComplete", "application/json", _completion(result))])


def _completion(result: InvokeResult) -> bytes:
    content: dict[str, str] = {}
    if result.function_error is not None:
        content["ErrorCode"] = result.function_error
        content["ErrorDetails"] = result.payload.decode(errors="replace")
    if result.log_tail is not None:
        content["LogResult"] = base64.b64encode(result.log_tail.encode()).decode()
    return json.dumps(content).encode()
