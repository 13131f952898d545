"""Who runs on this data directory: each start's epoch."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, update

from orchestrator.store.encoding import to_us
from orchestrator.store.tables import starts


def begin(connection: Connection, node: str, now: datetime) -> int:
    """
    Write down that a control plane starts; the epoch: greater with each start, with the node it names the owner of
    whatever runs.

    Args:
        node: The machine's name.
    """
    result = connection.execute(insert(starts).values(node=node, started_us=to_us(now)))
    (epoch,) = result.inserted_primary_key or (0,)
    return int(epoch)


def end(connection: Connection, epoch: int, now: datetime) -> None:
    """Write down that it ended cleanly."""
    connection.execute(update(starts).where(starts.c.epoch == epoch).values(ended_us=to_us(now)))
