"""When readers first saw an article; of those published before, when they were begun

Revision: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("articles", sa.Column("first_published_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE articles SET first_published_at = begun.at FROM (SELECT article_id, min(created_at) AS at"
        " FROM article_versions GROUP BY article_id) AS begun"
        " WHERE begun.article_id = articles.id AND articles.published_version IS NOT NULL"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("articles", "first_published_at")
