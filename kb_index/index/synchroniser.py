"""Keeps this process's indexes in step with PostgreSQL, and their snapshot on disk."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from foundation.database import Database
from foundation.ids import ArticleId
from foundation.wakeups import Wakeups
from kb_index.articles import passage_storage, storage
from kb_index.domain import Draft
from kb_index.index.faiss_index import FaissIndex
from kb_index.index.lexical_index import LexicalIndex
from kb_index.index.passage_builder import PassageBuilder
from kb_index.ports import Encoded, StoredPassage, VectorIndex, VectorIndexes

TOPIC = "kb"
POLL = 5.0
"""Seconds after which PostgreSQL is asked for changes though nothing woke us."""
SWEEP_AFTER = 600.0
"""Seconds for which a former encoder's passages are kept, for processes that still search with it."""
_KEEP_EVERY = 60.0
_WAIT_FOR_KEEPING = 2.0
"""Seconds that a start waits for the index to be kept; where passages are many it takes longer."""
_AT_ONCE = 2000
"""Articles that are read from PostgreSQL at once."""
log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Live:
    """What searches now: indexes, and the maker whose vectors and terms they hold."""

    maker: PassageBuilder
    vectors: VectorIndex
    terms: LexicalIndex


class SynchronisedIndexes:
    """Vectors and terms of all published passages, changed article by article as PostgreSQL changes.

    What changes an index runs on a thread of its own, so that publishing a long article does not hold up a
    search. The vectors have a snapshot on disk; terms are read from PostgreSQL at the start.
    """

    def __init__(
        self,
        database: Database,
        maker: PassageBuilder,
        wakeups: Wakeups,
        indexes: VectorIndexes,
        *,
        poll: float = POLL,
    ) -> None:
        self._poll = poll
        self._database = database
        self._wakeups = wakeups
        self._indexes = indexes
        # Exchanged as one, so that a search never asks an index with another encoder's vector.
        self.live = Live(maker, FaissIndex(maker.encoder.dimension, maker.name), LexicalIndex())
        self._making = ThreadPoolExecutor(1, thread_name_prefix="kb-make")
        self._kept_at = 0.0
        self._keeping: asyncio.Task[None] | None = None
        self._sweep_at = 0.0
        self._refreshing = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._lacks = False
        self._follower: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def maker(self) -> PassageBuilder:
        """What makes passages now."""
        return self.live.maker

    @property
    def vectors(self) -> VectorIndex:
        """The vectors that are searched now."""
        return self.live.vectors

    @property
    def terms(self) -> LexicalIndex:
        """The terms that are searched now."""
        return self.live.terms

    async def start(self) -> None:
        """Load the snapshot, mend what it lacks from PostgreSQL, and follow the changes there."""
        await self._open()
        await self._reconcile()
        await self._make_missing()
        await asyncio.wait({self._keep()}, timeout=_WAIT_FOR_KEEPING)
        self._sweep_at = time.monotonic() + SWEEP_AFTER
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop following and write the snapshot."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
            self._follower = None
            await asyncio.gather(self._keep(), return_exceptions=True)
        await asyncio.to_thread(self._making.shutdown)

    async def ready(self) -> bool:
        """Tell whether the indexes follow PostgreSQL, taking in what they lack."""
        await self.refresh()
        return self._follower is not None and not self._follower.done()

    async def make(self, draft: Draft) -> list[Encoded]:
        """Cut and encode an article, off the event loop."""
        return await self._make(lambda: self.maker.make(draft))

    async def refresh(self) -> None:
        """Take in what changed in PostgreSQL since the indexes' revision."""
        async with self._refreshing:
            async with self._database.connect() as connection:
                changed = await passage_storage.changed_since(connection, self.vectors.revision)
                if not changed:
                    return
                ids = [article for article, _ in changed]
                rows = await passage_storage.stored_passages(connection, ids, self.maker.name)
            self._lacks |= len({one.article_id for one in rows}) < len(ids)
            await self._replace(ids, rows, changed[-1][1])

    async def use(self, maker: PassageBuilder) -> None:
        """Make everything by another maker beside what is searched, then change over and follow with that.

        Killed or failing before the end, the present one goes on; what was made already is not made again.
        """
        async with self._changing:
            if maker.name == self.maker.name:
                return
            beside = SynchronisedIndexes(self._database, maker, self._wakeups, self._indexes)
            try:
                await beside._open()
                await beside._make_missing(quietly=True)
                await beside._reconcile()
                while not await self._change_over(beside):
                    await beside._make_missing(quietly=True)
            finally:
                await asyncio.to_thread(beside._making.shutdown)
            self._sweep_at = time.monotonic() + SWEEP_AFTER
        await self._keep()

    async def _change_over(self, beside: "SynchronisedIndexes") -> bool:
        """Search what was made beside, unless something was published meanwhile that it lacks."""
        async with self._refreshing:
            await beside.refresh()
            async with self._database.connect() as connection:
                if await passage_storage.stale_articles(connection, beside.maker.name):
                    return False
            self.live = beside.live
        return True

    async def sweep(self) -> None:
        """Drop the passages that other encoders made, once every process has had time to change over."""
        async with self._database.begin() as tx:
            revision = await storage.next_revision(tx)
            swept = await passage_storage.sweep(tx, self.maker.name, revision)
        if swept:
            log.info("index_swept", articles=swept)
            await self.announce()
        await self._make(lambda: self._indexes.forget_others(self.maker.name))

    async def announce(self) -> None:
        """Take in a change that this process has committed, and wake the others; never raises."""
        try:
            await self.refresh()
        except Exception as error:
            # The change is committed; the follower takes it in as soon as PostgreSQL answers again.
            log.warning("index_not_refreshed", reason=type(error).__name__)
        await self._wakeups.publish(TOPIC)

    async def _replace(self, ids: Sequence[str], rows: Sequence[StoredPassage], revision: int) -> None:
        def work() -> None:
            # Terms first: what the revision says is in must be in both.
            self.terms.replace(ids, rows)
            self.vectors.replace(ids, rows, revision)

        await self._make(work)

    async def _open(self) -> None:
        dimension, name = self.maker.encoder.dimension, self.maker.name
        vectors = await self._make(lambda: self._indexes.open(dimension, name))
        self.live = replace(self.live, vectors=vectors)

    async def _reconcile(self) -> None:
        """Make the indexes hold exactly the stored passages, whatever was kept."""
        async with self._refreshing:
            async with self._database.connect() as connection:
                changed = await passage_storage.changed_since(connection, 0)
                stored = await passage_storage.batches(connection, self.maker.name)
                held = await self._make(self.vectors.batches)
                wrong = [key for key in stored.keys() | held.keys() if stored.get(key) != held.get(key)]
                revision = changed[-1][1] if changed else 0
                kept = sorted(stored.keys() - set(wrong))
                for some in _portions(kept):
                    terms = await passage_storage.stored_terms(connection, some, self.maker.name)
                    await self._make(partial(self.terms.replace, [], terms))
                for some in _portions(wrong):
                    rows = await passage_storage.stored_passages(connection, some, self.maker.name)
                    await self._replace(some, rows, self.vectors.revision)
            await self._replace([], [], revision)

    async def _make_missing(self, *, quietly: bool = False) -> None:
        """Make what a change of encoder, of splitting or of terms left without usable passages.

        `quietly` takes nothing in: what is made is read later.
        """
        async with self._database.connect() as connection:
            stale = await passage_storage.stale_articles(connection, self.maker.name)
        if stale:
            log.info("index_encodes_articles", articles=len(stale))
        for number, article in enumerate(stale):
            await self._make_again(article)
            if number % 200 == 199 and not quietly:
                await self.refresh()
        if stale and not quietly:
            await self.announce()

    async def _make_again(self, article: ArticleId) -> None:
        async with self._database.connect() as connection:
            version = await storage.published(connection, article)
        if version is None:
            return
        made = await self.make(version.draft)
        async with self._database.begin() as tx:
            current = await passage_storage.published_locked(tx, article)
            if current == version:
                await passage_storage.replace_passages(tx, version, made)
                await storage.update_article(tx, article, revision=await storage.next_revision(tx))

    async def _follow(self) -> None:
        async with self._wakeups.subscribe(TOPIC) as subscription:
            while True:
                await subscription.wait(self._poll)
                try:
                    await self.keep_up()
                except Exception as error:
                    log.warning("index_not_refreshed", reason=type(error).__name__)
                    await asyncio.sleep(1)

    async def keep_up(self) -> None:
        """Take in what changed, make what it lacks, and tidy up when it is time; the follower does it."""
        await self.refresh()
        if self._lacks:
            # Another process published with another encoder: what it made is of no use here.
            self._lacks = False
            await self._make_missing()
        if self._sweep_at and time.monotonic() >= self._sweep_at:
            self._sweep_at = 0.0
            await self.sweep()
        if time.monotonic() - self._kept_at >= _KEEP_EVERY:
            self._keep()

    def _keep(self) -> asyncio.Task[None]:
        """Begin to keep the index, unless that is being done; on a thread that nobody else waits for."""
        if self._keeping is None or self._keeping.done():
            self._kept_at = time.monotonic()
            self._keeping = asyncio.create_task(asyncio.to_thread(self.vectors.keep))
        return self._keeping

    async def _make(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._making, work)


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), _AT_ONCE):
        yield ids[first : first + _AT_ONCE]
