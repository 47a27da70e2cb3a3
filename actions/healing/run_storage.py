"""Statements on runs: found once, leased, changed by the holder of the lease alone, closed once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.healing.domain import OPEN, Closing, Drift, Mode, Run, Source
from actions.healing.tables import notices, runs
from foundation.ids import new_id

ACTS_LOCK = 0x4845_414C
"""Key of the advisory lock under which is decided who may act: limits and breakers hold for all processes."""


def to_run(row: Any) -> Run:
    """Read a row of `healing_runs`."""
    return Run(**row._mapping)


async def lock_acts(tx: AsyncConnection) -> None:
    """Be the only transaction that decides on acts, until it ends."""
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(ACTS_LOCK)))


async def lock_user(tx: AsyncConnection, host: str, ref: str) -> None:
    """Be the only transaction that notes drifts of a user, until it ends."""
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{host}\n{ref}", 7))))


def _of(drift: Drift) -> Any:
    return sa.and_(
        runs.c.host == drift.host,
        runs.c.user_ref == drift.user_ref,
        runs.c.workflow == drift.workflow,
    )


async def seen_again(tx: AsyncConnection, drift: Drift, policy: str, now: datetime) -> Run | None:
    """Count another sighting of a drift whose run is open or has just been dealt with; None when it is new.

    What was only looked at, or left alone, is taken up at once when the policy has changed since.
    """
    acted = runs.c.applied_at.is_not(None)
    resting = sa.and_(runs.c.again_at > now, sa.or_(acted, runs.c.policy == policy))
    latest = (
        sa.select(runs.c.id)
        .where(_of(drift), sa.or_(runs.c.status.in_(OPEN), resting))
        .order_by(runs.c.found_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = runs.update().where(runs.c.id == latest)
    row = (
        await tx.execute(statement.values(sightings=runs.c.sightings + 1, seen_at=now).returning(*runs.c))
    ).one_or_none()
    return to_run(row) if row else None


async def insert(
    tx: AsyncConnection,
    drift: Drift,
    *,
    source: Source,
    mode: Mode,
    reason: str | None,
    policy: str,
    now: datetime,
    due_at: datetime,
) -> Run:
    """Insert a run for a drift that is new; the caller holds `lock_user`."""
    values = {
        "id": new_id("heal"),
        "host": drift.host,
        "user_ref": drift.user_ref,
        "workflow": drift.workflow,
        "source": source,
        "mode": mode,
        "status": "found",
        "reason": reason,
        "before": dict(drift.seen),
        "digest": drift.digest,
        "policy": policy,
        "sightings": 1,
        "looks": 0,
        "tries": 0,
        "result": {},
        "found_at": now,
        "seen_at": now,
        "due_at": due_at,
        "settled": False,
    }
    return to_run((await tx.execute(runs.insert().values(**values).returning(*runs.c))).one())


async def lease_due(
    tx: AsyncConnection, owner: str, now: datetime, lease: timedelta, limit: int
) -> list[Run]:
    """Take runs that are due and that nobody works on, and give them to `owner`.

    A run that somebody held and never let go, since they died, counts a try for that.
    """
    free = sa.or_(runs.c.lease_until.is_(None), runs.c.lease_until < now)
    due = (
        sa.select(runs.c.id)
        .where(runs.c.status.in_(OPEN), runs.c.due_at <= now, free)
        .order_by(runs.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = runs.update().where(runs.c.id.in_(due))
    died = sa.case((runs.c.lease_owner.is_not(None), 1), else_=0)
    statement = statement.values(lease_owner=owner, lease_until=now + lease, tries=runs.c.tries + died)
    return [to_run(row) for row in await tx.execute(statement.returning(*runs.c))]


async def keep_lease(tx: AsyncConnection, run_id: str, owner: str, until: datetime) -> bool:
    """Prolong a lease; false when it was lost."""
    return await change(tx, run_id, owner, {"lease_until": until}) is not None


async def change(tx: AsyncConnection, run_id: str, owner: str, values: Mapping[str, Any]) -> Run | None:
    """Change an open run that `owner` holds; None when it holds it no more."""
    statement = runs.update().where(runs.c.id == run_id, runs.c.lease_owner == owner, runs.c.status.in_(OPEN))
    row = (await tx.execute(statement.values(**values).returning(*runs.c))).one_or_none()
    return to_run(row) if row else None


async def close(
    tx: AsyncConnection,
    run: Run,
    owner: str | None,
    closing: Closing,
    *,
    now: datetime,
    masked: Mapping[str, Any],
) -> Run | None:
    """Close a run that `owner` holds (None: that nobody does), and note what the user is to be told.

    `masked` replaces what was seen. None is returned when somebody else holds it or it is closed.
    """
    held = runs.c.lease_owner == owner if owner is not None else runs.c.lease_owner.is_(None)
    statement = runs.update().where(runs.c.id == run.id, held, runs.c.status.in_(OPEN))
    values = {
        "status": closing.status,
        "reason": closing.reason,
        "result": dict(closing.result),
        "before": dict(masked),
        "closed_at": now,
        "again_at": now + closing.rest,
        "lease_owner": None,
        "lease_until": None,
        "settled": False,
    }
    row = (await tx.execute(statement.values(**values).returning(*runs.c))).one_or_none()
    if row is not None and closing.notice is not None:
        await tx.execute(
            notices.insert().values(
                id=new_id("ntc"),
                run_id=run.id,
                host=run.host,
                user_ref=run.user_ref,
                payload=dict(closing.notice),
                created_at=now,
            )
        )
    return to_run(row) if row else None


async def find(tx: AsyncConnection, run_id: str) -> Run | None:
    """Read one run."""
    row = (await tx.execute(sa.select(runs).where(runs.c.id == run_id))).one_or_none()
    return to_run(row) if row else None


async def unsettled(tx: AsyncConnection, before: datetime, limit: int) -> list[Run]:
    """Read closed runs that the log or the user may not know of yet."""
    query = (
        sa.select(runs)
        .where(sa.not_(runs.c.settled), runs.c.closed_at <= before)
        .order_by(runs.c.closed_at)
        .limit(limit)
    )
    return [to_run(row) for row in await tx.execute(query)]


async def settle(tx: AsyncConnection, run_id: str) -> None:
    """Note that the log and the user know how a run ended."""
    await tx.execute(runs.update().where(runs.c.id == run_id).values(settled=True))


async def applied_since(
    tx: AsyncConnection, since: datetime, *, workflow: str | None = None, user: tuple[str, str] | None = None
) -> int:
    """Count the acts since a moment: all, of a workflow, of a user (host, ref), or both."""
    query = sa.select(sa.func.count()).select_from(runs).where(runs.c.applied_at > since)
    if workflow is not None:
        query = query.where(runs.c.workflow == workflow)
    if user is not None:
        query = query.where(runs.c.host == user[0], runs.c.user_ref == user[1])
    return int((await tx.execute(query)).scalar_one())


async def under_way(tx: AsyncConnection, host: str, workflow: str, run_id: str) -> tuple[int, int]:
    """Count the other runs of a fix: (those that act, those that wait to)."""
    acts = sa.func.count().filter(runs.c.status == "applying")
    query = sa.select(acts, sa.func.count().filter(runs.c.status == "found")).where(
        runs.c.status.in_(OPEN), runs.c.host == host, runs.c.workflow == workflow, runs.c.id != run_id
    )
    row = (await tx.execute(query)).one()
    return int(row[0]), int(row[1])


async def count(
    tx: AsyncConnection, since: datetime | None, until: datetime | None
) -> list[tuple[str, str, str | None, int]]:
    """Count runs found in a span of time by (workflow, status, reason)."""
    columns = (runs.c.workflow, runs.c.status, runs.c.reason)
    query = sa.select(*columns, sa.func.count()).group_by(*columns).order_by(*columns)
    if since is not None:
        query = query.where(runs.c.found_at >= since)
    if until is not None:
        query = query.where(runs.c.found_at < until)
    return [(row[0], row[1], row[2], int(row[3])) for row in await tx.execute(query)]


async def latest(tx: AsyncConnection, limit: int, *, status: str | None = None) -> list[Run]:
    """Read the newest runs; `open` stands for both open statuses."""
    query = sa.select(runs).order_by(runs.c.found_at.desc(), runs.c.id.desc()).limit(limit)
    if status == "open":
        query = query.where(runs.c.status.in_(OPEN))
    elif status is not None:
        query = query.where(runs.c.status == status)
    return [to_run(row) for row in await tx.execute(query)]
