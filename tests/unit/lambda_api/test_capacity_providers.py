"""Capacity providers are records: kept and shown, and nothing runs on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi

Create = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

NEEDED = {
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {"CapacityProviderOperatorRoleArn": "arn:aws:iam::123456789012:role/operator"},
}
POLICY = {"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 50.5}


@pytest.fixture
def provided(client: Any) -> Create:
    """Create a provider; the provider itself."""

    def provided(name: str = "mine", **members: Any) -> dict[str, Any]:
        answer = client.create_capacity_provider(CapacityProviderName=name, **(NEEDED | members))
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
        provider: dict[str, Any] = answer["CapacityProvider"]
        return provider

    return provided


def test_a_provider_is_active_at_once_and_shows_what_it_was_given(
    api: ServedApi, client: Any, provided: Create, account: str
) -> None:
    """By its name and by its ARN; no function version is ever on it."""
    given = {
        "InstanceRequirements": {"Architectures": ["arm64"], "AllowedInstanceTypes": ["m8g.large"]},
        "CapacityProviderScalingConfig": {
            "ScalingMode": "Manual",
            "MaxVCpuCount": 16,
            "ScalingPolicies": [POLICY],
        },
        "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
        "PropagateTags": {"Mode": "Explicit", "ExplicitTags": {"a": "b"}},
        "TelemetryConfig": {"LoggingConfig": {"SystemLogLevel": "INFO", "LogGroup": "/mine"}},
    }
    created = provided(**given)
    arn = f"arn:aws:lambda:us-east-1:{account}:capacity-provider:mine"
    assert created == NEEDED | given | {
        "CapacityProviderArn": arn,
        "State": "Pending",
        "LastModified": api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    }
    for name in ("mine", arn):
        assert client.get_capacity_provider(CapacityProviderName=name)["CapacityProvider"] == created | {
            "State": "Active"
        }
        on_it = client.list_function_versions_by_capacity_provider(CapacityProviderName=name)
        assert (on_it["CapacityProviderArn"], on_it["FunctionVersions"]) == (arn, [])


def test_no_function_runs_on_a_provider(create: Create, provided: Create, refused: Refused) -> None:
    """It is refused by the member's name, so none only seems to."""
    arn = provided()["CapacityProviderArn"]
    config = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}}
    code, message = refused(create, CapacityProviderConfig=config)
    assert code == "NotImplementedException"
    assert message.startswith("CapacityProviderConfig is not built yet in Paddock")


def test_an_update_changes_what_may_change(client: Any, provided: Create) -> None:
    """What it does not name stays."""
    provided(CapacityProviderScalingConfig={"MaxVCpuCount": 16})
    answer = client.update_capacity_provider(
        CapacityProviderName="mine", CapacityProviderScalingConfig={"MaxVCpuCount": 32}
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    got = client.get_capacity_provider(CapacityProviderName="mine")["CapacityProvider"]
    assert got == answer["CapacityProvider"]
    assert got["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 32}
    assert got["VpcConfig"] == NEEDED["VpcConfig"]


def test_providers_are_listed_by_state_and_in_pages_and_deleted(
    client: Any, provided: Create, refused: Refused
) -> None:
    """The answer to a deletion is the last that is heard of one."""
    for name in ("c", "a", "b"):
        provided(name)
    pages = client.get_paginator("list_capacity_providers").paginate(PaginationConfig={"PageSize": 2}, State="Active")
    listed = [[one["CapacityProviderArn"][-1] for one in page["CapacityProviders"]] for page in pages]
    assert listed == [["a", "b"], ["c"]]
    assert client.list_capacity_providers(State="Failed")["CapacityProviders"] == []
    deleted = client.delete_capacity_provider(CapacityProviderName="a")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert deleted["CapacityProvider"]["State"] == "Deleting"
    assert refused(client.get_capacity_provider, CapacityProviderName="a")[0] == "ResourceNotFoundException"
    provided("a")


@pytest.mark.parametrize("operation", ["get", "update", "delete", "list_function_versions_by"])
def test_a_provider_that_does_not_exist_is_not_found(
    client: Any, account: str, refused: Refused, operation: str
) -> None:
    """Nor is one of another account or region."""
    call = getattr(client, f"{operation}_capacity_provider")
    for name, arn in (
        ("mine", f"arn:aws:lambda:us-east-1:{account}:capacity-provider:mine"),
        ("arn:aws:lambda:eu-west-1:123456789012:capacity-provider:mine",) * 2,
    ):
        assert refused(call, CapacityProviderName=name) == (
            "ResourceNotFoundException",
            f"Capacity provider not found: {arn}",
        )


def test_a_name_is_given_once(provided: Create, account: str, refused: Refused) -> None:
    """By name or by ARN."""
    arn = provided()["CapacityProviderArn"]
    for name in ("mine", arn):
        assert refused(provided, name=name) == (
            "ResourceConflictException",
            f"Capacity provider already exists: {arn}",
        )


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"name": "a b"}, "ValidationException"),
        ({"name": "a" * 141}, "ValidationException"),
        ({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}, "ValidationException"),
        ({"VpcConfig": {"SubnetIds": ["net"], "SecurityGroupIds": []}}, "ValidationException"),
        ({"PermissionsConfig": {}}, "ValidationException"),
        ({"CapacityProviderScalingConfig": {"MaxVCpuCount": 1}}, "ValidationException"),
        ({"name": "arn:aws:lambda:us-east-1:123456789012:capacity-provider:mine"}, "InvalidParameterValueException"),
        ({"CapacityProviderScalingConfig": {"ScalingMode": "Manual"}}, "InvalidParameterValueException"),
        (
            {"CapacityProviderScalingConfig": {"ScalingMode": "Auto", "ScalingPolicies": [POLICY]}},
            "InvalidParameterValueException",
        ),
        (
            {"InstanceRequirements": {"AllowedInstanceTypes": ["m8g.*"], "ExcludedInstanceTypes": ["m7g.*"]}},
            "InvalidParameterValueException",
        ),
        ({"Tags": {f"t{number}": "" for number in range(51)}}, "InvalidParameterValueException"),
    ],
    ids=["name", "long", "subnets", "subnet", "role", "cpus", "foreign", "manual", "auto", "types", "tags"],
)
def test_a_provider_of_the_wrong_form_is_refused(
    client: Any, provided: Create, refused: Refused, members: dict[str, Any], code: str
) -> None:
    """And not kept."""
    assert refused(provided, **members)[0] == code
    assert client.list_capacity_providers()["CapacityProviders"] == []
