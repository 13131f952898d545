"""The table of allowed moves that every state machine shares, and its picture for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from orchestrator.domain.errors import IllegalMove

State = TypeVar("State", bound=StrEnum)


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

    def check(self, kind: str, identifier: str, before: State, after: State) -> None:
        """
        Refuse what the table does not allow.

        Args:
            kind: Of what moves, for the error; its identifier follows.
        Raises:
            IllegalMove: If the table does not have the move.
        """
        if after not in self._table[before]:
            raise IllegalMove(f"{kind} {identifier}", before, after)

    def pairs(self) -> list[tuple[State, State]]:
        """Every allowed move, in the table's order."""
        return [(before, after) for before, afters in self._table.items() for after in sorted(afters)]

    def is_final(self, state: State) -> bool:
        """Does nothing follow this state?"""
        return not self._table[state]
