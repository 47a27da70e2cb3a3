"""What the indexes read of passages: their kind, their terms, and for whom they are

Passages are derived: they are dropped here, and made anew from the published articles at the next start.

Revision: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("delete from passages")
    op.drop_column("passages", "is_title")
    for name in ("kind", "terms", "audience"):
        op.add_column("passages", sa.Column(name, sa.Text(), nullable=False))
    for name in ("plans", "product_versions"):
        op.add_column("passages", sa.Column(name, ARRAY(sa.Text()), nullable=False))


def downgrade() -> None:
    """Take back."""
    op.execute("delete from passages")
    for name in ("product_versions", "plans", "audience", "terms", "kind"):
        op.drop_column("passages", name)
    op.add_column("passages", sa.Column("is_title", sa.Boolean(), nullable=False))
