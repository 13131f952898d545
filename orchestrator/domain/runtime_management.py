"""
When a version's runtime is updated. Values, and what an image makes of them.

An image brings its runtime along: nothing of it is ever updated but by another image.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.domain.errors import InvalidParameterValue

AUTO = "Auto"
_MANUAL = "Manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeManagementConfig:
    """
    What is set.

    Args:
        update_runtime_on: `Auto` or `FunctionUpdate`.
    """

    update_runtime_on: str = AUTO


def runtime_management_of(update_runtime_on: str, runtime_version_arn: str | None) -> RuntimeManagementConfig:
    """
    What a version of an image is set to.

    Raises:
        InvalidParameterValue: If it asks for one of AWS's runtime versions, which no image has.
    """
    if update_runtime_on == _MANUAL or runtime_version_arn is not None:
        raise InvalidParameterValue(
            "A runtime version cannot be chosen for a function whose PackageType is Image: its runtime is in the image."
        )
    return RuntimeManagementConfig(update_runtime_on=update_runtime_on)
