"""The gate's questions, and what was asked in vain

Revision: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "kb_questions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_kb_questions_article_id_articles")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_questions")),
        sa.UniqueConstraint("article_id", "question", name="uq_kb_questions_once_an_article"),
    )
    op.create_index(op.f("ix_kb_questions_article_id"), "kb_questions", ["article_id"])
    op.create_table(
        "kb_clusters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=True),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_kb_clusters_article_id_articles")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_clusters")),
    )
    op.create_table(
        "kb_vain_questions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("cluster_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("handed_off", sa.Boolean(), nullable=False),
        sa.Column("minutes", sa.Float(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["kb_clusters.id"], name=op.f("fk_kb_vain_questions_cluster_id_kb_clusters")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_vain_questions")),
    )
    op.create_index(op.f("ix_kb_vain_questions_cluster_id"), "kb_vain_questions", ["cluster_id"])


def downgrade() -> None:
    """Take back."""
    for name in ("kb_vain_questions", "kb_clusters", "kb_questions"):
        op.drop_table(name)
