"""self_healing

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "healing_breakers",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recent", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe", sa.Text(), nullable=True),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('closed', 'open', 'half_open')", name=op.f("ck_healing_breakers_state")
        ),
        sa.PrimaryKeyConstraint("host", "workflow", name=op.f("pk_healing_breakers")),
    )
    op.create_table(
        "healing_events",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("user_ref", sa.Text(), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("host", "id", name=op.f("pk_healing_events")),
    )
    op.create_index(
        "ix_healing_events_done",
        "healing_events",
        ["done_at"],
        unique=False,
        postgresql_where=sa.text("done_at is not null"),
    )
    op.create_index(
        "ix_healing_events_waiting",
        "healing_events",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("done_at is null"),
    )
    op.create_table(
        "healing_notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("user_ref", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_healing_notices")),
        sa.UniqueConstraint("run_id", name=op.f("uq_healing_notices_run_id")),
    )
    op.create_index(
        "ix_healing_notices_of_user", "healing_notices", ["host", "user_ref", "created_at"], unique=False
    )
    op.create_table(
        "healing_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("user_ref", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(status in ('found', 'applying')) = (closed_at is null)",
            name=op.f("ck_healing_runs_closed_with_status"),
        ),
        sa.CheckConstraint(
            "status in ('found', 'applying', 'dry_run', 'verified', 'rolled_back', 'failed', 'refused',"
            " 'skipped')",
            name=op.f("ck_healing_runs_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_healing_runs")),
    )
    op.create_index(
        "ix_healing_runs_applied",
        "healing_runs",
        ["applied_at"],
        unique=False,
        postgresql_where=sa.text("applied_at is not null"),
    )
    op.create_index(
        "ix_healing_runs_due",
        "healing_runs",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status in ('found', 'applying')"),
    )
    op.create_index("ix_healing_runs_found", "healing_runs", ["found_at"], unique=False)
    op.create_index(
        "ix_healing_runs_of_user", "healing_runs", ["host", "user_ref", "workflow", "found_at"], unique=False
    )
    op.create_index(
        "ix_healing_runs_unsettled",
        "healing_runs",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("not settled"),
    )
    op.create_index(
        "uq_healing_runs_one_open",
        "healing_runs",
        ["host", "user_ref", "workflow"],
        unique=True,
        postgresql_where=sa.text("status in ('found', 'applying')"),
    )
    op.create_table(
        "healing_scans",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("drifts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_healing_scans")),
    )
    op.create_table(
        "healing_switch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_healing_switch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_healing_switch")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("healing_switch")
    op.drop_table("healing_scans")
    op.drop_index(
        "uq_healing_runs_one_open",
        table_name="healing_runs",
        postgresql_where=sa.text("status in ('found', 'applying')"),
    )
    op.drop_index(
        "ix_healing_runs_unsettled", table_name="healing_runs", postgresql_where=sa.text("not settled")
    )
    op.drop_index("ix_healing_runs_of_user", table_name="healing_runs")
    op.drop_index("ix_healing_runs_found", table_name="healing_runs")
    op.drop_index(
        "ix_healing_runs_due",
        table_name="healing_runs",
        postgresql_where=sa.text("status in ('found', 'applying')"),
    )
    op.drop_index(
        "ix_healing_runs_applied",
        table_name="healing_runs",
        postgresql_where=sa.text("applied_at is not null"),
    )
    op.drop_table("healing_runs")
    op.drop_index("ix_healing_notices_of_user", table_name="healing_notices")
    op.drop_table("healing_notices")
    op.drop_index(
        "ix_healing_events_waiting", table_name="healing_events", postgresql_where=sa.text("done_at is null")
    )
    op.drop_index(
        "ix_healing_events_done", table_name="healing_events", postgresql_where=sa.text("done_at is not null")
    )
    op.drop_table("healing_events")
    op.drop_table("healing_breakers")
