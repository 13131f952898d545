"""
Alembic's environment for both files: runs on the connection it is handed, inside that connection's transaction.

Called by `store/migrating.py` only; `main/` and `history/` are two lines of revisions, one a file.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection = context.config.attributes["connection"]
if not isinstance(connection, Connection):
    raise TypeError("the connection to migrate is handed over in the attributes of Alembic's configuration")
# all or nothing: SQLite can undo a CREATE TABLE
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
