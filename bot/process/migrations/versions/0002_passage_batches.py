"""passages know their batch, their sentences, and whether they stand for a title

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Passages are derived: they are made again at the next start."""
    op.execute("delete from passages")
    op.add_column("passages", sa.Column("language", sa.Text(), nullable=False))
    op.add_column("passages", sa.Column("area", sa.Text(), nullable=False))
    op.add_column("passages", sa.Column("is_title", sa.Boolean(), nullable=False))
    op.add_column("passages", sa.Column("batch", sa.Text(), nullable=False))
    op.add_column("passages", sa.Column("sentences", sa.LargeBinary(), nullable=False))


def downgrade() -> None:
    """Undo."""
    for name in ("sentences", "batch", "is_title", "area", "language"):
        op.drop_column("passages", name)
    op.execute("delete from passages")
