"""Semantic search: a question to the articles whose passages come nearest."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from bot.foundation.database import Database
from bot.foundation.wakeups import Wakeups
from kb_index import storage
from kb_index.domain import Draft, Hit, Passage
from kb_index.passages import quote, split
from kb_index.ports import Encoder, Vectors
from kb_index.vector_index import VectorIndex

TOPIC = "kb"
MAX_QUESTION = 1000
"""Characters of a question that are read; the rest does not change what is found."""
_LOOK_AT = 40
_POLL = 5.0
log = structlog.get_logger(__name__)
T = TypeVar("T")


class ArticleSearch:
    """Searches published passages; keeps its index in step with PostgreSQL, in every process.

    Encoding and FAISS run on one thread of its own, off the event loop.
    """

    def __init__(self, database: Database, encoder: Encoder, wakeups: Wakeups, snapshot: Path) -> None:
        self._database = database
        self._encoder = encoder
        self._wakeups = wakeups
        self._snapshot = snapshot
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kb-search")
        self._index = VectorIndex(encoder.dimension, encoder.fingerprint)
        self._refreshing = asyncio.Lock()
        self._follower: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the snapshot, catch up with PostgreSQL, and follow its changes."""
        encoder = self._encoder
        self._index = await self._run(
            lambda: VectorIndex.load(self._snapshot, dimension=encoder.dimension, encoder=encoder.fingerprint)
        )
        await self._encode_missing()
        await self.refresh()
        await self._run(lambda: self._index.save(self._snapshot))
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop following and write the snapshot."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
            with contextlib.suppress(OSError):
                await self._run(lambda: self._index.save(self._snapshot))
        self._thread.shutdown(wait=True)

    async def ready(self) -> bool:
        """Tell whether the index is up to date with PostgreSQL."""
        async with self._database.connect() as connection:
            return not await storage.changed_since(connection, self._index.revision)

    def __len__(self) -> int:
        return len(self._index)

    async def encode_passages(self, draft: Draft) -> tuple[list[Passage], list[bytes]]:
        """Cut an article into passages and encode each, its title and heading woven in."""

        def work() -> tuple[list[Passage], list[bytes]]:
            passages = split(draft.body)
            texts = [". ".join(filter(None, (draft.title, one.heading, one.text))) for one in passages]
            texts = [draft.title, *texts] if passages else texts
            vectors: list[Vectors] = list(self._encoder.encode(texts)) if texts else []
            # The title alone stands for the article's opening: users ask in the words of titles.
            passages = [passages[0], *passages] if passages else []
            return passages, [vector.tobytes() for vector in vectors]

        return await self._run(work)

    async def search(
        self, question: str, *, limit: int = 3, language: str | None = None, area: str | None = None
    ) -> list[Hit]:
        """Return the best article hits, best first, each with a quote from its best passage."""
        asked = " ".join(question[:MAX_QUESTION].split())
        if not asked or not len(self._index):
            return []

        def work() -> list[tuple[int, float]]:
            vector: Vectors = self._encoder.encode([asked])
            return self._index.search(vector, max(_LOOK_AT, limit * 10))

        found = await self._run(work)
        async with self._database.connect() as connection:
            rows = await storage.select_hits(connection, [number for number, _ in found])
        hits: dict[str, Hit] = {}
        for number, score in found:
            row = rows.get(number)
            if row is None or row.article_id in hits:
                continue
            if (language and row.language != language) or (area and row.area != area):
                continue
            hits[row.article_id] = Hit(
                row.article_id,
                row.version,
                row.title,
                row.area,
                quote(row.text, asked),
                f"/help/{row.article_id}",
                max(0.0, min(1.0, score)),
                f"psg_{number}",
                row.heading,
                row.start,
                row.end,
            )
            if len(hits) == limit:
                break
        return list(hits.values())

    async def refresh(self) -> None:
        """Take in what changed in PostgreSQL since the index's revision."""
        async with self._refreshing:
            async with self._database.connect() as connection:
                changed = await storage.changed_since(connection, self._index.revision)
                if not changed:
                    return
                ids = [article for article, _ in changed]
                rows = await storage.stored_vectors(connection, ids)
            usable = [
                (no, article, vector) for no, article, made, vector in rows if made == self._index.encoder
            ]
            revision = changed[-1][1]
            await self._run(lambda: self._index.replace(ids, usable, revision))

    async def announce(self) -> None:
        """Take in a change of this process at once, and wake the others."""
        await self.refresh()
        await self._wakeups.publish(TOPIC)

    async def _encode_missing(self) -> None:
        """Encode what an import without an encoder, or a change of encoder, left without vectors."""
        async with self._database.connect() as connection:
            stale = await storage.stale_articles(connection, self._encoder.fingerprint)
        for version in stale:
            passages, vectors = await self.encode_passages(version.draft)
            async with self._database.begin() as tx:
                current = await storage.published(tx, version.article_id)
                if current is None or current.version != version.version:
                    continue
                await storage.replace_passages(
                    tx, version.article_id, version.version, passages, self._encoder.fingerprint, vectors
                )
                await storage.update_article(tx, version.article_id, revision=await storage.next_revision(tx))

    async def _follow(self) -> None:
        async with self._wakeups.subscribe(TOPIC) as subscription:
            while True:
                await subscription.wait(_POLL)
                try:
                    await self.refresh()
                except Exception as error:
                    log.debug("index_not_refreshed", reason=type(error).__name__)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
