"""The offers that were made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.triggers.domain import OUTCOMES, MadeOffer, Outcome
from foundation.database import UtcDateTime, metadata

offers = sa.Table(
    "offers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("user_ref", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("offer", JSONB, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("attempt_id", sa.Text),
    sa.Column("evidence", JSONB, nullable=False),
    sa.CheckConstraint(f"outcome in ({', '.join(repr(one) for one in OUTCOMES)})", name="outcome"),
    sa.Index("ix_offers_user", "host", "user_ref", "created_at"),
    sa.Index("ix_offers_open", "created_at", postgresql_where=sa.text("outcome is null")),
)
_EARLIER = 20


def _offer(row: Any) -> MadeOffer:
    return MadeOffer(**row._mapping)


async def hold_user(tx: AsyncConnection, host: str, user_ref: str) -> None:
    """Let one transaction at a time decide about a user's offers."""
    key = sa.func.hashtextextended(f"offers\n{host}\n{user_ref}", 0)
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


async def earlier(
    tx: AsyncConnection, host: str, user_ref: str, trigger: str
) -> list[tuple[str, float, Outcome | None]]:
    """Read (trigger, seconds, outcome) of the user's latest offers, newest first; the trigger's last is among
    them, however long ago."""
    own = (
        sa.select(offers.c.id, offers.c.trigger, offers.c.created_at, offers.c.outcome)
        .where(offers.c.host == host, offers.c.user_ref == user_ref)
        .order_by(offers.c.created_at.desc(), offers.c.id.desc())
    )
    rows = list(await tx.execute(own.limit(_EARLIER)))
    if all(row.trigger != trigger for row in rows):
        rows += list(await tx.execute(own.where(offers.c.trigger == trigger).limit(1)))
    return [(row.trigger, row.created_at.timestamp(), row.outcome) for row in rows]


async def unanswered(tx: AsyncConnection, host: str, user_ref: str, since: datetime) -> MadeOffer | None:
    """Read the user's latest offer if it was made since then and is not answered."""
    query = (
        sa.select(offers)
        .where(offers.c.host == host, offers.c.user_ref == user_ref, offers.c.created_at > since)
        .order_by(offers.c.created_at.desc(), offers.c.id.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return _offer(row) if row is not None and row.outcome is None else None


async def insert(tx: AsyncConnection, offer: MadeOffer) -> None:
    """Add an offer."""
    await tx.execute(
        offers.insert().values(**{column.name: getattr(offer, column.name) for column in offers.columns})
    )


async def offer_user(connection: AsyncConnection, offer_id: str) -> tuple[str, str] | None:
    """Read (host, user_ref) of an offer; None when there is no such offer."""
    query = sa.select(offers.c.host, offers.c.user_ref).where(offers.c.id == offer_id)
    row = (await connection.execute(query)).one_or_none()
    return (row.host, row.user_ref) if row is not None else None


async def decide(tx: AsyncConnection, offer_id: str, outcome: Outcome, at: datetime) -> MadeOffer | None:
    """Set the outcome of an offer, once; what was ignored may still be taken. None: no such offer."""
    own = offers.c.id == offer_id
    undecided = sa.or_(offers.c.outcome.is_(None), offers.c.outcome == "ignored")
    statement = offers.update().where(own, undecided).values(outcome=outcome, decided_at=at).returning(offers)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        row = (await tx.execute(sa.select(offers).where(own))).one_or_none()
    return _offer(row) if row is not None else None


async def set_attempt(tx: AsyncConnection, offer_id: str, attempt_id: str) -> None:
    """Note the attempt that stands for the offer."""
    await tx.execute(offers.update().where(offers.c.id == offer_id).values(attempt_id=attempt_id))


async def ignore_old(tx: AsyncConnection, before: datetime, at: datetime) -> Sequence[MadeOffer]:
    """Mark as ignored what was made before a moment and not answered."""
    statement = (
        offers.update()
        .where(offers.c.outcome.is_(None), offers.c.created_at < before)
        .values(outcome="ignored", decided_at=at)
        .returning(offers)
    )
    return [_offer(row) for row in await tx.execute(statement)]


async def counts(tx: AsyncConnection, since: datetime | None) -> list[tuple[str, str | None, int]]:
    """Count offers by trigger and outcome."""
    query = sa.select(offers.c.trigger, offers.c.outcome, sa.func.count()).group_by(
        offers.c.trigger, offers.c.outcome
    )
    if since is not None:
        query = query.where(offers.c.created_at >= since)
    return [(row[0], row[1], int(row[2])) for row in await tx.execute(query)]


async def was_accepted(tx: AsyncConnection, host: str, user_ref: str, intent: str, since: datetime) -> bool:
    """Tell whether the user has taken an offer of this intent since then."""
    query = sa.select(sa.literal(1)).where(
        offers.c.host == host,
        offers.c.user_ref == user_ref,
        offers.c.outcome == "accepted",
        offers.c.decided_at > since,
        offers.c.offer["intent"].astext == intent,
    )
    return (await tx.execute(query.limit(1))).one_or_none() is not None
