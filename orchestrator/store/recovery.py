"""
What a start does with the invocations that ran when the control plane ended (D2, D11).

Whatever runs is leased to a start, not to a time: a row that runs under another epoch has lost its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from orchestrator.domain.invocations import Invocation, InvocationState, InvocationType
from orchestrator.domain.retries import RetryPolicy
from orchestrator.store.encoding import to_us
from orchestrator.store.invocation_rows import MOVE_INVOCATIONS, Moved, invocation_from, moved_row
from orchestrator.store.tables import RUNS, WAITS_FOR_ITS_TURN, invocations

SET_ASIDE = "Paddock.SetAside"
"""The error type of an event that was running in so many crashes that it is not tried again."""
MAX_CRASHES = 3
LONGEST_WAIT = RetryPolicy().longest_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """
    What was done.

    Args:
        requeued: Asynchronous invocations that wait again, under the same request id.
        set_aside: Those that are not tried again, for they ran in too many crashes.
        unknown: Synchronous invocations whose end nobody saw.
    """

    requeued: tuple[Invocation, ...]
    set_aside: tuple[Invocation, ...]
    unknown: int


def after_crash(invocation: Invocation, now: datetime, max_crashes: int | None) -> Invocation:
    """
    Decide what follows for an asynchronous invocation that was running in a crash of the control plane.

    The attempt that was cut off is not one of the function's tries. It keeps its place among what is due.

    Args:
        invocation: Running.
        now: When the control plane starts again, UTC.
        max_crashes: With so many it is set aside: it may be what crashes the host. None if the reason of this one is
            known, and it is not to blame.
    """
    if max_crashes is None:
        return invocation.requeued(min(invocation.due_at, now))
    crashes = invocation.crashes + 1
    if crashes < max_crashes:
        return invocation.requeued(min(invocation.due_at, now))._replace(crashes=crashes)
    diagnosis = (
        f"the event was running in {crashes} crashes of the control plane and may be their cause, so it is not tried "
        f"again; look at what {invocation.function.name} does with it, then invoke it anew"
    )
    return invocation.dead_lettered(SET_ASIDE, diagnosis, now)._replace(crashes=crashes)


def recover(
    connection: Connection, epoch: int, now: datetime, max_crashes: int | None, longest_wait: timedelta
) -> Recovered:
    """
    Take everything that runs under another epoch away from its lost owner.

    Args:
        epoch: Of this start; what it runs is left alone.
        longest_wait: What is due later waits for a clock that was set back since, and is due now.
    """
    connection.execute(
        update(invocations)
        .where(WAITS_FOR_ITS_TURN, invocations.c.due_us > to_us(now + longest_wait))
        .values(due_us=to_us(now))
    )
    lost = select(invocations).where(
        RUNS, invocations.c.epoch != epoch, invocations.c.invocation_type == InvocationType.EVENT.value
    )
    moved = [
        after_crash(invocation_from(row), now, max_crashes)
        # sorted here: asked for in order of key, SQLite reads the whole table instead of the index of what runs
        for row in sorted(connection.execute(lost), key=lambda row: int(row._mapping["key"]))
    ]
    MOVE_INVOCATIONS.write(connection, [moved_row(Moved(one, InvocationState.RUNNING)) for one in moved])
    unknown = connection.execute(
        update(invocations)
        .where(RUNS, invocations.c.epoch != epoch, invocations.c.invocation_type != InvocationType.EVENT.value)
        .values(
            state=InvocationState.UNKNOWN.value,
            diagnosis="the control plane ended while the function ran; whether it finished is not known",
            ended_us=to_us(now),
        )
    )
    return Recovered(
        requeued=tuple(one for one in moved if one.state is InvocationState.QUEUED),
        set_aside=tuple(one for one in moved if one.state is InvocationState.DEAD_LETTERED),
        unknown=unknown.rowcount,
    )
