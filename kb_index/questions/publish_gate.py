"""The gate: questions whose article is known, and what an edit does to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from kb_index.articles.service import Articles
from kb_index.articles.storage import articles
from kb_index.domain import Article, Draft
from kb_index.evaluation.metrics import figures
from kb_index.evaluation.what_if import Imagined, Standing, WhatIf
from kb_index.questions.storage import known_questions as table
from kb_index.search.service import clean_question

MOST_ASKED = 1500
"""Questions asked at a gate: a few milliseconds each, the newest first."""
MOST_OF_AN_ARTICLE = 200
SEEN = 5
"""Ranks that somebody sees: what falls from a lower one is no loss."""
_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True)
class KnownQuestion:
    """A question that an article must answer, and where it is from: seed, editor or log."""

    id: str
    article_id: str
    question: str
    source: str
    created_by: str


@dataclass(frozen=True)
class Numbers:
    """hit@1 and nDCG@10 over `n` questions."""

    hit1: float
    ndcg10: float
    n: int


@dataclass(frozen=True)
class Moved:
    """A question whose article stands elsewhere than before; None: it is not found any more."""

    question: str
    article: str
    rank_before: int | None
    rank_after: int | None


@dataclass(frozen=True)
class GateReport:
    """What publishing would change."""

    before: Numbers
    after: Numbers
    worse: tuple[Moved, ...]
    better: tuple[Moved, ...]


class PublishGate:
    """Keeps the questions, and asks them before and after an edit."""

    def __init__(self, database: Database, articles: Articles, what_if: WhatIf, clock: Clock) -> None:
        self._database = database
        self._articles = articles
        self._what_if = what_if
        self._clock = clock

    async def of_article(self, article_id: str) -> list[KnownQuestion]:
        """Return an article's questions, oldest first.

        Raises:
            NotFound: when there is no such article.
        """
        await self._articles.get(article_id)
        return await self._select(table.c.article_id == article_id)

    async def all(self) -> list[KnownQuestion]:
        """Return every question whose article readers see, the newest first."""
        return list(reversed(await self._select(articles.c.published_version.is_not(None))))

    async def add(self, article_id: str, question: str, *, source: str, by: str) -> KnownQuestion:
        """Note that an article must answer a question; the same again is one.

        Raises:
            NotFound: when there is no such article.
            InvalidInput: when the question has no letter or digit, or the article has too many.
        """
        asked = clean_question(question)
        if not any(character.isalnum() for character in asked):
            raise InvalidInput("question: some words are needed.")
        present = await self.of_article(article_id)
        for one in present:
            if one.question == asked:
                return one
        if len(present) >= MOST_OF_AN_ARTICLE:
            raise InvalidInput(f"An article has at most {MOST_OF_AN_ARTICLE} questions.", hint="Remove some.")
        await self._insert([(article_id, asked)], source, by)
        [made] = await self._select(sa.and_(table.c.article_id == article_id, table.c.question == asked))
        return made

    async def remove(self, article_id: str, question_id: str) -> None:
        """Forget a question.

        Raises:
            NotFound: when the article has no such question.
        """
        async with self._database.begin() as tx:
            mine = sa.and_(table.c.id == question_id, table.c.article_id == article_id)
            if not (await tx.execute(table.delete().where(mine))).rowcount:
                raise NotFound("There is no such question.")

    async def take_in(self, pairs: Sequence[tuple[str, str]], *, source: str, by: str) -> int:
        """Add (question, article id) pairs of articles that there are; returns how many were new."""
        ids = {str(article.id) for article in await self._articles.index()}
        known = [(article, clean_question(text)) for text, article in pairs if article in ids]
        return await self._insert([pair for pair in known if pair[1]], source, by)

    async def compare(self, article_id: str) -> GateReport:
        """Ask every question as readers find it now, and as if the newest text were published.

        Raises:
            NotFound: when there is no such article.
        """
        article = await self._articles.get(article_id)
        versions = {
            _BEFORE: await self._published(article),
            _AFTER: await self._what_if.imagine(article.draft),
        }
        own = [] if article.published_version is not None else await self.of_article(article_id)
        asked = [*own, *await self.all()][:MOST_ASKED]
        answers = await self._what_if.ask([one.question for one in asked], article_id, versions)
        standings = list(zip(asked, answers, strict=True))
        moved = [
            Moved(one.question, one.article_id, *(at[name].rank_of(one.article_id) for name in versions))
            for one, at in standings
        ]
        return GateReport(
            _numbers([(one, at[_BEFORE]) for one, at in standings]),
            _numbers([(one, at[_AFTER]) for one, at in standings]),
            tuple(
                one
                for one in moved
                if _place(one.rank_before) <= SEEN and _place(one.rank_after) > _place(one.rank_before)
            ),
            tuple(one for one in moved if _place(one.rank_after) < _place(one.rank_before)),
        )

    async def now(self) -> Numbers:
        """Ask every question as readers find it."""
        asked = (await self.all())[:MOST_ASKED]
        answers = await self._what_if.now([one.question for one in asked])
        return _numbers(list(zip(asked, answers, strict=True)))

    async def attempt(self, article_id: str, question: str, draft: Draft) -> dict[str, Standing]:
        """Ask one question as readers find it now, and as if `draft` were published.

        Raises:
            NotFound: when there is no such article.
            InvalidInput: saying which field of the draft must be how.
        """
        article = await self._articles.get(article_id)
        imagined = await self._what_if.imagine(draft.checked())
        versions = {_BEFORE: await self._published(article), _AFTER: imagined}
        [found] = await self._what_if.ask([question], article_id, versions)
        return found

    async def _published(self, article: Article) -> Imagined | None:
        if article.published_version is None:
            return None
        if article.published_version == article.version:
            return await self._what_if.imagine(article.draft)
        version = await self._articles.version(article.id, article.published_version)
        return await self._what_if.imagine(version.draft)

    async def _select(self, condition: sa.ColumnElement[bool]) -> list[KnownQuestion]:
        c = table.c
        columns = (c.id, c.article_id, c.question, c.source, c.created_by)
        query = sa.select(*columns).join(articles, articles.c.id == c.article_id).where(condition)
        async with self._database.connect() as connection:
            rows = await connection.execute(query.order_by(c.created_at, c.id))
            return [KnownQuestion(*row) for row in rows]

    async def _insert(self, pairs: Sequence[tuple[str, str]], source: str, by: str) -> int:
        at = self._clock.now()
        rows = [
            {"id": new_id("kqu"), "article_id": article, "question": question, "source": source,
             "created_at": at, "created_by": by}
            for article, question in pairs
        ]  # fmt: skip
        added = 0
        async with self._database.begin() as tx:
            for first in range(0, len(rows), 500):
                adding = insert(table).values(rows[first : first + 500]).on_conflict_do_nothing()
                added += (await tx.execute(adding)).rowcount
        return added


def _place(rank: int | None) -> int:
    return rank if rank is not None else 1000


def _numbers(standings: Sequence[tuple[KnownQuestion, Standing]]) -> Numbers:
    if not standings:
        return Numbers(0.0, 0.0, 0)
    found = figures(
        [[one.id for one in standing.ranked] for _, standing in standings],
        [{known.article_id: 1.0} for known, _ in standings],
    )
    return Numbers(found["hit@1"], found["ndcg@10"], len(standings))
