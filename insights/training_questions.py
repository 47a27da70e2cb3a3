"""Questions that real conversations answer with an article: what the search's encoder may learn from."""

import asyncio
import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from actions.attempts.read_models import attempt_rows
from bot.conversation.read_models import message_rows, turn_rows
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
    c = attempt_rows.c
    question = sa.func.coalesce(turn_rows.c.text, c.question)
    helped = c.helped == "true"
    query = (
        sa.select(question.label("question"), c.article_id)
        .select_from(attempt_rows.outerjoin(turn_rows, turn_rows.c.id == c.asked_in))
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
    asked, said = message_rows.alias("asked"), message_rows.alias("said")
    before = (
        sa.select(asked.c.text)
        .where(asked.c.conversation_id == said.c.conversation_id, asked.c.seq < said.c.seq)
        .where(asked.c.author_kind == "user")
        .order_by(asked.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(said.c.text.label("answer"), before.label("question"))
        .where(said.c.author_kind == "agent", said.c.text.contains("/help/"))
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
