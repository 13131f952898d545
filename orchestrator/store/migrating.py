"""Brings a database file to the schema of this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from orchestrator.store.schema import SchemaTooNew

_MIGRATIONS = Path(__file__).parent / "migrations"


def check_is_known(revision: str, path: Path, revisions: str) -> None:
    """
    Can a file with this revision be brought up to date?

    Raises:
        SchemaTooNew: If the revision is not in the folder.
    """
    try:
        ScriptDirectory.from_config(_config(revisions)).get_revision(revision)
    except CommandError as unknown:
        raise SchemaTooNew(
            f"database {path} has schema revision {revision}, which this Paddock does not know: a newer version "
            "wrote it; start that version, or set PADDOCK_DATA_DIR to another directory"
        ) from unknown


def migrate(connection: Connection, revisions: str) -> None:
    """Run every revision that the file lacks, in one transaction."""
    config = _config(revisions)
    config.attributes["connection"] = connection
    with connection.begin():
        alembic.command.upgrade(config, "head")


def _config(revisions: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(_MIGRATIONS / revisions).replace("%", "%%"))
    return config
