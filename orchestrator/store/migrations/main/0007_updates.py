"""How many updates came before a version: what it takes for another to be published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0007"
down_revision = "main0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("function_versions", sa.Column("updates", sa.Integer, nullable=False, server_default="0"))
