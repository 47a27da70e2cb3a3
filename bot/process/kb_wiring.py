"""The knowledge base among the other rooms: what it asks of the attempt log, and its endpoints."""

from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from actions.attempt_storage import attempts
from bot.foundation.clock import Clock
from bot.foundation.database import Database
from bot.foundation.http import Endpoint
from kb_index.articles.api import KnowledgeApi
from kb_index.articles.care import Care
from kb_index.articles.service import Articles
from kb_index.articles.transfer_api import TransferApi
from kb_index.retrieval.search import ArticleSearch


class AnswersShown:
    """How often answers showed each article, from the attempt log."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def shown(self, since: timedelta) -> Mapping[str, int]:
        """Count by article over the time up to now."""
        c = attempts.c
        query = (
            sa.select(c.article_id, sa.func.count().label("times"))
            .where(c.kind == "answer", c.article_id.is_not(None), c.created_at >= self._clock.now() - since)
            .group_by(c.article_id)
        )
        async with self._database.connect() as connection:
            return {row.article_id: row.times for row in await connection.execute(query)}


def knowledge_endpoints(
    database: Database, articles: Articles, search: ArticleSearch, clock: Clock
) -> list[Endpoint]:
    """Endpoints for editors and for search."""
    care = Care(database, articles, AnswersShown(database, clock), clock)
    return [
        # What has a fixed name comes before what takes any id in its place.
        *TransferApi(database, articles, care).endpoints(),
        *KnowledgeApi(articles, search).endpoints(),
    ]
