"""Whole policies: what is one, what is none, and what lets everybody in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.domain.errors import InvalidParameterValue, PublicPolicy
from orchestrator.domain.policy_documents import read_policy

ARN = "arn:aws:lambda:us-east-1:123456789012:function:hello"
ALLOW_S3 = {
    "Sid": "allow-s3",
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": ARN,
}
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5f"}}
PATHS = {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"]}


def policy(*statements: object, **members: object) -> str:
    """A policy as a text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **members})


def with_members(**members: object) -> dict[str, Any]:
    """The statement, with other members; None takes one away."""
    return {name: value for name, value in (ALLOW_S3 | members).items() if value is not None}


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW_S3,
        with_members(Sid=None),
        with_members(Sid=""),
        with_members(Sid="Grant account 123456789012 its access"),
        with_members(
            Effect="Deny", Resource=[ARN, f"{ARN}:*"], Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}}
        ),
        with_members(Principal="*", Condition=ORGANIZATION),
        with_members(
            Action="lambda:CreateAlias",
            Principal={"AWS": ["arn:aws:iam::444455556666:role/a", "arn:aws:iam::444455556666:role/b", "123456789012"]},
            Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0"}},
        ),
        with_members(Effect="Deny", Principal="*", Condition={"ForAllValues:StringNotLike": PATHS}),
        with_members(Principal="*", Condition={"ForAnyValue:StringLike": PATHS}),
        with_members(Principal={"AWS": "123456789012", "Service": ["s3.amazonaws.com", "events.amazonaws.com"]}),
        with_members(Principal={"Federated": "cognito-identity.amazonaws.com"}),
        with_members(Action=["lambda:Get*", "lambda:InvokeFunction"]),
        with_members(Action="*", Resource="*"),
        with_members(Action=None, NotAction="lambda:InvokeFunction", Effect="Deny"),
        with_members(Resource=None, NotResource=f"{ARN}:1"),
        with_members(Principal=None, NotPrincipal={"AWS": "123456789012"}, Effect="Deny"),
        with_members(
            Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}, "Null": {"aws:TokenIssueTime": True}}
        ),
        with_members(Condition={"DateGreaterThanEquals": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}),
        with_members(Condition={"StringNotEqualsIgnoreCaseIfExists": {"aws:userid": ["a", "b"]}}),
    ],
)
def test_what_the_grammar_allows_is_kept_as_it_is(statement: dict[str, Any]) -> None:
    """AWS's own examples among them."""
    assert read_policy(policy(statement)) == {"Version": "2012-10-17", "Statement": [statement]}


