"""ListFunctions and GetFunction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ScriptedEngine

Create = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


def test_an_account_without_functions_lists_none(client: Any) -> None:
    """An empty list and no marker."""
    answer = client.list_functions()
    assert answer["Functions"] == []
    assert "NextMarker" not in answer


def test_a_page_has_fifty_at_most_and_the_paginator_finds_all(create: Create, client: Any) -> None:
    """AWS's page size, whatever was asked for; in the order of names, each once."""
    names = [f"f-{number:03}" for number in range(53)]
    for name in reversed(names):
        create(name)
    first = client.list_functions(MaxItems=10_000)
    assert [one["FunctionName"] for one in first["Functions"]] == names[:50]
    rest = client.list_functions(Marker=first["NextMarker"])
    assert [one["FunctionName"] for one in rest["Functions"]] == names[50:]
    assert "NextMarker" not in rest
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 7})
    assert [one["FunctionName"] for page in pages for one in page["Functions"]] == names


def test_a_page_that_ends_with_the_last_function_has_no_marker(create: Create, client: Any) -> None:
    """Nobody asks for an empty page."""
    create("a")
    create("b")
    assert "NextMarker" not in client.list_functions(MaxItems=2)
    assert "NextMarker" in client.list_functions(MaxItems=1)


def test_a_page_goes_on_when_its_last_function_was_deleted(create: Create, client: Any) -> None:
    """A marker is a place, not a function."""
    for name in ("a", "b", "c"):
        create(name)
    marker = client.list_functions(MaxItems=2)["NextMarker"]
    client.delete_function(FunctionName="b")
    assert [one["FunctionName"] for one in client.list_functions(Marker=marker)["Functions"]] == ["c"]


def test_a_marker_of_ones_own_making_is_refused(client: Any, refused: Refused) -> None:
    """With what to do instead."""
    assert refused(client.list_functions, Marker="é!")[0] == "InvalidParameterValueException"
    code, message = refused(client.list_functions, Marker="/w==")
    assert (code, "begin without one" in message) == ("InvalidParameterValueException", True)


def test_page_sizes_out_of_range_are_refused(client: Any, refused: Refused) -> None:
    """The model's own limits."""
    assert refused(client.list_functions, MaxItems=0)[0] == "ValidationException"
    assert refused(client.list_functions, MaxItems=10_001)[0] == "ValidationException"


def test_lists_leave_the_state_out_as_awss_do(active: Create, client: Any) -> None:
    """State and LastUpdateStatus are for GetFunction."""
    active()
    listed = client.list_functions()["Functions"][0]
    assert not {"State", "StateReason", "LastUpdateStatus"} & set(listed)


def test_get_function_has_code_tags_and_concurrency(active: Create, client: Any) -> None:
    """The tag as deployed, and the image it was then."""
    active(Code={"ImageUri": "localhost:5000/team/hello:v1"}, Tags={"team": "a"})
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=5)
    answer = client.get_function(FunctionName="hello")
    assert answer["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": "localhost:5000/team/hello:v1",
        "ResolvedImageUri": f"localhost:5000/team/hello@sha256:{'a' * 64}",
    }
    assert answer["Tags"] == {"team": "a"}
    assert answer["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert answer["Configuration"]["State"] == "Active"


@pytest.mark.parametrize("qualifier", ["$LATEST", "1", "live"])
@pytest.mark.parametrize("named", ["hello:{0}", "hello"])
def test_get_function_with_a_qualifier_leaves_out_what_is_reserved(
    active: Create, client: Any, qualifier: str, named: str
) -> None:
    """It is the function's: https://github.com/hashicorp/terraform-provider-aws/pull/43753 tells it of AWS."""
    active(Publish=True)
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=5)
    given = {"FunctionName": named.format(qualifier)} | ({"Qualifier": qualifier} if named == "hello" else {})
    assert "Concurrency" not in client.get_function(**given)
    assert "Concurrency" in client.get_function(FunctionName="hello")


def test_get_function_leaves_out_what_there_is_not(active: Create, client: Any) -> None:
    """No tags, no reservation: no members."""
    active(Code={"ImageUri": "localhost:5000/hello"})
    answer = client.get_function(FunctionName="hello")
    assert not {"Tags", "Concurrency"} & set(answer)
    assert answer["Code"]["ResolvedImageUri"].startswith("localhost:5000/hello@sha256:")


def test_a_function_whose_image_was_never_found_has_no_resolved_image(
    create: Create, settled: Create, client: Any, engine: ScriptedEngine
) -> None:
    """There is none."""
    looked_for = engine.hold("nowhere")
    engine.has_not("nowhere")
    create(Code={"ImageUri": "nowhere"})
    looked_for.set()
    settled()
    assert "ResolvedImageUri" not in client.get_function(FunctionName="hello")["Code"]
