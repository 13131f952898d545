"""
Records of the operations of capacity providers.

Of what they answer to a name that is not there, or is there already, AWS documents the code; the texts are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.lambda_api.operations.record import TIME, Call, NotDeclared, NotMet, Record, Refused, Works

NAMED = {"CapacityProviderName": "mine"}
ARN = "arn:aws:lambda:us-east-1:<account>:capacity-provider:mine"
GIVEN = {
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {"CapacityProviderOperatorRoleArn": "arn:aws:iam::123456789012:role/operator"},
    "InstanceRequirements": {"Architectures": ["x86_64"]},
    "CapacityProviderScalingConfig": {"MaxVCpuCount": 30, "ScalingMode": "Auto"},
}
MADE = (Call("create_capacity_provider", {**NAMED, **GIVEN}),)
TOO_LONG = {"CapacityProviderName": "x" * 141}
NO_SUCH_PROVIDER = f"Capacity provider not found: {ARN}"
NAME_TOO_LONG = (
    f"1 validation error detected: Value '{'x' * 141}' at 'capacityProviderName' failed to satisfy constraint: "
    "Member must have length less than or equal to 140"
)
TOO_SMALL = (
    "1 validation error detected: Value '1' at 'capacityProviderScalingConfig.maxVCpuCount' failed to satisfy "
    "constraint: Member must have value greater than or equal to 2"
)


def _provider(state: str, **changed: Any) -> Mapping[str, Any]:
    return {"CapacityProvider": {**GIVEN, "CapacityProviderArn": ARN, "State": state, "LastModified": TIME, **changed}}


RECORDS = (
    Record(
        operation="CreateCapacityProvider",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateCapacityProvider.html",
        works=Works(members={**NAMED, **GIVEN}, status=202, answer=_provider("Pending")),
        not_found=NotDeclared(),
        conflict=Refused(
            before=MADE,
            members={**NAMED, **GIVEN},
            status=409,
            code="ResourceConflictException",
            message=f"Capacity provider already exists: {ARN}",
        ),
        invalid=Refused(
            members={**NAMED, **GIVEN, "CapacityProviderScalingConfig": {"MaxVCpuCount": 1}},
            status=400,
            code="ValidationException",
            message=TOO_SMALL,
        ),
    ),
    Record(
        operation="GetCapacityProvider",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetCapacityProvider.html",
        works=Works(before=MADE, members=NAMED, answer=_provider("Active")),
        not_found=Refused(
            members=NAMED,
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_PROVIDER,
        ),
        conflict=NotDeclared(),
        invalid=Refused(members=TOO_LONG, status=400, code="ValidationException", message=NAME_TOO_LONG),
    ),
    Record(
        operation="ListCapacityProviders",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListCapacityProviders.html",
        works=Works(
            before=MADE,
            members={"State": "Active"},
            answer={"CapacityProviders": [_provider("Active")["CapacityProvider"]]},
        ),
        not_found=NotDeclared(),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"MaxItems": 51},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '51' at 'maxItems' failed to satisfy constraint: "
                "Member must have value less than or equal to 50"
            ),
        ),
    ),
    Record(
        operation="UpdateCapacityProvider",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateCapacityProvider.html",
        works=Works(
            before=MADE,
            members={**NAMED, "CapacityProviderScalingConfig": {"MaxVCpuCount": 60, "ScalingMode": "Auto"}},
            status=202,
            answer=_provider("Active", CapacityProviderScalingConfig={"MaxVCpuCount": 60, "ScalingMode": "Auto"}),
        ),
        not_found=Refused(
            members={**NAMED, "CapacityProviderScalingConfig": {"MaxVCpuCount": 60}},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_PROVIDER,
        ),
        conflict=NotMet("another operation on the provider is in progress; here each has ended with its answer"),
        invalid=Refused(
            before=MADE,
            members={**NAMED, "CapacityProviderScalingConfig": {"MaxVCpuCount": 1}},
            status=400,
            code="ValidationException",
            message=TOO_SMALL,
        ),
    ),
    Record(
        operation="DeleteCapacityProvider",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteCapacityProvider.html",
        works=Works(before=MADE, members=NAMED, status=202, answer=_provider("Deleting")),
        not_found=Refused(
            members=NAMED,
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_PROVIDER,
        ),
        conflict=NotMet("functions run on the provider; here a function that asks for one is refused by name"),
        invalid=Refused(members=TOO_LONG, status=400, code="ValidationException", message=NAME_TOO_LONG),
    ),
    Record(
        operation="ListFunctionVersionsByCapacityProvider",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionVersionsByCapacityProvider.html",
        works=Works(before=MADE, members=NAMED, answer={"CapacityProviderArn": ARN, "FunctionVersions": []}),
        not_found=Refused(
            members=NAMED,
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_PROVIDER,
        ),
        conflict=NotDeclared(),
        invalid=Refused(members=TOO_LONG, status=400, code="ValidationException", message=NAME_TOO_LONG),
    ),
)
