"""Tenant isolation through the API: how it is asked for, kept and shown, and which ids a call may name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from tests.unit.lambda_api.served_api import ScriptedFrontDesk, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

_PER_TENANT = {"TenantIsolationMode": "PER_TENANT"}
_PATTERN = r"[a-zA-Z0-9\._:\/=+\-@ ]+"
_STREAM = "/2021-11-15/functions/hello/response-streaming-invocations"
_SAYS = "at 'tenantId' failed to satisfy constraint: Member must"


def test_isolation_is_asked_for_when_a_function_is_created_and_shown_since(active: Active, client: Any) -> None:
    """Of its versions, too."""
    assert active(TenancyConfig=_PER_TENANT, Publish=True)["TenancyConfig"] == _PER_TENANT
    assert client.get_function(FunctionName="hello")["Configuration"]["TenancyConfig"] == _PER_TENANT
    versions = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [one["TenancyConfig"] for one in versions] == [_PER_TENANT, _PER_TENANT]


def test_an_update_does_not_take_it_away(active: Active, api: ServedApi, client: Any) -> None:
    """The operation has no such member: what is sent of it is not looked at."""
    active(TenancyConfig=_PER_TENANT)
    assert client.update_function_configuration(FunctionName="hello", Timeout=9)["TenancyConfig"] == _PER_TENANT


def test_a_function_without_it_never_gets_it(active: Active, api: ServedApi, client: Any, account: str) -> None:
    """It is for the life of a function."""
    active()
    path = "/2015-03-31/functions/hello/configuration"
    signed = {"authorization": f"AWS4-HMAC-SHA256 Credential={account}/20261123/us-east-1/lambda/aws4_request"}
    answer = api.send("PUT", path, b'{"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}', signed)
    assert answer.status == 200
    assert "TenancyConfig" not in client.get_function_configuration(FunctionName="hello")


@pytest.mark.parametrize(
    ("operation", "what", "asked"),
    [
        ("create_function_url_config", "Function URLs", {"AuthType": "NONE"}),
        (
            "put_provisioned_concurrency_config",
            "Provisioned Concurrency Configs",
            {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1},
        ),
        (
            "create_event_source_mapping",
            "Event source mappings",
            {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:jobs"},
        ),
    ],
)
def test_what_calls_it_for_no_tenant_is_refused(
    active: Active, client: Any, refused: Refused, operation: str, what: str, asked: dict[str, Any]
) -> None:
    """With what AWS's documentation names; the text is ours."""
    arn = active(TenancyConfig=_PER_TENANT, Publish=True)["FunctionArn"].removesuffix(":1")
    assert refused(getattr(client, operation), FunctionName="hello", **asked) == (
        "InvalidParameterValueException",
        (
            f"{what} are not supported for {arn}: its TenancyConfig is PER_TENANT, "
            "so it is called with Invoke and an X-Amz-Tenant-Id only"
        ),
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"TenantIsolationMode": "SHARED"},
            (
                "1 validation error detected: Value 'SHARED' at 'tenancyConfig.tenantIsolationMode' failed to satisfy "
                "constraint: Member must satisfy enum value set: [PER_TENANT]"
            ),
        ),
        (
            {},
            (
                "1 validation error detected: Value null at 'tenancyConfig.tenantIsolationMode' failed to satisfy "
                "constraint: Member must not be null"
            ),
        ),
    ],
)
def test_another_mode_is_refused(create: Any, refused: Refused, given: dict[str, str], message: str) -> None:
    """As the model has it."""
    assert refused(create, TenancyConfig=given) == ("ValidationException", message)


@pytest.mark.parametrize("tenant_id", ["blue", "a/b:c=d+e-f@g.h_i j", "x" * 256])
def test_the_tenant_of_a_call_reaches_the_front_desk(
    client: Any, front_desk: ScriptedFrontDesk, tenant_id: str
) -> None:
    """Of Invoke and of the call whose answer is streamed."""
    client.invoke(FunctionName="hello", TenantId=tenant_id)
    list(client.invoke_with_response_stream(FunctionName="hello", TenantId=tenant_id)["EventStream"])
    assert [asked.tenant_id for asked in front_desk.asked] == [tenant_id, tenant_id]


def test_a_call_without_one_names_none(api: ServedApi, client: Any, front_desk: ScriptedFrontDesk) -> None:
    """Nor does InvokeAsync, which has no such header."""
    client.invoke(FunctionName="hello")
    api.send("POST", "/2014-11-13/functions/hello/invoke-async", b"{}", {"x-amz-tenant-id": "blue"})
    assert [asked.tenant_id for asked in front_desk.asked] == [None, None]


@pytest.mark.parametrize(
    ("tenant_id", "message"),
    [
        ("a,b", f"1 validation error detected: Value 'a,b' {_SAYS} satisfy regular expression pattern: {_PATTERN}"),
        (
            "x" * 257,
            f"1 validation error detected: Value '{'x' * 257}' {_SAYS} have length less than or equal to 256",
        ),
        (
            "",
            (
                f"2 validation errors detected: Value '' {_SAYS} have length greater than or equal to 1; "
                f"Value '' {_SAYS} satisfy regular expression pattern: {_PATTERN}"
            ),
        ),
    ],
    ids=["pattern", "too long", "empty"],
)
@pytest.mark.parametrize("path", ["/2015-03-31/functions/hello/invocations", _STREAM])
def test_an_id_that_is_none_is_refused(
    api: ServedApi, front_desk: ScriptedFrontDesk, path: str, tenant_id: str, message: str
) -> None:
    """An empty one is not taken for a call without one."""
    answer = api.send("POST", path, b"{}", {"x-amz-tenant-id": tenant_id})
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert answer.content["message"] == message
    assert front_desk.asked == []


def test_a_refusal_of_the_front_desk_is_a_400(client: Any, front_desk: ScriptedFrontDesk, refused: Refused) -> None:
    """With AWS's code."""

    async def refusing(_: InvokeRequest) -> InvokeResult:
        raise InvalidParameterValue("The invoked function is enabled with tenancy configuration.")

    front_desk.script = refusing
    code, message = refused(client.invoke, FunctionName="hello")
    assert (code, message) == (
        "InvalidParameterValueException",
        "The invoked function is enabled with tenancy configuration.",
    )
