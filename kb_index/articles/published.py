"""The articles that readers see, for what works on all of them at once."""

from foundation.database import Database
from kb_index.articles import storage
from kb_index.domain import Draft


async def published_drafts(database: Database) -> dict[str, Draft]:
    """Return every article that readers see, by id, as they see it."""
    async with database.connect() as connection:
        return {str(one.article_id): one.draft for one, _ in await storage.all_published(connection)}
