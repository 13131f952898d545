"""Another account's functions: who names one by its ARN is refused, as on AWS where no policy lets them in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from orchestrator.domain.environment_variables import PLACEHOLDER_ACCESS_KEY_ID
from orchestrator.domain.errors import AccessDenied
from orchestrator.lambda_api.callers import ACCOUNT, Caller, caller_in
from orchestrator.lambda_api.operations import reference
from tests.unit.lambda_api.served_api import ROLE, ScriptedFrontDesk, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
STRANGER = "999999999999"
POLICY = '{"Version":"2012-10-17","Statement":[]}'
S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
QUEUE = f"arn:aws:sqs:us-east-1:{STRANGER}:orders"
MADE = {"Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": "hello:latest"}}

BY_NAME: list[tuple[str, dict[str, Any], str]] = [
    ("get_function", {}, "GetFunction"),
    ("get_function_configuration", {}, "GetFunctionConfiguration"),
    ("create_function", MADE, "CreateFunction"),
    ("update_function_code", {"ImageUri": "other:latest"}, "UpdateFunctionCode"),
    ("update_function_configuration", {"Timeout": 9}, "UpdateFunctionConfiguration"),
    ("delete_function", {}, "DeleteFunction"),
    ("publish_version", {}, "PublishVersion"),
    ("list_versions_by_function", {}, "ListVersionsByFunction"),
    ("create_alias", {"Name": "live", "FunctionVersion": "$LATEST"}, "CreateAlias"),
    ("list_aliases", {}, "ListAliases"),
    ("put_function_concurrency", {"ReservedConcurrentExecutions": 0}, "PutFunctionConcurrency"),
    ("put_function_event_invoke_config", {"MaximumRetryAttempts": 0}, "PutFunctionEventInvokeConfig"),
    ("create_function_url_config", {"AuthType": "NONE"}, "CreateFunctionUrlConfig"),
    ("add_permission", S3, "AddPermission"),
    ("remove_permission", {"StatementId": "s3"}, "RemovePermission"),
    ("get_policy", {}, "GetPolicy"),
    ("create_event_source_mapping", {"EventSourceArn": QUEUE}, "CreateEventSourceMapping"),
    ("list_event_source_mappings", {}, "ListEventSourceMappings"),
    ("invoke", {}, "InvokeFunction"),
    ("invoke_async", {"InvokeArgs": b"{}"}, "InvokeAsync"),
    ("invoke_with_response_stream", {}, "InvokeFunction"),
]
BY_ARN: list[tuple[str, dict[str, Any], str, str]] = [
    ("list_tags", {}, "Resource", "ListTags"),
    ("tag_resource", {"Tags": {"a": "b"}}, "Resource", "TagResource"),
    ("untag_resource", {"TagKeys": ["a"]}, "Resource", "UntagResource"),
    ("get_resource_policy", {}, "ResourceArn", "GetResourcePolicy"),
    ("put_resource_policy", {"Policy": POLICY}, "ResourceArn", "PutResourcePolicy"),
    ("delete_resource_policy", {}, "ResourceArn", "DeleteResourcePolicy"),
]


def refusal(action: str, arn: str) -> tuple[str, str]:
    """In AWS's words."""
    return (
        "AccessDeniedException",
        (
            f"User: arn:aws:iam::{STRANGER}:root is not authorized to perform: lambda:{action} on resource: {arn} "
            f"because no resource-based policy allows the lambda:{action} action"
        ),
    )


@pytest.mark.parametrize(("operation", "members", "action"), BY_NAME, ids=[one[0] for one in BY_NAME])
def test_another_accounts_function_is_nobodys_to_name(
    api: ServedApi,
    active: Active,
    account: str,
    refused: Refused,
    front_desk: ScriptedFrontDesk,
    operation: str,
    members: dict[str, Any],
    action: str,
) -> None:
    """By ARN or partial ARN; whether it exists or not; nothing is done."""
    before = active(Environment={"Variables": {"SECRET": "s"}})
    stranger = api.client(STRANGER)
    arn = before["FunctionArn"]
    for named in (arn, f"{account}:function:hello", f"{account}:hello"):
        assert refused(getattr(stranger, operation), FunctionName=named, **members) == refusal(action, arn)
    nobodys = arn.replace(":hello", ":nobodys")
    assert refused(getattr(stranger, operation), FunctionName=nobodys, **members) == refusal(action, nobodys)
    assert front_desk.asked == []
    assert api.client(account).get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]


