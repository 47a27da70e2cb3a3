"""A question to the articles that answer it, by their words and by their meaning, or to none."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from foundation.database import Database
from kb_index.articles import passage_storage
from kb_index.domain import FOR_USERS, Hit, SearchResult, Why
from kb_index.index.passage_builder import PassageBuilder
from kb_index.index.synchroniser import SynchronisedIndexes
from kb_index.ports import Encoder, Filter, Vectors
from kb_index.search.candidates import Candidates, gather
from kb_index.search.quotes import Quotable, quote
from kb_index.search.ranking import Ranked, Ranking

MAX_QUESTION = 1000
"""Characters of a question that are read; the rest does not change what is found."""
MAX_HITS = 50
T = TypeVar("T")


class ArticleSearch:
    """Searches published passages; encoding and both indexes run off the event loop, on one thread."""

    def __init__(
        self, database: Database, indexes: SynchronisedIndexes, ranking: Ranking | None = None
    ) -> None:
        self._database = database
        self.indexes = indexes
        self.ranking = ranking or Ranking()
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="kb-search")

    async def start(self) -> None:
        """Load the indexes and follow PostgreSQL."""
        await self.indexes.start()

    async def stop(self) -> None:
        """Stop following."""
        await self.indexes.stop()
        await asyncio.to_thread(self._asking.shutdown)

    async def encoder_works(self) -> bool:
        """Tell whether the encoder gives a vector."""
        vectors = await self._ask(lambda: self.indexes.maker.encoder.encode(["ready?"]))
        return len(vectors) == 1

    async def use_encoder(self, encoder: Encoder) -> None:
        """Search with another encoder, as soon as every passage has its vector; the present one serves until
        then. Returns when it is in use."""
        await self.indexes.use(PassageBuilder(encoder, self.indexes.maker.normaliser))

    def __len__(self) -> int:
        return len(self.indexes)

    async def search(
        self, question: str, *, limit: int = 3, language: str | None = None, area: str | None = None
    ) -> list[Hit]:
        """Return the best articles that users may read, best first; see `find`."""
        where = Filter(language=language, area=area, audiences=FOR_USERS)
        found = await self.find(question, limit=limit, where=where)
        return list(found.hits)

    async def find(self, question: str, *, limit: int = 3, where: Filter | None = None) -> SearchResult:
        """Return the best articles, best first, each with a quote from its best passage and why it was found,
        and the probability that the first answers.

        A question without a letter or digit finds nothing.
        """
        asked = clean_question(question)
        if not any(character.isalnum() for character in asked) or not len(self):
            return SearchResult()
        wanted = max(1, min(limit, MAX_HITS))
        found, ranked = await self._ask(lambda: self._rank(asked, where or Filter()))
        numbers = {key: one.number for key, one in found.near.items()}
        # Two more than wanted: an article may be taken back between here and the database.
        best = ranked[: wanted + 2]
        async with self._database.connect() as connection:
            rows = await passage_storage.select_hits(connection, [numbers[one.id] for one in best])
        gone = {one.id for one in best if numbers[one.id] not in rows}
        there = [one for one in ranked if one.id not in gone]
        calibration = self.ranking.calibration
        hits = []
        for at, one in enumerate(there[:wanted]):
            # Each as if those before it were not there: what it says is of this article.
            own = calibration.probability(there[at:])
            number = numbers[one.id]
            hits.append(self._hit(one, own, rows[number], number, asked, found.vector))
        probability = hits[0].probability if hits else 0.0
        return SearchResult(tuple(hits), probability, calibration.advise(probability))

    def _rank(self, asked: str, where: Filter) -> tuple[Candidates, list[Ranked]]:
        own = self.indexes.live
        found = gather(own.maker, own.vectors, own.terms, asked, where)
        return found, self.ranking.weights.fuse(found.evidence)

    def _hit(
        self, ranked: Ranked, probability: float, row: Any, number: int, asked: str, vector: Vectors
    ) -> Hit:
        seen = ranked.evidence
        sentences = np.frombuffer(row.sentences, np.float16).reshape(-1, len(vector)).astype(np.float32)
        chosen = quote(
            Quotable(row.text, row.title, row.source, row.start), asked, (sentences @ vector).tolist()
        )
        return Hit(
            article_id=row.article_id,
            version=row.version,
            title=row.title,
            area=row.area,
            quote=chosen.text,
            url=f"/help/{row.article_id}",
            score=_unit(ranked.fused),
            probability=probability,
            passage_id=f"psg_{number}",
            heading=row.heading,
            start=chosen.start,
            end=chosen.end,
            why=Why(
                semantic=_unit(seen.text),
                title=_unit(seen.title),
                lexical=max(0.0, seen.lexical),
                matched=self._matched(asked, f"{row.title} {row.heading} {row.text}"),
            ),
        )

    def _matched(self, asked: str, passage: str) -> tuple[str, ...]:
        """The words of the question, as they were typed, that the passage has in some form."""
        normaliser, words = self.indexes.maker.normaliser, self.indexes.terms
        held = set(normaliser.terms(passage))
        typed = normaliser.matched_by(asked)
        return tuple(
            dict.fromkeys(word for term, word in typed.items() if (words.known(term) or term) in held)
        )

    async def _ask(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._asking, work)


def clean_question(question: str) -> str:
    """Return the part of a question that is read, on one line."""
    readable = (character if character.isprintable() else " " for character in question[:MAX_QUESTION])
    return " ".join("".join(readable).split())


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))
