"""PutProvisionedConcurrencyConfig, Get, List and Delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import Provisioned
from tests.unit.lambda_api.served_api import ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
INVALID, CONFLICT, NOT_FOUND = (
    "InvalidParameterValueException",
    "ResourceConflictException",
    "ResourceNotFoundException",
)
UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
ALREADY = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with versions 1 and 2, and the aliases `live`, which leads to 1, and `dev`, which to `$LATEST`."""
    found: str = active()["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.update_function_configuration(FunctionName="hello", Description="second")
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    client.create_alias(FunctionName="hello", Name="dev", FunctionVersion="$LATEST")
    return found


def put(client: Any, qualifier: str, count: int = 1) -> dict[str, Any]:
    """Ask for so many."""
    return members(
        client.put_provisioned_concurrency_config(
            FunctionName="hello", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )
    )


def get(client: Any, qualifier: str) -> dict[str, Any]:
    """What there is."""
    return members(client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier=qualifier))


def now(api: ServedApi) -> str:
    """The API's time, which other tests move, as AWS writes it here: without fractions."""
    return f"{api.clock.now():%Y-%m-%dT%H:%M:%S}+0000"


def members(answer: dict[str, Any]) -> dict[str, Any]:
    """What AWS's members are."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_what_was_asked_for_is_in_progress_then_ready(client: Any, api: ServedApi, account: str, arn: str) -> None:
    """202 at first; the counts are those of the environments."""
    answer = client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier="live", ProvisionedConcurrentExecutions=3
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    modified = answer["LastModified"]
    asked = {
        "RequestedProvisionedConcurrentExecutions": 3,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": modified,
    }
    assert members(answer) == asked
    assert modified == now(api)
    assert get(client, "live") == asked
    key = FunctionKey(account, "us-east-1", "hello")
    assert api.provisioning.anew == [key]
    api.provisioning.versions[VersionKey(key, "1")] = Provisioned(allocated=2, available=1)
    assert get(client, "live") == asked | {
        "AvailableProvisionedConcurrentExecutions": 1,
        "AllocatedProvisionedConcurrentExecutions": 2,
    }
    api.provisioning.versions[VersionKey(key, "1")] = Provisioned(allocated=3, available=3)
    assert get(client, "live") == asked | {
        "AvailableProvisionedConcurrentExecutions": 3,
        "AllocatedProvisionedConcurrentExecutions": 3,
        "Status": "READY",
    }


def test_a_failure_has_its_reason(client: Any, api: ServedApi, account: str, arn: str) -> None:
    """In AWS's word."""
    put(client, "2")
    version = VersionKey(FunctionKey(account, "us-east-1", "hello"), "2")
    api.provisioning.versions[version] = Provisioned(trouble="FUNCTION_ERROR_INIT_FAILURE")
    found = get(client, "2")
    assert (found["Status"], found["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    asked_again = put(client, "2")
    assert (asked_again["Status"], "StatusReason" in asked_again) == ("IN_PROGRESS", False)


def test_the_qualifier_may_be_in_the_name(client: Any, arn: str) -> None:
    """As everywhere."""
    client.put_provisioned_concurrency_config(
        FunctionName=f"{arn}:live", Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    assert get(client, "live")["RequestedProvisionedConcurrentExecutions"] == 1


def test_a_new_number_takes_the_place_of_the_old_one(client: Any, arn: str) -> None:
    """And does not count twice against the limit."""
    put(client, "1", 900)
    assert put(client, "1", 899)["RequestedProvisionedConcurrentExecutions"] == 899
    assert get(client, "1")["RequestedProvisionedConcurrentExecutions"] == 899


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"Qualifier": "$LATEST"}, INVALID, UNPUBLISHED),
        ({"Qualifier": "dev"}, INVALID, UNPUBLISHED),
        ({"Qualifier": "10"}, NOT_FOUND, "Function not found: {arn}:10"),
        ({"Qualifier": "none"}, NOT_FOUND, "Cannot find alias arn: {arn}:none"),
        ({"FunctionName": "hello-unknown", "Qualifier": "1"}, NOT_FOUND, "Function not found: {arn}-unknown:1"),
        (
            {"FunctionName": "hello-unknown", "Qualifier": "live"},
            NOT_FOUND,
            "Cannot find alias arn: {arn}-unknown:live",
        ),
        (
            {"ProvisionedConcurrentExecutions": 0},
            "ValidationException",
            (
                "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy "
                "constraint: Member must have value greater than or equal to 1"
            ),
        ),
        (
            {"ProvisionedConcurrentExecutions": 1001},
            INVALID,
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000].",
        ),
        (
            {"ProvisionedConcurrentExecutions": 901},
            INVALID,
            (
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
                "its minimum value of [100]."
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused(
    client: Any, arn: str, refused: Refused, given: dict[str, Any], code: str, message: str
) -> None:
    """In AWS's words; nothing is configured."""
    wanted = {"FunctionName": "hello", "Qualifier": "1", "ProvisionedConcurrentExecutions": 1} | given
    assert refused(client.put_provisioned_concurrency_config, **wanted) == (code, message.replace("{arn}", arn))
    assert client.list_provisioned_concurrency_configs(FunctionName="hello")["ProvisionedConcurrencyConfigs"] == []


def test_an_alias_with_weights_is_refused_and_may_get_them_later(client: Any, arn: str, refused: Refused) -> None:
    """While it has them, what is provisioned for it cannot be changed."""
    wanted = {"FunctionName": "hello", "Qualifier": "live", "ProvisionedConcurrentExecutions": 2}
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}}
    client.update_alias(FunctionName="hello", Name="live", **weights)
    message = "Alias with weights can not be used with Provisioned Concurrency"
    assert refused(client.put_provisioned_concurrency_config, **wanted) == (INVALID, message)
    client.update_alias(FunctionName="hello", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    client.put_provisioned_concurrency_config(**wanted)
    client.update_alias(FunctionName="hello", Name="live", **weights)
    assert refused(client.put_provisioned_concurrency_config, **wanted) == (INVALID, message)
    assert get(client, "live")["RequestedProvisionedConcurrentExecutions"] == 2


def test_a_version_is_provisioned_once(client: Any, arn: str, refused: Refused) -> None:
    """By itself or by an alias."""
    wanted = {"FunctionName": "hello", "ProvisionedConcurrentExecutions": 1}
    put(client, "1")
    assert refused(client.put_provisioned_concurrency_config, Qualifier="live", **wanted) == (CONFLICT, ALREADY)
    client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
    put(client, "live")
    assert refused(client.put_provisioned_concurrency_config, Qualifier="1", **wanted) == (
        CONFLICT,
        "Version is pointed by a Provisioned Concurrency alias",
    )
    client.create_alias(FunctionName="hello", Name="other", FunctionVersion="1")
    assert refused(client.put_provisioned_concurrency_config, Qualifier="other", **wanted) == (CONFLICT, ALREADY)


def test_an_alias_takes_it_along_but_not_everywhere(client: Any, arn: str, refused: Refused) -> None:
    """Not to `$LATEST`, nor onto a version that is provisioned already; other aliases may go where they like."""
    put(client, "live")
    client.update_alias(FunctionName="hello", Name="live", FunctionVersion="2")
    assert get(client, "live")["RequestedProvisionedConcurrentExecutions"] == 1
    put(client, "1")
    move = {"FunctionName": "hello", "Name": "live"}
    assert refused(client.update_alias, FunctionVersion="1", **move) == (CONFLICT, ALREADY)
    assert refused(client.update_alias, FunctionVersion="$LATEST", **move) == (INVALID, UNPUBLISHED)
    weights = {"AdditionalVersionWeights": {"1": 0.5}}
    assert refused(client.update_alias, RoutingConfig=weights, **move) == (CONFLICT, ALREADY)
    assert client.get_alias(**move)["FunctionVersion"] == "2"
    client.update_alias(FunctionName="hello", Name="dev", FunctionVersion="1")


def test_within_its_functions_reservation(client: Any, arn: str, refused: Refused) -> None:
    """And the reservation no less than what is provisioned."""
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=3)
    put(client, "1", 2)
    assert refused(
        client.put_provisioned_concurrency_config,
        FunctionName="hello",
        Qualifier="2",
        ProvisionedConcurrentExecutions=2,
    ) == (
        INVALID,
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
    )
    put(client, "2", 1)
    assert refused(client.put_function_concurrency, FunctionName="hello", ReservedConcurrentExecutions=2) == (
        INVALID,
        " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned concurrency [3].",
    )
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=4)


