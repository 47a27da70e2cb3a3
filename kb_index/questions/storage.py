"""Tables of the gate's questions and of what was asked in vain."""

import sqlalchemy as sa

from foundation.database import UtcDateTime, metadata

known_questions = sa.Table(
    "kb_questions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("article_id", sa.Text, sa.ForeignKey("articles.id"), nullable=False, index=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.UniqueConstraint("article_id", "question", name="uq_kb_questions_once_an_article"),
)

clusters = sa.Table(
    "kb_clusters",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("centre", sa.LargeBinary, nullable=False),
    sa.Column("encoder", sa.Text, nullable=False),
    sa.Column("article_id", sa.Text, sa.ForeignKey("articles.id")),
    sa.Column("dismissed_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

vain_questions = sa.Table(
    "kb_vain_questions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("cluster_id", sa.Text, sa.ForeignKey("kb_clusters.id"), nullable=False, index=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Column("handed_off", sa.Boolean, nullable=False),
    sa.Column("minutes", sa.Float, nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
)
