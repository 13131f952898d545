"""
Aliases: names for versions, and how one shares its invocations between two of them. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.domain.names import FunctionKey


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