def test_a_policy_needs_nothing_but_statements() -> None:
    """One may stand without a list; blanks mean nothing; what was not said is not added."""
    assert read_policy(f' {{ "Statement" : {json.dumps(ALLOW_S3)} }}\n') == {"Statement": [ALLOW_S3]}
    assert read_policy(policy(ALLOW_S3, Id="mine", Version="2008-10-17"))["Id"] == "mine"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON: "),
        ("{", "it is not JSON: "),
        ("[" * 20_000, "it is not JSON: "),
        ("7", "it is not an object."),
        ("[]", "it is not an object."),
        ("{}", "it has no Statement."),
        (policy(), "it has no Statement."),
        (policy(ALLOW_S3, Version="2012-10-18"), "its Version is none of 2012-10-17, 2008-10-17."),
        (policy(ALLOW_S3, Version=["2012-10-17"]), "its Version is none of 2012-10-17, 2008-10-17."),
        (policy(ALLOW_S3, Id=1), "its Id is not a text."),
        (policy(ALLOW_S3, Statements=[]), "it has an unknown member, Statements."),
        (policy("Allow"), "statement 1 is not an object."),
        (policy(ALLOW_S3, None), "statement 2 is not an object."),
        (policy(ALLOW_S3, ALLOW_S3), "two statements have the same Sid."),
        (policy(with_members(Sid=1)), "the Sid of statement 1 is not a text."),
        (policy(with_members(Effect=None)), "the Effect of statement 1 is neither Allow nor Deny."),
        (policy(with_members(Effect="allow")), "the Effect of statement 1 is neither Allow nor Deny."),
        (policy(with_members(Effekt="Allow")), "statement 1 has an unknown member, Effekt."),
        (policy(with_members(Principal=None)), "statement 1 must have either Principal or NotPrincipal."),
        (policy(with_members(NotPrincipal="*")), "statement 1 must have either Principal or NotPrincipal."),
        (policy(with_members(Principal="123456789012")), "the Principal of statement 1 is neither * nor an object."),
        (policy(with_members(Principal={})), "the Principal of statement 1 is neither * nor an object."),
        (
            policy(with_members(Principal={"AWS": []})),
            "the Principal of statement 1 is neither a text nor a list of texts.",
        ),
        (policy(with_members(Action=None)), "statement 1 must have either Action or NotAction."),
        (policy(with_members(Action="s3:GetObject")), "the Action of statement 1 is none of Lambda's."),
        (
            policy(with_members(Action=["lambda:InvokeFunction", 1])),
            "the Action of statement 1 is neither a text nor a list of texts.",
        ),
        (policy(with_members(Resource=None)), "statement 1 must have either Resource or NotResource."),
        (policy(with_members(Resource="hello")), "the Resource of statement 1 is none of Lambda's."),
        (policy(with_members(Condition=[])), "the Condition of statement 1 is not an object."),
        (policy(with_members(Condition={"Equals": {"a": "b"}})), "statement 1 has an unknown operator, Equals."),
        (policy(with_members(Condition={"StringEquals": "a"})), "the StringEquals of statement 1 is not an object."),
        (
            policy(with_members(Condition={"StringEquals": {"aws:SourceAccount": {"is": "1"}}})),
            "the value of aws:SourceAccount in statement 1 is neither a text nor a list of them.",
        ),
        (
            policy(with_members(Condition={"NumericEquals": {"a": float("inf")}})),
            "the value of a in statement 1 is neither a text nor a list of them.",
        ),
    ],
)
def test_what_is_no_policy_is_refused_with_the_reason(text: str, why: str) -> None:
    """Whatever is wrong first."""
    with pytest.raises(InvalidParameterValue) as refused:
        read_policy(text)
    assert refused.value.message.startswith(f"The policy is malformed: {why}")


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "hello"},
        {"AWS": ["123456789012", "arn:aws:s3:::b"]},
        {"AWS": "arn:aws:iam::123456789012:role/*"},
        {"AWS": "s3.amazonaws.com"},
        {"Service": "*"},
        {"Service": "123456789012"},
        {"Service": "s3.example.com"},
        {"Federated": ""},
        {"User": "ann"},
    ],
)
def test_what_is_no_principal_is_refused_in_awss_words(principal: dict[str, Any]) -> None:
    """As AddPermission does."""
    with pytest.raises(InvalidParameterValue) as refused:
        read_policy(policy(with_members(Principal=principal)))
    assert refused.value.message == ("The provided principal was invalid. Please check the principal and try again.")


EVERYBODY: tuple[dict[str, Any], ...] = (
    {"Principal": "*"},
    {"Principal": {"AWS": "*"}},
    {"Principal": {"AWS": ["123456789012", "*"], "Service": "s3.amazonaws.com"}},
    {"Principal": None, "NotPrincipal": {"AWS": "123456789012"}},
)


@pytest.mark.parametrize("members", EVERYBODY)
@pytest.mark.parametrize(
    "condition",
    [
        None,
        {},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5f"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5f"}},
        {"ForAllValues:StringLike": PATHS},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"StringLike": {"aws:SourceAccount": ["123456789012", "4*"]}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*/*"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"StringEquals": {"aws:SourceAccount": []}},
        {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}},
    ],
)
def test_what_lets_everybody_in_is_refused(members: dict[str, Any], condition: dict[str, Any] | None) -> None:
    """No condition, or none that says who calls."""
    with pytest.raises(PublicPolicy) as refused:
        read_policy(policy(ALLOW_S3, with_members(Sid="all", Condition=condition, **members)))
    assert refused.value.message == (
        "Lambda blocked the creation of this policy because it would grant public access to your function."
    )


@pytest.mark.parametrize("members", EVERYBODY)
@pytest.mark.parametrize(
    "condition",
    [
        ORGANIZATION,
        {"ForAnyValue:StringLike": PATHS},
        {"stringequals": {"AWS:SourceAccount": "123456789012"}},
        {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:123456789012:abc/*"}},
        {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"]}},
        {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        {"Bool": {"lambda:InvokedViaFunctionUrl": True}},
        {"StringLike": {"aws:userid": "*"}, "StringEquals": {"aws:SourceVpce": "vpce-1"}},
    ],
)
def test_who_is_said_by_a_condition_is_not_everybody(members: dict[str, Any], condition: dict[str, Any]) -> None:
    """With values that are fixed. And whoever is denied is let in nowhere."""
    statement = with_members(Condition=condition, **members)
    assert read_policy(policy(statement))["Statement"] == [statement]
    denied = with_members(Effect="Deny", **members)
    assert read_policy(policy(denied))["Statement"] == [denied]
