"""The table of attempts and its statements."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.attempts.model import Attempt
from foundation.database import UtcDateTime, metadata
from foundation.outcomes import OUTCOMES

_ALLOWED = ", ".join(f"'{outcome}'" for outcome in OUTCOMES)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("turn_id", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("user_ref", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("intent", sa.Text),
    sa.Column("confidence", sa.Float),
    sa.Column("read", JSONB, nullable=False),
    sa.Column("done", JSONB, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Text),
    sa.Column("article_id", sa.Text),
    sa.Column("article_version", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("closed_in", sa.Text),
    sa.UniqueConstraint("turn_id", "kind", "name", "step", name="uq_attempts_once_a_turn"),
    sa.CheckConstraint(f"outcome in ({_ALLOWED})", name="outcome"),
    sa.CheckConstraint("(outcome is null) = (finished_at is null)", name="finished_with_outcome"),
    sa.Index("ix_attempts_conversation", "conversation_id", "id"),
    sa.Index("ix_attempts_outcome", "outcome", "created_at"),
    sa.Index("ix_attempts_created", "created_at"),
    sa.Index("ix_attempts_user", "host", "user_ref", "created_at"),
    sa.Index("ix_attempts_open", "created_at", postgresql_where=sa.text("outcome is null")),
)


def to_attempt(row: Any) -> Attempt:
    """Read a row of `attempts`."""
    return Attempt(**row._mapping)


async def insert_once(tx: AsyncConnection, attempt: Attempt) -> tuple[Attempt, bool]:
    """Insert an attempt, or return the one that its turn has made already; and whether it is new."""
    values = {column.name: getattr(attempt, column.name) for column in attempts.columns}
    statement = insert(attempts).values(**values).on_conflict_do_nothing().returning(attempts)
    row = (await tx.execute(statement)).one_or_none()
    is_new = row is not None
    if row is None:
        same = sa.select(attempts).where(
            attempts.c.turn_id == attempt.turn_id,
            attempts.c.kind == attempt.kind,
            attempts.c.name == attempt.name,
            attempts.c.step == attempt.step,
        )
        row = (await tx.execute(same)).one()
    return to_attempt(row), is_new


async def reopen(
    tx: AsyncConnection, attempt: Attempt, *, since: datetime, cold_before: datetime
) -> list[Attempt]:
    """Mark what was assumed to have helped this user, and did not: they are back with it.

    Back in the same conversation after it had gone cold, or with the same thing in another one.
    """
    back = sa.and_(
        attempts.c.conversation_id == attempt.conversation_id, attempts.c.finished_at < cold_before
    )
    again = sa.and_(
        attempts.c.conversation_id != attempt.conversation_id,
        attempts.c.kind == attempt.kind,
        attempts.c.name == attempt.name,
    )
    statement = (
        attempts.update()
        .where(
            attempts.c.host == attempt.host,
            attempts.c.user_ref == attempt.user_ref,
            attempts.c.outcome == "assumed",
            attempts.c.conversation_id != "",
            attempts.c.finished_at > since,
            attempts.c.id != attempt.id,
            sa.or_(back, again),
        )
        .values(outcome="reopened")
        .returning(attempts)
    )
    return [to_attempt(row) for row in await tx.execute(statement)]


async def update_open(
    tx: AsyncConnection, attempt_id: str, turn_id: str, values: dict[str, Any], done: dict[str, Any]
) -> Attempt | None:
    """Change an attempt that is open, was closed in this very turn, or is acted on in it; else None.

    Whoever acts has the last word: a sweep or a hand-off may close the attempt while the act is under way.
    """
    statement = (
        attempts.update()
        .where(
            attempts.c.id == attempt_id,
            sa.or_(
                attempts.c.outcome.is_(None),
                attempts.c.closed_in == turn_id,
                attempts.c.done["confirmed_in"].astext == turn_id,
            ),
        )
        .values(**values, done=attempts.c.done.op("||")(sa.cast(done, JSONB)))
        .returning(attempts)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_attempt(row) if row else None


async def revise(
    tx: AsyncConnection,
    attempt_id: str,
    allowed: tuple[str, ...],
    values: dict[str, Any],
    done: dict[str, Any],
) -> Attempt | None:
    """Change an attempt whose outcome is one of `allowed`; None when it is not."""
    statement = (
        attempts.update()
        .where(attempts.c.id == attempt_id, attempts.c.outcome.in_(allowed))
        .values(**values, done=attempts.c.done.op("||")(sa.cast(done, JSONB)))
        .returning(attempts)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_attempt(row) if row else None


async def close_open(
    tx: AsyncConnection,
    *,
    outcome: str,
    at: datetime,
    turn_id: str | None = None,
    conversation_id: str | None = None,
    before: datetime | None = None,
    keep: str | None = None,
) -> list[Attempt]:
    """Give open attempts an outcome: those of a conversation, or those begun before a moment; return them."""
    statement = attempts.update().where(attempts.c.outcome.is_(None))
    if conversation_id is not None:
        statement = statement.where(attempts.c.conversation_id == conversation_id)
    if before is not None:
        statement = statement.where(attempts.c.created_at < before)
    if keep is not None:
        statement = statement.where(attempts.c.id != keep)
    closing = statement.values(outcome=outcome, finished_at=at, closed_in=turn_id).returning(attempts)
    return [to_attempt(row) for row in await tx.execute(closing)]


async def every_row(tx: AsyncConnection) -> AsyncIterator[Attempt]:
    """Read all attempts by id, some thousand at a time."""
    last = ""
    order = attempts.c.id.collate("C")
    while True:
        rows = (await tx.execute(sa.select(attempts).where(order > last).order_by(order).limit(2000))).all()
        if not rows:
            return
        for row in rows:
            yield to_attempt(row)
        last = rows[-1].id


async def by_conversation(
    tx: AsyncConnection, since: datetime | None, until: datetime | None
) -> AsyncIterator[list[Attempt]]:
    """Read attempts by conversation, whole conversations at a time; those of none come first."""
    ids = sa.select(attempts.c.conversation_id).distinct().order_by(attempts.c.conversation_id).limit(500)
    last: str | None = None
    while True:
        page = ids if last is None else ids.where(attempts.c.conversation_id > last)
        chosen = list((await tx.execute(_between(page, since, until))).scalars())
        if not chosen:
            return
        query = sa.select(attempts).where(attempts.c.conversation_id.in_(chosen))
        ordered = query.order_by(attempts.c.conversation_id, attempts.c.id)
        yield [to_attempt(row) for row in await tx.execute(_between(ordered, since, until))]
        last = chosen[-1]


async def find(tx: AsyncConnection, attempt_id: str) -> Attempt | None:
    """Read one attempt."""
    row = (await tx.execute(sa.select(attempts).where(attempts.c.id == attempt_id))).one_or_none()
    return to_attempt(row) if row else None


async def of_conversation(tx: AsyncConnection, conversation_id: str) -> list[Attempt]:
    """Read all attempts of a conversation, in order."""
    query = sa.select(attempts).where(attempts.c.conversation_id == conversation_id).order_by(attempts.c.id)
    return [to_attempt(row) for row in await tx.execute(query)]


async def latest_of(tx: AsyncConnection, conversation_id: str, limit: int) -> list[Attempt]:
    """Read the latest attempts of a conversation, newest first."""
    query = sa.select(attempts).where(attempts.c.conversation_id == conversation_id)
    newest = query.order_by(attempts.c.id.desc()).limit(limit)
    return [to_attempt(row) for row in await tx.execute(newest)]


async def outcomes_of(tx: AsyncConnection, conversation_ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """Read (conversation, outcome) of the attempts of these conversations, oldest first."""
    columns = (attempts.c.conversation_id, attempts.c.outcome)
    query = (
        sa.select(*columns).where(attempts.c.conversation_id.in_(conversation_ids)).order_by(attempts.c.id)
    )
    return [(row.conversation_id, row.outcome) for row in await tx.execute(query)]


async def select_page(
    tx: AsyncConnection,
    *,
    outcome: str | None,
    is_open: bool,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Attempt]:
    """Read the newest attempts that pass the filters."""
    query = sa.select(attempts).order_by(attempts.c.created_at.desc(), attempts.c.id.desc()).limit(limit)
    if is_open:
        query = query.where(attempts.c.outcome.is_(None))
    elif outcome is not None:
        query = query.where(attempts.c.outcome == outcome)
    return [to_attempt(row) for row in await tx.execute(_between(query, since, until))]


async def count_outcomes(
    tx: AsyncConnection, since: datetime | None, until: datetime | None
) -> dict[str | None, int]:
    """Count attempts by outcome; open ones under None."""
    query = sa.select(attempts.c.outcome, sa.func.count()).group_by(attempts.c.outcome)
    return {row[0]: int(row[1]) for row in await tx.execute(_between(query, since, until))}


def _between(query: Any, since: datetime | None, until: datetime | None) -> Any:
    if since is not None:
        query = query.where(attempts.c.created_at >= since)
    if until is not None:
        query = query.where(attempts.c.created_at < until)
    return query
