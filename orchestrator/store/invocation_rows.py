"""Invocations as rows and back, and the statements that write many of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BindParameter, Row, bindparam, column, insert, literal_column, update, values
from sqlalchemy.sql.expression import CTE

from orchestrator.domain.invocations import Invocation, InvocationState, InvocationType
from orchestrator.domain.names import FunctionKey, request_id_for
from orchestrator.store.encoding import from_us, to_text, to_us
from orchestrator.store.statements import ManyRows
from orchestrator.store.tables import WAITS_FOR_ITS_TURN, invocations, payloads

_RANDOM_BITS = 59


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new invocation with its payload."""

    invocation: Invocation
    payload: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """An invocation that goes from one state to another, if it still is in the first."""

    invocation: Invocation
    before: InvocationState


def stored_state(kind: InvocationType, state: InvocationState) -> str:
    """
    The state a row has: that of the value, but a synchronous invocation runs from the start.

    Its caller's connection is its life: while it waits for an environment it is not work that anybody may claim, and
    after a crash there is nobody left to run it for. So it never enters the index of what waits.
    """
    if kind is not InvocationType.EVENT and state in (InvocationState.QUEUED, InvocationState.RETRYING):
        return InvocationState.RUNNING.value
    return state.value


def random_bits_of(request_id: str) -> int:
    """The part of a request id that is not its key."""
    return int(request_id[19:23] + request_id[24:], 16) & ((1 << _RANDOM_BITS) - 1)


def accepted_row(accepted: Accepted, epoch: int) -> tuple[object, ...]:
    """A row for `INSERT_INVOCATIONS`."""
    one = accepted.invocation
    function = one.function
    return (
        one.key,
        random_bits_of(one.request_id),
        function.account,
        function.region,
        function.name,
        one.qualifier,
        one.invocation_type.value,
        to_us(one.accepted_at),
        to_us(one.due_at),
        stored_state(one.invocation_type, one.state),
        one.attempts,
        one.crashes,
        None if one.is_asynchronous else epoch,
        to_text(one.client_context),
        to_text(one.trace_id),
        to_text(one.caller),
        to_text(one.tenant_id),
    )


def payload_row(accepted: Accepted) -> tuple[object, ...]:
    """A row for `INSERT_PAYLOADS`."""
    return (accepted.invocation.key, accepted.payload)


def attempt_row(invocation: Invocation, epoch: int) -> tuple[object, ...]:
    """A row for `BEGIN_ATTEMPTS`."""
    return (invocation.key, invocation.attempts, epoch)


def moved_row(moved: Moved) -> tuple[object, ...]:
    """A row for `MOVE_INVOCATIONS`."""
    one = moved.invocation
    return (
        one.key,
        stored_state(one.invocation_type, moved.before),
        stored_state(one.invocation_type, one.state),
        one.attempts,
        one.crashes,
        to_us(one.due_at),
        to_text(one.error_type),
        to_text(one.diagnosis),
        None if one.ended_at is None else to_us(one.ended_at),
    )


def invocation_from(row: Row[tuple[object, ...]]) -> Invocation:
    """The value of a row of `invocations`."""
    one = row._mapping
    return Invocation(
        key=one["key"],
        request_id=request_id_for(one["key"], one["random_bits"]),
        function=FunctionKey(one["account"], one["region"], one["name"]),
        qualifier=one["qualifier"],
        invocation_type=InvocationType(one["invocation_type"]),
        accepted_at=from_us(one["accepted_us"]),
        due_at=from_us(one["due_us"]),
        state=InvocationState(one["state"]),
        attempts=one["attempts"],
        crashes=one["crashes"],
        client_context=one["client_context"],
        trace_id=one["trace_id"],
        caller=one["caller"],
        tenant_id=one["tenant_id"],
        error_type=one["error_type"],
        diagnosis=one["diagnosis"],
        ended_at=None if one["ended_us"] is None else from_us(one["ended_us"]),
    )


_ACCEPTED_COLUMNS = (
    "key",
    "random_bits",
    "account",
    "region",
    "name",
    "qualifier",
    "invocation_type",
    "accepted_us",
    "due_us",
    "state",
    "attempts",
    "crashes",
    "epoch",
    "client_context",
    "trace_id",
    "caller",
    "tenant_id",
)
_ATTEMPT_COLUMNS = ("key", "attempts", "epoch")
_MOVED_COLUMNS = (
    "key",
    "before",
    "state",
    "attempts",
    "crashes",
    "due_us",
    "error_type",
    "diagnosis",
    "ended_us",
)


def _given(columns: tuple[str, ...]) -> CTE:
    row: tuple[BindParameter[object], ...] = tuple(bindparam(name) for name in columns)
    return values(*(column(name) for name in columns)).data([row]).cte("given")


_attempt = _given(_ATTEMPT_COLUMNS)
_moved = _given(_MOVED_COLUMNS)

INSERT_INVOCATIONS = ManyRows(
    insert(invocations).values({name: bindparam(name) for name in _ACCEPTED_COLUMNS}), _ACCEPTED_COLUMNS
)
INSERT_PAYLOADS = ManyRows(
    insert(payloads).values(key=bindparam("key"), payload=bindparam("payload")), ("key", "payload")
)
BEGIN_ATTEMPTS = ManyRows(
    update(invocations)
    .where(invocations.c.key == _attempt.c.key, WAITS_FOR_ITS_TURN)
    .values(state=literal_column("'running'"), attempts=_attempt.c.attempts, epoch=_attempt.c.epoch),
    _ATTEMPT_COLUMNS,
)
MOVE_INVOCATIONS = ManyRows(
    update(invocations)
    .where(invocations.c.key == _moved.c.key, invocations.c.state == _moved.c.before)
    .values({name: _moved.c[name] for name in _MOVED_COLUMNS[2:]}),
    _MOVED_COLUMNS,
)
