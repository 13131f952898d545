"""GetResourcePolicy, PutResourcePolicy, DeleteResourcePolicy: the policy that AddPermission writes too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ScriptedEngine, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
NONE_HERE = ("ResourceNotFoundException", "The resource you requested does not exist.")
OUTDATED = (
    "PreconditionFailedException",
    (
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
        "retrieve the latest Revision Id"
    ),
)
OTHER_REVISION = "00000000-0000-4000-8000-000000000000"
PATTERN = (
    r"arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:"
    r"(function:[a-zA-Z0-9-_]+(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_])+)?|runtime/[a-zA-Z0-9-_./]+)"
)


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with version 1 and the alias `live`."""
    found: str = active()["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return found


def statement(arn: str, sid: str = "deny", **members: object) -> dict[str, Any]:
    """One that AddPermission cannot write."""
    ordinary = {"Effect": "Deny", "Principal": {"AWS": ["123456789012"]}, "Action": ["lambda:*"], "Resource": [arn]}
    return {"Sid": sid, **ordinary, **members}


def policy(*statements: dict[str, Any]) -> str:
    """A policy as AWS writes it, without an Id."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def sids(client: Any, arn: str) -> list[str]:
    """Of the policy's statements, as both operations show it."""
    shown = client.get_resource_policy(ResourceArn=arn)
    by_name = client.get_policy(FunctionName=arn)
    assert (shown["Policy"], shown["RevisionId"]) == (by_name["Policy"], by_name["RevisionId"])
    return [one["Sid"] for one in json.loads(shown["Policy"])["Statement"]]


def test_a_policy_is_put_shown_and_deleted(client: Any, arn: str, refused: Refused) -> None:
    """As it was given, but for its blanks."""
    given = json.dumps({"Version": "2012-10-17", "Statement": [statement(arn)]}, indent=4)
    answer = client.put_resource_policy(ResourceArn=arn, Policy=given)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["Policy"] == policy(statement(arn))
    shown = client.get_resource_policy(ResourceArn=arn)
    assert (shown["Policy"], shown["RevisionId"]) == (answer["Policy"], answer["RevisionId"])
    gone = client.delete_resource_policy(ResourceArn=arn)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_resource_policy, ResourceArn=arn) == NONE_HERE
    assert refused(client.get_policy, FunctionName="hello") == NONE_HERE
    assert refused(client.delete_resource_policy, ResourceArn=arn) == (
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )


def test_what_permissions_wrote_is_the_policy(client: Any, arn: str) -> None:
    """To the letter, with the same revision."""
    added = client.add_permission(FunctionName="hello", **S3)["Statement"]
    shown = client.get_resource_policy(ResourceArn=arn)
    assert shown["Policy"] == f'{{"Version":"2012-10-17","Id":"default","Statement":[{added}]}}'
    assert sids(client, arn) == ["s3"]
    put = client.put_resource_policy(ResourceArn=arn, Policy=shown["Policy"], RevisionId=shown["RevisionId"])
    assert put["Policy"] == shown["Policy"]


def test_a_policy_takes_the_place_of_permissions_and_permissions_are_added_to_it(client: Any, arn: str) -> None:
    """In the order in which they came; each statement is removed alone, whoever wrote it."""
    client.add_permission(FunctionName="hello", **S3)
    client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn, "a"), statement(arn, "b")))
    assert sids(client, arn) == ["a", "b"]
    client.add_permission(FunctionName="hello", **S3)
    assert sids(client, arn) == ["a", "b", "s3"]
    assert "Id" not in json.loads(client.get_policy(FunctionName="hello")["Policy"])
    client.remove_permission(FunctionName="hello", StatementId="a")
    client.remove_permission(FunctionName="hello", StatementId="s3")
    assert client.get_resource_policy(ResourceArn=arn)["Policy"] == policy(statement(arn, "b"))


def test_with_its_last_statement_a_policy_is_gone(client: Any, arn: str, refused: Refused) -> None:
    """The next permission begins another one, as if there had been none."""
    client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn, "a")))
    client.remove_permission(FunctionName="hello", StatementId="a")
    assert refused(client.get_resource_policy, ResourceArn=arn) == NONE_HERE
    added = client.add_permission(FunctionName="hello", **S3)["Statement"]
    shown = client.get_resource_policy(ResourceArn=arn)["Policy"]
    assert shown == f'{{"Version":"2012-10-17","Id":"default","Statement":[{added}]}}'


