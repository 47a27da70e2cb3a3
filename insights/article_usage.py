"""How often answers showed each article."""

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from actions.attempts.read_models import attempt_rows
from foundation.clock import Clock
from foundation.database import Database


class AnswersShown:
    """How often answers showed each article, from the attempt log."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def shown(self, since: timedelta) -> Mapping[str, int]:
        """Count by article over the time up to now."""
        c = attempt_rows.c
        query = (
            sa.select(c.article_id, sa.func.count().label("times"))
            .where(c.kind == "answer", c.article_id.is_not(None), c.created_at >= self._clock.now() - since)
            .group_by(c.article_id)
        )
        async with self._database.connect() as connection:
            return {row.article_id: row.times for row in await connection.execute(query)}
