"""The life of articles: written, versioned, published, taken back. Nothing that was saved is ever lost."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.foundation.clock import Clock
from bot.foundation.database import Database
from bot.foundation.errors import Conflict, NotFound
from bot.foundation.ids import ArticleId
from kb_index.articles import storage
from kb_index.domain import Article, Draft, Listed, Version, check_article_id
from kb_index.index import passage_storage
from kb_index.index.following import FollowedIndexes
from kb_index.ports import Encoded

Taken = Literal["created", "updated", "unchanged", "kept"]
log = structlog.get_logger(__name__)


class Articles:
    """Reads and changes articles; a published change is searchable when the call returns."""

    def __init__(self, database: Database, indexes: FollowedIndexes, clock: Clock) -> None:
        self._database = database
        self._indexes = indexes
        self._clock = clock

    def now(self) -> datetime:
        """Return the present, as this service sees it."""
        return self._clock.now()

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

    async def published(self, article_id: str, audiences: frozenset[str] | None = None) -> Version:
        """Return the text that readers of `audiences` see; None stands for all of them.

        Raises:
            NotFound: when there is no such article, or it is not published, or not for them.
        """
        async with self._database.connect() as connection:
            found = await storage.published(connection, ArticleId(article_id))
        if found is None or (audiences is not None and found.draft.audience not in audiences):
            raise NotFound("There is no such article.", hint="See the list at /help.")
        return found

    async def titles(self, audiences: frozenset[str]) -> list[Listed]:
        """Return what readers of `audiences` can see, by area and title."""
        async with self._database.connect() as connection:
            return await storage.published_titles(connection, audiences)

    async def create(self, article_id: str, draft: Draft, *, by: str) -> Article:
        """Create a draft article.

        Raises:
            InvalidInput: saying which field must be how.
            Conflict: when the id is taken.
        """
        checked_id, draft = check_article_id(article_id), draft.checked()
        async with self._database.begin() as tx:
            return await self._insert(tx, checked_id, draft, by=by, at=self._clock.now())

    async def update(self, article_id: str, draft: Draft, *, base_version: int, by: str) -> Article:
        """Save a new version on top of `base_version`; the same text again changes nothing.

        Raises:
            InvalidInput: saying which field must be how.
            NotFound: when there is no such article.
            Conflict: when somebody saved meanwhile; `extra["current"]` holds their text, and nothing is lost.
        """
        draft = draft.checked()
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if current.draft == draft:
                return current
            if current.version != base_version:
                raise _conflict(current)
            return await self._add_version(tx, current, draft, by=by, at=self._clock.now())

    async def publish(self, article_id: str, *, by: str) -> Article:
        """Let readers and the search see the newest version.

        Raises:
            NotFound: when there is no such article.
            Conflict: when somebody saved another version at that very moment.
        """
        seen = await self.get(article_id)
        if seen.status == "published":
            return seen
        made = await self._indexes.make(seen.draft)
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if current.version != seen.version:
                raise _conflict(current)
            current = await self._show(tx, current, made)
        await self._indexes.announce()
        log.info("article_published", article=current.id, version=current.version, by=by)
        return current

    async def unpublish(self, article_id: str, *, by: str) -> Article:
        """Take the article away from readers and the search; its texts stay.

        Raises:
            NotFound: when there is no such article.
        """
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if current.published_version is None:
                return current
            await passage_storage.delete_passages(tx, current.id)
            revision = await storage.next_revision(tx)
            await storage.update_article(tx, current.id, published_version=None, revision=revision)
        await self._indexes.announce()
        log.info("article_unpublished", article=current.id, by=by)
        return replace(current, published_version=None)

    async def take_in(
        self, article_id: str, draft: Draft, *, digest: str, written: datetime, by: str, force: bool
    ) -> Taken:
        """Import one article from a file whose hash is `digest`, in one transaction.

        A new article is published. A changed one is too, if readers see it: whether they do is the editors'
        decision. What an editor has changed since the last import is `kept`, unless `force`.

        Raises:
            InvalidInput: saying which field must be how.
        """
        checked_id, draft = check_article_id(article_id), draft.checked()
        async with self._database.connect() as connection:
            seen = await storage.find(connection, checked_id)
            imported = await storage.imported_hash(connection, checked_id)
        if seen is not None and (imported == digest or seen.draft == draft):
            return "unchanged"
        if seen is not None and imported is None and not force:
            return "kept"
        made = await self._indexes.make(draft)
        async with self._database.begin() as tx:
            if seen is None:
                current = await self._insert(tx, checked_id, draft, by=by, at=written, digest=digest)
            else:
                current = await self._locked(tx, article_id)
                if current.version != seen.version:
                    return "kept"
                current = await self._add_version(tx, current, draft, by=by, at=written, digest=digest)
            if seen is None or seen.published_version is not None:
                await self._show(tx, current, made)
        await self._indexes.announce()
        return "created" if seen is None else "updated"

    async def _insert(
        self,
        tx: AsyncConnection,
        article_id: ArticleId,
        draft: Draft,
        *,
        by: str,
        at: datetime,
        digest: str | None = None,
    ) -> Article:
        revision = await storage.next_revision(tx)
        if await storage.find(tx, article_id) is not None:
            raise Conflict("There is an article of this id already.", hint="Choose another id.")
        await storage.insert_article(
            tx,
            article_id,
            version=1,
            published_version=None,
            revision=revision,
            imported_hash=digest,
            updated_at=at,
            updated_by=by,
        )
        await storage.insert_version(tx, article_id, 1, draft, at, by)
        return Article(article_id, 1, None, draft, at, by)

    async def _add_version(
        self,
        tx: AsyncConnection,
        current: Article,
        draft: Draft,
        *,
        by: str,
        at: datetime,
        digest: str | None = None,
    ) -> Article:
        version = current.version + 1
        await storage.insert_version(tx, current.id, version, draft, at, by)
        await storage.update_article(
            tx, current.id, version=version, updated_at=at, updated_by=by, imported_hash=digest
        )
        return replace(current, version=version, draft=draft, updated_at=at, updated_by=by)

    async def _show(self, tx: AsyncConnection, current: Article, made: list[Encoded]) -> Article:
        shown = Version(current.id, current.version, current.draft, current.updated_at, current.updated_by)
        await passage_storage.replace_passages(tx, shown, made, self._indexes.maker.name)
        revision = await storage.next_revision(tx)
        await storage.update_article(tx, current.id, published_version=current.version, revision=revision)
        return replace(current, published_version=current.version)

    async def _locked(self, tx: AsyncConnection, article_id: str) -> Article:
        found = await storage.find(tx, ArticleId(article_id), lock=True)
        if found is None:
            raise NotFound("There is no such article.")
        return found


def _conflict(current: Article) -> Conflict:
    return Conflict(
        "Somebody saved another version meanwhile.",
        hint="Compare the two, then save again.",
        code="edit_conflict",
        extra={"current": current_as_json(current)},
    )


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
