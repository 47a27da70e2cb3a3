"""The table of turns and its statements: pending, leased by one runner, finished once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.domain import Conversation, Reading, Turn
from bot.foundation.database import UtcDateTime, metadata
from bot.foundation.ids import ConversationId, TurnId

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("choice", sa.Text),
    sa.Column("intent", sa.Text),
    sa.Column("confidence", sa.Float),
    sa.Column("ranking", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("model", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("runner", sa.Text),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("duration_ms", sa.Integer),
    sa.UniqueConstraint("conversation_id", "seq"),
    sa.Index(
        "ix_turns_unfinished", "conversation_id", postgresql_where=sa.text("status in ('pending','running')")
    ),
)


def to_turn(row: Any) -> Turn:
    """Read a row of `turns`."""
    return Turn(
        row.id,
        row.conversation_id,
        row.seq,
        row.epoch,
        row.status,
        row.text,
        row.choice,
        row.intent,
        row.confidence,
        row.ranking,
        row.model,
        row.error,
        row.created_at,
        row.started_at,
        row.finished_at,
        row.duration_ms,
    )


async def insert_turn(
    tx: AsyncConnection,
    turn_id: TurnId,
    conversation: Conversation,
    seq: int,
    text: str,
    choice: str | None,
    at: datetime,
) -> None:
    """Insert a turn that waits to be run."""
    await tx.execute(
        turns.insert().values(
            id=turn_id,
            conversation_id=conversation.id,
            seq=seq,
            epoch=conversation.epoch,
            status="pending",
            text=text,
            choice=choice,
            created_at=at,
            ranking=[],
        )
    )


async def claim_turn(
    tx: AsyncConnection, conversation_id: ConversationId, runner: str, now: datetime, lease_until: datetime
) -> Turn | None:
    """Take the oldest unfinished turn of a conversation, unless a living runner works on it.

    Whoever holds an expired lease has lost it: its result will not be accepted by `finish_turn`.
    """
    oldest = (
        sa.select(turns.c.id)
        .where(turns.c.conversation_id == conversation_id, turns.c.status.in_(("pending", "running")))
        .order_by(turns.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    free = sa.or_(turns.c.status == "pending", turns.c.lease_until < now)
    statement = (
        turns.update()
        .where(turns.c.id == oldest, free)
        .values(status="running", runner=runner, lease_until=lease_until, started_at=now)
        .returning(turns)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_turn(row) if row else None


async def extend_leases(tx: AsyncConnection, runner: str, until: datetime) -> None:
    """Keep the turns that `runner` works on."""
    await tx.execute(
        turns.update().where(turns.c.runner == runner, turns.c.status == "running").values(lease_until=until)
    )


async def note_reading(tx: AsyncConnection, turn: Turn, reading: Reading) -> None:
    """Store how a running turn's message was understood, ahead of its end."""
    await tx.execute(
        turns.update()
        .where(turns.c.id == turn.id, turns.c.status == "running")
        .values(
            intent=reading.intent,
            confidence=reading.confidence,
            ranking=reading.ranking,
            model=reading.model,
        )
    )


async def finish_turn(
    tx: AsyncConnection,
    turn: Turn,
    runner: str,
    *,
    status: str,
    reading: Reading,
    error: str | None,
    now: datetime,
) -> bool:
    """Close a running turn; False when this runner no longer holds it."""
    started = turn.started_at or now
    statement = (
        turns.update()
        .where(turns.c.id == turn.id, turns.c.status == "running", turns.c.runner == runner)
        .values(
            status=status,
            intent=reading.intent,
            confidence=reading.confidence,
            ranking=reading.ranking,
            model=reading.model,
            error=error,
            finished_at=now,
            duration_ms=int((now - started).total_seconds() * 1000),
        )
    )
    return (await tx.execute(statement)).rowcount == 1


async def unfinished_conversations(tx: AsyncConnection, now: datetime, limit: int) -> list[ConversationId]:
    """Conversations that have a turn nobody works on."""
    query = (
        sa.select(turns.c.conversation_id)
        .where(
            sa.or_(
                turns.c.status == "pending", sa.and_(turns.c.status == "running", turns.c.lease_until < now)
            )
        )
        .group_by(turns.c.conversation_id)
        .order_by(sa.func.min(turns.c.created_at))
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


async def texts_of(tx: AsyncConnection, turn_ids: Sequence[str]) -> dict[str, str]:
    """Read the messages of these turns, by the turn's id."""
    query = sa.select(turns.c.id, turns.c.text).where(turns.c.id.in_(turn_ids))
    return {row.id: row.text for row in await tx.execute(query)}


async def count_pending(tx: AsyncConnection, conversation_id: ConversationId) -> int:
    """How many messages of a conversation wait for the assistant."""
    query = (
        sa.select(sa.func.count())
        .select_from(turns)
        .where(turns.c.conversation_id == conversation_id, turns.c.status.in_(("pending", "running")))
    )
    return int((await tx.execute(query)).scalar_one())
