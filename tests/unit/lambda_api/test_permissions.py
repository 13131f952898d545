"""AddPermission, RemovePermission, GetPolicy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ScriptedEngine

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
BUCKET = "arn:aws:s3:::photos"
NONE_HERE = ("ResourceNotFoundException", "The resource you requested does not exist.")
OUTDATED = (
    "PreconditionFailedException",
    (
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
        "retrieve the latest Revision Id"
    ),
)


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with version 1 and the alias `live`."""
    found: str = active()["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return found


@pytest.fixture
def statements(client: Any) -> Callable[..., list[str]]:
    """The ids of a policy's statements."""

    def statements(**named: str) -> list[str]:
        policy = json.loads(client.get_policy(**({"FunctionName": "hello"} | named))["Policy"])
        return [one["Sid"] for one in policy["Statement"]]

    return statements


def revision_of(client: Any, **named: str) -> str:
    """What a policy has as its RevisionId."""
    revision: str = client.get_policy(**({"FunctionName": "hello"} | named))["RevisionId"]
    return revision


def test_a_statement_is_added_and_stands_in_the_policy(client: Any, arn: str) -> None:
    """Both as texts of JSON, to the letter as AWS writes them."""
    answer = client.add_permission(FunctionName="hello", SourceArn=BUCKET, **S3)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    statement = (
        '{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",'
        f'"Resource":"{arn}","Condition":{{"ArnLike":{{"AWS:SourceArn":"{BUCKET}"}}}}}}'
    )
    assert answer["Statement"] == statement
    policy = f'{{"Version":"2012-10-17","Id":"default","Statement":[{statement}]}}'
    assert client.get_policy(FunctionName="hello")["Policy"] == policy


@pytest.mark.parametrize(
    ("principal", "written"),
    [
        ("*", "*"),
        ("lambda.amazonaws.com", {"Service": "lambda.amazonaws.com"}),
        ("alexa-appkit.amazon.com", {"Service": "alexa-appkit.amazon.com"}),
        ("states.amazonaws.com.cn", {"Service": "states.amazonaws.com.cn"}),
        ("123456789012", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("arn:aws:iam::123456789012:user/ann", {"AWS": "arn:aws:iam::123456789012:user/ann"}),
        ("arn:aws:sts::123456789012:assumed-role/r/s", {"AWS": "arn:aws:sts::123456789012:assumed-role/r/s"}),
    ],
)
def test_a_principal_is_written_as_what_it_is(client: Any, arn: str, principal: str, written: object) -> None:
    """Everybody, a service, an account, somebody of IAM."""
    answer = client.add_permission(FunctionName="hello", **(S3 | {"Principal": principal}))
    assert json.loads(answer["Statement"])["Principal"] == written


@pytest.mark.parametrize("principal", ["invalid.nonaws.com", "amazonaws.com", "12345678901", "arn:aws:s3:::photos"])
def test_what_is_no_principal_is_refused(client: Any, arn: str, refused: Refused, principal: str) -> None:
    """And nothing is added."""
    assert refused(client.add_permission, FunctionName="hello", **(S3 | {"Principal": principal})) == (
        "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    )
    assert refused(client.get_policy, FunctionName="hello") == NONE_HERE


def test_every_condition_is_written_under_awss_name(client: Any, arn: str) -> None:
    """In AWS's order."""
    url = {"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*"}
    answer = client.add_permission(
        FunctionName="hello",
        SourceArn=BUCKET,
        SourceAccount="123456789012",
        PrincipalOrgID="o-1234567890",
        FunctionUrlAuthType="NONE",
        **url,
    )
    assert answer["Statement"].partition('"Condition":')[2] == (
        '{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE","aws:PrincipalOrgID":"o-1234567890",'
        f'"AWS:SourceAccount":"123456789012"}},"ArnLike":{{"AWS:SourceArn":"{BUCKET}"}}}}}}'
    )
    further: tuple[tuple[dict[str, Any], object], ...] = (
        ({"EventSourceToken": "amzn1.ask.skill.x"}, {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}}),
        ({"InvokedViaFunctionUrl": True}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
        ({"InvokedViaFunctionUrl": False}, {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}),
    )
    for number, (given, written) in enumerate(further):
        answer = client.add_permission(FunctionName="hello", **(S3 | {"StatementId": f"s{number}"} | given))
        assert json.loads(answer["Statement"])["Condition"] == written


def test_function_version_and_alias_have_policies_of_their_own(
    client: Any, arn: str, statements: Callable[..., list[str]], refused: Refused
) -> None:
    """The same statement id may be in each; the resource is what the policy is of."""
    client.add_permission(FunctionName="hello", **S3)
    for qualifier in ("1", "live"):
        assert refused(client.get_policy, FunctionName="hello", Qualifier=qualifier) == NONE_HERE
        answer = client.add_permission(FunctionName=f"hello:{qualifier}", Qualifier=qualifier, **S3)
        assert json.loads(answer["Statement"])["Resource"] == f"{arn}:{qualifier}"
        client.add_permission(FunctionName="hello", Qualifier=qualifier, **(S3 | {"StatementId": "more"}))
        assert statements(Qualifier=qualifier) == ["s3", "more"]
    assert statements() == statements(Qualifier="$LATEST") == ["s3"]


def test_a_policys_revision_is_that_of_what_it_is_of_and_changes_with_it(client: Any, arn: str) -> None:
    """Of the function, a version, an alias; that of the others stays."""
    client.add_permission(FunctionName="hello", **S3)
    first = revision_of(client)
    assert first == client.get_function_configuration(FunctionName="hello")["RevisionId"]
    client.add_permission(FunctionName="hello:1", **S3)
    of_version = client.get_function_configuration(FunctionName="hello:1")["RevisionId"]
    assert of_version == revision_of(client, Qualifier="1")
    before = client.get_alias(FunctionName="hello", Name="live")["RevisionId"]
    client.add_permission(FunctionName="hello:live", RevisionId=before, **S3)
    of_alias = client.get_alias(FunctionName="hello", Name="live")["RevisionId"]
    assert of_alias == revision_of(client, Qualifier="live") != before
    assert revision_of(client) == first
    client.add_permission(FunctionName="hello", RevisionId=first, **(S3 | {"StatementId": "more"}))
    second = revision_of(client)
    client.remove_permission(FunctionName="hello", StatementId="more", RevisionId=second)
    changed = client.update_function_configuration(FunctionName="hello", Description="new")
    assert revision_of(client) == changed["RevisionId"]
    assert len({first, second, of_version, of_alias, changed["RevisionId"]}) == 5


@pytest.mark.parametrize("name", ["hello", "hello:1", "hello:live"])
def test_who_saw_another_revision_changes_nothing(
    client: Any, arn: str, refused: Refused, statements: Callable[..., list[str]], name: str
) -> None:
    """Neither adds nor removes."""
    outdated = {"FunctionName": name, "RevisionId": "wrong"}
    assert refused(client.add_permission, **outdated, **S3) == OUTDATED
    client.add_permission(FunctionName=name, **S3)
    assert refused(client.remove_permission, StatementId="s3", **outdated) == OUTDATED
    assert statements(FunctionName=name) == ["s3"]


def test_statements_are_removed_one_by_one(
    client: Any, arn: str, refused: Refused, statements: Callable[..., list[str]]
) -> None:
    """Without any there is no policy, until one is added again."""
    assert refused(client.remove_permission, FunctionName="hello", StatementId="s3") == (
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )
    for sid in ("a", "b", "c"):
        client.add_permission(FunctionName="hello", **(S3 | {"StatementId": sid}))
    assert refused(client.remove_permission, FunctionName="hello", StatementId="d") == (
        "ResourceNotFoundException",
        "Statement d is not found in resource policy.",
    )
    answer = client.remove_permission(FunctionName="hello", StatementId="b")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert statements() == ["a", "c"]
    client.remove_permission(FunctionName="hello", StatementId="a")
    client.remove_permission(FunctionName="hello", StatementId="c", Qualifier="$LATEST")
    assert refused(client.get_policy, FunctionName="hello") == NONE_HERE
    client.add_permission(FunctionName="hello", **S3)
    assert statements() == ["s3"]


def test_a_second_statement_of_the_same_id_is_refused(client: Any, arn: str, refused: Refused) -> None:
    """Also if it says the same."""
    client.add_permission(FunctionName="hello", **S3)
    assert refused(client.add_permission, FunctionName="hello", **S3) == (
        "ResourceConflictException",
        (
            "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing "
            "statement."
        ),
    )


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"StatementId": "example.com"},
            "ValidationException",
            (
                "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
            ),
        ),
        (
            {"FunctionName": "hello:alias-not-42", "Qualifier": "42"},
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            {"Qualifier": "$LATEST"},
            "InvalidParameterValueException",
            "We currently do not support adding policies for $LATEST.",
        ),
        ({"FunctionName": "none"}, "ResourceNotFoundException", "Function not found: {none}"),
        ({"Qualifier": "42"}, "ResourceNotFoundException", "Function not found: {arn}:42"),
        ({"FunctionName": "hello:none"}, "ResourceNotFoundException", "Cannot find alias arn: {arn}:none"),
        ({"Qualifier": "with-$"}, "ResourceNotFoundException", "Function not found: {arn}:with-$"),
        (
            {"FunctionUrlAuthType": "NONE"},
            "InvalidParameterValueException",
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
        ),
        (
            {"Action": "s3:GetObject"},
            "ValidationException",
            (
                "1 validation error detected: Value 's3:GetObject' at 'action' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])"
            ),
        ),
    ],
)
def test_what_cannot_be_added_is_refused_in_awss_words(
    client: Any, arn: str, refused: Refused, given: dict[str, str], code: str, message: str
) -> None:
    """By name, qualifier, or what it says."""
    told = message.replace("{arn}", arn).replace("{none}", arn.replace("hello", "none"))
    assert refused(client.add_permission, **({"FunctionName": "hello"} | S3 | given)) == (code, told)


