"""The audit chain; what was there before is taken over, unsigned.

Revision: 0002
Revises: 0001
"""

from dataclasses import asdict
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from actions.attempts.storage import attempts, to_attempt
from security.audit.chain import ROOT, Change, follow
from security.audit.storage import REFUSE, REFUSE_ALL, REFUSE_ROWS

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
_OUTCOMES = "'verified', 'assumed', 'escalated', 'abandoned', 'failed'"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject", "number"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    for statement in (REFUSE, REFUSE_ROWS, REFUSE_ALL):
        op.execute(statement)
    op.create_index("ix_attempts_user", "attempts", ["host", "user_ref", "created_at"])
    op.drop_constraint("ck_attempts_outcome", "attempts")
    op.create_check_constraint(
        op.f("ck_attempts_outcome"), "attempts", f"outcome in ({_OUTCOMES}, 'reopened')"
    )
    _take_over()


def _take_over() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.select(attempts).order_by(attempts.c.created_at, attempts.c.id)).all()
    previous, now = ROOT, datetime.now(UTC)
    for number, row in enumerate(rows, 1):
        attempt = to_attempt(row)
        entry = follow(number, previous, now, Change("taken_over", attempt.id, asdict(attempt)))
        connection.execute(
            sa.text(
                "insert into audit_entries (number, at, kind, subject, content, previous, hash) values "
                "(:number, :at, :kind, :subject, :content, :previous, :hash)"
            ),
            asdict(entry),
        )
        previous = entry.hash
    if rows:
        connection.execute(
            sa.text("insert into audit_head (id, number, hash, at) values (1, :number, :hash, :at)"),
            {"number": len(rows), "hash": previous, "at": now.isoformat()},
        )


def downgrade() -> None:
    """Take back."""
    op.execute("update attempts set outcome = 'assumed' where outcome = 'reopened'")
    op.drop_constraint("ck_attempts_outcome", "attempts")
    op.create_check_constraint(op.f("ck_attempts_outcome"), "attempts", f"outcome in ({_OUTCOMES})")
    op.drop_index("ix_attempts_user", table_name="attempts")
    op.drop_table("audit_head")
    op.drop_table("audit_entries")
    op.execute("drop function audit_entries_only_added()")
