"""The table of allowed moves that every state machine shares, and its picture for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from operator import attrgetter
from typing import Generic, TypeVar

from orchestrator.domain.errors import IllegalMove

State = TypeVar("State", bound=StrEnum)
Value = TypeVar("Value")


class Moves(Generic[State]):
    """
    Which state may follow which.

    Args:
        table: For each state, the states it may move to. A state without followers is final.
    """

    def __init__(self, table: Mapping[State, Iterable[State]]) -> None:
        self._table = {before: frozenset(after) for before, after in table.items()}

    def allows(self, before: State, after: State) -> bool:
        """Is this move in the table?"""
        return after in self._table[before]

    def check(self, subject: str, before: State, after: State) -> None:
        """
        Refuse what the table does not allow.

        Raises:
            IllegalMove: If the table does not have the move.
        """
        if after not in self._table[before]:
            raise IllegalMove(subject, before, after)

    def pairs(self) -> list[tuple[State, State]]:
        """Every allowed move, in the table's order."""
        return [(before, after) for before, afters in self._table.items() for after in sorted(afters)]

    def is_final(self, state: State) -> bool:
        """Does nothing follow this state?"""
        return not self._table[state]


class Changed(Generic[Value]):
    """
    `dataclasses.replace` for the values of one frozen, slotted class, twice as fast: an invocation is five of them.

    Args:
        kind: The class.
    """

    def __init__(self, kind: type[Value]) -> None:
        names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
        self._kind = kind
        self._values = attrgetter(*names)
        self._setters = [getattr(kind, name).__set__ for name in names]
        self._setter_of = dict(zip(names, self._setters, strict=True))

    def __call__(self, value: Value, **changes: object) -> Value:
        """
        The same value, but for these fields.

        Raises:
            KeyError: If there is no such field.
        """
        changed = object.__new__(self._kind)
        for set_field, field_value in zip(self._setters, self._values(value), strict=True):
            set_field(changed, field_value)
        for name, field_value in changes.items():
            self._setter_of[name](changed, field_value)
        return changed
