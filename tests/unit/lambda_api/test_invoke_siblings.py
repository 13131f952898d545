"""InvokeWithResponseStream and InvokeAsync: what reaches the front desk, and how its answer looks."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.invocations import InvocationType
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from orchestrator.lambda_api.event_stream import message
from tests.unit.lambda_api.served_api import REQUEST_ID, Script, ScriptedFrontDesk, ServedApi

Refused = Callable[..., tuple[str, str]]

_STREAM = "/2021-11-15/functions/hello/response-streaming-invocations"
_ASYNC = "/2014-11-13/functions/hello/invoke-async"


def answering(status_code: int = 200, **members: Any) -> Script:
    """A front desk that always answers this."""

    async def script(_: InvokeRequest) -> InvokeResult:
        return InvokeResult(status_code=status_code, request_id=REQUEST_ID, **members)

    return script


async def refusing(_: InvokeRequest) -> InvokeResult:
    """A front desk that knows no function."""
    raise ResourceNotFound("Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST")


def test_an_empty_message_is_that_of_the_specification() -> None:
    """Sixteen bytes, byte for byte."""
    assert message({}, b"").hex() == "000000100000000005c248eb7d98c8ff"


def test_a_response_comes_as_chunks_and_a_last_event(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """As botocore parses it; every byte as the function wrote it."""
    payload = '{"greeting": "grüß Gott"}'.encode()
    answer = client.invoke_with_response_stream(FunctionName="hello", Payload=payload, Qualifier="$LATEST")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert answer["ResponseMetadata"]["RequestId"] == REQUEST_ID
    assert list(answer["EventStream"]) == [{"PayloadChunk": {"Payload": payload}}, {"InvokeComplete": {}}]
    (asked,) = front_desk.asked
    assert (asked.invocation_type, asked.payload) == (InvocationType.REQUEST_RESPONSE, payload)
    assert asked.reference.qualifier == "$LATEST"


def test_a_large_response_comes_in_several_chunks(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """None larger than a megabyte, together the whole."""
    front_desk.script = answering(payload=b"x" * 2_500_000, executed_version="$LATEST")
    *chunks, last = client.invoke_with_response_stream(FunctionName="hello")["EventStream"]
    sizes = [len(one["PayloadChunk"]["Payload"]) for one in chunks]
    assert (sizes, last) == ([1_048_576, 1_048_576, 402_848], {"InvokeComplete": {}})


def test_a_functions_error_is_in_the_last_event(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """Not in a chunk, where it would look like a response."""
    front_desk.script = answering(payload=b'{"errorType": "E"}', function_error="Unhandled", executed_version="3")
    answer = client.invoke_with_response_stream(FunctionName="hello")
    assert list(answer["EventStream"]) == [
        {"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": '{"errorType": "E"}'}}
    ]
    assert (answer["ExecutedVersion"], "x-amz-function-error" in answer["ResponseMetadata"]["HTTPHeaders"]) == (
        "3",
        False,
    )


def test_the_log_tail_is_in_the_last_event(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """Base64, if it was asked for."""
    front_desk.script = answering(payload=b"1", log_tail="START …\n")
    _, last = client.invoke_with_response_stream(FunctionName="hello", LogType="Tail")["EventStream"]
    assert front_desk.asked[0].wants_log_tail
    assert base64.b64decode(last["InvokeComplete"]["LogResult"]).decode() == "START …\n"


def test_a_dry_run_of_a_stream_has_no_events(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """204, as of Invoke."""
    front_desk.script = answering(204)
    answer = api.send("POST", _STREAM, b"{}", {"x-amz-invocation-type": "DryRun"})
    assert front_desk.asked[0].invocation_type is InvocationType.DRY_RUN
    assert (answer.status, answer.body) == (204, b"")


def test_the_headers_of_each_event_are_awss(api: ServedApi) -> None:
    """What a decoder of another language looks for."""
    buffer = EventStreamBuffer()
    buffer.add_data(api.send("POST", _STREAM, b"1").body)
    assert [found.headers for found in buffer] == [
        {":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream"},
        {":message-type": "event", ":event-type": "InvokeComplete", ":content-type": "application/json"},
    ]


def test_an_old_asynchronous_call_is_an_event(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """202 with its status, which boto3 takes from the answer's line."""
    front_desk.script = answering(202)
    answer = client.invoke_async(FunctionName="hello", InvokeArgs=b'{"a": 1}')
    assert answer["Status"] == 202
    (asked,) = front_desk.asked
    assert (asked.invocation_type, asked.payload) == (InvocationType.EVENT, b'{"a": 1}')


def test_an_old_asynchronous_call_has_no_headers_of_its_own(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """It is an event whatever they say."""
    front_desk.script = answering(202)
    headers = {"x-amz-invocation-type": "RequestResponse", "x-amz-log-type": "Tail"}
    assert api.send("POST", f"{_ASYNC}/?Qualifier=live", b"{}", headers).status == 202
    (asked,) = front_desk.asked
    assert (asked.invocation_type, asked.wants_log_tail, asked.reference.qualifier) == (
        InvocationType.EVENT,
        False,
        None,
    )


@pytest.mark.parametrize("path", [_STREAM, _ASYNC])
def test_a_function_that_is_missing_is_no_stream(api: ServedApi, front_desk: ScriptedFrontDesk, path: str) -> None:
    """An ordinary error."""
    front_desk.script = refusing
    answer = api.send("POST", path, b"{}")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [_STREAM, _ASYNC])
def test_a_payload_that_is_no_json_is_refused(api: ServedApi, front_desk: ScriptedFrontDesk, path: str) -> None:
    """As of Invoke."""
    answer = api.send("POST", path, b"{")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert front_desk.asked == []


def test_a_payload_over_the_limit_is_refused(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """One megabyte of an event, six of a stream."""
    answer = api.send("POST", _ASYNC, b'"' + b"x" * 1_048_575 + b'"')
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    answer = api.send("POST", _STREAM, b'"' + b"x" * 6_291_455 + b'"')
    assert answer.content["message"] == (
        "Request must be smaller than 6291456 bytes for the InvokeWithResponseStream operation"
    )
    assert front_desk.asked == []


def test_a_stream_has_no_events_to_send(client: Any, refused: Refused) -> None:
    """Its types are two of Invoke's three."""
    assert refused(client.invoke_with_response_stream, FunctionName="hello", InvocationType="Event") == (
        "ValidationException",
        (
            "1 validation error detected: Value 'Event' at 'invocationType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [RequestResponse, DryRun]"
        ),
    )


def test_a_durable_execution_name_is_refused(client: Any, refused: Refused, front_desk: ScriptedFrontDesk) -> None:
    """Whoever gives one relies on a second call with it running nothing."""
    code, message = refused(client.invoke, FunctionName="hello", DurableExecutionName="once")
    assert (code, "is not a durable function" in message) == ("InvalidParameterValueException", True)
    assert front_desk.asked == []