def test_what_is_not_there_is_named(client: Any, arn: str, refused: Refused) -> None:
    """AWS words it otherwise for each operation."""
    elsewhere = arn.replace("hello", "none")
    assert refused(client.get_policy, FunctionName="none") == (
        "ResourceNotFoundException",
        f"Function not found: {elsewhere}",
    )
    assert refused(client.get_policy, FunctionName="hello", Qualifier="77") == NONE_HERE
    assert refused(client.remove_permission, FunctionName="none", StatementId="s3") == (
        "ResourceNotFoundException",
        f"No policy found for: {elsewhere}",
    )
    assert refused(client.remove_permission, FunctionName="hello:none", StatementId="s3") == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {arn}:none",
    )


def test_a_policy_is_twenty_kilobytes_at_most(client: Any, arn: str, refused: Refused) -> None:
    """The statement that would be too much is not added; another one still is."""
    sid = "x" * 100
    long = {"SourceArn": "arn:aws:s3:::" + "p" * 9_000}
    for number in range(2):
        client.add_permission(FunctionName="hello", **(S3 | long | {"StatementId": f"{number}{sid[1:]}"}))
    code, message = refused(client.add_permission, FunctionName="hello", **(S3 | long))
    assert code == "PolicyLengthExceededException"
    assert message.startswith("The final policy size (2")
    assert message.endswith(") is bigger than the limit (20480).")
    client.add_permission(FunctionName="hello", **S3)


