"""
Code signing configs: whose signature an account wants on its zip packages. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.names import lambda_arn

_ID_DIGITS = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSigningConfig:
    """
    One of them.

    Args:
        signing_profile_version_arns: Of AWS Signer; nobody looks them up.
        untrusted_artifact_policy: `Warn` or `Enforce`.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CodeSigningConfig.html
    """

    arn: str
    description: str = ""
    signing_profile_version_arns: tuple[str, ...]
    untrusted_artifact_policy: str = "Warn"
    last_modified: datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def config_id(self) -> str:
        """The end of its ARN."""
        return id_in(self.arn)


def no_code_signing() -> InvalidParameterValue:
    """The refusal for a function that is a container image; there are no others in Paddock."""
    return InvalidParameterValue("Code signing is not supported for functions created with container images.")


def arn_from(account: str, region: str, random: str) -> str:
    """
    A new one's ARN.

    Args:
        random: A fresh UUID.
    """
    config_id = f"csc-{random.replace('-', '')[:_ID_DIGITS]}"
    return lambda_arn(account, region, "code-signing-config", config_id)


def id_in(arn: str) -> str:
    """The id that an ARN ends with."""
    return arn.rpartition(":")[2]
