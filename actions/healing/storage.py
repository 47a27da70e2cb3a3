"""Statements on breakers, the kill switch, events, scans and notices."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.healing.domain import Breaker
from actions.healing.tables import breakers, inbox, notices, scans, switch


@dataclass(frozen=True)
class Switch:
    """The kill switch; `stopped` means that nothing is applied."""

    stopped: bool
    by: str
    reason: str | None
    at: datetime | None


UNTOUCHED = Switch(False, "", None, None)


def to_breaker(row: Any) -> Breaker:
    """Read a row of `healing_breakers`."""
    return Breaker(**{**row._mapping, "recent": tuple(row.recent)})


async def read_breaker(tx: AsyncConnection, host: str, workflow: str, *, lock: bool = False) -> Breaker:
    """Read a breaker, holding it for the transaction when `lock`; a closed one when there is none yet."""
    if lock:
        await tx.execute(_new_breaker(Breaker(host, workflow)).on_conflict_do_nothing())
    query = sa.select(breakers).where(breakers.c.host == host, breakers.c.workflow == workflow)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return to_breaker(row) if row else Breaker(host, workflow)


def _new_breaker(breaker: Breaker) -> Any:
    return insert(breakers).values(**{**asdict(breaker), "recent": list(breaker.recent)})


async def write_breaker(tx: AsyncConnection, breaker: Breaker) -> None:
    """Store a breaker; the caller holds its row."""
    statement = breakers.update().where(
        breakers.c.host == breaker.host, breakers.c.workflow == breaker.workflow
    )
    await tx.execute(statement.values(**{**asdict(breaker), "recent": list(breaker.recent)}))


async def all_breakers(tx: AsyncConnection) -> list[Breaker]:
    """Read all breakers."""
    return [
        to_breaker(row)
        for row in await tx.execute(sa.select(breakers).order_by(breakers.c.host, breakers.c.workflow))
    ]


async def without_case(tx: AsyncConnection) -> list[Breaker]:
    """Read breakers that have opened and about which there is no case yet."""
    query = sa.select(breakers).where(breakers.c.state != "closed", breakers.c.case_id.is_(None))
    return [to_breaker(row) for row in await tx.execute(query)]


async def read_switch(tx: AsyncConnection) -> Switch:
    """Read the kill switch."""
    row = (await tx.execute(sa.select(switch.c.stopped, switch.c.by, switch.c.reason, switch.c.at))).first()
    return Switch(*row) if row else UNTOUCHED


async def write_switch(tx: AsyncConnection, value: Switch) -> None:
    """Set the kill switch."""
    values = asdict(value)
    statement = insert(switch).values(id=1, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def add_events(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store events; those whose id is known are left out. Returns how many were new."""
    if not rows:
        return 0
    statement = insert(inbox).values([dict(row) for row in rows]).on_conflict_do_nothing()
    return len((await tx.execute(statement.returning(inbox.c.id))).all())


