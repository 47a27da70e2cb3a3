"""What an article says of itself, its states and times, the file it came from, and pictures

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
    add("articles", sa.Column("imported_file", sa.LargeBinary(), nullable=True))
    add("articles", sa.Column("state", sa.Text(), server_default="draft", nullable=False))
    add("articles", sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "article_images",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_images")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("article_images")
    for name in ("publish_at", "state", "imported_file"):
        op.drop_column("articles", name)
    for name in ("review_by", "phrasings", "product_versions", "plans", "audience", "summary"):
        op.drop_column("article_versions", name)
