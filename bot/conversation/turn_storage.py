"""The table of turns and its statements: pending, leased by one runner, finished once."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.domain import Conversation, Reading, Turn
from bot.conversation.storage import conversations
from foundation.database import UtcDateTime, metadata
from foundation.ids import ContactId, ConversationId, TurnId

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
    sa.Column(
        "claims",
        sa.Integer,
        nullable=False,
        server_default=sa.text("0"),
        comment="how many times a runner took it up",
    ),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("duration_ms", sa.Integer),
    sa.UniqueConstraint("conversation_id", "seq"),
    sa.Index(
        "ix_turns_unfinished", "conversation_id", postgresql_where=sa.text("status in ('pending','running')")
    ),
)

_UNFINISHED = turns.c.status.in_(("pending", "running"))


def _free(columns: Any, now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(columns.status == "pending", columns.lease_until < now)


def _held(turn: Turn, runner: str) -> sa.ColumnElement[bool]:
    """Whether this very claim still stands; the same runner may have lost the turn and taken it up again."""
    return sa.and_(
        turns.c.id == turn.id,
        turns.c.status == "running",
        turns.c.runner == runner,
        turns.c.claims == turn.claims,
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
        row.claims,
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
    tx: AsyncConnection,
    conversation_id: ConversationId,
    runner: str,
    now: datetime,
    lease_until: datetime,
    *,
    created_before: datetime | None = None,
) -> Turn | None:
    """Take the oldest unfinished turn of a conversation, unless a living runner works on it.

    With `created_before` only if it is older than that. Whoever holds an expired lease has lost it: its
    result will not be accepted by `finish_turn`.
    """
    oldest = (
        sa.select(turns.c.id)
        .where(turns.c.conversation_id == conversation_id, _UNFINISHED)
        .order_by(turns.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    wanted = turns.c.created_at < created_before if created_before is not None else sa.true()
    statement = (
        turns.update()
        .where(turns.c.id == oldest, _free(turns.c, now), wanted)
        .values(
            status="running",
            runner=runner,
            lease_until=lease_until,
            started_at=now,
            claims=turns.c.claims + 1,
        )
        .returning(turns)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_turn(row) if row else None


async def extend_leases(
    tx: AsyncConnection, runner: str, turn_ids: Collection[TurnId], until: datetime
) -> int:
    """Keep these turns for `runner`, as far as it still holds them; returns how many."""
    statement = (
        turns.update()
        .where(turns.c.id.in_(turn_ids), turns.c.runner == runner, turns.c.status == "running")
        .values(lease_until=until)
    )
    return (await tx.execute(statement)).rowcount


async def release_turns(
    tx: AsyncConnection, runner: str, taken_before: datetime, *, but: Collection[TurnId]
) -> int:
    """Give up what `runner` took before a moment, but for those turns; returns how many wait again."""
    statement = (
        turns.update()
        .where(
            turns.c.status == "running",
            turns.c.runner == runner,
            turns.c.started_at < taken_before,
            turns.c.id.not_in(but),
        )
        .values(status="pending", runner=None, lease_until=None)
    )
    return (await tx.execute(statement)).rowcount


async def postpone_turn(tx: AsyncConnection, turn: Turn, runner: str, error: str, until: datetime) -> bool:
    """Leave a turn that could not be concluded to any runner, from `until` on, as one with an error.

    False when this runner no longer holds it.
    """
    statement = turns.update().where(_held(turn, runner)).values(runner=None, lease_until=until, error=error)
    return (await tx.execute(statement)).rowcount == 1


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
        .where(_held(turn, runner))
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


async def drop_waiting(
    tx: AsyncConnection, conversation_id: ConversationId, epoch: int, now: datetime
) -> int:
    """Close what waits since `epoch` or before, which a person has taken over; returns how many turns."""
    statement = (
        turns.update()
        .where(
            turns.c.conversation_id == conversation_id,
            turns.c.status == "pending",
            turns.c.epoch <= epoch,
        )
        .values(status="dropped", finished_at=now)
    )
    return (await tx.execute(statement)).rowcount


async def waiting_conversations(
    tx: AsyncConnection,
    now: datetime,
    *,
    each: int,
    limit: int,
    created_before: datetime | None = None,
) -> list[tuple[ConversationId, ContactId]]:
    """Conversations whose oldest unfinished turn nobody works on, with their contacts; the oldest first.

    At most `each` of one contact, and every contact's first before anybody's second: who has very many leaves
    room for the others. With `created_before` only those whose oldest turn is older than that.
    """
    oldest = (
        sa.select(
            turns.c.conversation_id, turns.c.status, turns.c.lease_until, turns.c.created_at, turns.c.seq
        )
        .where(_UNFINISHED)
        .ext(distinct_on(turns.c.conversation_id))
        .order_by(turns.c.conversation_id, turns.c.seq)
        .subquery("oldest")
    )
    place = sa.func.row_number().over(partition_by=conversations.c.contact_id, order_by=oldest.c.created_at)
    free = (
        sa.select(
            oldest.c.conversation_id, conversations.c.contact_id, oldest.c.created_at, place.label("place")
        )
        .join(conversations, conversations.c.id == oldest.c.conversation_id)
        .where(_free(oldest.c, now))
    )
    if created_before is not None:
        free = free.where(oldest.c.created_at < created_before)
    found = free.subquery("free")
    query = (
        sa.select(found.c.conversation_id, found.c.contact_id)
        .where(found.c.place <= each)
        .order_by(found.c.place, found.c.created_at)
        .limit(limit)
    )
    return [(row.conversation_id, row.contact_id) for row in await tx.execute(query)]


async def texts_of(tx: AsyncConnection, turn_ids: Sequence[str]) -> dict[str, str]:
    """Read the messages of these turns, by the turn's id."""
    query = sa.select(turns.c.id, turns.c.text).where(turns.c.id.in_(turn_ids))
    return {row.id: row.text for row in await tx.execute(query)}


async def count_pending(tx: AsyncConnection, conversation_id: ConversationId) -> int:
    """How many messages of a conversation wait for the assistant."""
    query = (
        sa.select(sa.func.count())
        .select_from(turns)
        .where(turns.c.conversation_id == conversation_id, _UNFINISHED)
    )
    return int((await tx.execute(query)).scalar_one())
