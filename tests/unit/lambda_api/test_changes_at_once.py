"""Changes of one thing at the same time, by callers that gave no RevisionId: all are made, none is lost or refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

Active = Callable[..., dict[str, Any]]
MANY = 8
S3 = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with the alias `live`."""
    found: str = active()["FunctionArn"]
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="$LATEST")
    return found


def outcomes(calls: Iterable[Callable[[], Any]]) -> list[str]:
    """What each was answered, all asked at once: the refusal's code, or nothing."""

    def outcome(call: Callable[[], Any]) -> str:
        try:
            call()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(2 * MANY) as threads:
        return list(threads.map(outcome, calls))


def statements(client: Any, **named: str) -> set[str]:
    """The ids in a policy."""
    policy = json.loads(client.get_policy(FunctionName="hello", **named)["Policy"])
    return {one["Sid"] for one in policy["Statement"]}


def test_every_tag_is_kept(client: Any, arn: str) -> None:
    """Those that are added, and those that are taken away."""
    tags = [f"k{number}" for number in range(MANY)]
    assert outcomes(partial(client.tag_resource, Resource=arn, Tags={tag: ""}) for tag in tags) == [""] * MANY
    assert sorted(client.list_tags(Resource=arn)["Tags"]) == tags
    assert outcomes(partial(client.untag_resource, Resource=arn, TagKeys=[tag]) for tag in tags) == [""] * MANY
    assert client.list_tags(Resource=arn)["Tags"] == {}


def test_fifty_tags_are_the_most_however_they_come(client: Any, arn: str) -> None:
    """Each alone would fit."""
    client.tag_resource(Resource=arn, Tags={f"t{number}": "" for number in range(46)})
    asked = (partial(client.tag_resource, Resource=arn, Tags={f"k{number}": ""}) for number in range(MANY))
    assert sorted(outcomes(asked)) == [""] * 4 + ["InvalidParameterValueException"] * 4
    assert len(client.list_tags(Resource=arn)["Tags"]) == 50


def test_every_tag_of_a_mapping_is_kept(client: Any, arn: str) -> None:
    """What is no function has its tags in a document."""
    queue = arn.partition(":lambda:")[0] + ":sqs:us-east-1:123456789012:orders"
    mapping = client.create_event_source_mapping(FunctionName="hello", EventSourceArn=queue)["EventSourceMappingArn"]
    tags = [f"k{number}" for number in range(MANY)]
    assert outcomes(partial(client.tag_resource, Resource=mapping, Tags={tag: ""}) for tag in tags) == [""] * MANY
    assert sorted(client.list_tags(Resource=mapping)["Tags"]) == tags


def test_every_statement_is_added_and_removed(client: Any, arn: str) -> None:
    """AWS would apply one after the other."""
    sids = [f"s{number}" for number in range(MANY)]
    add = partial(client.add_permission, FunctionName="hello", **S3)
    assert outcomes(partial(add, StatementId=sid) for sid in sids) == [""] * MANY
    assert statements(client) == set(sids)
    remove = partial(client.remove_permission, FunctionName="hello")
    assert outcomes(partial(remove, StatementId=sid) for sid in sids[1:]) == [""] * (MANY - 1)
    assert statements(client) == {"s0"}


def test_an_alias_is_updated_whatever_its_policy_becomes_meanwhile(client: Any, arn: str) -> None:
    """A statement gives it another RevisionId, which an update without one does not ask for."""
    add = partial(client.add_permission, FunctionName="hello", Qualifier="live", **S3)
    update = partial(client.update_alias, FunctionName="hello", Name="live")
    sids = [f"s{number}" for number in range(MANY)]
    calls: list[Callable[[], Any]] = []
    for sid in sids:
        calls += [partial(add, StatementId=sid), partial(update, Description=sid)]
    assert outcomes(calls) == [""] * (2 * MANY)
    assert statements(client, Qualifier="live") == set(sids)
    assert client.get_alias(FunctionName="hello", Name="live")["Description"] in sids


@pytest.mark.parametrize("operation", ["update_function_code", "update_function_configuration", "publish_version"])
def test_a_function_is_updated_and_published_whatever_its_policy_becomes_meanwhile(
    active: Active, settled: Active, client: Any, operation: str
) -> None:
    """Statements and tags give `$LATEST` another RevisionId, which a change without one does not ask for."""
    add = partial(client.add_permission, FunctionName="hello", **S3)
    given = {"ImageUri": "hello:latest"} if operation == "update_function_code" else {}
    change = partial(getattr(client, operation), FunctionName="hello", **given)
    untag = partial(client.untag_resource, Resource=active()["FunctionArn"], TagKeys=["any"])
    for turn in range(4):
        calls = [partial(add, StatementId=f"s{turn}-{number}") for number in range(MANY - 1)] + [untag]
        assert outcomes([*calls[: MANY // 2], change, *calls[MANY // 2 :]]) == [""] * (MANY + 1)
        settled()


def test_of_those_who_give_a_revision_one_wins(client: Any, arn: str) -> None:
    """The others are told, of aliases and of policies."""
    refused = "PreconditionFailedException"
    seen = client.get_alias(FunctionName="hello", Name="live")["RevisionId"]
    update = partial(client.update_alias, FunctionName="hello", Name="live", RevisionId=seen)
    answers = outcomes(partial(update, Description=str(number)) for number in range(MANY))
    assert sorted(answers) == [""] + [refused] * (MANY - 1)
    seen = client.get_function_configuration(FunctionName="hello")["RevisionId"]
    add = partial(client.add_permission, FunctionName="hello", RevisionId=seen, **S3)
    answers = outcomes(partial(add, StatementId=f"s{number}") for number in range(MANY))
    assert sorted(answers) == [""] + [refused] * (MANY - 1)
