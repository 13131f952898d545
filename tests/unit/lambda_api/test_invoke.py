"""Invoke's wire format: what reaches the front desk, and how its answer looks."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from typing import Any

import pytest

from orchestrator.domain.invocations import InvocationType
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from orchestrator.lambda_api.invoke import _remembered_reference
from tests.support.signed_requests import RawAnswer
from tests.unit.lambda_api.served_api import REQUEST_ID, Script, ScriptedFrontDesk, ServedApi

_PATH = "/2015-03-31/functions/hello/invocations"
_SYNC_LIMIT = 6_291_456
_ASYNC_LIMIT = 1_048_576


def answering(status_code: int = 200, **members: Any) -> Script:
    """A front desk that always answers this."""

    async def script(_: InvokeRequest) -> InvokeResult:
        return InvokeResult(status_code=status_code, request_id=REQUEST_ID, **members)

    return script


def encoded(content: object) -> str:
    """A client context as SDKs send it."""
    return base64.b64encode(json.dumps(content).encode()).decode()


def a_text_of(size: int) -> bytes:
    """JSON of exactly this many bytes."""
    return b'"' + b"x" * (size - 2) + b'"'


@pytest.mark.parametrize("payload", [rb'"\ud800"', b"1e999", b"[" * 900 + b"]" * 900])
def test_json_that_few_write_is_json_all_the_same(invoke: Any, front_desk: ScriptedFrontDesk, payload: bytes) -> None:
    """Half a surrogate pair, which Node writes; a number beyond a double; many levels."""
    assert invoke(payload).status == 200
    assert front_desk.asked[0].payload == payload


@pytest.fixture
def invoke(api: ServedApi) -> Any:
    """Invoke by hand."""

    def invoke(body: bytes = b"{}", **headers: str) -> RawAnswer:
        return api.send("POST", _PATH, body, {name.replace("_", "-"): value for name, value in headers.items()})

    return invoke


def test_an_answer_is_the_payload_untouched(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """200, $LATEST, the invocation's own request id; every byte of both payloads as it was."""
    payload = b' {"n":  1.0e2, "w\xc3\xb6rld": "\\u00e9"}\n'
    answer = client.invoke(FunctionName="hello", Payload=payload)
    assert front_desk.asked[0].payload == payload
    assert front_desk.asked[0].invocation_type is InvocationType.REQUEST_RESPONSE
    assert answer["Payload"].read() == payload
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["ResponseMetadata"]["RequestId"] == REQUEST_ID
    assert not {"FunctionError", "LogResult"} & set(answer)


