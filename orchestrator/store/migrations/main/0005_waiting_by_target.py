"""What waits is found by what it was sent to as well: by qualifier and tenant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0005"
down_revision = "main0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "invocations_waiting_by_target",
        "invocations",
        ["account", "region", "name", sa.text("coalesce(qualifier, '') || ' ' || coalesce(tenant_id, '')"), "due_us"],
        sqlite_where=sa.text("state IN ('queued', 'retrying') AND invocation_type = 'Event'"),
    )
