"""What editors should look after: links that lead nowhere, and articles to read again."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from foundation.clock import Clock
from foundation.database import Database
from kb_index.articles import images, links, storage
from kb_index.articles.rendering import anchors
from kb_index.articles.service import Articles
from kb_index.domain import Version

OLD = timedelta(days=180)
"""An article nobody has touched for this long is stale if it is used."""
LATELY = timedelta(days=90)
"""The time over which its use is counted."""


class Usage(Protocol):
    """Knows how often articles were shown in answers."""

    async def shown(self, since: timedelta) -> Mapping[str, int]:
        """Return how often each article was shown, by id, in the time up to now."""
        ...


@dataclass(frozen=True)
class Stale:
    """A published article to read again."""

    version: Version
    review_by: date | None
    age_days: int
    shown: int


class Maintenance:
    """Looks for what has gone stale or broken."""

    def __init__(self, database: Database, articles: Articles, usage: Usage, clock: Clock) -> None:
        self._database = database
        self._articles = articles
        self._usage = usage
        self._clock = clock

    async def stale(self) -> list[Stale]:
        """Return articles past their day to be reviewed, longest first, then old ones by age times use."""
        shown = await self._usage.shown(LATELY)
        now = self._clock.now()
        async with self._database.connect() as connection:
            published = await storage.all_published(connection)
        found = [
            Stale(version, review_by, (now - version.created_at).days, shown.get(version.article_id, 0))
            for version, review_by in published
        ]
        late = [one for one in found if one.review_by is not None and one.review_by < now.date()]
        old = [one for one in found if one not in late and one.age_days >= OLD.days]
        late.sort(key=lambda one: (one.review_by or date.max, -one.shown, one.version.article_id))
        old.sort(key=lambda one: (-one.age_days * (1 + one.shown), one.version.article_id))
        return late + old

    async def links(self, article_id: str) -> list[links.Link]:
        """Return every link of an article's newest text, with its problem.

        Raises:
            NotFound: when there is no such article.
        """
        body = (await self._articles.get(article_id)).draft.body
        wanted = await asyncio.to_thread(links.targets, body)
        async with self._database.connect() as connection:
            linked = [version for version, _ in await storage.all_published(connection, wanted)]
            pictures = await images.existing(connection, wanted)
        return await asyncio.to_thread(_check, body, linked, pictures)


def _check(body: str, linked: list[Version], pictures: set[str]) -> list[links.Link]:
    published: dict[str, frozenset[str]] = {
        one.article_id: frozenset(anchors(one.draft.body)) for one in linked
    }
    return links.check(body, published, pictures)
