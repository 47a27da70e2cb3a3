"""Statements on jobs. What is done is deleted; what is dead stays until somebody decides on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from foundation.database import Transaction, UtcDateTime, metadata
from foundation.ids import new_id
from foundation.jobs.model import Job

TAKING_LOCK = 0x4A4F_4253
"""Key of the advisory lock under which jobs are taken: one of a key at a time, whoever takes it."""
_LOOKED_AT = 100

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=True, comment="One job of a key is worked on at a time"),
    sa.Column("once", sa.Text, nullable=True, comment="One unfinished job of this name is kept"),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("problem", sa.Text, nullable=True),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    sa.Column("lease_owner", sa.Text, nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    sa.CheckConstraint("status in ('waiting', 'working', 'dead')", name="status"),
    sa.Index("ix_jobs_due_at", "due_at", postgresql_where=sa.text("status <> 'dead'")),
    sa.Index("uq_jobs_key", "key", unique=True, postgresql_where=sa.text("status = 'working'")),
    sa.Index("uq_jobs_once", "once", unique=True, postgresql_where=sa.text("status <> 'dead'")),
)
_c = jobs.c
_FREE: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}


@dataclass(frozen=True)
class JobFigures:
    """How the jobs of a kind stand. `oldest_due` is when the longest overdue one should have begun."""

    kind: str
    waiting: int
    working: int
    dead: int
    oldest_due: datetime | None


async def add(
    tx: Transaction,
    kind: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    due_at: datetime | None = None,
    key: str | None = None,
    once: str | None = None,
) -> str | None:
    """Add a job, which is begun once the transaction has been committed and `due_at` has come.

    Jobs with the same `key` are worked on one after the other. While a job with the same `once` is
    unfinished nothing is added, and None is returned instead of the id.
    """
    values = {
        "id": new_id("job"), "kind": kind, "key": key, "once": once, "payload": dict(payload),
        "status": "waiting", "tries": 0, "created_at": now, "due_at": due_at or now, "cancelled": False,
    }  # fmt: skip
    statement = insert(jobs).values(**values).on_conflict_do_nothing().returning(_c.id)
    added: str | None = (await tx.execute(statement)).scalar_one_or_none()
    return added


async def take(
    tx: Transaction, owner: str, room: Mapping[str, int], now: datetime, lease: timedelta, limit: int
) -> list[Job]:
    """Take up to `limit` jobs that are due, or whose worker has died: of each kind as many as it has room."""
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(TAKING_LOCK)))
    other = jobs.alias()
    locked = sa.exists().where(other.c.key == _c.key, other.c.id != _c.id, other.c.status == "working")
    due = sa.or_(
        sa.and_(_c.status == "waiting", _c.due_at <= now),
        sa.and_(_c.status == "working", _c.lease_until < now),
    )
    query = (
        sa.select(_c.id, _c.kind, _c.key)
        .where(due, sa.not_(locked), _c.kind.in_([name for name, left in room.items() if left > 0]))
        .order_by(_c.due_at, _c.id)
        .limit(_LOOKED_AT)
    )
    left, keys, chosen = dict(room), set[str](), list[str]()
    for row in await tx.execute(query):
        if left[row.kind] > 0 and row.key not in keys and len(chosen) < limit:
            left[row.kind] -= 1
            chosen.append(row.id)
            keys |= {row.key} if row.key is not None else set()
    if not chosen:
        return []
    values = {"status": "working", "tries": _c.tries + 1, "lease_owner": owner, "lease_until": now + lease}
    statement = jobs.update().where(_c.id.in_(chosen)).values(**values).returning(*_c)
    return [Job(**row._mapping) for row in await tx.execute(statement)]


async def keep(tx: Transaction, owner: str, ids: Sequence[str], until: datetime) -> set[str]:
    """Prolong the leases of those that `owner` still holds and nobody has cancelled; returns their ids."""
    held = sa.and_(_c.id.in_(ids), _c.lease_owner == owner, _c.status == "working", sa.not_(_c.cancelled))
    statement = jobs.update().where(held).values(lease_until=until).returning(_c.id)
    return {row.id for row in await tx.execute(statement)}


def _held(job: Job) -> Any:
    # The number of tries too: the same process may have lost the job and taken it again.
    return sa.and_(
        _c.id == job.id, _c.lease_owner == job.lease_owner, _c.tries == job.tries, _c.status == "working"
    )


async def done(tx: Transaction, job: Job) -> bool:
    """Forget a job that is done; false when somebody else has it."""
    return bool((await tx.execute(jobs.delete().where(_held(job)))).rowcount)


async def wait(tx: Transaction, job: Job, due_at: datetime, *, tries: int, problem: str | None) -> bool:
    """Let a job wait until `due_at`; false when somebody else has it."""
    values = {**_FREE, "status": "waiting", "due_at": due_at, "tries": tries, "problem": problem}
    return bool((await tx.execute(jobs.update().where(_held(job)).values(**values))).rowcount)


async def bury(tx: Transaction, job: Job, problem: str) -> bool:
    """Note that a job is not tried again; false when somebody else has it."""
    values = {**_FREE, "status": "dead", "problem": problem}
    return bool((await tx.execute(jobs.update().where(_held(job)).values(**values))).rowcount)


async def cancel(tx: Transaction, job_id: str) -> bool:
    """Give up a job: what waits or is dead goes, what is at work is stopped at the next heartbeat."""
    gone = await tx.execute(jobs.delete().where(_c.id == job_id, _c.status != "working"))
    if gone.rowcount:
        return True
    noted = await tx.execute(jobs.update().where(_c.id == job_id).values(cancelled=True))
    return bool(noted.rowcount)


async def is_cancelled(tx: Transaction, job: Job) -> bool:
    """Tell whether somebody has given up this job."""
    return bool((await tx.execute(sa.select(_c.cancelled).where(_c.id == job.id))).scalar_one_or_none())


async def revive(tx: Transaction, job_id: str, now: datetime) -> bool:
    """Begin a dead job anew, or one that waits at once; false when there is no such job."""
    values = {"status": "waiting", "tries": 0, "due_at": now}
    statement = jobs.update().where(_c.id == job_id, _c.status != "working").values(**values)
    return bool((await tx.execute(statement)).rowcount)


async def listed(tx: Transaction, status: str | None, limit: int, before: str | None = None) -> list[Job]:
    """Read jobs, the newest first."""
    query = sa.select(jobs).order_by(_c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(_c.status == status)
    if before is not None:
        query = query.where(_c.id < before)
    return [Job(**row._mapping) for row in await tx.execute(query)]


async def forget_schedules(tx: Transaction, but: Sequence[str]) -> None:
    """Delete the jobs of schedules that there are no more."""
    scheduled = _c.once == sa.literal("schedule:") + _c.kind
    await tx.execute(jobs.delete().where(scheduled, _c.kind.not_in(but), _c.status == "waiting"))


async def figures(tx: Transaction) -> list[JobFigures]:
    """Count jobs by kind."""

    def of(status: str) -> Any:
        return sa.func.count().filter(_c.status == status)

    oldest = sa.func.min(_c.due_at).filter(_c.status == "waiting")
    query = sa.select(_c.kind, of("waiting"), of("working"), of("dead"), oldest).group_by(_c.kind)
    return [JobFigures(*row) for row in await tx.execute(query.order_by(_c.kind))]
