"""What is asked about invocations. Statements are built once: building one costs more than running it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
)

from orchestrator.domain.invocations import Invocation
from orchestrator.domain.names import FunctionKey
from orchestrator.store.encoding import from_us, to_us
from orchestrator.store.invocation_rows import invocation_from
from orchestrator.store.tables import RUNS, SENT_TO, WAITS_FOR_ITS_TURN, invocations, payloads


class Target(NamedTuple):
    """
    What of a function an invocation was sent to.

    Args:
        qualifier: As the caller gave it; None means `$LATEST`.
        tenant_id: None if the function does not tell its tenants apart.
    """

    qualifier: str | None = None
    tenant_id: str | None = None


class DueTargets(NamedTuple):
    """
    Targets of a function that have something due.

    Args:
        in_turn: Those that were come upon, in the order of their turns.
        last: The last one that was looked at, if there may be more behind it; None if all were.
        due: How many may run now, of these and of those that were asked about, at most as many as were to be counted.
        first_accepted: When that one of each of them was accepted which has been due for longest.
    """

    in_turn: Sequence[Target]
    last: Target | None
    due: Mapping[Target, int]
    first_accepted: Mapping[Target, datetime]


LATEST_OF_NOBODY = Target()
_LOOKED_AT_MOST = 1000
"""In one read: of many targets none may have anything due yet."""
_FOR_EVER = 2**63 - 1
_BEFORE_ALL, _BEHIND_ALL = "", "\U0010ffff"
_columns = invocations.c
_OF_FUNCTION: ColumnElement[bool] = (
    (_columns.account == bindparam("account"))
    & (_columns.region == bindparam("region"))
    & (_columns.name == bindparam("name"))
)
_PLACE = (_columns.account, _columns.region, _columns.name, _columns.due_us)

_FIRST_DUE = (
    select(invocations)
    .where(_OF_FUNCTION, WAITS_FOR_ITS_TURN, bindparam("sent_to") == SENT_TO, _columns.due_us <= bindparam("now_us"))
    .where(_columns.key.not_in(bindparam("exclude", expanding=True)))
    .order_by(_columns.due_us, _columns.key)
    .limit(bindparam("at_most"))
    .subquery()
)
_DUE_WITHOUT_PAYLOADS = select(_FIRST_DUE)
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


def _first_behind(sent_to: ColumnElement[str]) -> ScalarSelect[int]:
    first = invocations.alias("first")
    return (
        select(first.c.key)
        .where(first.c.account == bindparam("account"), first.c.region == bindparam("region"))
        .where(first.c.name == bindparam("name"), WAITS_FOR_ITS_TURN)
        .where(sent_to < SENT_TO, bindparam("up_to") >= SENT_TO)
        .order_by(SENT_TO, first.c.due_us)
        .limit(1)
        .scalar_subquery()
    )


_IS_DUE = _columns.due_us <= bindparam("now_us")
_ONE_IF_DUE = type_coerce(_IS_DUE, Integer)
_target = (
    # Labels that no column has: the texts above name columns without their table.
    select(_columns.qualifier.label("to_qualifier"), _columns.tenant_id.label("to_tenant"), SENT_TO.label("sent_to"))
    .add_columns(_columns.accepted_us.label("first_accepted_us"))
    .add_columns(_IS_DUE.label("is_due"), _ONE_IF_DUE.label("found"), literal_column("1", Integer).label("looked_at"))
    .where(_columns.key == _first_behind(bindparam("behind")))
    .cte("target", recursive=True)
)
_LOOK_AT_TARGETS = select(
    _target.union_all(
        select(_columns.qualifier, _columns.tenant_id, SENT_TO, _columns.accepted_us)
        .add_columns(_IS_DUE, _target.c.found + _ONE_IF_DUE, _target.c.looked_at + 1)
        .select_from(_target.join(invocations, _columns.key == _first_behind(_target.c.sent_to)))
        .where(_target.c.found < bindparam("at_most"), _target.c.looked_at < bindparam("look_at"))
    )
)
_asked = func.json_each(bindparam("targets")).table_valued("value")
_COUNT_DUE = select(
    _asked.c.value,
    select(func.count())
    .select_from(
        select(literal_column("1"))
        .select_from(invocations)
        .where(_OF_FUNCTION, WAITS_FOR_ITS_TURN, _asked.c.value == SENT_TO, _IS_DUE)
        .limit(bindparam("count_at_most"))
        .correlate(_asked)
        .subquery()
    )
    .scalar_subquery(),
)
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
    rows = connection.execute(_DUE, _of_target(function, target, now, limit, exclude))
    return [(invocation_from(row), row._mapping["payload"]) for row in rows]


def due_without_payloads(
    connection: Connection,
    function: FunctionKey,
    target: Target,
    now: datetime,
    limit: int,
    exclude: Collection[int],
) -> list[Invocation]:
    """The same without payloads."""
    rows = connection.execute(_DUE_WITHOUT_PAYLOADS, _of_target(function, target, now, limit, exclude))
    return [invocation_from(row) for row in rows]


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


def due_targets(
    connection: Connection,
    function: FunctionKey,
    now: datetime,
    *,
    behind: Target | None,
    at_most: int,
    also: Collection[Target],
    count_at_most: int,
) -> DueTargets:
    """
    Targets of a function that have something due, in turn, and how much.

    One step a target, however much waits for it: from its first entry in the index to the next target's.
    """
    found, last = _look(connection, function, now, behind, None, at_most)
    if behind is not None and last is None:
        more, last = _look(connection, function, now, None, behind, at_most - len(found))
        found |= more
    of = {_sent_to(target): target for target in (*found, *also)}
    parameters = {
        **_names(function),
        "now_us": to_us(now),
        "targets": json.dumps(list(of)),
        "count_at_most": count_at_most,
    }
    counted = connection.execute(_COUNT_DUE, parameters).all() if of else ()
    return DueTargets(list(found), last, {of[sent_to]: due for sent_to, due in counted}, found)


def _look(
    connection: Connection, function: FunctionKey, now: datetime, behind: Target | None, up_to: Target | None, most: int
) -> tuple[dict[Target, datetime], Target | None]:
    parameters = {
        **_names(function),
        "now_us": to_us(now),
        "behind": _BEFORE_ALL if behind is None else _sent_to(behind),
        "up_to": _BEHIND_ALL if up_to is None else _sent_to(up_to),
        "at_most": most,
        "look_at": _LOOKED_AT_MOST,
    }
    rows = connection.execute(_LOOK_AT_TARGETS, parameters).all()
    found = {Target(row.to_qualifier, row.to_tenant): from_us(row.first_accepted_us) for row in rows if row.is_due}
    if rows and (rows[-1].found >= most or rows[-1].looked_at >= _LOOKED_AT_MOST):
        return found, Target(rows[-1].to_qualifier, rows[-1].to_tenant)
    return found, None


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


def _of_target(
    function: FunctionKey, target: Target, now: datetime, limit: int, exclude: Collection[int]
) -> dict[str, object]:
    return {
        **_names(function),
        "sent_to": _sent_to(target),
        "now_us": to_us(now),
        "exclude": list(exclude),
        "at_most": limit,
    }


def _sent_to(target: Target) -> str:
    return f"{target.qualifier or ''} {target.tenant_id or ''}"
