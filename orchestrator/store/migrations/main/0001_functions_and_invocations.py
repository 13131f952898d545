"""Functions, their versions, invocations, payloads, starts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings_kept",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "starts",
        sa.Column("epoch", sa.Integer, primary_key=True),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("started_us", sa.Integer, nullable=False),
        sa.Column("ended_us", sa.Integer),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "functions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("reserved_concurrency", sa.Integer),
    )
    op.create_table(
        "function_versions",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("image_uri", sa.Text, nullable=False),
        sa.Column("image_id", sa.Text),
        sa.Column("image_architecture", sa.Text),
        sa.Column("image_size_bytes", sa.Integer),
        sa.Column("image_entry_point", sa.Text),
        sa.Column("image_command", sa.Text),
        sa.Column("image_working_directory", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("memory_mib", sa.Integer, nullable=False),
        sa.Column("timeout_ms", sa.Integer, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("config_entry_point", sa.Text),
        sa.Column("config_command", sa.Text),
        sa.Column("config_working_directory", sa.Text),
        sa.Column("architecture", sa.Text, nullable=False),
        sa.Column("ephemeral_storage_mib", sa.Integer, nullable=False),
        sa.Column("revision_id", sa.Text, nullable=False),
        sa.Column("last_modified_us", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_reason", sa.Text),
        sa.Column("state_reason_code", sa.Text),
        sa.Column("last_update_status", sa.Text, nullable=False),
        sa.Column("last_update_status_reason", sa.Text),
        sa.Column("last_update_status_reason_code", sa.Text),
        sa.ForeignKeyConstraint(
            ["account", "region", "name"],
            ["functions.account", "functions.region", "functions.name"],
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "invocations",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("random_bits", sa.Integer, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("qualifier", sa.Text),
        sa.Column("invocation_type", sa.Text, nullable=False),
        sa.Column("accepted_us", sa.Integer, nullable=False),
        sa.Column("due_us", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer),
        sa.Column("client_context", sa.Text),
        sa.Column("trace_id", sa.Text),
        sa.Column("caller", sa.Text),
        sa.Column("error_type", sa.Text),
        sa.Column("diagnosis", sa.Text),
        sa.Column("ended_us", sa.Integer),
    )
    op.create_index(
        "invocations_waiting",
        "invocations",
        ["account", "region", "name", "due_us"],
        sqlite_where=sa.text("state IN ('queued', 'retrying') AND invocation_type = 'Event'"),
    )
    op.create_index(
        "invocations_running",
        "invocations",
        ["account", "region", "name"],
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "payloads",
        sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