async def lease_events(
    tx: AsyncConnection, now: datetime, lease: timedelta, limit: int
) -> dict[tuple[str, str], list[str]]:
    """Take waiting events; returns their ids by (host, user)."""
    waiting = (
        sa.select(inbox.c.host, inbox.c.id)
        .where(inbox.c.done_at.is_(None), sa.or_(inbox.c.lease_until.is_(None), inbox.c.lease_until < now))
        .order_by(inbox.c.received_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        inbox.update()
        .where(sa.tuple_(inbox.c.host, inbox.c.id).in_(waiting))
        .values(lease_until=now + lease, tries=inbox.c.tries + 1)
        .returning(inbox.c.host, inbox.c.user_ref, inbox.c.id)
    )
    found: dict[tuple[str, str], list[str]] = {}
    for row in await tx.execute(statement):
        found.setdefault((row.host, row.user_ref), []).append(row.id)
    return found


async def finish_events(tx: AsyncConnection, host: str, ids: Sequence[str], now: datetime, note: str) -> None:
    """Note that events were dealt with, and how."""
    statement = inbox.update().where(inbox.c.host == host, inbox.c.id.in_(ids))
    await tx.execute(statement.values(done_at=now, note=note, lease_until=None))


async def postpone_events(
    tx: AsyncConnection, host: str, ids: Sequence[str], now: datetime, until: datetime, tries: int
) -> None:
    """Have events wait until a moment, or give those up that have had `tries`."""
    chosen = sa.and_(inbox.c.host == host, inbox.c.id.in_(ids))
    spent = inbox.c.tries >= tries
    await tx.execute(inbox.update().where(chosen, sa.not_(spent)).values(lease_until=until))
    given_up = inbox.update().where(chosen, spent)
    await tx.execute(given_up.values(done_at=now, note="unreadable", lease_until=None))


async def count_events(tx: AsyncConnection) -> list[tuple[str, str | None, int]]:
    """Count the events that are kept by (type, what became of them; None: they wait)."""
    query = sa.select(inbox.c.type, inbox.c.note, sa.func.count()).group_by(inbox.c.type, inbox.c.note)
    return [(row[0], row[1], int(row[2])) for row in await tx.execute(query)]


async def count_waiting(tx: AsyncConnection) -> int:
    """Count the events that wait."""
    query = sa.select(sa.func.count()).select_from(inbox).where(inbox.c.done_at.is_(None))
    return int((await tx.execute(query)).scalar_one())


async def forget_events(tx: AsyncConnection, before: datetime) -> None:
    """Delete events that were dealt with before a moment."""
    await tx.execute(inbox.delete().where(inbox.c.done_at < before))


async def lease_scan(
    tx: AsyncConnection, host: str, owner: str, now: datetime, lease: timedelta, *, at_once: bool
) -> Any:
    """Take the scan of an application when it is due and nobody is at it; returns its row, or None.

    Goes on where an earlier holder stopped; a scan that had ended begins anew.
    """
    fresh = {"host": host, "next_at": now, "users": 0, "unreadable": 0, "drifts": 0}
    await tx.execute(insert(scans).values(**fresh).on_conflict_do_nothing())
    free = sa.or_(scans.c.lease_until.is_(None), scans.c.lease_until < now)
    due = sa.true() if at_once else scans.c.next_at <= now
    query = sa.select(scans).where(scans.c.host == host, free, due).with_for_update(skip_locked=True)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = {"lease_owner": owner, "lease_until": now + lease}
    if at_once or row.started_at is None or row.finished_at is not None:
        values |= {"started_at": now, "finished_at": None, "cursor": None, "problem": None}
        values |= {"users": 0, "unreadable": 0, "drifts": 0}
    statement = scans.update().where(scans.c.host == host).values(**values).returning(*scans.c)
    return (await tx.execute(statement)).one()


async def change_scan(tx: AsyncConnection, host: str, owner: str, values: Mapping[str, Any]) -> Any:
    """Change a scan that `owner` holds; returns its row, or None when it holds it no more."""
    statement = scans.update().where(scans.c.host == host, scans.c.lease_owner == owner)
    return (await tx.execute(statement.values(**values).returning(*scans.c))).one_or_none()


async def all_scans(tx: AsyncConnection) -> list[Any]:
    """Read where the scans are."""
    return list(await tx.execute(sa.select(scans).order_by(scans.c.host)))


async def notice_of(tx: AsyncConnection, run_id: str) -> Any:
    """Read the notice that a run gave rise to, or None."""
    return (await tx.execute(sa.select(notices).where(notices.c.run_id == run_id))).one_or_none()


async def delivered(tx: AsyncConnection, notice_id: str, conversation_id: str) -> None:
    """Note in which conversation a notice stands."""
    statement = notices.update().where(notices.c.id == notice_id, notices.c.conversation_id.is_(None))
    await tx.execute(statement.values(conversation_id=conversation_id))


async def kept_notices(tx: AsyncConnection, host: str, ref: str, limit: int) -> list[Any]:
    """Read a user's notices that stand in no conversation and were not seen, oldest first."""
    query = (
        sa.select(notices)
        .where(
            notices.c.host == host,
            notices.c.user_ref == ref,
            notices.c.conversation_id.is_(None),
            notices.c.seen_at.is_(None),
        )
        .order_by(notices.c.created_at)
        .limit(limit)
    )
    return list(await tx.execute(query))


async def notice_user(connection: AsyncConnection, notice_id: str) -> tuple[str, str] | None:
    """Read (host, user_ref) of a notice; None when there is no such notice."""
    query = sa.select(notices.c.host, notices.c.user_ref).where(notices.c.id == notice_id)
    row = (await connection.execute(query)).one_or_none()
    return (row.host, row.user_ref) if row is not None else None


async def see_notice(tx: AsyncConnection, notice_id: str, now: datetime) -> None:
    """Note that a notice was seen, the first time only."""
    statement = notices.update().where(notices.c.id == notice_id)
    await tx.execute(statement.values(seen_at=sa.func.coalesce(notices.c.seen_at, now)))


async def set_case(tx: AsyncConnection, host: str, workflow: str, case_id: str) -> None:
    """Note the case about a breaker that has opened."""
    chosen = sa.and_(breakers.c.host == host, breakers.c.workflow == workflow)
    await tx.execute(breakers.update().where(chosen).values(case_id=case_id))


async def try_lock(tx: AsyncConnection, kind: int, name: str) -> bool:
    """Be the only transaction that does something by this name, until it ends; false when another does it."""
    key = sa.func.hashtextextended(name, kind)
    return bool((await tx.execute(sa.select(sa.func.pg_try_advisory_xact_lock(key)))).scalar_one())
