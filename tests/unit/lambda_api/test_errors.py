"""What a refusal looks like on the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.domain.errors import ServiceFailure, ThrottleReason, TooManyRequests
from orchestrator.invocations.requests import InvokeRequest
from orchestrator.lambda_api.bodies import largest_body_bytes
from tests.unit.lambda_api.served_api import ROLE, ScriptedFrontDesk, ServedApi

_FUNCTIONS = "/2015-03-31/functions"
_SMALLEST = {"FunctionName": "hello", "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": "hello:latest"}}


def create(api: ServedApi, **members: object) -> Any:
    """CreateFunction by hand, with these members changed or (None) left out."""
    content = {name: value for name, value in (_SMALLEST | members).items() if value is not None}
    return api.send("POST", _FUNCTIONS, json.dumps(content).encode())


def test_an_error_names_itself_in_header_and_body(api: ServedApi) -> None:
    """Type of fault, message, error type and a request id."""
    answer = api.send("GET", f"{_FUNCTIONS}/missing")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert uuid.UUID(answer.headers["x-amzn-requestid"])
    assert answer.content == {
        "Type": "User",
        "Message": "Function not found: arn:aws:lambda:us-east-1:000000000000:function:missing",
    }


def test_an_answer_has_a_request_id_of_its_own(api: ServedApi) -> None:
    """Two calls, two ids."""
    first, second = (api.send("GET", _FUNCTIONS).headers["x-amzn-requestid"] for _ in range(2))
    assert first != second


def test_the_casing_of_message_is_each_errors_own(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """`Message` for ResourceNotFound and Service, `message` for the others."""

    async def fail(_: InvokeRequest) -> None:
        raise ServiceFailure("it broke; mend it")

    front_desk.script = fail
    failed = api.send("POST", f"{_FUNCTIONS}/hello/invocations", b"{}")
    assert (failed.status, failed.content) == (500, {"Type": "Service", "Message": "it broke; mend it"})
    invalid = create(api, MemorySize=10_241)
    assert (invalid.status, sorted(invalid.content)) == (400, ["Type", "message"])


def test_a_throttle_has_a_reason_and_when_to_come_again(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """429 as SDKs retry it."""

    async def throttle(_: InvokeRequest) -> None:
        raise TooManyRequests(ThrottleReason.RESERVED)

    front_desk.script = throttle
    answer = api.send("POST", f"{_FUNCTIONS}/hello/invocations", b"{}")
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert answer.content == {
        "Type": "User",
        "message": "Rate Exceeded.",
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
    }


def test_an_unexpected_failure_is_a_service_exception_that_leads_to_the_log(
    api: ServedApi, front_desk: ScriptedFrontDesk
) -> None:
    """Nothing of the inside reaches the caller, but the id under which the log has it."""

    async def fail(_: InvokeRequest) -> None:
        raise KeyError("secret")

    front_desk.script = fail
    answer = api.send("POST", f"{_FUNCTIONS}/hello/invocations", b"{}")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (500, "ServiceException")
    assert answer.headers["x-amzn-requestid"] in answer.content["Message"]
    assert "secret" not in answer.content["Message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/nothing"),
        ("GET", "/2099-01-01/functions"),
        ("PATCH", "/2015-03-31/functions/hello"),
        ("GET", "/2015-03-31/functions/hello/invocations"),
        ("POST", "/nothing/like/it"),
        ("GET", "/"),
    ],
)
def test_a_path_that_is_no_operation_is_unknown(api: ServedApi, method: str, path: str) -> None:
    """404 that is not mistaken for a missing function."""
    answer = api.send(method, path)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    assert answer.content["message"] == f"{method} {path} is no operation of Lambda"


def test_a_path_may_end_with_a_slash(api: ServedApi) -> None:
    """Older SDKs send /functions/."""
    assert api.send("GET", f"{_FUNCTIONS}/").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"null",
        b'{"FunctionName": 1}',
        b'{"Timeout": "3"}',
        b'{"Timeout": true}',
        b'{"Code": "x"}',
        b'{"Architectures": "x86_64"}',
        b'{"Environment": {"Variables": {"A": 1}}}',
        b'{"Code": {"ZipFile": "?"}}',
        b'{"Code": {"ZipFile": "\xc3\xa9"}}',
        b'{"Publish": 1}',
        b'{"Description": "\\ud800"}',
        b'{"Environment": {"Variables": {"A": "\\udfff"}}}',
        b'{"Environment": {"Variables": {"\\udfff": "a"}}}',
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"Environment":' * 10_000, id="deep objects"),
    ],
)
def test_a_body_of_the_wrong_form_is_a_serialization_exception(api: ServedApi, body: bytes) -> None:
    """Not JSON, no object, a member of another type, or text that has no UTF-8 form."""
    answer = api.send("POST", _FUNCTIONS, body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "SerializationException"), answer.body


def test_a_number_in_the_query_must_be_one(api: ServedApi) -> None:
    """MaxItems=ten."""
    answer = api.send("GET", f"{_FUNCTIONS}?MaxItems=ten")
    assert (answer.headers["x-amzn-errortype"], answer.content["message"]) == (
        "SerializationException",
        "'ten' is not a number",
    )


def test_members_that_are_null_or_unknown_are_as_if_not_there(api: ServedApi) -> None:
    """As AWS reads them."""
    answer = create(api, FunctionName="with-nulls", NotAMember=1)
    assert answer.status == 201
    body = json.dumps(_SMALLEST | {"FunctionName": "with-null", "Description": None, "Environment": None}).encode()
    assert api.send("POST", _FUNCTIONS, body).status == 201


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Role": None}, "Value null at 'role' failed to satisfy constraint: Member must not be null"),
        (
            {"Timeout": 0},
            "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            {"PackageType": "Tar"},
            (
                "Value 'Tar' at 'packageType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Zip, Image]"
            ),
        ),
        (
            {"Architectures": ["sparc"]},
            (
                "Value '[sparc]' at 'architectures' failed to satisfy constraint: "
                "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], "
                "Member must not be null]"
            ),
        ),
        (
            {"Architectures": ["x86_64", "arm64"]},
            (
                "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
                "Member must have length less than or equal to 1"
            ),
        ),
        (
            {"Environment": {"Variables": {"A-B": "secret"}}},
            (
                "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "
                "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
            ),
        ),
        (
            {"EphemeralStorage": {}},
            "Value null at 'ephemeralStorage.size' failed to satisfy constraint: Member must not be null",
        ),
    ],
)
def test_a_broken_constraint_is_said_in_awss_words(api: ServedApi, members: dict[str, Any], message: str) -> None:
    """ValidationException, with path, value and constraint."""
    answer = create(api, **members)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert answer.content["message"] == f"1 validation error detected: {message}"


def test_all_broken_constraints_are_said_at_once(api: ServedApi) -> None:
    """One call tells everything."""
    message = create(api, Role=None, Timeout=0, MemorySize=1).content["message"]
    assert message.startswith("3 validation errors detected: Value null at 'role' failed")
    assert message.count("; Value '") == 2


def test_a_request_over_six_megabytes_is_too_large(api: ServedApi) -> None:
    """413, named."""
    path, body = "/2015-03-31/functions/hello/configuration", b'{"Description": "' + b"x" * 6_291_456 + b'"}'
    answer = api.send("PUT", path, body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    assert answer.content["message"] == (
        "Request must be smaller than 6291456 bytes for the UpdateFunctionConfiguration operation"
    )


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionCode"])
def test_a_request_with_an_archive_in_it_may_be_larger(api: ServedApi, client: Any, operation: str) -> None:
    """As on AWS; what is said of a zip package is said of a large one, too."""
    assert largest_body_bytes(operation) == 70_167_211
    archive = b"PK" + bytes(5_000_000)
    if operation == "CreateFunction":
        with pytest.raises(ClientError, match="PackageType Zip is not built yet"):
            client.create_function(FunctionName="hello", Role=ROLE, Code={"ZipFile": archive})
    else:
        client.create_function(**_SMALLEST)
        with pytest.raises(ClientError, match="Please provide ImageUri when updating"):
            client.update_function_code(FunctionName="hello", ZipFile=archive)


def test_health_is_no_operation(api: ServedApi) -> None:
    """Alive and ready, beside Lambda's paths."""
    assert api.send("GET", "/healthz").content == {"status": "alive"}
    assert api.send("GET", "/readyz").content == {"status": "ready"}


def test_boto3_raises_the_class_that_its_users_catch(client: Any, create: Callable[..., Any]) -> None:
    """`client.exceptions.…` for those that the model has."""
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName="missing")
    create()
    with pytest.raises(client.exceptions.ResourceConflictException):
        create()
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        create("other", MemorySize=10_241)