@pytest.mark.parametrize(("operation", "members", "place", "action"), BY_ARN, ids=[one[0] for one in BY_ARN])
def test_another_accounts_tags_and_policies_are_nobodys(
    api: ServedApi, active: Active, refused: Refused, operation: str, members: dict[str, Any], place: str, action: str
) -> None:
    """They are named by the function's whole ARN only."""
    arn = active(Tags={"a": "kept"})["FunctionArn"]
    stranger = api.client(STRANGER)
    assert refused(getattr(stranger, operation), **{place: arn}, **members) == refusal(action, arn)


def test_the_refusal_names_the_version_or_alias(api: ServedApi, active: Active, refused: Refused) -> None:
    """In the name or beside it."""
    arn = active()["FunctionArn"]
    stranger = api.client(STRANGER)
    assert refused(stranger.invoke, FunctionName=f"{arn}:live") == refusal("InvokeFunction", f"{arn}:live")
    assert refused(stranger.get_function, FunctionName=arn, Qualifier="7") == refusal("GetFunction", f"{arn}:7")


def test_a_mapping_is_not_turned_to_another_accounts_function(api: ServedApi, active: Active, refused: Refused) -> None:
    """What it reads would be theirs."""
    arn = active()["FunctionArn"]
    stranger = api.client(STRANGER)
    stranger.create_function(FunctionName="own", **MADE)
    uuid = stranger.create_event_source_mapping(FunctionName="own", EventSourceArn=QUEUE)["UUID"]
    try:
        call = stranger.update_event_source_mapping
        assert refused(call, UUID=uuid, FunctionName=arn) == refusal("UpdateEventSourceMapping", arn)
    finally:
        stranger.delete_event_source_mapping(UUID=uuid)
        stranger.delete_function(FunctionName="own")


def test_a_policy_that_lets_an_account_in_lets_nobody_in_so_far(
    api: ServedApi, client: Any, active: Active, refused: Refused
) -> None:
    """It is kept and shown, as docs/compatibility.md says."""
    arn = active()["FunctionArn"]
    client.add_permission(FunctionName="hello", **S3 | {"Principal": STRANGER})
    assert refused(api.client(STRANGER).invoke, FunctionName=arn) == refusal("InvokeFunction", arn)


def test_the_answer_is_awss_403(api: ServedApi, active: Active, account: str) -> None:
    """Status, type and body; a caller without a signature is the default account."""
    arn = active()["FunctionArn"]
    for method, path in (
        ("POST", f"/2015-03-31/functions/{arn}/invocations"),
        ("GET", f"/2015-03-31/functions/{arn}"),
    ):
        answer = api.send(method, path, b"{}")
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
        assert "arn:aws:iam::000000000000:root" in json.dumps(answer.content)


@pytest.mark.parametrize("key_id", [PLACEHOLDER_ACCESS_KEY_ID, STRANGER])
def test_a_function_speaks_for_its_own_account(key_id: str) -> None:
    """Whatever it signs with; so it may call itself by the ARN it was invoked with, and others by their names."""
    scope = {"headers": [], "paddock.caller": "a request id", ACCOUNT: "123456789012"}
    authorization = f"AWS4-HMAC-SHA256 Credential={key_id}/20260101/us-east-1/lambda/aws4_request"
    caller = caller_in(scope, authorization, "", "us-east-1", "GetFunction")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:hello"
    assert reference(caller, {"FunctionName": arn}) == reference(caller, {"FunctionName": "hello"})
    with pytest.raises(AccessDenied):
        reference(caller, {"FunctionName": arn.replace("123456789012", STRANGER)})


def test_the_log_says_what_helps() -> None:
    """The key decides the account, which whoever moves here with real ARNs need not know. Said once, not each time."""
    caller = Caller("222222222222", "us-east-1", action="GetFunction")
    with capture_logs() as logged:
        for name in ("hello", "another", "hello"):
            with pytest.raises(AccessDenied):
                reference(caller, {"FunctionName": f"arn:aws:lambda:us-east-1:333333333333:function:{name}"})
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("account.refused", "warning")
    assert line["fact"] == "a caller of account 222222222222 named a function of account 333333333333 by its ARN"
    assert "with 333333333333 as the key id" in line["remedy"]
