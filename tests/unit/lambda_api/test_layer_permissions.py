"""Who else may read a version of a layer: the policy as recorded of AWS, and what it permits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi
from tests.unit.lambda_api.test_layers import archive

Refused = Callable[..., tuple[str, str]]
Permit = Callable[..., dict[str, Any]]

OTHERS = "999999999999"
NO_POLICY = ("ResourceNotFoundException", "No policy is associated with the given resource.")
WRONG_REVISION = (
    "PreconditionFailedException",
    (
        "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the "
        "latest Revision Id"
    ),
)


@pytest.fixture
def arn(client: Any) -> str:
    """Of a layer with one version."""
    published = client.publish_layer_version(LayerName="tools", Content={"ZipFile": archive()})
    found: str = published["LayerArn"]
    return found


@pytest.fixture
def permit(client: Any, arn: str) -> Permit:
    """Add a permission to it; what is not said is ordinary."""

    def permit(sid: str = "s1", **members: Any) -> dict[str, Any]:
        values = {"LayerName": "tools", "VersionNumber": 1, "Action": "lambda:GetLayerVersion", "Principal": "*"}
        answer: dict[str, Any] = client.add_layer_version_permission(**(values | {"StatementId": sid} | members))
        return answer

    return permit


def _statement(arn: str, sid: str, principal: Any = "*") -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:GetLayerVersion",
        "Resource": f"{arn}:1",
    }


def test_permissions_are_added_read_and_removed_as_recorded(
    client: Any, arn: str, permit: Permit, refused: Refused
) -> None:
    """Each change is a new revision; without a permission there is no policy."""
    layer = {"LayerName": "tools", "VersionNumber": 1}
    assert refused(client.get_layer_version_policy, **layer) == NO_POLICY
    first = permit()
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert json.loads(first["Statement"]) == _statement(arn, "s1")
    second = permit("s2", RevisionId=first["RevisionId"])
    policy = client.get_layer_version_policy(**layer)
    assert policy["RevisionId"] == second["RevisionId"] != first["RevisionId"]
    assert json.loads(policy["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [_statement(arn, "s1"), _statement(arn, "s2")],
    }
    removed = client.remove_layer_version_permission(StatementId="s2", **layer)
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    left = client.get_layer_version_policy(**layer)
    assert [one["Sid"] for one in json.loads(left["Policy"])["Statement"]] == ["s1"]
    assert left["RevisionId"] != second["RevisionId"]
    client.remove_layer_version_permission(StatementId="s1", RevisionId=left["RevisionId"], **layer)
    assert refused(client.get_layer_version_policy, **layer) == NO_POLICY


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"Principal": OTHERS}, {"Principal": {"AWS": f"arn:aws:iam::{OTHERS}:root"}}),
        (
            {"Principal": f"arn:aws:iam::{OTHERS}:root"},
            {"Principal": {"AWS": f"arn:aws:iam::{OTHERS}:root"}},
        ),
        (
            {"Principal": "*", "OrganizationId": "o-0123456789"},
            {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}}},
        ),
    ],
    ids=["account", "root", "organization"],
)
def test_a_principal_is_written_as_iam_has_it(
    arn: str, permit: Permit, given: dict[str, str], written: dict[str, Any]
) -> None:
    """An account is its root; an organization is a condition."""
    assert json.loads(permit(**given)["Statement"]) == _statement(arn, "s1") | written


def test_another_account_reads_a_version_only_if_it_is_permitted(
    api: ServedApi, client: Any, arn: str, permit: Permit, refused: Refused
) -> None:
    """By its ARN; and it never changes one."""
    other = api.client(OTHERS)
    code, message = refused(other.get_layer_version_by_arn, Arn=f"{arn}:1")
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:iam::{OTHERS}:root is not authorized to perform: lambda:GetLayerVersion on resource: {arn}:1 "
        "because no resource-based policy allows the lambda:GetLayerVersion action"
    )
    permit("not them", StatementId="s0", Principal="888888888888")
    permit("organization", OrganizationId="o-0123456789")
    assert refused(other.get_layer_version, LayerName=arn, VersionNumber=1)[0] == "AccessDeniedException"
    permit("them", Principal=OTHERS)
    assert other.get_layer_version(LayerName=arn, VersionNumber=1)["LayerVersionArn"] == f"{arn}:1"
    assert refused(other.get_layer_version_by_arn, Arn=f"{arn}:2")[0] == "AccessDeniedException"
    assert refused(other.delete_layer_version, LayerName=arn, VersionNumber=1)[0] == "AccessDeniedException"
    assert client.get_layer_version(LayerName="tools", VersionNumber=1)["Version"] == 1


def test_a_statement_id_is_given_once(permit: Permit, refused: Refused) -> None:
    """In AWS's words."""
    permit()
    assert refused(permit) == (
        "ResourceConflictException",
        (
            "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing "
            "statement."
        ),
    )


def test_a_change_of_another_revision_is_refused(client: Any, permit: Permit, refused: Refused) -> None:
    """Whoever else changed the policy meanwhile is not overridden."""
    permit()
    assert refused(permit, sid="s2", RevisionId="wrong") == WRONG_REVISION
    layer = {"LayerName": "tools", "VersionNumber": 1}
    assert refused(client.remove_layer_version_permission, StatementId="s1", RevisionId="x", **layer) == WRONG_REVISION


def test_permissions_of_what_does_not_exist_are_not_found(
    client: Any, arn: str, permit: Permit, refused: Refused
) -> None:
    """The layer, its version, or the statement."""
    permit()
    for name, number, missing in (("nothing", 1, f"{arn[:-5]}nothing:1"), ("tools", 2, f"{arn}:2")):
        told = ("ResourceNotFoundException", f"Layer version {missing} does not exist.")
        layer = {"LayerName": name, "VersionNumber": number}
        assert refused(permit, **layer) == told
        assert refused(client.get_layer_version_policy, **layer) == told
        assert refused(client.remove_layer_version_permission, StatementId="s1", **layer) == told
    assert refused(client.remove_layer_version_permission, LayerName="tools", VersionNumber=1, StatementId="s9") == (
        "ResourceNotFoundException",
        "Statement s9 is not found in resource policy.",
    )


def test_a_policy_has_an_end(client: Any, permit: Permit, refused: Refused) -> None:
    """AWS's 20 KB; what is too much is not kept."""

    def policy() -> str:
        found: str = client.get_layer_version_policy(LayerName="tools", VersionNumber=1)["Policy"]
        return found

    permit("s".ljust(100, "x"))
    first_bytes = len(policy())
    permit("s0".ljust(100, "x"))
    one_bytes = len(policy()) - first_bytes
    fit = (20_480 - first_bytes) // one_bytes
    for number in range(1, fit):
        permit(f"s{number}".ljust(100, "x"))
    assert refused(permit, sid="one-more".ljust(100, "x")) == (
        "PolicyLengthExceededException",
        f"The final policy size ({first_bytes + (fit + 1) * one_bytes}) is bigger than the limit (20480).",
    )
    assert len(json.loads(policy())["Statement"]) == fit + 1


@pytest.mark.parametrize(
    "members",
    [{"Action": "*"}, {"Principal": "me"}, {"StatementId": "a b"}, {"OrganizationId": "us"}],
    ids=["action", "principal", "statement", "organization"],
)
def test_permissions_that_the_model_forbids_are_refused(
    permit: Permit, refused: Refused, members: dict[str, str]
) -> None:
    """Nothing but reading can be permitted."""
    assert refused(permit, **members)[0] == "ValidationException"