def test_what_is_provisioned_counts_against_the_account_unless_it_is_reserved(
    client: Any, active: Active, arn: str, refused: Refused
) -> None:
    """Each once."""

    def unreserved() -> int:
        found: int = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        return found

    active("other")
    put(client, "1", 500)
    assert unreserved() == 500
    code, message = refused(client.put_function_concurrency, FunctionName="other", ReservedConcurrentExecutions=401)
    assert (code, "below its minimum value of [100]" in message) == (INVALID, True)
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=600)
    assert unreserved() == 400
    client.delete_function_concurrency(FunctionName="hello")
    assert unreserved() == 500
    client.delete_function(FunctionName="hello")
    assert unreserved() == 1000


def test_one_that_is_not_there_is_not_found(client: Any, arn: str, refused: Refused) -> None:
    """With a code of its own, where the version or alias is there."""
    assert refused(client.get_provisioned_concurrency_config, FunctionName="hello", Qualifier="1") == (
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )


@pytest.mark.parametrize("operation", ["get_provisioned_concurrency_config", "delete_provisioned_concurrency_config"])
@pytest.mark.parametrize(
    ("name", "qualifier", "code", "message"),
    [
        ("hello", "10", NOT_FOUND, "Function not found: {arn}:10"),
        ("hello", "none", NOT_FOUND, "Cannot find alias arn: {arn}:none"),
        ("hello-unknown", "1", NOT_FOUND, "Function not found: {arn}-unknown:1"),
        ("hello-unknown", "none", NOT_FOUND, "Cannot find alias arn: {arn}-unknown:none"),
        ("hello", "$LATEST", INVALID, "The function resource provided must be an alias or a published version."),
    ],
)
def test_what_is_asked_of_no_version_is_refused(
    client: Any, arn: str, refused: Refused, operation: str, name: str, qualifier: str, code: str, message: str
) -> None:
    """By what it was looked for as."""
    found = refused(getattr(client, operation), FunctionName=name, Qualifier=qualifier)
    assert found == (code, message.replace("{arn}", arn))


