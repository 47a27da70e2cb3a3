"""Questions that real conversations answer with an article: what the search's encoder may learn from."""

import asyncio
import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from actions.attempts.model import ASKED_IN, QUESTION
from actions.attempts.storage import attempts
from bot.conversation.events import MessagePayload
from bot.conversation.storage import events
from bot.conversation.turn_storage import turns
from foundation.database import Database
from kb_index.encoder.training_pairs import AnsweredQuestion
from security.privacy.confidences import mask_confidences

NEWEST = 10_000
"""Rows of each log that are learnt from; older ones are about older articles."""
_LINK = re.compile(r"/help/([a-z0-9][a-z0-9-]*)")


async def helped_answers(
    database: Database, mask: Callable[[str], str] = mask_confidences
) -> Sequence[AnsweredQuestion]:
    """Questions that were answered with an article, where the user said that it helped.

    Silence is no yes: learning from what merely nobody objected to would teach the encoder its own mistakes.
    """
    c = attempts.c
    question = sa.func.coalesce(turns.c.text, c.read[QUESTION].astext)
    helped = c.done["helped"].astext == "true"
    query = (
        sa.select(question.label("question"), c.article_id)
        .select_from(attempts.outerjoin(turns, turns.c.id == c.read[ASKED_IN].astext))
        .where(c.kind == "answer", c.outcome.in_(("assumed", "verified")), helped)
        .where(c.article_id.is_not(None), question.is_not(None))
        .order_by(c.created_at.desc(), c.id)
        .limit(NEWEST)
    )
    async with database.connect() as connection:
        rows = list(await connection.execute(query))
    return await asyncio.to_thread(
        lambda: [AnsweredQuestion(mask(row.question), row.article_id, "answer") for row in rows]
    )


async def agent_links(
    database: Database, mask: Callable[[str], str] = mask_confidences
) -> Sequence[AnsweredQuestion]:
    """What a user wrote last before an agent sent the link of an article."""
    asked, said = events.alias("asked"), events.alias("said")
    text = said.c.payload["text"].astext
    before = (
        sa.select(asked.c.payload["text"].astext)
        .where(asked.c.conversation_id == said.c.conversation_id, asked.c.seq < said.c.seq)
        .where(asked.c.type == MessagePayload.type, asked.c.author_kind == "user")
        .order_by(asked.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(text.label("answer"), before.label("question"))
        .where(said.c.type == MessagePayload.type, said.c.author_kind == "agent", text.contains("/help/"))
        .order_by(said.c.at.desc(), said.c.id)
        .limit(NEWEST)
    )
    async with database.connect() as connection:
        rows = list(await connection.execute(query))
    linked = [(row.question, sorted(set(_LINK.findall(row.answer)))) for row in rows if row.question]
    # Of an answer that links several articles nobody knows which one answered.
    clear = [(question, articles[0]) for question, articles in linked if len(articles) == 1]
    return await asyncio.to_thread(
        lambda: [AnsweredQuestion(mask(question), article, "agent") for question, article in clear]
    )
