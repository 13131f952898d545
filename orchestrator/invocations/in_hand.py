"""The events that wait in memory or run, or whose end is being written: by function, and by what they were sent to."""

from __future__ import annotations

from collections.abc import Collection, Set

from orchestrator.domain.invocations import Invocation
from orchestrator.domain.names import FunctionKey
from orchestrator.store.invocation_queries import Target


class InHand:
    """Counted, never a counter: what is held are the invocations' keys."""

    def __init__(self) -> None:
        self._of_function: dict[FunctionKey, set[int]] = {}
        self._of_target: dict[FunctionKey, dict[Target, set[int]]] = {}

    def add(self, invocation: Invocation) -> None:
        """It is, from now on."""
        function = invocation.function
        self._of_function.setdefault(function, set()).add(invocation.key)
        self._of_target.setdefault(function, {}).setdefault(target_of(invocation), set()).add(invocation.key)

    def remove(self, invocation: Invocation) -> None:
        """It is no longer; removing what is not in hand is no error."""
        function, target = invocation.function, target_of(invocation)
        held = self.sent_to(function, target)
        if invocation.key not in held:
            return
        self._of_function[function].remove(invocation.key)
        self._of_target[function][target].remove(invocation.key)
        if not self._of_target[function][target]:
            del self._of_target[function][target]
        if not self._of_function[function]:
            del self._of_function[function], self._of_target[function]

    def count(self, function: FunctionKey) -> int:
        """How many of a function."""
        return len(self._of_function.get(function, ()))

    def sent_to(self, function: FunctionKey, target: Target) -> Set[int]:
        """The keys of those that were sent to this."""
        return self._of_target.get(function, {}).get(target, frozenset())

    def targets(self, function: FunctionKey) -> Collection[Target]:
        """What those of a function were sent to."""
        return self._of_target.get(function, {}).keys()


def target_of(invocation: Invocation) -> Target:
    """What of its function an invocation was sent to."""
    return Target(invocation.qualifier, invocation.tenant_id)
