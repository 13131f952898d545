"""Reserved concurrency and GetAccountSettings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


def test_a_reservation_is_put_read_and_deleted(active: Active, client: Any) -> None:
    """None at first, none at last."""
    active()
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="hello")
    put = client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=7)
    assert put["ReservedConcurrentExecutions"] == 7
    assert client.get_function_concurrency(FunctionName="hello")["ReservedConcurrentExecutions"] == 7
    assert client.delete_function_concurrency(FunctionName="hello")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="hello")


def test_zero_is_a_reservation(active: Active, client: Any) -> None:
    """It switches a function off; it is not the same as none."""
    active()
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=0)
    assert client.get_function_concurrency(FunctionName="hello")["ReservedConcurrentExecutions"] == 0


def test_a_hundred_stay_unreserved(active: Active, client: Any, refused: Refused) -> None:
    """Counted over all functions of the account; a function's own old reservation does not count twice."""
    active("one")
    active("two")
    client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=900)
    code, message = refused(client.put_function_concurrency, FunctionName="two", ReservedConcurrentExecutions=1)
    assert code == "InvalidParameterValueException"
    assert message == (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100]."
    )
    client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=899)
    client.put_function_concurrency(FunctionName="two", ReservedConcurrentExecutions=1)


def test_what_a_deleted_function_had_reserved_is_free_again(active: Active, client: Any) -> None:
    """At once."""
    active()
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=900)
    client.delete_function(FunctionName="hello")
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


def test_account_settings_count_functions_and_reservations(active: Active, client: Any) -> None:
    """With AWS's published limits."""
    active("one")
    active("two")
    client.put_function_concurrency(FunctionName="two", ReservedConcurrentExecutions=30)
    settings = client.get_account_settings()
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 970,
    }
    assert settings["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 2}


def test_other_accounts_and_regions_reserve_for_themselves(
    active: Active, client: Any, api: ServedApi, account: str
) -> None:
    """A limit is of one account in one region."""
    active()
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=900)
    for other in (api.client(account, "eu-west-1"), api.client("888888888888")):
        assert other.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"FunctionName": "missing", "ReservedConcurrentExecutions": 1}, "ResourceNotFoundException"),
        ({"FunctionName": "missing", "ReservedConcurrentExecutions": -1}, "ValidationException"),
        ({"FunctionName": "missing"}, "ValidationException"),
        ({"FunctionName": "missing", "ReservedConcurrentExecutions": "many"}, "SerializationException"),
    ],
)
def test_a_reservation_that_cannot_be_is_refused(
    client: Any, refused: Refused, arguments: dict[str, Any], code: str
) -> None:
    """No such function; no such number."""
    assert refused(client.put_function_concurrency, **arguments)[0] == code


def test_a_function_that_is_missing_has_no_reservation(client: Any, refused: Refused) -> None:
    """404, also to delete it."""
    for call in (client.get_function_concurrency, client.delete_function_concurrency):
        assert refused(call, FunctionName="missing")[0] == "ResourceNotFoundException"


def test_no_reservation_for_a_function_that_is_missing_or_for_a_version(
    active: Active, client: Any, refused: Refused
) -> None:
    """In AWS's words: to reserve, it looks for `$LATEST`."""
    arn = active()["FunctionArn"]
    assert refused(client.put_function_concurrency, FunctionName="hello-2", ReservedConcurrentExecutions=0) == (
        "ResourceNotFoundException",
        f"Function not found: {arn}-2:$LATEST",
    )
    assert refused(client.get_function_concurrency, FunctionName="hello-2") == (
        "ResourceNotFoundException",
        f"Function not found: {arn}-2",
    )
    message = (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )
    for qualifier in ("$LATEST", "1", "live"):
        found = refused(
            client.put_function_concurrency, FunctionName=f"{arn}:{qualifier}", ReservedConcurrentExecutions=0
        )
        assert found == ("InvalidParameterValueException", message)


@pytest.mark.parametrize("wanted", [901, 1000, 1001, 5000])
def test_more_than_the_account_has_is_refused_in_the_same_words(
    active: Active, client: Any, refused: Refused, wanted: int
) -> None:
    """It leaves fewer than a hundred, too."""
    active()
    found = refused(client.put_function_concurrency, FunctionName="hello", ReservedConcurrentExecutions=wanted)
    assert found == (
        "InvalidParameterValueException",
        (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100]."
        ),
    )
