"""For whom an invocation runs, of a function that isolates its tenants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0004"
down_revision = "main0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("invocations", sa.Column("tenant_id", sa.Text))
