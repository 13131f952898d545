"""What code a function has left if the image of an update is not found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "main0006"
down_revision = "main0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("function_versions", sa.Column("image_uri_before", sa.Text))
    op.add_column("function_versions", sa.Column("architecture_before", sa.Text))
    # What was before an update that was under way is not known any more; that its image is to be looked for is.
    op.execute(
        "UPDATE function_versions SET image_uri_before = image_uri, architecture_before = architecture "
        "WHERE last_update_status = 'InProgress'"
    )
