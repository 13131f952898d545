"""
What may be deleted: read-only questions of retention, each answered within a second however large the file is.

Keys grow with time, so the oldest rows are those with the smallest keys.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, literal, or_, select

from orchestrator.domain.invocations import INVOCATION_MOVES, InvocationState
from orchestrator.domain.names import FunctionKey
from orchestrator.store.history_rows import LIFECYCLE_ROW_BYTES
from orchestrator.store.invocation_queries import greatest_key
from orchestrator.store.tables import invocations, lifecycle, of_function, output, payloads

BATCH_BYTES = 1024 * 1024
"""What one transaction deletes at most, about."""
_WINDOW_ROWS = 4096
_INVOCATION_BYTES = 256
"""What an invocation's row takes, about."""
_ROWS_OUTLIVE_PAYLOADS = 8
"""Short of bytes, invocations are kept this many times as far back as their payloads."""
_FINAL = [state.value for state in InvocationState if INVOCATION_MOVES.is_final(state)]


@dataclass(frozen=True, slots=True)
class Window:
    """
    Some rows that may go, oldest first.

    Args:
        keys: At most `BATCH_BYTES` worth of them.
        last: Everything up to this key has been looked at.
        is_end: Is there nothing more to look at?
    """

    keys: tuple[int, ...]
    last: int
    is_end: bool


def ended(connection: Connection, table: Table, after_key: int, before_key: int | None) -> Window:
    """Invocations that have ended, or payloads of such, in the next window of keys after this one."""
    # the newest row stays: the keys of the next start go on from it
    end = greatest_key(connection)
    if before_key is not None:
        end = min(end, before_key)
    looked_at = (
        select(table.c.key)
        .where(table.c.key > after_key, table.c.key < end)
        .order_by(table.c.key)
        .limit(_WINDOW_ROWS)
        .subquery()
    )
    may_go = (
        select(looked_at.c.key, func.coalesce(func.length(payloads.c.payload), 0))
        .select_from(looked_at)
        .outerjoin(invocations, invocations.c.key == looked_at.c.key)
        .outerjoin(payloads, payloads.c.key == looked_at.c.key)
        .where(or_(invocations.c.state.in_(_FINAL), invocations.c.state.is_(None)))
        .order_by(looked_at.c.key)
    )
    keys: list[int] = []
    size_bytes = 0
    for key, payload_bytes in connection.execute(may_go):
        keys.append(key)
        size_bytes += payload_bytes + _INVOCATION_BYTES
        if size_bytes >= BATCH_BYTES:
            return Window(tuple(keys), last=key, is_end=False)
    count, last = connection.execute(select(func.count(), func.max(looked_at.c.key))).one()
    return Window(tuple(keys), last=last or after_key, is_end=count < _WINDOW_ROWS)


def which_goes_first(connection: Connection) -> Table:
    """Short of bytes: payloads, unless invocations already go back many times as far."""
    oldest_payload = connection.execute(select(func.min(payloads.c.key))).scalar()
    oldest_row = connection.execute(select(func.min(invocations.c.key))).scalar()
    if oldest_payload is None or oldest_row is None:
        return invocations
    # keys, not the clock: they may run ahead of it
    newest = greatest_key(connection)
    rows_go_further = newest - oldest_row > _ROWS_OUTLIVE_PAYLOADS * (newest - oldest_payload)
    return invocations if rows_go_further else payloads


def functions_with_output(connection: Connection) -> list[FunctionKey]:
    """Every function that has output."""
    query = select(output.c.account, output.c.region, output.c.name).distinct()
    return [FunctionKey(*row) for row in connection.execute(query)]


def surplus_output(connection: Connection, function: FunctionKey, limit_bytes: int) -> list[int]:
    """The oldest rows of a function's output, as long as it has more than this; at most `BATCH_BYTES` of them."""
    own = of_function(output, function)
    surplus = connection.execute(select(func.sum(output.c.size_bytes)).where(own)).scalar() or 0
    surplus -= limit_bytes
    ids: list[int] = []
    taken = 0
    if surplus > 0:
        oldest = select(output.c.id, output.c.size_bytes).where(own).order_by(output.c.id).limit(_WINDOW_ROWS)
        for row_id, size_bytes in connection.execute(oldest):
            if taken >= min(surplus, BATCH_BYTES):
                break
            ids.append(row_id)
            taken += size_bytes
    return ids


def oldest_history(connection: Connection, table: Table, before_id: int | None) -> int | None:
    """The last id of at most `BATCH_BYTES` of the oldest rows, or None if none is to go."""
    size = output.c.size_bytes if table is output else literal(LIFECYCLE_ROW_BYTES)
    query = select(table.c.id, size).order_by(table.c.id)
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    last: int | None = None
    taken = 0
    for row_id, size_bytes in connection.execute(query.limit(_WINDOW_ROWS)):
        if taken >= BATCH_BYTES:
            break
        last = row_id
        taken += size_bytes
    return last


def older_history(connection: Connection) -> Table | None:
    """The table whose first row is the oldest."""
    first: dict[Table, int] = {}
    for table in (output, lifecycle):
        row_id = connection.execute(select(func.min(table.c.id))).scalar()
        if row_id is not None:
            first[table] = row_id
    return min(first, key=lambda table: first[table], default=None)


def bytes_in_use(connection: Connection) -> int:
    """What the file would take without its free pages."""
    return (_pragma(connection, "page_count") - free_pages(connection)) * _pragma(connection, "page_size")


def free_pages(connection: Connection) -> int:
    """Pages that are free for reuse, or to be given back."""
    return _pragma(connection, "freelist_count")


def _pragma(connection: Connection, name: str) -> int:
    value: int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return value
