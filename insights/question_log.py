"""What users asked and what became of it, for the knowledge base: read from attempts, events and cases."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from actions.attempts.read_models import attempt_rows
from bot.conversation.read_models import message_rows, participant_rows, turn_rows
from escalation.read_models import case_rows
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


def _asked() -> sa.ColumnElement[str]:
    """What was asked: the words of the turn that the attempt names, else what the attempt itself has."""
    return sa.func.coalesce(turn_rows.c.text, attempt_rows.c.question)


def _readable(asked: Sequence[tuple[str, Sequence[str | None]]]) -> list[str]:
    """The texts as all staff may read them."""
    return [without(mask_confidences(text, [name for name in names if name]), names) for text, names in asked]


class LoggedQuestions:
    """The logs as `kb_index.questions.ports.QuestionLog`. Attempts hold masked texts; events do not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_vain(self, since: datetime) -> Sequence[UnansweredQuestion]:
        """Questions that got no answer, one that did not help, or a person though an article was shown."""
        a, k = attempt_rows.c, case_rows.c
        taken = (
            sa.select(k.conversation_id, sa.func.sum(sa.func.coalesce(k.minutes, 0.0)).label("minutes"))
            .group_by(k.conversation_id)
            .subquery()
        )
        question = _asked()
        query = (
            sa.select(
                a.id,
                a.conversation_id,
                question.label("question"),
                a.created_at,
                taken.c.minutes,
                participant_rows.c.name,
            )
            .outerjoin(participant_rows, participant_rows.c.conversation_id == a.conversation_id)
            .outerjoin(taken, taken.c.conversation_id == a.conversation_id)
            .outerjoin(turn_rows, turn_rows.c.id == a.asked_in)
            .where(
                a.kind.in_(("answer", "fallback")),
                a.created_at >= since,
                sa.func.length(question) > 0,
                sa.or_(a.outcome.in_(("failed", "escalated")), a.helped == "false"),
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
        a = attempt_rows.c
        query = sa.select(sa.func.count()).where(
            a.kind == "answer", a.article_id.in_(article_ids), a.created_at >= since,
            a.outcome.in_(("assumed", "verified")),
        )  # fmt: skip
        async with self._database.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def use_of(self, article_id: str) -> Sequence[DayOfUse]:
        """An article's use by day, in UTC."""
        a, k = attempt_rows.c, case_rows.c
        day = sa.func.to_char(sa.func.timezone("UTC", a.created_at), "YYYY-MM-DD")
        handed = sa.exists().where(k.conversation_id == a.conversation_id, k.opened_at >= a.created_at)

        def how_many(condition: sa.ColumnElement[bool], name: str) -> sa.Label[int]:
            return sa.func.count().filter(condition).label(name)

        query = (
            sa.select(
                day.label("day"),
                sa.func.count().label("shown"),
                how_many(a.helped == "true", "helped"),
                how_many(a.helped == "false", "not_helped"),
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
        a = attempt_rows.c
        question = _asked()
        joined = attempt_rows.outerjoin(turn_rows, turn_rows.c.id == a.asked_in)
        query = sa.select(question, a.article_id).select_from(joined).where(
            a.kind == "answer", a.created_at >= since, a.article_id.is_not(None),
            a.helped == "true", sa.func.length(question) > 0,
        )  # fmt: skip
        async with self._database.connect() as connection:
            rows = list(await connection.execute(query.limit(_MOST)))
        texts = await asyncio.to_thread(_readable, [(row[0], []) for row in rows])
        return [(text, row[1]) for text, row in zip(texts, rows, strict=True)]

    async def agents_words(self, conversation_ids: Sequence[str]) -> Sequence[str]:
        """What agents wrote in these conversations, masked, in order."""
        m = message_rows.c
        said: dict[str, list[str]] = defaultdict(list)
        async with self._database.connect() as connection:
            for first in range(0, len(conversation_ids), _CHUNK):
                some = conversation_ids[first : first + _CHUNK]
                query = (
                    sa.select(m.conversation_id, m.text, participant_rows.c.name, m.author_name)
                    .join(participant_rows, participant_rows.c.conversation_id == m.conversation_id)
                    .where(m.conversation_id.in_(some), m.author_kind == "agent", m.text.is_not(None))
                )
                rows = list(await connection.execute(query.order_by(m.conversation_id, m.seq)))
                texts = await asyncio.to_thread(_readable, [(row.text, row[2:]) for row in rows])
                for row, text in zip(rows, texts, strict=True):
                    said[row.conversation_id].append(text)
        return [text for key in conversation_ids for text in said.get(key, ())]
