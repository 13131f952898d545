"""
Capacity providers: the instances that an account wants its functions to run on. Values and rules only.

Paddock starts no instances: the host is the capacity. A provider is kept so that templates that make one go through;
a function that asks to run on one is refused by name, so that none only seems to.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.names import lambda_arn

_SETTINGS = frozenset(
    {
        "CapacityProviderScalingConfig",
        "InstanceRequirements",
        "KmsKeyArn",
        "PermissionsConfig",
        "PropagateTags",
        "TelemetryConfig",
        "VpcConfig",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProvider:
    """
    One of them.

    Args:
        settings: Members of the request by AWS's names.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CapacityProvider.html
    """

    arn: str
    settings: Mapping[str, Any]
    last_modified: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


def arn_of(account: str, region: str, name_or_arn: str) -> str:
    """What a caller of this account and region means by a name, or by an ARN."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return lambda_arn(account, region, "capacity-provider", name_or_arn)


def changed(before: Mapping[str, Any], asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The settings after a change: what was asked for replaces what was.

    Raises:
        InvalidParameterValue: If its members contradict each other.
    """
    settings = {**before, **{name: value for name, value in asked.items() if name in _SETTINGS}}
    instances = settings.get("InstanceRequirements", {})
    if instances.get("AllowedInstanceTypes") and instances.get("ExcludedInstanceTypes"):
        raise InvalidParameterValue(
            "AllowedInstanceTypes and ExcludedInstanceTypes cannot both be given in InstanceRequirements."
        )
    scaling = settings.get("CapacityProviderScalingConfig", {})
    if scaling.get("ScalingMode") == "Auto" and scaling.get("ScalingPolicies"):
        raise InvalidParameterValue("A scaling policy can't be specified when the scalingMode is set to Auto.")
    if scaling.get("ScalingMode") == "Manual" and not scaling.get("ScalingPolicies"):
        raise InvalidParameterValue("ScalingPolicies are required when ScalingMode is Manual.")
    return settings