def test_a_permission_cannot_have_the_id_of_a_statement_that_was_put(client: Any, arn: str, refused: Refused) -> None:
    """And what is not there cannot be removed."""
    nameless = {name: value for name, value in statement(arn).items() if name != "Sid"}
    client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn, "s3"), nameless))
    assert refused(client.add_permission, FunctionName="hello", **S3)[0] == "ResourceConflictException"
    assert refused(client.remove_permission, FunctionName="hello", StatementId="other") == (
        "ResourceNotFoundException",
        "Statement other is not found in resource policy.",
    )


def test_function_version_and_alias_have_policies_of_their_own(client: Any, arn: str, refused: Refused) -> None:
    """By the ARN of each; `$LATEST` has the function's, and takes none."""
    for place, sid in ((arn, "function"), (f"{arn}:1", "version"), (f"{arn}:live", "alias")):
        assert refused(client.get_resource_policy, ResourceArn=place) == NONE_HERE
        client.put_resource_policy(ResourceArn=place, Policy=policy(statement(place, sid)))
        assert sids(client, place) == [sid]
    latest = f"{arn}:$LATEST"
    assert sids(client, latest) == sids(client, arn) == ["function"]
    assert refused(client.put_resource_policy, ResourceArn=latest, Policy=policy(statement(arn))) == (
        "InvalidParameterValueException",
        "We currently do not support adding policies for $LATEST.",
    )
    client.delete_resource_policy(ResourceArn=latest)
    assert refused(client.get_resource_policy, ResourceArn=arn) == NONE_HERE
    assert sids(client, f"{arn}:live") == ["alias"]


def test_a_policys_revision_is_that_of_what_it_is_of(client: Any, arn: str) -> None:
    """It changes with each change; that of the alias is the alias's."""
    first = client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn)))["RevisionId"]
    assert first == client.get_function_configuration(FunctionName="hello")["RevisionId"]
    second = client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn)), RevisionId=first)["RevisionId"]
    assert second == client.get_policy(FunctionName="hello")["RevisionId"] != first
    client.add_permission(FunctionName="hello", RevisionId=second, **S3)
    third = client.get_resource_policy(ResourceArn=arn)["RevisionId"]
    client.delete_resource_policy(ResourceArn=arn, RevisionId=third)
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] not in (first, second, third)
    alias = f"{arn}:live"
    of_alias = client.put_resource_policy(ResourceArn=alias, Policy=policy(statement(alias)))["RevisionId"]
    assert of_alias == client.get_alias(FunctionName="hello", Name="live")["RevisionId"]


@pytest.mark.parametrize("qualifier", ["", ":1", ":live"])
def test_who_saw_another_revision_changes_nothing(client: Any, arn: str, refused: Refused, qualifier: str) -> None:
    """Neither puts nor deletes."""
    place = arn + qualifier
    client.put_resource_policy(ResourceArn=place, Policy=policy(statement(place)))
    other = {"ResourceArn": place, "RevisionId": OTHER_REVISION}
    assert refused(client.put_resource_policy, Policy=policy(statement(place, "new")), **other) == OUTDATED
    assert refused(client.delete_resource_policy, **other) == OUTDATED
    assert sids(client, place) == ["deny"]


def test_what_is_not_there_is_named(client: Any, arn: str, refused: Refused) -> None:
    """Function, version, alias; a region that is another one."""
    missing = arn.replace(":hello", ":none")
    calls: tuple[tuple[Callable[..., Any], dict[str, str]], ...] = (
        (client.put_resource_policy, {"Policy": policy(statement(arn))}),
        (client.delete_resource_policy, {}),
    )
    for call, members in calls:
        for place, message in (
            (missing, f"Function not found: {missing}"),
            (f"{missing}:live", f"Function not found: {missing}"),
            (f"{arn}:7", f"Function not found: {arn}:7"),
            (f"{arn}:$LATEST.PUBLISHED", f"Function not found: {arn}:$LATEST.PUBLISHED"),
            (f"{arn}:none", f"Cannot find alias arn: {arn}:none"),
            (f"{arn}:{'x' * 300}", f"Cannot find alias arn: {arn}:{'x' * 300}"),
        ):
            assert refused(call, ResourceArn=place, **members) == ("ResourceNotFoundException", message)
    assert refused(client.get_resource_policy, ResourceArn=missing) == (
        "ResourceNotFoundException",
        f"Function not found: {missing}",
    )
    assert refused(client.get_resource_policy, ResourceArn=arn.replace("us-east-1", "eu-west-1")) == (
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    )


@pytest.mark.parametrize("operation", ["get_resource_policy", "put_resource_policy", "delete_resource_policy"])
def test_a_runtime_is_refused_by_name(client: Any, refused: Refused, operation: str) -> None:
    """AWS's model allows its ARN; there are none here."""
    members = {"Policy": "{}"} if operation.startswith("put") else {}
    arn = "arn:aws:lambda:us-east-1:123456789012:runtime/mine/1.0"
    code, message = refused(getattr(client, operation), ResourceArn=arn, **members)
    assert (code, message.partition(";")[0]) == (
        "NotImplementedException",
        "ResourceArn of a runtime is not built yet in Paddock",
    )


