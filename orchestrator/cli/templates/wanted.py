"""The values between the parts: what a template wants, what stands, and the calls that lead from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class NotForPaddock(Exception):
    """A resource that is left out; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    One Lambda resource as the template describes it.

    Args:
        type: CloudFormation's, such as AWS::Lambda::Alias.
        name: What people call it, such as `hello:live`.
        target: The API's parameters that say which one it is.
        members: What it should be, in the API's names.
        needs: Logical ids that its values refer to.
    """

    logical_id: str
    type: str
    name: str
    target: Mapping[str, Any]
    members: Mapping[str, Any]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    The same resource as it stands now.

    Args:
        members: In the API's names.
        values: What the API chose, by attribute: a number, a URL, an ARN.
        notes: What Paddock says that it does not do of it.
    """

    members: Mapping[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    One request of the Lambda API.

    Args:
        settles: The function that must be settled before and after.
        only_waits: Does it change nothing, and only wait for what was asked for before?
    """

    operation: str
    parameters: Mapping[str, Any]
    settles: str | None = None
    only_waits: bool = False


class Ask(Protocol):
    """Asks the Lambda API something that changes nothing; None if it is not found."""

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """
        The answer.

        Raises: NotBuilt: if this Paddock does not serve the operation.
        """
        ...


class NotBuilt(Exception):
    """An operation or member that this Paddock refuses with 501; the message is the API's."""


class Kind(Protocol):
    """How resources of one CloudFormation type are made."""

    type: str

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """
        What a resource of the template asks for.

        Raises: NotForPaddock: if nothing can be made of it.
        """
        ...

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """What stands now, or None."""
        ...

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """
        The members that are not as they should be.

        Args:
            follows: Does the code or configuration of its function change first?
        """
        ...

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """Does this change give it another number or ARN, which what refers to it must follow?"""
        ...

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """What creates it (`standing` is None), or changes what differs."""
        ...


def members_that_differ(wanted: Wanted, standing: Standing) -> tuple[str, ...]:
    """Those whose value is another one; in a map, only what the template mentions counts."""
    return tuple(name for name, value in wanted.members.items() if not _agrees(value, standing.members.get(name), name))


def without_empty(value: Any) -> Any:
    """A map without members that say nothing: None, and empty maps, lists and texts."""
    if not isinstance(value, dict):
        return value
    found = {name: without_empty(one) for name, one in value.items()}
    return {name: one for name, one in found.items() if one not in (None, {}, [], "")}


_WHOLE = {"ImageConfig", "RoutingConfig", "Cors", "DestinationConfig", "FilterCriteria", "ScalingConfig"}
"""Maps of which the template says everything: what it does not mention is taken away."""


def _agrees(wanted: Any, standing: Any, name: str = "") -> bool:
    if name == "Environment":
        # A variable whose value is empty is one all the same.
        return _variables_of(wanted) == _variables_of(standing)
    if name in _WHOLE:
        return bool(without_empty(wanted or {}) == without_empty(standing or {}))
    if isinstance(wanted, dict):
        of_standing = standing if isinstance(standing, dict) else {}
        return all(_agrees(one, of_standing.get(key)) for key, one in wanted.items())
    if wanted in ([], "") and standing is None:
        return True
    return bool(wanted == standing)


def _variables_of(environment: Any) -> dict[str, str]:
    return dict((environment or {}).get("Variables") or {})
