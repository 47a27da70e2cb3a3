"""One open case of the assistant's making for a user; further conversations join it

Revision: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Cases that are open already keep their place and stay as they are, however many a user has."""
    op.add_column(
        "cases", sa.Column("by_assistant", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("cases", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE cases SET queued_at = opened_at")
    op.alter_column("cases", "queued_at", nullable=False)
    op.drop_index("ix_cases_queue", table_name="cases")
    queued, opened = sa.text("status = 'queued'"), sa.text("status <> 'resolved'")
    op.create_index("ix_cases_queue", "cases", ["priority", "queued_at", "id"], postgresql_where=queued)
    op.create_index("ix_cases_open_contact", "cases", ["contact_id"], postgresql_where=opened)
    op.create_index(
        "uq_cases_open_by_assistant",
        "cases",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("by_assistant and status <> 'resolved'"),
    )
    op.create_table(
        "case_conversations",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_conversations_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_case_conversations_conversation_id_conversations"),
        ),
        sa.PrimaryKeyConstraint("case_id", "conversation_id", name=op.f("pk_case_conversations")),
    )
    op.create_index("ix_case_conversations_conversation", "case_conversations", ["conversation_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("case_conversations")
    op.drop_index("uq_cases_open_by_assistant", table_name="cases")
    op.drop_index("ix_cases_open_contact", table_name="cases")
    op.drop_index("ix_cases_queue", table_name="cases")
    queued = sa.text("status = 'queued'")
    op.create_index("ix_cases_queue", "cases", ["priority", "opened_at", "id"], postgresql_where=queued)
    op.drop_column("cases", "queued_at")
    op.drop_column("cases", "by_assistant")
