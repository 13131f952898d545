"""CreateAlias, GetAlias, ListAliases, UpdateAlias, DeleteAlias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with versions 1 and 2."""
    found: str = active()["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.update_function_configuration(FunctionName="hello", Description="second")
    client.publish_version(FunctionName="hello")
    return found


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    """What AWS's members are."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_an_alias_is_created_and_found(client: Any, arn: str) -> None:
    """201; what was not given is empty or left out."""
    answer = client.create_alias(
        FunctionName="hello",
        Name="live",
        FunctionVersion="1",
        Description="what runs",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.2}},
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    revision = answer["RevisionId"]
    assert without_metadata(answer) == {
        "AliasArn": f"{arn}:live",
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "what runs",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}},
        "RevisionId": revision,
    }
    assert without_metadata(client.get_alias(FunctionName="hello", Name="live")) == without_metadata(answer)
    plain = client.create_alias(FunctionName="hello", Name="2024-01-02", FunctionVersion="$LATEST", RoutingConfig={})
    assert without_metadata(plain) == {
        "AliasArn": f"{arn}:2024-01-02",
        "Name": "2024-01-02",
        "FunctionVersion": "$LATEST",
        "Description": "",
        "RevisionId": plain["RevisionId"],
    }


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.8, "2": 0.2}}},
            "InvalidParameterValueException",
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
            "InvalidParameterValueException",
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
        ),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
            "InvalidParameterValueException",
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}},
            "ValidationException",
            (
                "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed "
                "to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal "
                "to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression "
                "pattern: [0-9]+, Member must not be null]"
            ),
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"2": 2}}},
            "ValidationException",
            (
                "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to "
                "satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to "
                "1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
            ),
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"2": -1}}},
            "ValidationException",
            (
                "1 validation error detected: Value '{2=-1.0}' at 'routingConfig.additionalVersionWeights' failed to "
                "satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to "
                "1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
            ),
        ),
        (
            {"Name": "2024"},
            "ValidationException",
            (
                "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
            ),
        ),
        ({"FunctionVersion": "10"}, "ResourceNotFoundException", "Function not found: {arn}:10"),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"10": 0.5}}},
            "ResourceNotFoundException",
            "Function not found: {arn}:10",
        ),
        ({"FunctionName": "hello-unknown"}, "ResourceNotFoundException", "Function not found: {arn}-unknown:1"),
        ({"Name": "taken"}, "ResourceConflictException", "Alias already exists: {arn}:taken"),
    ],
)
def test_an_alias_that_cannot_be_is_refused(
    client: Any, arn: str, refused: Refused, given: dict[str, Any], code: str, message: str
) -> None:
    """In AWS's words; nothing is created."""
    client.create_alias(FunctionName="hello", Name="taken", FunctionVersion="2")
    wanted = {"FunctionName": "hello", "Name": "custom", "FunctionVersion": "1"} | given
    assert refused(client.create_alias, **wanted) == (code, message.replace("{arn}", arn))
    assert [one["Name"] for one in client.list_aliases(FunctionName="hello")["Aliases"]] == ["taken"]


def test_latest_is_no_further_version(client: Any, arn: str, refused: Refused) -> None:
    """The model has numbers only."""
    code, message = refused(
        client.create_alias,
        FunctionName="hello",
        Name="custom",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"$LATEST": 0.5}},
    )
    assert (code, "Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights'" in message) == (
        "ValidationException",
        True,
    )


