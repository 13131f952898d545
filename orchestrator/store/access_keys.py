"""
Access keys: their secrets sealed, read from memory while requests are checked.

They are made and removed by a command of their own process (`paddock keys`), which may run beside the control plane;
what it wrote is seen here a second later at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, insert, select

from orchestrator.domain.access import AccessKey
from orchestrator.store.database import Database
from orchestrator.store.encoding import from_us, to_text, to_us
from orchestrator.store.sealing import Sealer
from orchestrator.store.tables import access_keys

_SEEN_WITHIN_S = 1.0


class AccessKeys:
    """
    The keys as the control plane sees them.

    Args:
        monotonic: Seconds, for the age of what is in memory.
    """

    def __init__(self, database: Database, sealer: Sealer, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._sealer = sealer
        self._monotonic = monotonic
        self._keys: dict[str, AccessKey] = {}
        self._read_at: float | None = None

    async def find(self, access_key_id: str) -> AccessKey | None:
        """The key of this id, or None if there is none (any more)."""
        await self._refresh()
        return self._keys.get(access_key_id)

    async def any(self) -> bool:
        """Is there a key at all?"""
        await self._refresh()
        return bool(self._keys)

    async def _refresh(self) -> None:
        now = self._monotonic()
        if self._read_at is not None and now - self._read_at < _SEEN_WITHIN_S:
            return
        found = await self._database.read(lambda connection: list_keys(connection, self._sealer))
        self._keys = {one.access_key_id: one for one in found}
        self._read_at = now


def list_keys(connection: Connection, sealer: Sealer) -> Sequence[AccessKey]:
    """Every key, oldest first."""
    rows = connection.execute(select(access_keys).order_by(access_keys.c.created_us, access_keys.c.access_key_id))
    return [
        AccessKey(
            access_key_id=row.access_key_id,
            secret=sealer.open(row.secret, _place(row.access_key_id)),
            account=row.account,
            description=row.description,
            created_at=from_us(row.created_us),
        )
        for row in rows
    ]


def add_key(connection: Connection, sealer: Sealer, key: AccessKey) -> None:
    """Keep a new key, in the connection's transaction."""
    connection.execute(
        insert(access_keys).values(
            access_key_id=key.access_key_id,
            account=key.account,
            secret=sealer.seal(key.secret, _place(key.access_key_id)),
            description=to_text(key.description),
            created_us=to_us(key.created_at),
        )
    )


def remove_key(connection: Connection, access_key_id: str) -> bool:
    """
    Remove a key, in the connection's transaction.

    Returns: False if there was none of this id.
    """
    return connection.execute(delete(access_keys).where(access_keys.c.access_key_id == access_key_id)).rowcount == 1


def _place(access_key_id: str) -> str:
    return f"access_keys/{access_key_id}/secret"
