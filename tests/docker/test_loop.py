"""The loop on a real engine: deploy a tag, invoke it in every way, read its log."""

from __future__ import annotations

import base64
import json
from typing import Any

import botocore.exceptions
import pytest

from tests.support.paddock_process import PaddockProcess, deploy


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with the function `behaviours` deployed."""
    boto = paddock.client()
    deploy(boto, "behaviours", images["behaviours"], Timeout=10, MemorySize=256, Environment={"Variables": {"AB": "c"}})
    deploy(boto, "bash", "paddock/example-bash:latest", Timeout=10)
    return boto


def call(client: Any, payload: object, name: str = "behaviours", **more: Any) -> Any:
    """Invoke and decode."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode(), **more)
    return json.loads(answer["Payload"].read())


def test_a_python_function_with_awslambdaric_answers(client: Any) -> None:
    """The whole way: boto3, the store, a container, awslambdaric, and back."""
    answer = client.invoke(FunctionName="behaviours", Payload=b'{"hello": "w\xc3\xb6rld"}')
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read())["event"] == {"hello": "wörld"}


def test_a_plain_bash_bootstrap_with_curl_answers(client: Any) -> None:
    """No runtime client at all: the Runtime API is enough."""
    answer = client.invoke(FunctionName="bash", Payload=b'{"name": "Paddock"}')
    assert answer["StatusCode"] == 200, answer
    assert b"Paddock" in answer["Payload"].read()
    assert "FunctionError" not in answer


def test_the_environment_is_reused(client: Any) -> None:
    """The second call finds the first one's process."""
    first = call(client, {"n": 1})
    second = call(client, {"n": 2})
    assert (first["pid"], first["started"]) == (second["pid"], second["started"])


def test_the_context_is_what_aws_gives(client: Any) -> None:
    """Names, limits, ids, the user's variables, and a client context."""
    custom = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer = client.invoke(FunctionName="behaviours", Payload=b'{"do": "context"}', ClientContext=custom)
    context = json.loads(answer["Payload"].read())
    assert context["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:behaviours"
    assert context["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert context["memory"] == "256"
    assert context["client_context"] == {"k": "v"}
    assert 9_000 < context["remaining_ms"] <= 10_000
    assert context["environment"]["AB"] == "c"
    assert context["environment"]["AWS_LAMBDA_FUNCTION_NAME"] == "behaviours"
    assert context["log_group"] == "/aws/lambda/behaviours"
    assert (context["uid"], context["gid"]) == (993, 990)


def test_dry_run_answers_204_and_runs_nothing(client: Any) -> None:
    """Nothing but the check."""
    answer = client.invoke(FunctionName="behaviours", InvocationType="DryRun")
    assert answer["StatusCode"] == 204


def test_the_log_tail_has_start_output_end_and_report(client: Any) -> None:
    """In AWS's words and order, with the duration and memory of this run."""
    answer = client.invoke(
        FunctionName="behaviours", LogType="Tail", Payload=json.dumps({"do": "print", "lines": ["one", "two"]}).encode()
    )
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1:3] == ["one", "two"]
    assert lines[3] == f"END RequestId: {request_id}"
    assert lines[4].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "\tMemory Size: 256 MB\tMax Memory Used: " in lines[4]
    assert "Max Memory Used: 0 MB" not in lines[4]


def test_a_function_that_returns_nothing_answers_null(client: Any) -> None:
    """As on AWS."""
    assert call(client, {"do": "none"}) is None


def test_an_exception_is_the_runtimes_own_json_unchanged(client: Any) -> None:
    """With `X-Amz-Function-Error: Unhandled`."""
    answer = client.invoke(FunctionName="behaviours", Payload=b'{"do": "raise", "message": "no"}')
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")
    assert error["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert error["stackTrace"]


def test_a_response_over_the_limit_is_aws_error(client: Any) -> None:
    """6 MiB and 100 bytes."""
    answer = client.invoke(FunctionName="behaviours", Payload=b'{"do": "large", "bytes": 6291557}')
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert "(6291556 bytes)" in error["errorMessage"]


def test_a_response_of_six_megabytes_arrives_whole(client: Any) -> None:
    """Just under the limit."""
    assert len(call(client, {"do": "large", "bytes": 6_291_000})) == 6_291_000


def test_the_root_is_read_only_and_tmp_is_a_disk_not_memory(client: Any) -> None:
    """400 MB in /tmp of a function of 256 MB."""
    assert "Read-only file system" in call(client, {"do": "write-root"})["refused"]
    assert call(client, {"do": "write-tmp", "bytes": 400 * 1_048_576})["size"] == 400 * 1_048_576


def test_a_function_may_invoke_another_and_nothing_else(client: Any) -> None:
    """Through AWS_ENDPOINT_URL_LAMBDA; control operations are refused."""
    assert "inner" in json.dumps(call(client, {"do": "invoke", "name": "bash", "payload": {"name": "inner"}}))
    refused = call(client, {"do": "list-functions"})
    assert refused["status"] == 403
    assert "ListFunctions is not open to functions" in refused["body"]["message"]


def test_an_event_is_accepted_and_runs(client: Any, paddock: PaddockProcess) -> None:
    """202 at once; its output appears in the function's log."""
    answer = client.invoke(
        FunctionName="behaviours", InvocationType="Event", Payload=b'{"do": "mark", "mark": "event-1"}'
    )
    assert answer["StatusCode"] == 202
    assert "ExecutedVersion" not in answer
    paddock.wait_for_output("behaviours", "MARK event-1")


@pytest.mark.parametrize(
    ("arguments", "exception"),
    [
        ({"FunctionName": "missing"}, "ResourceNotFoundException"),
        ({"FunctionName": "behaviours", "Payload": b"{not json"}, "InvalidRequestContentException"),
        ({"FunctionName": "behaviours", "Qualifier": "7"}, "ResourceNotFoundException"),
        ({"FunctionName": "behaviours", "Payload": b'"' + b"x" * 6_291_456 + b'"'}, "RequestEntityTooLargeException"),
        (
            {"FunctionName": "behaviours", "InvocationType": "Event", "Payload": b'"' + b"x" * 1_048_576 + b'"'},
            "RequestEntityTooLargeException",
        ),
    ],
)
def test_bad_calls_raise_botocores_own_exceptions(client: Any, arguments: dict[str, Any], exception: str) -> None:
    """The class that AWS's SDK users catch."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke(**arguments)
    code = caught.value.response["Error"]["Code"]
    assert exception in (type(caught.value).__name__, code), caught.value.response


def test_an_unknown_tag_is_refused_and_it_says_why(client: Any) -> None:
    """With the image and the remedy. An engine that asks a registry for longer than the call waits tells it later."""
    try:
        client.create_function(
            FunctionName="no-image",
            Role="arn:aws:iam::000000000000:role/any",
            PackageType="Image",
            Code={"ImageUri": "paddock-test/does-not-exist:latest"},
        )
    except client.exceptions.InvalidParameterValueException as refusal:
        assert "Source image paddock-test/does-not-exist:latest does not exist" in str(refusal)  # noqa: PT017
        return
    with pytest.raises(botocore.exceptions.WaiterError):
        client.get_waiter("function_active_v2").wait(
            FunctionName="no-image", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
    configuration = client.get_function_configuration(FunctionName="no-image")
    assert configuration["State"] == "Failed"
    assert "paddock-test/does-not-exist" in configuration["StateReason"]
