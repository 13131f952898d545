"""Who runs on this data directory: its owner id, the same for its life, and each start's epoch."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from orchestrator.store.encoding import to_us
from orchestrator.store.tables import settings_kept, starts


@dataclass(frozen=True, slots=True)
class Start:
    """
    This start of the control plane.

    Args:
        epoch: Greater with each start; with the node it names the owner of whatever runs.
        owner: Random, made with the data directory; labels every container as this control plane's.
    """

    epoch: int
    owner: str


def begin(connection: Connection, node: str, now: datetime) -> Start:
    """
    Write down that a control plane starts.

    Args:
        node: The machine's name.
    """
    owner = connection.execute(select(settings_kept.c.value).where(settings_kept.c.name == "owner")).scalar()
    if owner is None:
        owner = secrets.token_hex(8)
        connection.execute(insert(settings_kept).values(name="owner", value=owner))
    result = connection.execute(insert(starts).values(node=node, started_us=to_us(now)))
    (epoch,) = result.inserted_primary_key or (0,)
    return Start(epoch, owner)


def end(connection: Connection, epoch: int, now: datetime) -> None:
    """Write down that it ended cleanly."""
    connection.execute(update(starts).where(starts.c.epoch == epoch).values(ended_us=to_us(now)))
