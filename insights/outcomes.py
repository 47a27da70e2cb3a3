"""What became of each conversation: one outcome for every one, so that they add up to all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from foundation.clock import Clock
from foundation.database import Database
from foundation.outcomes import CONVERSATION_OUTCOMES, ConversationOutcome

QUIET = timedelta(minutes=30)
"""A conversation in which nothing was attempted counts as running for this long after its last message."""
_BY_USERS = ("workflow", "answer", "fallback", "handoff")
_NOT_OF_USERS = ("system",)
_BATCH = 5000

_conversations = sa.table("conversations", sa.column("id"), sa.column("channel"), sa.column("created_at"),
                          sa.column("updated_at"))  # fmt: skip
_attempts = sa.table("attempts", sa.column("id"), sa.column("conversation_id"), sa.column("kind"),
                     sa.column("outcome"))  # fmt: skip


def conversation_outcome(outcomes: Iterable[str | None]) -> ConversationOutcome:
    """Return what a conversation came to, from the outcomes of its attempts in order.

    None or `open` is an attempt that waits. In this order: `escalated` when a person took over at any time,
    `open` while something waits, `verified` when a second look showed a repair and nothing failed after it,
    `failed` when the last that counts failed, `reopened`, `assumed`, and `abandoned` when there is nothing.
    """
    last: ConversationOutcome = "abandoned"
    waits = False
    for outcome in outcomes:
        if outcome == "escalated":
            return "escalated"
        if outcome in (None, "open"):
            waits = True
        elif outcome in ("verified", "failed", "reopened"):
            last = outcome  # type: ignore[assignment]
        elif outcome == "assumed" and last not in ("verified", "reopened"):
            last = "assumed"
    return "open" if waits else last


@dataclass(frozen=True)
class Counted:
    """How many conversations there are, and how many of each outcome; the sum of these is that number."""

    conversations: int
    outcomes: dict[str, int]


class Outcomes:
    """Counts conversations by what became of them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def count(self, since: datetime | None = None, until: datetime | None = None) -> Counted:
        """Count the conversations begun from `since` on and before `until`."""
        counts = dict.fromkeys(CONVERSATION_OUTCOMES, 0)
        total, last = 0, ""
        async with self._database.connect() as connection:
            while rows := (await connection.execute(_after(last, since, until))).all():
                for row in rows:
                    counts[self._of(row)] += 1
                total, last = total + len(rows), rows[-1].id
        return Counted(total, {str(name): number for name, number in counts.items()})

    async def of(self, conversation_ids: Sequence[str]) -> dict[str, ConversationOutcome]:
        """Return the outcome of each of these conversations."""
        query = _with_attempts().where(_conversations.c.id.in_(conversation_ids))
        async with self._database.connect() as connection:
            return {row.id: self._of(row) for row in await connection.execute(query)}

    async def conversations_with(self, outcome: str, *, before: str | None, limit: int) -> list[str]:
        """Return the newest conversations of this outcome that came before another one, newest first."""
        found: list[str] = []
        async with self._database.connect() as connection:
            while len(found) < limit and (rows := (await connection.execute(_before(before))).all()):
                found += [row.id for row in rows if self._of(row) == outcome]
                before = rows[-1].id
        return found[:limit]

    def _of(self, row: Any) -> ConversationOutcome:
        tried = [one for one in row.outcomes if one != ""]
        running = not tried and row.updated_at > self._clock.now() - QUIET
        return "open" if running else conversation_outcome(tried)


def _between(c: Any, since: datetime | None, until: datetime | None) -> list[Any]:
    bounds = []
    if since is not None:
        bounds.append(c.created_at >= since)
    if until is not None:
        bounds.append(c.created_at < until)
    return bounds


def _after(last: str, since: datetime | None, until: datetime | None) -> Any:
    c = _conversations.c
    ours = _with_attempts().where(c.id > last, c.channel.not_in(_NOT_OF_USERS), *_between(c, since, until))
    return ours.order_by(c.id).limit(_BATCH)


def _before(last: str | None) -> Any:
    c = _conversations.c
    ours = _with_attempts().where(c.channel.not_in(_NOT_OF_USERS))
    return (ours if last is None else ours.where(c.id < last)).order_by(c.id.desc()).limit(_BATCH)


def _with_attempts() -> Any:
    """Conversations with the outcomes of their attempts; the empty text stands for no attempt."""
    c, a = _conversations.c, _attempts.c
    tried = sa.func.coalesce(a.outcome, sa.case((a.id.is_(None), ""), else_="open"))
    ordered = aggregate_order_by(tried, a.id)
    return (
        sa.select(c.id, c.updated_at, sa.func.array_agg(ordered).label("outcomes"))
        .select_from(
            _conversations.outerjoin(_attempts, sa.and_(a.conversation_id == c.id, a.kind.in_(_BY_USERS)))
        )
        .group_by(c.id, c.updated_at)
    )
