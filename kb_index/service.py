"""The life of articles: written, versioned, published, taken back. Nothing that was saved is ever lost."""

from dataclasses import replace
from typing import Any

import structlog

from bot.foundation.clock import Clock
from bot.foundation.database import Database
from bot.foundation.errors import Conflict, NotFound
from bot.foundation.ids import ArticleId
from kb_index import storage
from kb_index.domain import Article, Draft, Version, check_article_id
from kb_index.search import ArticleSearch

log = structlog.get_logger(__name__)


class Articles:
    """Reads and changes articles; a published change is searchable when the call returns."""

    def __init__(self, database: Database, search: ArticleSearch, encoder: str, clock: Clock) -> None:
        self._database = database
        self._search = search
        self._encoder = encoder
        self._clock = clock

    async def get(self, article_id: str) -> Article:
        """Return an article with its newest text.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.connect() as connection:
            found = await storage.find(connection, ArticleId(article_id))
        if found is None:
            raise NotFound("There is no such article.")
        return found

    async def index(self, *, status: str | None = None, text: str | None = None) -> list[Article]:
        """Return articles by title; `status` is draft, published or changed, `text` is searched for."""
        async with self._database.connect() as connection:
            return await storage.select_articles(connection, status=status, text=text)

    async def versions(self, article_id: str) -> list[Version]:
        """Return all texts of an article, newest first.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.connect() as connection:
            found = await storage.select_versions(connection, ArticleId(article_id))
        if not found:
            raise NotFound("There is no such article.")
        return found

    async def published(self, article_id: str) -> Version:
        """Return the text that readers see.

        Raises:
            NotFound: when there is no such article or it is not published.
        """
        async with self._database.connect() as connection:
            found = await storage.published(connection, ArticleId(article_id))
        if found is None:
            raise NotFound("There is no such article.", hint="See the list at /help.")
        return found

    async def all_published(self) -> list[Version]:
        """Return every text that readers see, by area and title."""
        async with self._database.connect() as connection:
            return await storage.all_published(connection)

    async def create(
        self, article_id: str, draft: Draft, *, by: str, imported_hash: str | None = None
    ) -> Article:
        """Create a draft article.

        Raises:
            InvalidInput: saying which field must be how.
            Conflict: when the id is taken.
        """
        checked_id, draft = check_article_id(article_id), draft.checked()
        now = self._clock.now()
        async with self._database.begin() as tx:
            revision = await storage.next_revision(tx)
            if await storage.find(tx, checked_id) is not None:
                raise Conflict("There is an article of this id already.", hint="Choose another id.")
            await storage.insert_article(
                tx,
                checked_id,
                version=1,
                published_version=None,
                revision=revision,
                updated_at=now,
                updated_by=by,
                imported_hash=imported_hash,
            )
            await storage.insert_version(tx, checked_id, 1, draft, now, by)
        return Article(checked_id, 1, None, draft, now, by)

    async def update(
        self, article_id: str, draft: Draft, *, base_version: int, by: str, imported_hash: str | None = None
    ) -> Article:
        """Save a new version on top of `base_version`; the same text again changes nothing.

        Raises:
            InvalidInput: saying which field must be how.
            NotFound: when there is no such article.
            Conflict: when somebody saved meanwhile; `extra["current"]` holds their text, and nothing is lost.
        """
        draft = draft.checked()
        now = self._clock.now()
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if current.draft == draft:
                return current
            if current.version != base_version:
                raise Conflict(
                    "Somebody saved another version meanwhile.",
                    hint="Compare the two, then save again.",
                    code="edit_conflict",
                    extra={"current": current_as_json(current)},
                )
            version = current.version + 1
            await storage.insert_version(tx, current.id, version, draft, now, by)
            await storage.update_article(
                tx,
                current.id,
                version=version,
                updated_at=now,
                updated_by=by,
                imported_hash=imported_hash,
                revision=await storage.next_revision(tx),
            )
        return replace(current, version=version, draft=draft, updated_at=now, updated_by=by)

    async def publish(self, article_id: str, *, by: str) -> Article:
        """Let readers and the search see the newest version.

        Raises:
            NotFound: when there is no such article.
        """
        current = await self.get(article_id)
        passages, vectors = await self._search.encode_passages(current.draft)
        async with self._database.begin() as tx:
            now_current = await self._locked(tx, article_id)
            if now_current.version != current.version:
                raise Conflict("The article changed meanwhile.", hint="Look at it again, then publish.")
            await storage.replace_passages(tx, current.id, current.version, passages, self._encoder, vectors)
            await storage.update_article(
                tx, current.id, published_version=current.version, revision=await storage.next_revision(tx)
            )
        await self._search.announce()
        log.info("article_published", article=current.id, version=current.version, by=by)
        return replace(current, published_version=current.version)

    async def unpublish(self, article_id: str, *, by: str) -> Article:
        """Take the article away from readers and the search; its texts stay.

        Raises:
            NotFound: when there is no such article.
        """
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            await storage.replace_passages(tx, current.id, None, [], self._encoder, [])
            await storage.update_article(
                tx, current.id, published_version=None, revision=await storage.next_revision(tx)
            )
        await self._search.announce()
        log.info("article_unpublished", article=current.id, by=by)
        return replace(current, published_version=None)

    async def imported_hash(self, article_id: str) -> str | None:
        """The hash of the file the newest text came from; None when an editor wrote it."""
        async with self._database.connect() as connection:
            return await storage.imported_hash(connection, ArticleId(article_id))

    async def _locked(self, tx: Any, article_id: str) -> Article:
        found = await storage.find(tx, ArticleId(article_id), lock=True)
        if found is None:
            raise NotFound("There is no such article.")
        return found


def current_as_json(article: Article) -> dict[str, Any]:
    """An article as it goes over the wire."""
    return {
        "id": article.id,
        "title": article.draft.title,
        "area": article.draft.area,
        "language": article.draft.language,
        "body": article.draft.body,
        "status": article.status,
        "version": article.version,
        "published_version": article.published_version,
        "updated_at": article.updated_at.isoformat(),
        "updated_by": article.updated_by,
    }
