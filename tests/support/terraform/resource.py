"""
A resource in Terraform's hands: plan, apply, destroy; and what resources of the provider have in common.

Attributes go by their names in Terraform. A block is a dictionary; one that is not there is None. Where order does not
count, there is a set.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, TypeVar

from botocore.exceptions import ClientError

from tests.support.waiting import until

Attributes = Mapping[str, Any]
Differences = dict[str, tuple[Any, Any]]
Value = TypeVar("Value")
NOT_FOUND = "ResourceNotFoundException"
CONFLICT = "ResourceConflictException"
INVALID = "InvalidParameterValueException"


class Resource(ABC):
    """
    One resource of the provider.

    Args:
        client: boto3's, of Lambda.
    """

    defaults: ClassVar[Attributes]
    """Every argument that is read back, with what it is where the configuration does not say."""
    computed: ClassVar[Collection[str]] = ()
    """Arguments that are whatever the API says, where the configuration does not say."""
    unread: ClassVar[Attributes] = {}
    """Arguments that no answer has, with their defaults."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.refusals: list[str] = []
        """The codes of errors after which a call was repeated."""

    @abstractmethod
    def create(self, planned: Attributes) -> None:
        """Make it, and wait until it is there."""

    @abstractmethod
    def read(self) -> dict[str, Any] | None:
        """Its attributes as the API has them; None if it is gone."""

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """Change it in place."""
        raise AssertionError(f"{type(self).__name__} is made anew for {sorted(changes)}, not updated")

    @abstractmethod
    def destroy(self) -> None:
        """Remove it, and wait until it is gone."""

    def with_what_stays(self, name: str, configured: Any, state: Any) -> Any:
        """What an argument is to be: as configured, but for what the provider's schema lets stay as it is."""
        return configured

    def repeated(self, call: Callable[[], Value], *errors: tuple[str, str]) -> Value:
        """
        Call again as long as it is refused with one of these codes and texts; nothing else is borne.

        Returns: The answer.
        """

        def once() -> tuple[Value] | None:
            try:
                return (call(),)
            except ClientError as error:
                code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
                if not any(code == borne and text in message for borne, text in errors):
                    raise
                self.refusals.append(code)
                return None

        answer = until(once, "a refused call goes through")
        assert answer is not None
        return answer[0]

    @staticmethod
    def wait(state: Callable[[], str | None], *, pending: Collection[str], target: Collection[str]) -> None:
        """Ask for the state until it is a target, or nothing if there is no target; others than the pending fail."""

        def has_come() -> bool:
            found = state()
            if found in target or (found is None and not target):
                return True
            assert found in pending, f"{found!r} is neither one of {pending} nor of {target}"
            return False

        until(has_come, f"the state is one of {target}")


class Managed:
    """One resource and its state, which is None until it is made and when it is gone."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.state: dict[str, Any] | None = None

    def plan(self, configured: Attributes) -> Differences:
        """Refresh, then say what differs: as it is, and as it is to be."""
        self.refresh()
        return self._differences(self._planned(configured))

    def apply(self, configured: Attributes) -> Differences:
        """Plan, and do it. Returns what was planned."""
        self.refresh()
        planned = self._planned(configured)
        differences = self._differences(planned)
        if self.state is None:
            self.resource.create(planned)
        elif differences:
            self.resource.update(planned, set(differences))
        self.state = {name: planned[name] for name in self.resource.unread}
        self.refresh()
        assert self.state is not None, "it is not there after it was made"
        return differences

    def destroy(self) -> None:
        """And it is not there afterwards."""
        self.resource.destroy()
        self.refresh()
        assert self.state is None, f"it is still there: {self.state}"

    def refresh(self) -> None:
        """Read it again; what is never read stays as it was configured."""
        if self.state is not None:
            read = self.resource.read()
            kept = {name: self.state[name] for name in self.resource.unread}
            self.state = None if read is None else read | kept

    def _planned(self, configured: Attributes) -> dict[str, Any]:
        known = {**self.resource.defaults, **self.resource.unread}
        assert set(configured) <= set(known), f"there are no arguments {set(configured) - set(known)}"
        planned = {}
        for name, default in known.items():
            wanted = configured.get(name, default)
            if self.state is not None:
                is_kept = name in self.resource.computed and name not in configured
                state = self.state[name]
                wanted = state if is_kept else self.resource.with_what_stays(name, wanted, state)
            planned[name] = wanted
        return planned

    def _differences(self, planned: Attributes) -> Differences:
        state = self.state or dict.fromkeys(planned)
        return {name: (state[name], wanted) for name, wanted in planned.items() if not are_same(state[name], wanted)}


def are_same(one: Any, other: Any) -> bool:
    """Are two values the same to Terraform's SDK? No text, zero, false and nothing are; a block is never nothing."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(are_same(one.get(name), other.get(name)) for name in {*one, *other})
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_same, one, other))
    return bool(one == other) or (not one and not other)


def only_given(**members: Any) -> dict[str, Any]:
    """Without the members that are nothing."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def found_or_none(call: Callable[[], Any], *codes: str) -> Any | None:
    """An answer; None where the API says that there is none."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in {NOT_FOUND, *codes}:
            raise
        return None
