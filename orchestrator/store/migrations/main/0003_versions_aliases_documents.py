"""Published versions, aliases, and what is configured beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0003"
down_revision = "main0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("functions", sa.Column("last_published", sa.Integer, nullable=False, server_default="0"))
    op.add_column("function_versions", sa.Column("options", sa.Text, nullable=False, server_default="{}"))
    op.add_column("function_versions", sa.Column("source_description", sa.Text))
    op.create_table(
        "aliases",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("weights", sa.Text, nullable=False),
        sa.Column("revision_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["account", "region", "name"],
            ["functions.account", "functions.region", "functions.name"],
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "documents",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("documents_of_owner", "documents", ["account", "region", "owner"])
