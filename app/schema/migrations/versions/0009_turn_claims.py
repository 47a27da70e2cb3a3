"""How many times a runner took up a turn

Revision: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "turns",
        sa.Column(
            "claims",
            sa.Integer(),
            nullable=False,
            server_default=sa.text("0"),
            comment="how many times a runner took it up",
        ),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("turns", "claims")