def test_no_payload_is_an_empty_object(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """What AWS gives to the runtime then."""
    client.invoke(FunctionName="hello")
    assert front_desk.asked[0].payload == b"{}"


def test_an_event_is_accepted_without_a_version(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """202 and an empty payload."""
    front_desk.script = answering(202)
    answer = client.invoke(FunctionName="hello", InvocationType="Event", Payload=b"{}")
    assert front_desk.asked[0].invocation_type is InvocationType.EVENT
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert "ExecutedVersion" not in answer


def test_a_dry_run_has_neither_body_nor_length(invoke: Any, front_desk: ScriptedFrontDesk) -> None:
    """204, as HTTP wants it."""
    front_desk.script = answering(204)
    answer = invoke(x_amz_invocation_type="DryRun")
    assert front_desk.asked[0].invocation_type is InvocationType.DRY_RUN
    assert (answer.status, answer.body, "content-length" in answer.headers) == (204, b"", False)


def test_a_functions_error_is_a_200_with_a_header(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """Its own JSON, unchanged."""
    front_desk.script = answering(payload=b'{"errorType": "E"}', function_error="Unhandled", executed_version="$LATEST")
    answer = client.invoke(FunctionName="hello")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert answer["Payload"].read() == b'{"errorType": "E"}'


def test_the_log_tail_comes_when_it_was_asked_for(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """Base64 in a header."""
    front_desk.script = answering(payload=b"1", log_tail="START …\nEND\n")
    answer = client.invoke(FunctionName="hello", LogType="Tail")
    assert front_desk.asked[0].wants_log_tail
    assert base64.b64decode(answer["LogResult"]).decode() == "START …\nEND\n"
    client.invoke(FunctionName="hello", LogType="None")
    assert not front_desk.asked[1].wants_log_tail


def test_a_trace_id_goes_along_and_comes_back(invoke: Any, front_desk: ScriptedFrontDesk) -> None:
    """As the caller wrote it."""
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    assert invoke(x_amzn_trace_id=trace).headers["x-amzn-trace-id"] == trace
    assert front_desk.asked[0].trace_id == trace


def test_a_client_context_is_decoded_to_one_line(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """It becomes a header of the Runtime API: ASCII without line ends."""
    context = base64.b64encode('{"custom":\n{"k": "ü"}}'.encode()).decode()
    client.invoke(FunctionName="hello", ClientContext=context)
    assert front_desk.asked[0].client_context == '{"custom": {"k": "\\u00fc"}}'


def test_a_client_context_may_have_3583_bytes(invoke: Any, front_desk: ScriptedFrontDesk) -> None:
    """Of base64, as AWS counts."""
    largest = encoded("x" * 2683)
    assert len(largest) == 3580
    assert invoke(x_amz_client_context=largest).status == 200
    refused = invoke(x_amz_client_context=encoded("x" * 2686))
    assert (refused.status, refused.headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert len(front_desk.asked) == 1


@pytest.mark.parametrize(
    "context", ["not base64!", base64.b64encode(b"{no").decode(), base64.b64encode(b"\xff").decode()]
)
def test_a_client_context_must_be_json_in_base64(invoke: Any, front_desk: ScriptedFrontDesk, context: str) -> None:
    """AWS's own sentence."""
    answer = invoke(x_amz_client_context=context)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert answer.content["message"] == "Client context must be a valid Base64-encoded JSON object."
    assert front_desk.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"hello",
        b"{} {}",
        b"\xff",
        b"'x'",
        b"[" * 100_000,
        b'["' + b"x" * 300_000,
        b"NaN",
        b"-Infinity",
        '"utf-16"'.encode("utf-16"),
    ],
    ids=lambda body: body[:10],
)
def test_a_payload_must_be_json(invoke: Any, front_desk: ScriptedFrontDesk, body: bytes) -> None:
    """UTF-8, one value, small or large."""
    answer = invoke(body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert answer.content["message"].startswith("Could not parse request body into json: ")
    assert front_desk.asked == []


@pytest.mark.parametrize("body", [b"null", b"0", b'""', b"[]", b" 1 ", b"123456789012345678901234567890"], ids=repr)
def test_any_json_value_is_a_payload(invoke: Any, body: bytes) -> None:
    """Not only objects."""
    assert invoke(body).body == body


def test_a_synchronous_payload_may_have_six_megabytes(invoke: Any, front_desk: ScriptedFrontDesk) -> None:
    """To the byte."""
    assert invoke(a_text_of(_SYNC_LIMIT)).status == 200
    refused = invoke(a_text_of(_SYNC_LIMIT + 1))
    assert (refused.status, refused.headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    assert refused.content["message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert len(front_desk.asked) == 1


def test_an_asynchronous_payload_may_have_one_megabyte(invoke: Any, front_desk: ScriptedFrontDesk) -> None:
    """To the byte; the refusal counts."""
    front_desk.script = answering(202)
    assert invoke(a_text_of(_ASYNC_LIMIT), x_amz_invocation_type="Event").status == 202
    refused = invoke(a_text_of(_ASYNC_LIMIT + 1), x_amz_invocation_type="Event")
    assert (refused.status, refused.headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    assert refused.content["message"] == (
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    )
    assert len(front_desk.asked) == 1


@pytest.mark.parametrize(
    ("header", "words"), [("x_amz_invocation_type", "invocationType"), ("x_amz_log_type", "logType")]
)
def test_a_type_that_does_not_exist_is_a_validation_error(
    invoke: Any, front_desk: ScriptedFrontDesk, header: str, words: str
) -> None:
    """As every broken constraint of the model."""
    answer = invoke(**{header: "Maybe"})
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException"), answer.body
    assert (
        f"Value 'Maybe' at '{words}' failed to satisfy constraint: Member must satisfy enum value set: ["
        in (answer.content["message"])
    )
    assert front_desk.asked == []


def test_an_invalid_name_is_a_validation_error(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """Before the front desk hears of it."""
    with pytest.raises(client.exceptions.ClientError, match="regular expression pattern"):
        client.invoke(FunctionName="with space")
    assert front_desk.asked == []


def test_a_caller_that_leaves_ends_the_wait(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """The front desk's wait is cancelled: what was queued need not run; the next caller is served as ever."""
    began, cancelled = threading.Event(), threading.Event()

    async def wait_for_ever(_: InvokeRequest) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    front_desk.script = wait_for_ever
    connection = api.connect()
    connection.request("POST", _PATH, body=b"{}")
    assert began.wait(5)
    connection.close()
    assert cancelled.wait(5)
    front_desk.script = None
    assert api.send("POST", _PATH, b"1").body == b"1"


def test_a_caller_that_leaves_within_its_body_invokes_nothing(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """Half a payload is none."""
    connection = api.connect()
    connection.putrequest("POST", _PATH)
    connection.putheader("Content-Length", "100")
    connection.endheaders(b'{"half":')
    connection.close()
    assert api.send("POST", _PATH, b"1").body == b"1"
    assert len(front_desk.asked) == 1


def test_calls_on_one_connection_are_answered_one_after_the_other(api: ServedApi) -> None:
    """Keep-alive, also after a refusal."""
    connection = api.connect()
    for body, status in ((b"1", 200), (b"{", 400), (b"2", 200)):
        connection.request("POST", _PATH, body=body)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
    connection.close()


@pytest.mark.parametrize(
    ("query", "authorization"),
    [
        ("?padding=" + "x" * 5000, ""),
        ("", "Credential=test/20261123/us-east-1/lambda/aws4_request, Signature=" + "f" * 5000),
        ("", f"Credential=test/20261123/{'r' * 5000}/lambda/aws4_request"),
    ],
)
def test_what_a_caller_made_long_is_served_and_not_remembered(api: ServedApi, query: str, authorization: str) -> None:
    """Thousands of names and callers are; each as long as a head may be would be hundreds of MB."""
    api.send("POST", _PATH, b"{}")
    before = _remembered_reference.cache_info().currsize
    answer = api.send("POST", _PATH + query, b"{}", {"authorization": authorization} if authorization else {})
    assert answer.status == 200
    assert _remembered_reference.cache_info().currsize == before


def test_a_long_qualifier_is_refused_and_not_remembered(api: ServedApi) -> None:
    """AWS has 128 characters."""
    before = _remembered_reference.cache_info().currsize
    answer = api.send("POST", f"{_PATH}?Qualifier={'x' * 5000}", b"{}")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert _remembered_reference.cache_info().currsize == before
