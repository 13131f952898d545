"""
The revision of the schema that each database file has to have. Asked at every start; what brings a file there is in
`migrating.py`, which is loaded only for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Connection, inspect, text

from orchestrator.domain.errors import PaddockError

HEADS: Mapping[str, str] = MappingProxyType({"main": "main0007", "history": "history0001"})
"""The last revision in each folder of `migrations/`."""


class SchemaTooNew(PaddockError):
    """A database was written by a newer Paddock; the message says which and what helps."""


def revision_of(connection: Connection) -> str | None:
    """The revision that a file has; None for one without tables."""
    with connection.begin():
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return revision
