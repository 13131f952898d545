"""Function output and lifecycle entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "history0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "output",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("environment_id", sa.Text, nullable=False),
        sa.Column("log_stream", sa.Text, nullable=False),
        sa.Column("dropped_bytes", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
    )
    op.create_index("output_of_function", "output", ["account", "region", "name", "id", "size_bytes"])
    op.create_table(
        "lifecycle",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_us", sa.Integer, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("environment_id", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("lifecycle_of_function", "lifecycle", ["account", "region", "name", "id"])
    op.create_index(
        "lifecycle_of_environment",
        "lifecycle",
        ["environment_id", "id"],
        sqlite_where=sa.text("environment_id IS NOT NULL"),
    )
    op.create_index(
        "lifecycle_of_request", "lifecycle", ["request_id", "id"], sqlite_where=sa.text("request_id IS NOT NULL")
    )
