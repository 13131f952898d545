"""
Aliases: names for versions, and how one shares its invocations between two of them. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.names import LATEST, FunctionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """
    A name for a version.

    Args:
        version: Gets what no other version gets.
        weights: Other versions (AWS allows one) with their share of the invocations, 0 to 1.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html
    """

    key: FunctionKey
    name: str
    version: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    revision_id: str

    @property
    def arn(self) -> str:
        """The function's ARN with this alias as its qualifier."""
        return self.key.qualified_arn(self.name)

    @property
    def versions(self) -> frozenset[str]:
        """Every version that it leads to."""
        return frozenset({self.version, *self.weights})

    def routed(self, draw: float) -> str:
        """
        The version that an invocation goes to.

        Args:
            draw: Evenly distributed over 0 to 1, 1 excluded.
        """
        for version, weight in self.weights.items():
            if draw < weight:
                return version
            draw -= weight
        return self.version

    def shares(self) -> Mapping[str, float]:
        """Each version that it leads to with its share of the invocations, 0 to 1."""
        return {**self.weights, self.version: max(0.0, 1.0 - sum(self.weights.values()))}


def check_weights(version: str, weights: Mapping[str, float]) -> None:
    """
    May an alias of this version lead to these as well?

    Raises:
        InvalidParameterValue: If there are too many, it is the same version again, or `$LATEST`.
    """
    if len(weights) > 1:
        raise InvalidParameterValue("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version in weights:
        raise InvalidParameterValue(
            f"Invalid function version {version}. "
            f"Function version {version} is already included in routing configuration."
        )
    if weights and version == LATEST:
        raise InvalidParameterValue("$LATEST is not supported for an alias pointing to more than 1 version")


def draw_from(random: bytes) -> float:
    """
    A number evenly distributed over 0 to 1, 1 excluded.

    Args:
        random: 7 bytes.
    """
    return (int.from_bytes(random) >> 3) / (1 << 53)
