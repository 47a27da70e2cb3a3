"""Work in the background, and what is to be delivered to others

Revision: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    _jobs()
    _deliveries()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=True, comment="One job of a key is worked on at a time"),
        sa.Column("once", sa.Text, nullable=True, comment="One unfinished job of this name is kept"),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("problem", sa.Text, nullable=True),
        sa.Column("cancelled", sa.Boolean, nullable=False),
        sa.Column("lease_owner", sa.Text, nullable=True),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.CheckConstraint("status in ('waiting', 'working', 'dead')", name="status"),
    )
    op.create_index("ix_jobs_due_at", "jobs", ["due_at"], postgresql_where=sa.text("status <> 'dead'"))
    op.create_index(
        "uq_jobs_key", "jobs", ["key"], unique=True, postgresql_where=sa.text("status = 'working'")
    )
    op.create_index(
        "uq_jobs_once", "jobs", ["once"], unique=True, postgresql_where=sa.text("status <> 'dead'")
    )


def _deliveries() -> None:
    op.create_table(
        "delivery_destinations",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False, comment="In a row"),
        sa.Column("closed_until", _TIME, nullable=True, comment="Nothing is sent before"),
        sa.Column("problem", sa.Text, nullable=True),
        sa.Column("succeeded_at", _TIME, nullable=True),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("destination", sa.Text, sa.ForeignKey("delivery_destinations.name"), nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="Order is kept among deliveries of a key"),
        sa.Column("once", sa.Text, nullable=True, comment="What is added again is not delivered again"),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, comment="That failed while others succeeded"),
        sa.Column("attempts", sa.Integer, nullable=False, comment="Times it was taken up"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("remote_id", sa.Text, nullable=True, comment="What the destination calls it"),
        sa.Column("problem", sa.Text, nullable=True),
        sa.Column("lease_owner", sa.Text, nullable=True),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.CheckConstraint("status in ('queued', 'waiting', 'working', 'delivered', 'dead')", name="status"),
        sa.UniqueConstraint("destination", "once", name="uq_deliveries_destination"),
    )
    op.create_index(
        "ix_deliveries_destination_due_at",
        "deliveries",
        ["destination", "due_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "ix_deliveries_lease_until",
        "deliveries",
        ["lease_until"],
        postgresql_where=sa.text("status = 'working'"),
    )
    op.create_index(
        "uq_deliveries_destination_key",
        "deliveries",
        ["destination", "key"],
        unique=True,
        postgresql_where=sa.text("status in ('waiting', 'working')"),
    )
    op.create_index(
        "ix_deliveries_destination_key_number",
        "deliveries",
        ["destination", "key", "number"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_deliveries_ended_at",
        "deliveries",
        ["ended_at"],
        postgresql_where=sa.text("status in ('delivered', 'dead')"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("deliveries")
    op.drop_table("delivery_destinations")
    op.drop_table("jobs")