@pytest.mark.parametrize(
    "given", ["hello", "arn:aws:lambda:us-east-1:123456789012:layer:shared", "{arn}:*", "{arn}:1:2"]
)
def test_what_is_no_functions_arn_is_a_validation_error(client: Any, refused: Refused, arn: str, given: str) -> None:
    """Before anything is looked for."""
    place = given.replace("{arn}", arn)
    assert refused(client.get_resource_policy, ResourceArn=place) == (
        "ValidationException",
        (
            f"1 validation error detected: Value '{place}' at 'resourceArn' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {PATTERN}"
        ),
    )


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "Value null at 'policy' failed to satisfy constraint: Member must not be null"),
        (
            {"Policy": ""},
            "at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            {"Policy": "x" * 20_481},
            "'policy' failed to satisfy constraint: Member must have length less than or equal to 20480",
        ),
        ({"Policy": "{}", "RevisionId": "wrong"}, "Value 'wrong' at 'revisionId' failed to satisfy constraint"),
    ],
)
def test_what_breaks_the_model_is_named(
    client: Any, arn: str, refused: Refused, members: dict[str, str], words: str
) -> None:
    """As everywhere."""
    code, message = refused(client.put_resource_policy, ResourceArn=arn, **members)
    assert (code, words in message) == ("ValidationException", True), message


def test_what_is_no_policy_or_a_public_one_changes_nothing(
    client: Any, api: ServedApi, arn: str, account: str, refused: Refused
) -> None:
    """AWS's codes; this error's message begins with a capital."""
    client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn)))
    assert refused(client.put_resource_policy, ResourceArn=arn, Policy="no JSON")[0] == "InvalidParameterValueException"
    public = policy(statement(arn, "all", Effect="Allow", Principal="*"))
    assert refused(client.put_resource_policy, ResourceArn=arn, Policy=public) == (
        "PublicPolicyException",
        "Lambda blocked the creation of this policy because it would grant public access to your function.",
    )
    scope = {"authorization": f"AWS4-HMAC-SHA256 Credential={account}/20260101/us-east-1/lambda/aws4_request"}
    path = f"/2026-07-09/resource-policy/{arn.replace(':', '%3A')}"
    answer = api.send("PUT", path, json.dumps({"Policy": public}).encode(), scope)
    assert (answer.status, sorted(answer.content)) == (400, ["Message", "Type"])
    assert sids(client, arn) == ["deny"]


def test_a_policy_is_twenty_kilobytes_at_most(client: Any, arn: str, refused: Refused) -> None:
    """As it is written, which may be longer than it was given; also with what is added to it."""
    long = [statement(f"{arn}:{'x' * 1_000}", f"long{number}") for number in range(17)]
    client.put_resource_policy(ResourceArn=arn, Policy=policy(*long))
    code, message = refused(client.add_permission, FunctionName="hello", SourceArn="arn:aws:s3:::" + "p" * 1_000, **S3)
    assert (code, message.endswith(") is bigger than the limit (20480).")) == ("PolicyLengthExceededException", True)
    accented = json.dumps({"Id": "é" * 4_000, "Statement": [statement(arn)]}, ensure_ascii=False)
    assert refused(client.put_resource_policy, ResourceArn=arn, Policy=accented)[0] == "PolicyLengthExceededException"
    assert len(sids(client, arn)) == 17


def test_a_policy_goes_with_what_it_is_of(client: Any, arn: str, active: Active, refused: Refused) -> None:
    """The alias, the function."""
    for place in (arn, f"{arn}:live"):
        client.put_resource_policy(ResourceArn=place, Policy=policy(statement(place)))
    client.delete_alias(FunctionName="hello", Name="live")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert refused(client.get_resource_policy, ResourceArn=f"{arn}:live") == NONE_HERE
    client.delete_function(FunctionName="hello")
    active()
    assert refused(client.get_resource_policy, ResourceArn=arn) == NONE_HERE


def test_a_policy_put_while_a_function_is_being_created_keeps_it_from_nothing(
    client: Any, create: Active, settled: Active, engine: ScriptedEngine
) -> None:
    """It becomes active all the same."""
    held = engine.hold("slow:policy")
    arn = create(Code={"ImageUri": "slow:policy"})["FunctionArn"]
    client.put_resource_policy(ResourceArn=arn, Policy=policy(statement(arn)))
    held.set()
    assert settled()["State"] == "Active"
    assert sids(client, arn) == ["deny"]
