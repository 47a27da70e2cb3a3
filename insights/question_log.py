"""What users asked and what became of it, for the knowledge base: read from attempts, events and cases."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from actions.attempts.model import ASKED_IN, QUESTION
from actions.attempts.storage import attempts
from bot.conversation.events import MessagePayload, read_payload
from bot.conversation.storage import contacts, conversations, events
from bot.conversation.turn_storage import turns
from escalation.storage import cases
from foundation.database import Database
from kb_index.questions.ports import DayOfUse, UnansweredQuestion
from security.privacy.confidences import mask_confidences

_MOST = 20_000
_CHUNK = 500


def without(text: str, names: Sequence[str | None]) -> str:
    """Mask the names of those who take part, and their parts of three letters or more."""
    parts = {part for name in names for part in (name or "").split() if len(part) > 2}
    for part in sorted(parts, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text


def _asked(a: sa.ColumnCollection[str, sa.Column[Any]]) -> sa.ColumnElement[str]:
    """What was asked: the words of the turn that the attempt names, else what the attempt itself has."""
    return sa.func.coalesce(turns.c.text, a.read[QUESTION].astext)


def _readable(asked: Sequence[tuple[str, Sequence[str | None]]]) -> list[str]:
    """The texts as all staff may read them."""
    return [without(mask_confidences(text, [name for name in names if name]), names) for text, names in asked]


class LoggedQuestions:
    """The logs as `kb_index.questions.ports.QuestionLog`. Attempts hold masked texts; events do not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_vain(self, since: datetime) -> Sequence[UnansweredQuestion]:
        """Questions that got no answer, one that did not help, or a person though an article was shown."""
        a, k = attempts.c, cases.c
        minutes = sa.func.extract("epoch", k.resolved_at - k.claimed_at) / 60
        taken = (
            sa.select(k.conversation_id, sa.func.sum(sa.func.coalesce(minutes, 0.0)).label("minutes"))
            .group_by(k.conversation_id)
            .subquery()
        )
        question = _asked(a)
        query = (
            sa.select(
                a.id,
                a.conversation_id,
                question.label("question"),
                a.created_at,
                taken.c.minutes,
                contacts.c.name,
            )
            .outerjoin(conversations, conversations.c.id == a.conversation_id)
            .outerjoin(contacts, contacts.c.id == conversations.c.contact_id)
            .outerjoin(taken, taken.c.conversation_id == a.conversation_id)
            .outerjoin(turns, turns.c.id == a.read[ASKED_IN].astext)
            .where(
                a.kind.in_(("answer", "fallback")),
                a.created_at >= since,
                sa.func.length(question) > 0,
                sa.or_(a.outcome.in_(("failed", "escalated")), a.done["helped"].astext == "false"),
            )
            .order_by(a.created_at.desc())
            .limit(_MOST)
        )
        async with self._database.connect() as connection:
            rows = list(await connection.execute(query))
        texts = await asyncio.to_thread(_readable, [(row.question, [row.name]) for row in rows])
        return [
            UnansweredQuestion(
                row.id, row.conversation_id, text, row.created_at,
                handed_off=row.minutes is not None, minutes=float(row.minutes or 0.0),
            )
            for row, text in zip(rows, texts, strict=True)
        ]  # fmt: skip

    async def answered(self, since: datetime, article_ids: Sequence[str]) -> int:
        """Answers since then that showed one of these articles and were not called unhelpful."""
        a = attempts.c
        query = sa.select(sa.func.count()).where(
            a.kind == "answer", a.article_id.in_(article_ids), a.created_at >= since,
            a.outcome.in_(("assumed", "verified")),
        )  # fmt: skip
        async with self._database.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def use_of(self, article_id: str) -> Sequence[DayOfUse]:
        """An article's use by day, in UTC."""
        a, k = attempts.c, cases.c
        day = sa.func.to_char(sa.func.timezone("UTC", a.created_at), "YYYY-MM-DD")
        handed = sa.exists().where(k.conversation_id == a.conversation_id, k.opened_at >= a.created_at)

        def how_many(condition: sa.ColumnElement[bool], name: str) -> sa.Label[int]:
            return sa.func.count().filter(condition).label(name)

        query = (
            sa.select(
                day.label("day"),
                sa.func.count().label("shown"),
                how_many(a.done["helped"].astext == "true", "helped"),
                how_many(a.done["helped"].astext == "false", "not_helped"),
                how_many(handed, "handed_off"),
            )
            .where(a.kind == "answer", a.article_id == article_id)
            .group_by(day)
            .order_by(day)
        )
        async with self._database.connect() as connection:
            return [DayOfUse(*row) for row in await connection.execute(query)]

    async def helped(self, since: datetime) -> Sequence[tuple[str, str]]:
        """Questions whose answer the user called helpful, with the article."""
        a = attempts.c
        question = _asked(a)
        joined = attempts.outerjoin(turns, turns.c.id == a.read[ASKED_IN].astext)
        query = sa.select(question, a.article_id).select_from(joined).where(
            a.kind == "answer", a.created_at >= since, a.article_id.is_not(None),
            a.done["helped"].astext == "true", sa.func.length(question) > 0,
        )  # fmt: skip
        async with self._database.connect() as connection:
            rows = list(await connection.execute(query.limit(_MOST)))
        texts = await asyncio.to_thread(_readable, [(row[0], []) for row in rows])
        return [(text, row[1]) for text, row in zip(texts, rows, strict=True)]

    async def agents_words(self, conversation_ids: Sequence[str]) -> Sequence[str]:
        """What agents wrote in these conversations, masked, in order."""
        e = events.c
        said: dict[str, list[tuple[str, Sequence[str | None]]]] = defaultdict(list)
        async with self._database.connect() as connection:
            for first in range(0, len(conversation_ids), _CHUNK):
                some = conversation_ids[first : first + _CHUNK]
                query = (
                    sa.select(e.conversation_id, e.payload, contacts.c.name, e.author_name)
                    .join(conversations, conversations.c.id == e.conversation_id)
                    .join(contacts, contacts.c.id == conversations.c.contact_id)
                    .where(
                        e.conversation_id.in_(some), e.type == MessagePayload.type, e.author_kind == "agent"
                    )
                )
                for row in await connection.execute(query.order_by(e.conversation_id, e.seq)):
                    if text := read_payload(MessagePayload.type, row.payload).words:
                        said[row.conversation_id].append((text, row[2:]))
        in_order = [each for key in conversation_ids for each in said.get(key, ())]
        return await asyncio.to_thread(_readable, in_order)
