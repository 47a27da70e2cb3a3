"""Browsers that staff have signed in with before

Revision: 0013
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "staff_devices",
        sa.Column("id", sa.Text, nullable=False, comment="SHA-256 of the cookie's secret"),
        sa.Column("staff_id", sa.Text, sa.ForeignKey("staff.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", "staff_id"),
    )
    op.create_index("ix_staff_devices_staff_id", "staff_devices", ["staff_id"])
    op.create_index("ix_staff_devices_used_at", "staff_devices", ["used_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("staff_devices")
