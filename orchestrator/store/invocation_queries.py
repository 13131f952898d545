"""What is asked about invocations. Statements are built once: building one costs more than running it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, tuple_

from orchestrator.domain.invocations import Invocation
from orchestrator.domain.names import FunctionKey
from orchestrator.store.encoding import to_us
from orchestrator.store.invocation_rows import invocation_from
from orchestrator.store.tables import RUNS, WAITS_FOR_ITS_TURN, invocations, payloads


class Target(NamedTuple):
    """
    What of a function an invocation was sent to.

    Args:
        qualifier: As the caller gave it; None means `$LATEST`.
        tenant_id: None if the function does not tell its tenants apart.
    """

    qualifier: str | None = None
    tenant_id: str | None = None


LATEST_OF_NOBODY = Target()
_FOR_EVER = 2**63 - 1
_columns = invocations.c
_OF_FUNCTION: ColumnElement[bool] = (
    (_columns.account == bindparam("account"))
    & (_columns.region == bindparam("region"))
    & (_columns.name == bindparam("name"))
)
_PLACE = (_columns.account, _columns.region, _columns.name, _columns.due_us)

_FIRST_DUE = (
    select(invocations)
    .where(_OF_FUNCTION, WAITS_FOR_ITS_TURN, _columns.due_us <= bindparam("now_us"))
    .where(_columns.qualifier.op("IS")(bindparam("qualifier")), _columns.tenant_id.op("IS")(bindparam("tenant_id")))
    .where(_columns.key.not_in(bindparam("exclude", expanding=True)))
    .order_by(_columns.due_us, _columns.key)
    .limit(bindparam("at_most"))
    .subquery()
)
_DUE = (
    select(_FIRST_DUE, payloads.c.payload)
    .join(payloads, payloads.c.key == _FIRST_DUE.c.key)
    .order_by(_FIRST_DUE.c.due_us, _FIRST_DUE.c.key)
)
_FIRST_ENTRY = select(*_PLACE).where(WAITS_FOR_ITS_TURN).order_by(*_PLACE).limit(1)
_ENTRY_AFTER = _FIRST_ENTRY.where(
    # the due time belongs to it: SQLite seeks past a whole row of the index, not past all that begin alike
    tuple_(*_PLACE) > tuple_(bindparam("account"), bindparam("region"), bindparam("name"), bindparam("due_us"))
)
_LONGEST_DUE = (
    select(_columns.qualifier, _columns.tenant_id)
    .where(_OF_FUNCTION, WAITS_FOR_ITS_TURN, _columns.due_us <= bindparam("now_us"))
    .order_by(_columns.due_us)
    .limit(bindparam("at_most"))
    .subquery()
)
_OF_TARGET = (_LONGEST_DUE.c.qualifier, _LONGEST_DUE.c.tenant_id)
_COUNT_DUE = select(*_OF_TARGET, func.count()).group_by(*_OF_TARGET)
_COUNT_WAITING = select(func.count()).select_from(invocations).where(_OF_FUNCTION, WAITS_FOR_ITS_TURN)
_COUNT_RUNNING = select(func.count()).select_from(invocations).where(_OF_FUNCTION, RUNS)
_ONE = select(invocations).where(_columns.key == bindparam("key"), _columns.random_bits == bindparam("random_bits"))
_PAYLOAD = select(payloads.c.payload).where(payloads.c.key == bindparam("key"))
_GREATEST_KEY = select(func.coalesce(func.max(_columns.key), 0))


def due(
    connection: Connection,
    function: FunctionKey,
    target: Target,
    now: datetime,
    limit: int,
    exclude: Collection[int],
) -> list[tuple[Invocation, bytes]]:
    """What was sent to this and may run now, the longest due first, with payloads."""
    parameters = {
        **_names(function),
        "qualifier": target.qualifier,
        "tenant_id": target.tenant_id,
        "now_us": to_us(now),
        "exclude": list(exclude),
        "at_most": limit,
    }
    return [(invocation_from(row), row._mapping["payload"]) for row in connection.execute(_DUE, parameters)]


def first_due(connection: Connection) -> list[tuple[FunctionKey, int]]:
    """
    Each function with something waiting, and when its first may run, in microseconds since 1970.

    One step a function, however many wait: from its first entry in the index to the next function's.
    """
    found: list[tuple[FunctionKey, int]] = []
    row = connection.execute(_FIRST_ENTRY).first()
    while row is not None:
        account, region, name, due_us = row
        key = FunctionKey(account, region, name)
        found.append((key, due_us))
        row = connection.execute(_ENTRY_AFTER, {**_names(key), "due_us": _FOR_EVER}).first()
    return found


def count_due(connection: Connection, function: FunctionKey, now: datetime, at_most: int) -> dict[Target, int]:
    """How many of a function wait and may run now, by target; of a great many the longest due are counted."""
    rows = connection.execute(_COUNT_DUE, {**_names(function), "now_us": to_us(now), "at_most": at_most})
    return {Target(row.qualifier, row.tenant_id): row[2] for row in rows}


def count_unfinished(connection: Connection, function: FunctionKey) -> int:
    """How many of a function wait or run."""
    waiting: int = connection.execute(_COUNT_WAITING, _names(function)).scalar_one()
    running: int = connection.execute(_COUNT_RUNNING, _names(function)).scalar_one()
    return waiting + running


def find(connection: Connection, key: int, random_bits: int) -> Invocation | None:
    """The invocation of this key, if the rest of its request id is this."""
    row = connection.execute(_ONE, {"key": key, "random_bits": random_bits}).first()
    return None if row is None else invocation_from(row)


def payload(connection: Connection, key: int) -> bytes | None:
    """The payload of this key."""
    found: bytes | None = connection.execute(_PAYLOAD, {"key": key}).scalar()
    return found


def greatest_key(connection: Connection) -> int:
    """The greatest key that exists; retention keeps its row."""
    greatest: int = connection.execute(_GREATEST_KEY).scalar_one()
    return greatest


def _names(function: FunctionKey) -> dict[str, str]:
    return {"account": function.account, "region": function.region, "name": function.name}
