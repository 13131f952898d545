"""
Statements for many rows: written in SQLAlchemy Core for one row, compiled once, repeated for as many as there are.

Why not executemany: the driver gives the interpreter away and takes it back at each step, and with a busy event loop
each of these turns may cost a switch interval. One statement for all rows is one step. Why not Core's own multi-row
`values()`: it is compiled anew for each call.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.sql import ClauseElement

_EXACT_SIZES = 16
_SIZES = (128, 64, 32, 16)


class ManyRows:
    """
    One statement that writes any number of rows.

    Args:
        statement: For one row, with one `VALUES (…)` of bound parameters and no other bound parameter.
        columns: The parameters' names in the order that rows have them.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect(paramstyle="qmark"))
        positions = getattr(compiled, "positiontup", None)
        if positions != list(columns):
            raise ValueError(f"{statement} binds {positions}, not {list(columns)} in this order")
        self._one_row = "(" + ", ".join("?" * len(columns)) + ")"
        self._before, self._after = str(compiled).split(self._one_row)
        self._sql: dict[int, str] = {}

    def write(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """
        Write these rows.

        Returns: How many rows of the table were inserted or changed.
        """
        # Straight to the driver, inside SQLAlchemy's transaction: half the time in which other threads stand still.
        driver: Any = connection.connection.driver_connection
        changed = 0
        start = 0
        while start < len(rows):
            size = _largest_size(len(rows) - start)
            parameters = tuple(chain.from_iterable(rows[start : start + size]))
            changed += driver.execute(self._for(size), parameters).rowcount
            start += size
        return changed

    def _for(self, size: int) -> str:
        sql = self._sql.get(size)
        if sql is None:
            sql = self._sql[size] = self._before + ", ".join([self._one_row] * size) + self._after
        return sql


def _largest_size(left: int) -> int:
    # few different sizes, so that each statement is prepared once and then found in the driver's cache
    if left <= _EXACT_SIZES:
        return left
    return next(size for size in _SIZES if size <= left)
