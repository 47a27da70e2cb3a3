"""The tables of self-healing."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from actions.healing.domain import OPEN, STATUSES
from foundation.database import UtcDateTime, metadata


def _one_of(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


IS_OPEN = f"status in ({_one_of(OPEN)})"

runs = sa.Table(
    "healing_runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("user_ref", sa.Text, nullable=False),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("before", JSONB, nullable=False),
    sa.Column("before_at", UtcDateTime),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("sightings", sa.Integer, nullable=False),
    sa.Column("looks", sa.Integer, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("result", JSONB, nullable=False),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("applied_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("again_at", UtcDateTime),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("settled", sa.Boolean, nullable=False),
    sa.CheckConstraint(f"status in ({_one_of(STATUSES)})", name="status"),
    sa.CheckConstraint(f"({IS_OPEN}) = (closed_at is null)", name="closed_with_status"),
    sa.Index(
        "uq_healing_runs_one_open",
        "host",
        "user_ref",
        "workflow",
        unique=True,
        postgresql_where=sa.text(IS_OPEN),
    ),
    sa.Index("ix_healing_runs_of_user", "host", "user_ref", "workflow", "found_at"),
    sa.Index("ix_healing_runs_due", "due_at", postgresql_where=sa.text(IS_OPEN)),
    sa.Index("ix_healing_runs_applied", "applied_at", postgresql_where=sa.text("applied_at is not null")),
    sa.Index("ix_healing_runs_unsettled", "closed_at", postgresql_where=sa.text("not settled")),
    sa.Index("ix_healing_runs_found", "found_at"),
)
"""One row for each drift; see `actions.healing.domain.Run`."""

breakers = sa.Table(
    "healing_breakers",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("workflow", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("recent", JSONB, nullable=False),
    sa.Column("opened", sa.Integer, nullable=False),
    sa.Column("opened_at", UtcDateTime),
    sa.Column("retry_at", UtcDateTime),
    sa.Column("probe", sa.Text),
    sa.Column("probe_until", UtcDateTime),
    sa.Column("case_id", sa.Text),
    sa.Column("reason", sa.Text),
    sa.CheckConstraint("state in ('closed', 'open', 'half_open')", name="state"),
)

switch = sa.Table(
    "healing_switch",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("stopped", sa.Boolean, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""The kill switch: one row, or none while nobody has touched it."""

inbox = sa.Table(
    "healing_events",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("user_ref", sa.Text, nullable=False),
    sa.Column("parts", JSONB, nullable=False),
    sa.Column("at", UtcDateTime),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("done_at", UtcDateTime),
    sa.Column("note", sa.Text),
    sa.Index("ix_healing_events_waiting", "received_at", postgresql_where=sa.text("done_at is null")),
    sa.Index("ix_healing_events_done", "done_at", postgresql_where=sa.text("done_at is not null")),
)
"""What applications told us, until it was looked at, and for some days after that."""

scans = sa.Table(
    "healing_scans",
    metadata,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("cursor", sa.Text),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("users", sa.Integer, nullable=False),
    sa.Column("unreadable", sa.Integer, nullable=False),
    sa.Column("drifts", sa.Integer, nullable=False),
    sa.Column("problem", sa.Text),
)
"""Where the scan of each application is: it goes on from `cursor` after a crash."""

notices = sa.Table(
    "healing_notices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, unique=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("user_ref", sa.Text, nullable=False),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("conversation_id", sa.Text),
    sa.Column("seen_at", UtcDateTime),
    sa.Index("ix_healing_notices_of_user", "host", "user_ref", "created_at"),
)
"""What users are told. In a conversation once `conversation_id` is set; else until `seen_at`."""
