"""What an article says of itself: summary, readers, other ways to ask, and when to read it again

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    add = op.add_column
    add("article_versions", sa.Column("summary", sa.Text(), server_default="", nullable=False))
    add("article_versions", sa.Column("audience", sa.Text(), server_default="everyone", nullable=False))
    for name in ("plans", "product_versions", "phrasings"):
        add("article_versions", sa.Column(name, ARRAY(sa.Text()), server_default="{}", nullable=False))
    add("article_versions", sa.Column("review_by", sa.Date(), nullable=True))


def downgrade() -> None:
    """Take back."""
    for name in ("review_by", "phrasings", "product_versions", "plans", "audience", "summary"):
        op.drop_column("article_versions", name)
