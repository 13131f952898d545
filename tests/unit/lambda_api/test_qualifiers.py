"""What the operations on functions answer for a version, an alias or `$LATEST`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with versions 1 and 2, and aliases `live` of both and `dev` of `$LATEST`."""
    found: str = active(Description="one", Tags={"team": "a"})["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.update_function_configuration(FunctionName="hello", Description="two")
    client.publish_version(FunctionName="hello")
    client.update_function_configuration(FunctionName="hello", Description="latest")
    weighted = {"AdditionalVersionWeights": {"2": 0.5}}
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1", RoutingConfig=weighted)
    client.create_alias(FunctionName="hello", Name="dev", FunctionVersion="$LATEST")
    return found


@pytest.mark.parametrize(
    ("qualifier", "version", "description"),
    [
        ("1", "1", "one"),
        ("2", "2", "two"),
        ("live", "1", "one"),
        ("dev", "$LATEST", "latest"),
        ("$LATEST", "$LATEST", "latest"),
    ],
)
def test_a_qualifier_is_answered_with_what_it_leads_to(
    client: Any, arn: str, qualifier: str, version: str, description: str
) -> None:
    """Under the ARN that was asked for, whether it stood in the name or beside it."""
    for named in (
        {"FunctionName": "hello", "Qualifier": qualifier},
        {"FunctionName": f"hello:{qualifier}"},
        {"FunctionName": f"{arn}:{qualifier}", "Qualifier": qualifier},
    ):
        configuration = client.get_function_configuration(**named)
        seen = (configuration["FunctionArn"], configuration["Version"], configuration["Description"])
        assert seen == (f"{arn}:{qualifier}", version, description)
        found = client.get_function(**named)
        configuration.pop("ResponseMetadata")
        assert found["Configuration"] == configuration
        assert found["Tags"] == {"team": "a"}


def test_without_a_qualifier_the_arn_has_none(client: Any, arn: str) -> None:
    """It is `$LATEST` all the same."""
    configuration = client.get_function_configuration(FunctionName="hello")
    assert (configuration["FunctionArn"], configuration["Version"]) == (arn, "$LATEST")


@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration"])
@pytest.mark.parametrize("qualifier", ["1221", "aliasdoesnotexist"])
def test_a_qualifier_of_nothing_is_not_found(
    client: Any, arn: str, refused: Refused, operation: str, qualifier: str
) -> None:
    """With the ARN that was asked for; so is one of a function that is not there."""
    call = getattr(client, operation)
    not_found = "ResourceNotFoundException"
    assert refused(call, FunctionName="hello", Qualifier=qualifier) == (
        not_found,
        f"Function not found: {arn}:{qualifier}",
    )
    assert refused(call, FunctionName="hello-not:$LATEST") == (not_found, f"Function not found: {arn}-not:$LATEST")


def test_an_alias_is_not_deleted_with_delete_function(client: Any, arn: str, refused: Refused) -> None:
    """Whether there is one of the name or not."""
    for qualifier in ("live", "none"):
        assert refused(client.delete_function, FunctionName="hello", Qualifier=qualifier) == (
            "InvalidParameterValueException",
            "Deletion of aliases is not currently supported.",
        )


def test_all_versions_of_all_functions_are_listed(active: Active, client: Any, arn: str) -> None:
    """By name, then `$LATEST`, then numbers; with qualified ARNs."""
    other = active("another")["FunctionArn"]
    listed = client.list_functions(FunctionVersion="ALL")["Functions"]
    every = [f"{other}:$LATEST", f"{arn}:$LATEST", f"{arn}:1", f"{arn}:2"]
    assert [one["FunctionArn"] for one in listed] == every
    pages = client.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1})
    assert [one["FunctionArn"] for page in pages for one in page["Functions"]] == every
    assert [one["FunctionArn"] for one in client.list_functions()["Functions"]] == [other, arn]


@pytest.mark.parametrize("shown", [{}, {"FunctionVersion": "ALL"}])
def test_pages_are_stable_while_functions_are_created(create: Active, client: Any, shown: dict[str, str]) -> None:
    """Nothing is listed twice, nothing that was there all the time is left out."""
    for name in ("b", "d", "f", "h"):
        create(name)
    seen: list[str] = []
    marker: dict[str, str] = {}
    for number in range(10):
        page = client.list_functions(MaxItems=2, **shown, **marker)
        seen += [one["FunctionName"] for one in page["Functions"]]
        for name in (f"a{number}", f"{seen[-1]}-{number}"):
            create(name)
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert len(seen) == len(set(seen))
    assert {"b", "d", "f", "h"} <= set(seen)


@pytest.mark.parametrize("qualifier", ["1", "live", "$LATEST"])
def test_tags_are_the_functions(client: Any, arn: str, refused: Refused, qualifier: str) -> None:
    """AWS refuses those of versions and aliases."""
    message = "Tags on function aliases and versions are not supported. Please specify a function ARN."
    resource = f"{arn}:{qualifier}"
    for call, given in (
        (client.list_tags, {}),
        (client.tag_resource, {"Tags": {"a": "b"}}),
        (client.untag_resource, {"TagKeys": ["a"]}),
    ):
        assert refused(call, Resource=resource, **given) == ("InvalidParameterValueException", message)


@pytest.mark.parametrize("qualifier", ["1", "live", "$LATEST"])
def test_reserved_concurrency_is_the_functions(client: Any, arn: str, refused: Refused, qualifier: str) -> None:
    """AWS refuses that of versions and aliases."""
    assert refused(
        client.put_function_concurrency, FunctionName=f"hello:{qualifier}", ReservedConcurrentExecutions=1
    ) == (
        "InvalidParameterValueException",
        (
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN."
        ),
    )


def test_an_update_is_of_latest_only(client: Any, arn: str, refused: Refused) -> None:
    """A version is immutable."""
    for call, change in (
        (client.update_function_configuration, {"Timeout": 9}),
        (client.update_function_code, {"ImageUri": "hello:latest"}),
        (client.publish_version, {}),
    ):
        assert refused(call, FunctionName="hello:1", **change) == (
            "ResourceNotFoundException",
            f"Function not found: {arn}:1",
        )