def test_one_member_changes_and_the_others_stay(client: Any, arn: str) -> None:
    """Every update has a new revision, also one that changes nothing."""
    weighted = {"AdditionalVersionWeights": {"2": 0.2}}
    first = client.create_alias(
        FunctionName="hello", Name="live", FunctionVersion="1", Description="a", RoutingConfig=weighted
    )
    same = client.update_alias(FunctionName="hello", Name="live")
    assert without_metadata(same) == without_metadata(first) | {"RevisionId": same["RevisionId"]}
    described = client.update_alias(FunctionName="hello", Name="live", Description="b", RevisionId=same["RevisionId"])
    assert (described["Description"], described["RoutingConfig"]) == ("b", weighted)
    unweighted = client.update_alias(FunctionName="hello", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in unweighted
    moved = client.update_alias(FunctionName="hello", Name="live", FunctionVersion="2")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "b")
    assert len({one["RevisionId"] for one in (first, same, described, unweighted, moved)}) == 5
    assert without_metadata(client.get_alias(FunctionName="hello", Name="live")) == without_metadata(moved)


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"RevisionId": "wrong"},
            "PreconditionFailedException",
            (
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                "retrieve the latest Revision Id"
            ),
        ),
        (
            {"FunctionVersion": "2"},
            "InvalidParameterValueException",
            "Invalid function version 2. Function version 2 is already included in routing configuration.",
        ),
        (
            {"FunctionVersion": "$LATEST"},
            "InvalidParameterValueException",
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
        ({"FunctionVersion": "10"}, "ResourceNotFoundException", "Function not found: {arn}:10"),
        ({"Name": "none"}, "ResourceNotFoundException", "Alias not found: {arn}:none"),
        (
            {"FunctionName": "hello-unknown"},
            "ResourceNotFoundException",
            "Function not found: {arn}-unknown",
        ),
        (
            {"FunctionVersion": "live"},
            "ValidationException",
            (
                "1 validation error detected: Value 'live' at 'functionVersion' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: (\\$LATEST(\\.PUBLISHED)?|[0-9]+)"
            ),
        ),
    ],
)
def test_a_refused_change_changes_nothing(
    client: Any, arn: str, refused: Refused, given: dict[str, Any], code: str, message: str
) -> None:
    """Not even the revision."""
    weighted = {"AdditionalVersionWeights": {"2": 0.2}}
    before = client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1", RoutingConfig=weighted)
    wanted = {"FunctionName": "hello", "Name": "live"} | given
    assert refused(client.update_alias, **wanted) == (code, message.replace("{arn}", arn))
    assert without_metadata(client.get_alias(FunctionName="hello", Name="live")) == without_metadata(before)


def test_aliases_are_listed_by_name_in_pages_and_by_the_version_they_lead_to(
    client: Any, arn: str, refused: Refused
) -> None:
    """A weighted alias leads to both of its versions."""
    assert client.list_aliases(FunctionName="hello")["Aliases"] == []
    for name, version in (("c", "2"), ("a", "1"), ("b", "1")):
        client.create_alias(FunctionName="hello", Name=name, FunctionVersion=version)
    client.update_alias(FunctionName="hello", Name="b", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}})

    def names(**given: Any) -> list[list[str]]:
        pages = client.get_paginator("list_aliases").paginate(FunctionName="hello", **given)
        return [[one["Name"] for one in page["Aliases"]] for page in pages]

    assert names() == [["a", "b", "c"]]
    assert names(MaxItems=2) == [["a", "b"], ["c"]]
    assert names(FunctionVersion="1") == [["a", "b"]]
    assert names(FunctionVersion="2") == [["b", "c"]]
    assert names(FunctionVersion="3") == [[]]
    assert refused(client.list_aliases, FunctionName="none")[0] == "ResourceNotFoundException"
    assert refused(client.list_aliases, FunctionName="hello", MaxItems=0)[0] == "ValidationException"


def test_a_deleted_alias_is_gone(client: Any, arn: str, refused: Refused) -> None:
    """204, also the second time; its version stays, and may be deleted now."""
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    for _ in range(2):
        answer = client.delete_alias(FunctionName="hello", Name="live")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_alias, FunctionName="hello", Name="live") == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {arn}:live",
    )
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert refused(client.delete_alias, FunctionName="none", Name="live")[0] == "ResourceNotFoundException"
    assert refused(client.delete_alias, FunctionName="hello", Name="1")[0] == "ValidationException"
