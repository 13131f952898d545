"""Access keys. (Environment variables become sealed when the store is opened: that needs the secret key.)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0002"
down_revision = "main0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_keys",
        sa.Column("access_key_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_us", sa.Integer, nullable=False),
    )
