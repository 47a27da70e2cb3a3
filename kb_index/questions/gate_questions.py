"""The questions that publishing is measured with, for those who learn from them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from foundation.database import Database
from kb_index.evaluation.known_questions import LabelledQuestion, read_questions
from kb_index.questions.storage import known_questions


async def gate_questions(database: Database, file: Path) -> Sequence[LabelledQuestion]:
    """Return the gate's questions as they are now; those of `file` until the product took them in."""
    c = known_questions.c
    query = sa.select(c.question, c.article_id).order_by(c.article_id, c.question)
    async with database.connect() as connection:
        rows = list(await connection.execute(query))
    if rows:
        return [LabelledQuestion(row.question, row.article_id) for row in rows]
    return await asyncio.to_thread(read_questions, file)
