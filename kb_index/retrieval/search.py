"""Semantic search: a question to the articles whose passages come nearest."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import structlog

from bot.foundation.database import Database
from bot.foundation.ids import ArticleId
from bot.foundation.wakeups import Wakeups
from kb_index.articles import storage
from kb_index.domain import Draft, Hit, Passage
from kb_index.index import passage_storage
from kb_index.index.faiss_index import Found, VectorIndex
from kb_index.ports import Encoded, Encoder, Vectors
from kb_index.retrieval.passages import SPLITTING, split
from kb_index.retrieval.plain import lines_to_sentences
from kb_index.retrieval.quotes import Quotable, quote

TOPIC = "kb"
MAX_QUESTION = 1000
"""Characters of a question that are read; the rest does not change what is found."""
MAX_HITS = 50
POLL = 5.0
"""Seconds after which PostgreSQL is asked for changes though nothing woke us."""
_SNAPSHOT_EVERY = 60.0
log = structlog.get_logger(__name__)
T = TypeVar("T")


class ArticleSearch:
    """Searches published passages; keeps its index in step with PostgreSQL, in every process.

    Encoding and FAISS run off the event loop: questions on one thread, articles and snapshots on another, so
    that publishing a long article does not hold up a search.
    """

    def __init__(
        self, database: Database, encoder: Encoder, wakeups: Wakeups, snapshot: Path, *, poll: float = POLL
    ) -> None:
        self._poll = poll
        self._database = database
        self._encoder = encoder
        self._wakeups = wakeups
        self._snapshot = snapshot
        self.made_by = f"{encoder.fingerprint}/{SPLITTING}"
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="kb-search")
        self._making = ThreadPoolExecutor(1, thread_name_prefix="kb-make")
        self.index = VectorIndex(encoder.dimension, self.made_by)
        self._saved = (-1, 0.0)
        self._refreshing = asyncio.Lock()
        self._follower: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the snapshot, mend what it lacks from PostgreSQL, and follow the changes there."""
        self.index = await self._make(
            lambda: VectorIndex.load(self._snapshot, dimension=self._encoder.dimension, made_by=self.made_by)
        )
        await self._reconcile()
        await self._encode_missing()
        await self._save(every=0)
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop following and write the snapshot."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
            self._follower = None
            await self._save(every=0)
        self._asking.shutdown(wait=True)
        self._making.shutdown(wait=True)

    async def ready(self) -> bool:
        """Tell whether the index follows PostgreSQL, taking in what it lacks."""
        await self.refresh()
        return self._follower is not None and not self._follower.done()

    async def encoder_works(self) -> bool:
        """Tell whether the encoder gives a vector."""
        vectors = await self._ask(lambda: self._encoder.encode(["ready?"]))
        return len(vectors) == 1

    def __len__(self) -> int:
        return len(self.index)

    async def search(
        self, question: str, *, limit: int = 3, language: str | None = None, area: str | None = None
    ) -> list[Hit]:
        """Return the best articles, best first, each with a quote from its best passage.

        `language` (`en` takes `en-GB` too) and `area` leave out other articles. A question without a
        letter or digit finds nothing.
        """
        asked = clean_question(question)
        if not any(character.isalnum() for character in asked) or not len(self.index):
            return []
        wanted = max(1, min(limit, MAX_HITS))

        def work() -> tuple[Vectors, list[Found]]:
            vector = self._encoder.encode([asked])[0]
            # Two more than wanted: an article may be taken back between here and the database.
            return vector, self.index.search(vector, wanted + 2, language=language, area=area)

        vector, found = await self._ask(work)
        async with self._database.connect() as connection:
            rows = await passage_storage.select_hits(connection, [one.number for one in found])
        shown = [one for one in found if one.number in rows][:wanted]
        return [_hit(one, rows[one.number], asked, vector) for one in shown]

    async def encode_article(self, draft: Draft) -> list[Encoded]:
        """Cut an article into passages and encode each, its title and heading woven in.

        The title is encoded once more alone, since users ask in the words of titles.
        """

        def work() -> list[Encoded]:
            passages = split(draft.body, self._encoder.count_tokens)
            texts = [". ".join(filter(None, (draft.title, one.heading, one.text))) for one in passages]
            both = zip(passages, self._encoder.encode(texts), strict=True)
            title = self._encoder.encode([draft.title])[0].tobytes()
            return [
                Encoded(Passage("", draft.title, 0, 0), True, title, b""),
                *(Encoded(one, False, vector.tobytes(), self._sentences(one)) for one, vector in both),
            ]

        return await self._make(work)

    def _sentences(self, passage: Passage) -> bytes:
        return self._encoder.encode(lines_to_sentences(passage.text)).astype(np.float16).tobytes()

    async def refresh(self) -> None:
        """Take in what changed in PostgreSQL since the index's revision."""
        async with self._refreshing:
            async with self._database.connect() as connection:
                changed = await passage_storage.changed_since(connection, self.index.revision)
                if not changed:
                    return
                ids = [article for article, _ in changed]
                rows = await passage_storage.stored_passages(connection, ids, self.made_by)
            await self._make(lambda: self.index.replace(ids, rows, changed[-1][1]))

    async def announce(self) -> None:
        """Take in a change that this process has committed, and wake the others; never raises."""
        try:
            await self.refresh()
        except Exception as error:
            # The change is committed; the follower takes it in as soon as PostgreSQL answers again.
            log.warning("index_not_refreshed", reason=type(error).__name__)
        await self._wakeups.publish(TOPIC)

    async def _reconcile(self) -> None:
        """Make the index hold exactly the passages that are stored, whatever the snapshot was taken from."""
        async with self._refreshing:
            async with self._database.connect() as connection:
                changed = await passage_storage.changed_since(connection, 0)
                stored = await passage_storage.batches(connection, self.made_by)
                held = self.index.batches()
                wrong = [key for key in stored.keys() | held.keys() if stored.get(key) != held.get(key)]
                rows = await passage_storage.stored_passages(connection, wrong, self.made_by)
            revision = changed[-1][1] if changed else 0
            await self._make(lambda: self.index.replace(wrong, rows, revision))

    async def _encode_missing(self) -> None:
        """Encode what a change of encoder or of the way of splitting left without usable vectors."""
        async with self._database.connect() as connection:
            stale = await passage_storage.stale_articles(connection, self.made_by)
        if stale:
            log.info("index_encodes_articles", articles=len(stale))
        for number, article in enumerate(stale):
            await self._encode_again(article)
            if number % 200 == 199:
                await self.refresh()
        if stale:
            await self.announce()

    async def _encode_again(self, article: ArticleId) -> None:
        async with self._database.connect() as connection:
            version = await storage.published(connection, article)
        if version is None:
            return
        made = await self.encode_article(version.draft)
        async with self._database.begin() as tx:
            current = await passage_storage.published_locked(tx, article)
            if current == version:
                await passage_storage.replace_passages(tx, version, made, self.made_by)
                await storage.update_article(tx, article, revision=await storage.next_revision(tx))

    async def _follow(self) -> None:
        async with self._wakeups.subscribe(TOPIC) as subscription:
            while True:
                await subscription.wait(self._poll)
                try:
                    await self.refresh()
                    await self._save(every=_SNAPSHOT_EVERY)
                except Exception as error:
                    log.warning("index_not_refreshed", reason=type(error).__name__)
                    await asyncio.sleep(1)

    async def _save(self, *, every: float) -> None:
        revision, at = self._saved
        if revision == self.index.revision or time.monotonic() - at < every:
            return
        self._saved = (self.index.revision, time.monotonic())
        with contextlib.suppress(OSError):
            await self._make(lambda: self.index.save(self._snapshot))

    async def _ask(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._asking, work)

    async def _make(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._making, work)


def clean_question(question: str) -> str:
    """Return the part of a question that is read, on one line."""
    readable = (character if character.isprintable() else " " for character in question[:MAX_QUESTION])
    return " ".join("".join(readable).split())


def _hit(found: Found, row: Any, asked: str, vector: Vectors) -> Hit:
    sentences = np.frombuffer(row.sentences, np.float16).reshape(-1, len(vector)).astype(np.float32)
    passage = Quotable(row.text, row.title, row.source, row.start)
    chosen = quote(passage, asked, (sentences @ vector).tolist())
    return Hit(
        article_id=row.article_id,
        version=row.version,
        title=row.title,
        area=row.area,
        quote=chosen.text,
        url=f"/help/{row.article_id}",
        score=max(0.0, min(1.0, found.score)),
        passage_id=f"psg_{found.number}",
        heading=row.heading,
        start=chosen.start,
        end=chosen.end,
    )
