"""The life of articles: written, versioned, published, taken back. Nothing that was saved is ever lost."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, FirstlineError, InvalidInput, NotFound
from foundation.ids import ArticleId
from kb_index.articles import passage_storage, storage
from kb_index.articles.conflicts import Source, edit_conflict, source_columns
from kb_index.articles.exporting import to_file
from kb_index.domain import Article, Draft, Listed, Status, Version, check_article_id
from kb_index.ports import Encoded, PassageIndexes

SCHEDULE = "schedule"
"""Who publishes what was scheduled."""
LONGEST_AHEAD = timedelta(days=731)
Taken = Literal["created", "updated", "unchanged", "kept"]
log = structlog.get_logger(__name__)


class Articles:
    """Reads and changes articles; a published change is searchable when the call returns."""

    def __init__(self, database: Database, indexes: PassageIndexes, clock: Clock) -> None:
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

    async def index(
        self,
        *,
        status: Status | None = None,
        area: str | None = None,
        language: str | None = None,
        text: str | None = None,
    ) -> list[Article]:
        """Return articles by title, `text` in title, id or body; archived ones only if asked for."""
        wanted = storage.Wanted(status, area, language, text)
        async with self._database.connect() as connection:
            return await storage.select_articles(connection, wanted)

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

    async def first_published_at(self, article_id: str) -> datetime | None:
        """Return when readers first saw an article; None where they never did."""
        async with self._database.connect() as connection:
            return await storage.first_published_at(connection, ArticleId(article_id))

    async def revision(self) -> int:
        """Return the number of the last change that readers can see; 0 before the first."""
        async with self._database.connect() as connection:
            return await storage.last_revision(connection)

    async def all_published(self, audiences: frozenset[str]) -> list[Version]:
        """Return all texts that readers of `audiences` see, by id."""
        async with self._database.connect() as connection:
            found = await storage.all_published(connection)
        return [version for version, _ in found if version.draft.audience in audiences]

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
                raise edit_conflict(current)
            return await self._add_version(tx, current, draft, by=by, at=self._clock.now())

    async def publish(self, article_id: str, *, by: str) -> Article:
        """Let readers and the search see the newest version.

        Raises:
            NotFound: when there is no such article.
            Conflict: when somebody saved another version at that very moment.
        """
        seen = await self.get(article_id)
        if seen.status == "published" and seen.publish_at is None:
            return seen
        made = await self._indexes.make(seen.draft)
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if current.version != seen.version:
                raise edit_conflict(current)
            if current.status == "published" and current.publish_at is None:
                return current  # another process was faster
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

    async def ask_for_review(self, article_id: str) -> Article:
        """Mark the newest text as ready to be read by somebody else.

        Raises:
            NotFound: when there is no such article.
            Conflict: when readers see this very text already, or the article is archived.
        """
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if current.status == "published":
                raise Conflict("This text is published already.", hint="Change it first.")
            if current.status == "archived":
                raise Conflict("The article is archived.", hint="Save or publish it to take it up again.")
            await storage.update_article(tx, current.id, state="review")
        return replace(current, state="review")

    async def archive(self, article_id: str, *, by: str) -> Article:
        """Take the article away from readers and from the editors' list; its texts stay.

        Raises:
            NotFound: when there is no such article.
        """
        await self.unpublish(article_id, by=by)
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            await storage.update_article(tx, current.id, state="archived", publish_at=None)
        return replace(current, state="archived", publish_at=None)

    async def schedule(self, article_id: str, at: datetime | None) -> Article:
        """Have the newest text published at a time to come; None takes that back.

        Raises:
            NotFound: when there is no such article.
            InvalidInput: when the time is not within the next two years.
            Conflict: when readers see the newest text already.
        """
        now = self._clock.now()
        if at is not None and not now < at <= now + LONGEST_AHEAD:
            raise InvalidInput("at: a time to come, within two years.")
        async with self._database.begin() as tx:
            current = await self._locked(tx, article_id)
            if at is not None and current.status == "published":
                raise Conflict("This text is published already.", hint="Change it first.")
            await storage.update_article(tx, current.id, publish_at=at)
        return replace(current, publish_at=at)

    async def publish_due(self) -> list[ArticleId]:
        """Publish what is due, in this process or in another one at the same time; returns what was due."""
        async with self._database.connect() as connection:
            waiting = await storage.due(connection, self._clock.now())
        for article_id in waiting:
            try:
                await self.publish(article_id, by=SCHEDULE)
            except FirstlineError as error:
                log.warning("article_not_published", article=article_id, reason=error.code)
        return waiting

    async def version(self, article_id: str, number: int) -> Version:
        """Return one saved text.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.connect() as connection:
            found = await storage.version(connection, ArticleId(article_id), number)
        if found is None:
            raise NotFound("There is no such version.")
        return found

    async def files(self, *, archived: bool = False) -> dict[str, bytes]:
        """Return every article's newest text as a file of Markdown, by the file's name."""
        found = await self.index() + (await self.index(status="archived") if archived else [])
        files: dict[str, bytes] = {}
        async with self._database.connect() as connection:
            for article in found:
                imported = await storage.imported_file(connection, article.id)
                files[f"{article.id}.md"] = to_file(article, imported)
        return files

    async def restore(self, article_id: str, number: int, *, base_version: int, by: str) -> Article:
        """Save an older text as the newest version.

        Raises:
            NotFound: when there is no such version.
            Conflict: as in `update`.
        """
        older = await self.version(article_id, number)
        return await self.update(article_id, older.draft, base_version=base_version, by=by)

    async def take_in(
        self, article_id: str, draft: Draft, source: Source, *, written: datetime, by: str, force: bool
    ) -> Taken:
        """Import one article, in one transaction.

        A new article is published. A changed one is too, if readers see it: whether they do is the editors'
        decision. What an editor has changed since the last import is `kept`, unless `force`.

        Raises:
            InvalidInput: saying which field must be how.
        """
        checked_id, draft = check_article_id(article_id), draft.checked()
        async with self._database.connect() as connection:
            seen = await storage.find(connection, checked_id)
            imported = await storage.imported_hash(connection, checked_id)
        if seen is not None and (imported == source.digest or seen.draft == draft):
            return "unchanged"
        if seen is not None and imported is None and not force:
            return "kept"
        made = await self._indexes.make(draft)
        async with self._database.begin() as tx:
            if seen is None:
                current = await self._insert(tx, checked_id, draft, by=by, at=written, source=source)
            else:
                current = await self._locked(tx, article_id)
                if current.version != seen.version:
                    return "kept"
                current = await self._add_version(tx, current, draft, by=by, at=written, source=source)
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
        source: Source | None = None,
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
            updated_at=at,
            updated_by=by,
            **source_columns(source),
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
        source: Source | None = None,
    ) -> Article:
        version = current.version + 1
        await storage.insert_version(tx, current.id, version, draft, at, by)
        await storage.update_article(
            tx,
            current.id,
            version=version,
            updated_at=at,
            updated_by=by,
            state="draft",
            **source_columns(source),
        )
        return replace(current, version=version, draft=draft, updated_at=at, updated_by=by, state="draft")

    async def _show(self, tx: AsyncConnection, current: Article, made: list[Encoded]) -> Article:
        shown = Version(current.id, current.version, current.draft, current.updated_at, current.updated_by)
        await passage_storage.replace_passages(tx, shown, made)
        revision = await storage.next_revision(tx)
        values: dict[str, Any] = {
            "published_version": current.version, "state": "draft", "publish_at": None
        }  # fmt: skip
        await storage.update_article(tx, current.id, revision=revision, **values)
        await storage.note_first_publication(tx, current.id, self._clock.now())
        return replace(current, **values)

    async def _locked(self, tx: AsyncConnection, article_id: str) -> Article:
        found = await storage.find(tx, ArticleId(article_id), lock=True)
        if found is None:
            raise NotFound("There is no such article.")
        return found