def test_it_is_deleted_also_if_it_is_not_there(client: Any, arn: str, refused: Refused) -> None:
    """204."""
    put(client, "1")
    for _ in range(2):
        answer = client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert refused(client.get_provisioned_concurrency_config, FunctionName="hello", Qualifier="1")[0] == (
            "ProvisionedConcurrencyConfigNotFoundException"
        )


def test_it_goes_with_its_alias_or_version(client: Any, arn: str, refused: Refused) -> None:
    """A new alias of that name begins without."""
    put(client, "live")
    put(client, "2")
    client.delete_alias(FunctionName="hello", Name="live")
    client.delete_function(FunctionName="hello", Qualifier="2")
    assert client.list_provisioned_concurrency_configs(FunctionName="hello")["ProvisionedConcurrencyConfigs"] == []
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert refused(client.get_provisioned_concurrency_config, FunctionName="hello", Qualifier="live")[0] == (
        "ProvisionedConcurrencyConfigNotFoundException"
    )


def test_all_of_a_function_are_listed_page_by_page(client: Any, api: ServedApi, account: str, arn: str) -> None:
    """Each with its ARN and how far it is."""
    client.create_alias(FunctionName="hello", Name="third", FunctionVersion="2")
    put(client, "live", 2)
    put(client, "third", 5)
    version = VersionKey(FunctionKey(account, "us-east-1", "hello"), "1")
    api.provisioning.versions[version] = Provisioned(allocated=2, available=2)
    pages = list(
        client.get_paginator("list_provisioned_concurrency_configs").paginate(
            FunctionName="hello", PaginationConfig={"PageSize": 1}
        )
    )
    assert [len(page["ProvisionedConcurrencyConfigs"]) for page in pages] == [1, 1]
    assert [page["ProvisionedConcurrencyConfigs"][0] for page in pages] == [
        {
            "FunctionArn": f"{arn}:live",
            "RequestedProvisionedConcurrentExecutions": 2,
            "AvailableProvisionedConcurrentExecutions": 2,
            "AllocatedProvisionedConcurrentExecutions": 2,
            "Status": "READY",
            "LastModified": now(api),
        },
        {
            "FunctionArn": f"{arn}:third",
            "RequestedProvisionedConcurrentExecutions": 5,
            "AvailableProvisionedConcurrentExecutions": 0,
            "AllocatedProvisionedConcurrentExecutions": 0,
            "Status": "IN_PROGRESS",
            "LastModified": now(api),
        },
    ]


def test_a_list_of_no_function_is_not_found(client: Any, arn: str, refused: Refused) -> None:
    """By its bare ARN; a page has at most fifty."""
    assert refused(client.list_provisioned_concurrency_configs, FunctionName="hello-unknown") == (
        NOT_FOUND,
        f"Function not found: {arn}-unknown",
    )
    assert refused(client.list_provisioned_concurrency_configs, FunctionName="hello", MaxItems=51)[0] == (
        "ValidationException"
    )


def test_a_qualifier_must_be_given(client: Any, arn: str, api: ServedApi, account: str) -> None:
    """It is no operation on functions."""
    answer = api.send("GET", "/2019-09-30/functions/hello/provisioned-concurrency")
    assert (answer.status, b"qualifier" in answer.body) == (400, True)
