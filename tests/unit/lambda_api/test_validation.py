"""
Broken constraints as AWS's answers have them.

The first table, lists of layers and runtimes are as recorded there; environment variables, members of structures in
lists and networks follow from the same rules and were not.
"""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.domain.errors import InvalidParameterValue, ServiceError, ValidationFailed
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.lambda_api.validation import validate
from tests.unit.lambda_api.served_api import ROLE

_MODEL: Any = ServiceModel()._model
_FUNCTION = {"FunctionName": "hello", "Role": ROLE, "Code": {}}


def said(operation: str, parameters: dict[str, Any]) -> ServiceError:
    """The refusal of these parameters."""
    with pytest.raises(ServiceError) as caught:
        validate(_MODEL.operation_model(operation).input_shape, parameters)
    return caught.value


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        (
            "CreateFunction",
            _FUNCTION | {"Role": "r1"},
            (
                "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy "
                r"regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
            ),
        ),
        (
            "UpdateFunctionConfiguration",
            {"FunctionName": "hello", "Role": "r1"},
            (
                "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy "
                r"regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
            ),
        ),
        (
            "CreateFunction",
            _FUNCTION | {"Architectures": ["x86_64", "arm64"]},
            (
                "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
                "Member must have length less than or equal to 1"
            ),
        ),
        (
            "CreateFunction",
            _FUNCTION | {"Architectures": ["X86_64"]},
            (
                "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member "
                "must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member "
                "must not be null]"
            ),
        ),
        (
            "CreateFunction",
            _FUNCTION | {"SnapStart": {"ApplyOn": "invalidOption"}},
            (
                "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy "
                "constraint: Member must satisfy enum value set: [PublishedVersions, None]"
            ),
        ),
        (
            "ListFunctions",
            {"FunctionVersion": "invalid"},
            (
                "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: "
                "Member must satisfy enum value set: [ALL]"
            ),
        ),
        (
            "CreateAlias",
            {"FunctionName": "hello", "FunctionVersion": "1", "Name": "2024"},
            (
                "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
            ),
        ),
        (
            "ListLayers",
            {"CompatibleArchitecture": "archdoesnotexist"},
            (
                "1 validation error detected: Value 'archdoesnotexist' at 'compatibleArchitecture' failed to satisfy "
                "constraint: Member must satisfy enum value set: [x86_64, arm64]"
            ),
        ),
        (
            "CreateFunction",
            _FUNCTION | {"Environment": {"Variables": {"A-B": "secret"}}},
            (
                "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys "
                "must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
            ),
        ),
    ],
)
def test_a_broken_constraint_is_said_to_the_letter(operation: str, parameters: dict[str, Any], message: str) -> None:
    """ValidationException."""
    refusal = said(operation, parameters)
    assert (type(refusal), refusal.message) == (ValidationFailed, message)


def test_several_are_said_at_once() -> None:
    """Runtimes are not wrapped as other lists are, and architectures of layers say nothing of null."""
    message = said(
        "PublishLayerVersion",
        {
            "LayerName": "a",
            "Content": {},
            "CompatibleRuntimes": ["invalidruntime", "nodejs20.x"],
            "CompatibleArchitectures": ["invalidarch", "x86_64"],
        },
    ).message
    number, _, problems = message.partition(": ")
    assert number == "2 validation errors detected"
    architectures, runtimes = sorted(problems.split("; "))
    assert architectures == (
        "Value '[invalidarch, x86_64]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy "
        "constraint: [Member must satisfy enum value set: [x86_64, arm64]]"
    )
    assert runtimes.startswith(
        "Value '[invalidruntime, nodejs20.x]' at 'compatibleRuntimes' failed to satisfy constraint: Member must "
        "satisfy enum value set: [nodejs"
    )


@pytest.mark.parametrize("runtime", ["non-existent-runtime", "PYTHON3.9"])
def test_a_runtime_is_looked_at_by_the_service(runtime: str) -> None:
    """Another error, and another sentence: no number, no quotes. Those that are listed are the model's."""
    for operation, others in (("CreateFunction", _FUNCTION), ("UpdateFunctionConfiguration", {"FunctionName": "a"})):
        refusal = said(operation, others | {"Runtime": runtime})
        assert type(refusal) is InvalidParameterValue
        assert refusal.message.startswith(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs"
        )
        assert refusal.message.endswith("] or be a valid ARN")


def test_the_model_is_heard_before_the_runtime() -> None:
    """Not recorded: what AWS's framework checks comes before its service."""
    refusal = said("CreateFunction", _FUNCTION | {"Runtime": "none", "Timeout": 0})
    assert (type(refusal), "'runtime'" in refusal.message) == (ValidationFailed, False)


def test_a_member_of_a_structure_in_a_list_has_its_number() -> None:
    """Counted from one; a missing one is null."""
    message = said("CreateFunction", _FUNCTION | {"FileSystemConfigs": [{"LocalMountPath": "/tmp/a"}]}).message
    assert message == (
        "2 validation errors detected: Value null at 'fileSystemConfigs.1.member.arn' failed to satisfy constraint: "
        "Member must not be null; Value '/tmp/a' at 'fileSystemConfigs.1.member.localMountPath' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: /mnt/[a-zA-Z0-9-_.]+"
    )


@pytest.mark.parametrize(
    ("vpc", "message"),
    [
        (
            {"SubnetIds": ["bad"]},
            (
                "1 validation error detected: Value '[bad]' at 'vpcConfig.subnetIds' failed to satisfy constraint: "
                "Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have "
                "length greater than or equal to 0, Member must satisfy regular expression pattern: subnet-[0-9a-z]*, "
                "Member must not be null]"
            ),
        ),
        (
            {"SecurityGroupIds": [f"sg-{number}" for number in range(6)]},
            (
                "1 validation error detected: Value '[sg-0, sg-1, sg-2, sg-3, sg-4, sg-5]' at "
                "'vpcConfig.securityGroupIds' failed to satisfy constraint: "
                "Member must have length less than or equal to 5"
            ),
        ),
    ],
)
def test_networks_are_counted_and_named_as_the_model_has_it(vpc: dict[str, Any], message: str) -> None:
    """At most 16 subnets and 5 security groups, of AWS's form."""
    assert said("CreateFunction", _FUNCTION | {"VpcConfig": vpc}).message == message