def test_a_policy_goes_with_what_it_is_of(client: Any, arn: str, active: Active, refused: Refused) -> None:
    """The alias, the version, the function."""
    for name in ("hello", "hello:1", "hello:live"):
        client.add_permission(FunctionName=name, **S3)
    client.delete_alias(FunctionName="hello", Name="live")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="$LATEST")
    assert refused(client.get_policy, FunctionName="hello:live") == NONE_HERE
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert refused(client.get_policy, FunctionName="hello:1") == NONE_HERE
    client.delete_function(FunctionName="hello")
    active()
    assert refused(client.get_policy, FunctionName="hello") == NONE_HERE


def test_a_statement_added_while_a_function_is_being_created_keeps_it_from_nothing(
    client: Any, create: Callable[..., Any], settled: Callable[..., Any], engine: ScriptedEngine
) -> None:
    """It becomes active all the same, and has a revision that both tell."""
    held = engine.hold("slow:latest")
    create(Code={"ImageUri": "slow:latest"})
    client.add_permission(FunctionName="hello", **S3)
    held.set()
    assert settled()["State"] == "Active"
    held = engine.hold("slow:2")
    client.update_function_code(FunctionName="hello", ImageUri="slow:2")
    client.remove_permission(FunctionName="hello", StatementId="s3")
    client.add_permission(FunctionName="hello", **S3)
    held.set()
    assert settled()["LastUpdateStatus"] == "Successful"
    assert revision_of(client) == client.get_function_configuration(FunctionName="hello")["RevisionId"]


@pytest.mark.parametrize(
    ("operation", "given", "member"),
    [
        ("get_policy", {"Qualifier": "a?b"}, "qualifier"),
        ("remove_permission", {"StatementId": "a:b"}, "statementId"),
        ("add_permission", S3 | {"SourceAccount": "12"}, "sourceAccount"),
        ("add_permission", S3 | {"PrincipalOrgID": "o-1"}, "principalOrgID"),
        ("add_permission", S3 | {"Principal": "a b"}, "principal"),
        ("add_permission", S3 | {"EventSourceToken": "a b"}, "eventSourceToken"),
        ("add_permission", S3 | {"SourceArn": "photos"}, "sourceArn"),
    ],
)
def test_what_breaks_the_model_is_named(
    client: Any, arn: str, refused: Refused, operation: str, given: dict[str, Any], member: str
) -> None:
    """Before anything is looked for."""
    code, message = refused(getattr(client, operation), **({"FunctionName": "hello"} | given))
    assert code == "ValidationException"
    assert f"at '{member}' failed to satisfy constraint" in message
