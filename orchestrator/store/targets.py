"""
What a function's settings are set on: the function, one of its versions, or an alias. Is it there, and its revision.

Asked in the transaction that writes the setting: what was deleted meanwhile gets none, which whoever is created by its
name later would have.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, select, update

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.functions import FunctionState, LastUpdateStatus
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.domain.publishing import check_revision
from orchestrator.store.tables import aliases, function_versions, of_function


def check_there(connection: Connection, key: FunctionKey, qualifier: str) -> None:
    """
    Is there such a version or alias?

    Raises:
        ResourceNotFound: If not.
    """
    table, where = _where(key, qualifier)
    if connection.execute(select(table.c.revision_id).where(*where)).first() is None:
        raise not_found(key, qualifier)


def renew_revision(
    connection: Connection, key: FunctionKey, qualifier: str, given: str | None, revision_id: str
) -> bool:
    """
    Give a version or alias another RevisionId, as a change of its policy does.

    Args:
        given: The caller's, which it must still have; None asks for no check.

    Returns: False if it was left: what is being created or updated gets another by itself.
    Raises:
        ResourceNotFound: If it is gone.
        PreconditionFailed: If it has another one than was given.
    """
    table, where = _where(key, qualifier)
    found = connection.execute(select(table).where(*where)).first()
    if found is None:
        raise not_found(key, qualifier)
    check_revision(given, found.revision_id)
    if table is function_versions and (
        found.state == FunctionState.PENDING or found.last_update_status == LastUpdateStatus.IN_PROGRESS
    ):
        return False
    connection.execute(update(table).where(*where).values(revision_id=revision_id))
    return True


def _where(key: FunctionKey, qualifier: str) -> tuple[Table, tuple[ColumnElement[bool], ...]]:
    is_version = qualifier == LATEST or qualifier.isdigit()
    table = function_versions if is_version else aliases
    name = table.c.version if is_version else table.c.alias
    return table, (of_function(table, key), name == qualifier)


def not_found(key: FunctionKey, qualifier: str = LATEST) -> ResourceNotFound:
    """What whoever asks for it is told."""
    return ResourceNotFound(f"Function not found: {key.arn if qualifier == LATEST else key.qualified_arn(qualifier)}")
