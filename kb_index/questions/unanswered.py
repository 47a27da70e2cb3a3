"""What users asked in vain: gathered, ranked by what it costs, and turned into articles."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, NotFound
from foundation.ids import new_id
from kb_index.articles.service import Articles
from kb_index.articles.uploads import slug
from kb_index.domain import Article, Draft
from kb_index.questions.clustering import (
    LARGEST_BATCH,
    Floats,
    centre_of,
    counted,
    group,
    label,
    most_central,
    nearest,
)
from kb_index.questions.ports import QuestionLog, UnansweredQuestion
from kb_index.questions.storage import clusters, vain_questions
from kb_index.search.service import ArticleSearch, clean_question

LOOKED_AT = timedelta(days=90)
WEEKS = 8
MINUTES_A_HANDOFF = 8.0
"""What a hand-off counts whose case is not resolved yet."""
_EXAMPLES = 8
_WRITERS = 7_261_909
"""Advisory lock: questions are gathered by one process at a time."""


@dataclass(frozen=True)
class Cluster:
    """Questions that ask for the same.

    `trend` counts them by week, oldest first. `before` and `after` are the shares of such questions that were
    answered before and since its article was published; None where there is nothing to compare.
    """

    id: str
    label: str
    count: int
    handoffs: int
    cost_minutes: float
    examples: tuple[str, ...]
    trend: tuple[int, ...]
    article_id: str | None
    before: float | None
    after: float | None


class Unanswered:
    """Gathers questions from the log when it is asked, each once."""

    def __init__(
        self,
        database: Database,
        articles: Articles,
        search: ArticleSearch,
        questions: QuestionLog,
        clock: Clock,
    ) -> None:
        self._database = database
        self._articles = articles
        self._search = search
        self._questions = questions
        self._clock = clock

    async def clusters(self) -> list[Cluster]:
        """Return what was asked in vain over the last ninety days, the costliest first."""
        await self._gather()
        since = self._clock.now() - LOOKED_AT
        q, k = vain_questions.c, clusters.c
        query = (
            sa.select(vain_questions, k.article_id)
            .join(clusters, k.id == q.cluster_id)
            .where(k.dismissed_at.is_(None), q.asked_at >= since)
            .order_by(q.asked_at, q.id)
        )
        by_cluster: dict[str, list[Any]] = defaultdict(list)
        async with self._database.connect() as connection:
            for row in await connection.execute(query):
                by_cluster[row.cluster_id].append(row)
        shown = await asyncio.to_thread(self._describe, by_cluster)
        found = [await self._cluster(key, rows, *shown[key]) for key, rows in by_cluster.items()]
        return sorted(found, key=lambda one: (-one.cost_minutes, -one.count, one.id))

    async def dismiss(self, cluster_id: str) -> None:
        """Put a cluster out of sight; questions like it begin a new one only when they are asked again.

        Raises:
            NotFound: when there is no such cluster.
        """
        async with self._database.begin() as tx:
            change = clusters.update().where(clusters.c.id == cluster_id)
            if not (await tx.execute(change.values(dismissed_at=self._clock.now()))).rowcount:
                raise NotFound("There is no such cluster.")

    async def draft(self, cluster_id: str, *, by: str) -> Article:
        """Begin an article for a cluster: its questions as other ways to ask, and what agents answered.

        Raises:
            NotFound: when there is no such cluster.
            Conflict: when it has an article already.
        """
        q, k = vain_questions.c, clusters.c
        async with self._database.connect() as connection:
            cluster = (await connection.execute(sa.select(clusters).where(k.id == cluster_id))).one_or_none()
            if cluster is None:
                raise NotFound("There is no such cluster.")
            if cluster.article_id is not None:
                raise Conflict("There is an article for it already.", extra={"article": cluster.article_id})
            own = sa.select(vain_questions).where(q.cluster_id == cluster_id).order_by(q.asked_at, q.id)
            rows = list(await connection.execute(own))
        said = await self._questions.agents_words(list({row.conversation_id for row in rows}))
        draft = await asyncio.to_thread(self._outline, rows, said)
        article = await self._create(draft, by)
        async with self._database.begin() as tx:
            await tx.execute(clusters.update().where(k.id == cluster_id).values(article_id=article.id))
        return article

    async def _create(self, draft: Draft, by: str) -> Article:
        base = slug(draft.title) or "article"
        for number in range(1, 50):
            try:
                return await self._articles.create(base if number == 1 else f"{base}-{number}", draft, by=by)
            except Conflict:
                continue
        raise Conflict("There are too many articles of this name.", hint="Create it by hand.")

    def _outline(self, rows: Sequence[Any], said: Sequence[str]) -> Draft:
        texts = list(dict.fromkeys(row.question for row in rows))
        vectors = _matrix(rows)
        central = [rows[at].question for at in most_central(vectors, len(rows))]
        title = central[0][:120]
        lines = [
            "*(What users asked, in their words, and what colleagues answered. Write the article from it.)*",
            "",
        ]
        lines += [
            "## What was asked",
            "",
            *(f"- {_line(text)}" for text in dict.fromkeys(central[:_EXAMPLES])),
            "",
        ]
        answers = self._best_answers(said)
        if answers:
            lines += ["## What colleagues answered", "", *(f"> {_line(text)}\n" for text in answers)]
        phrasings = tuple(text[:200] for text in texts if text[:120] != title)[:20]
        return Draft(title, "general", "en", "\n".join(lines) + "\n", phrasings=phrasings)

    def _best_answers(self, said: Sequence[str]) -> list[str]:
        worth = [text for text in dict.fromkeys(said) if len(text.split()) >= 5][:300]
        if not worth:
            return []
        vectors = self._search.indexes.live.maker.encoder.encode(worth)
        return [worth[at] for at in most_central(vectors, 5)]

    async def _gather(self) -> None:
        """Put questions that are new in the log into the clusters they belong to."""
        since = self._clock.now() - LOOKED_AT
        asked = [one for one in await self._questions.in_vain(since) if _has_words(one.text)]
        async with self._database.begin() as tx:
            await tx.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _WRITERS})
            known = set((await tx.execute(sa.select(vain_questions.c.id))).scalars())
            fresh = [one for one in asked if one.id not in known]
            await self._follow_encoder(tx)
            for first in range(0, len(fresh), LARGEST_BATCH):
                await self._place(tx, fresh[first : first + LARGEST_BATCH])
            await self._note_handoffs(tx, [one for one in asked if one.id in known and one.handed_off])

    async def _follow_encoder(self, tx: Any) -> None:
        """Give clusters of a former encoder its successor's vectors: questions go on to join them."""
        maker = self._search.indexes.live.maker
        q, k, name = vain_questions.c, clusters.c, maker.encoder.fingerprint
        former = (await tx.execute(sa.select(k.id).where(k.encoder != name))).scalars().all()
        for cluster_id in former:
            own = sa.select(q.id, q.question).where(q.cluster_id == cluster_id).order_by(q.id)
            rows = (await tx.execute(own)).all()
            values: dict[str, Any] = {"encoder": name}
            if rows:
                vectors = await asyncio.to_thread(maker.encoder.encode, [row.question for row in rows])
                values["centre"] = centre_of(vectors).tobytes()
                for row, vector in zip(rows, vectors, strict=True):
                    change = vain_questions.update().where(q.id == row.id)
                    await tx.execute(change.values(vector=vector.tobytes()))
            await tx.execute(clusters.update().where(k.id == cluster_id).values(**values))

    async def _place(self, tx: Any, fresh: Sequence[UnansweredQuestion]) -> None:
        maker = self._search.indexes.live.maker
        name = maker.encoder.fingerprint
        texts = [clean_question(one.text) for one in fresh]
        vectors = await asyncio.to_thread(maker.encoder.encode, texts)
        open_ones = sa.select(clusters).where(clusters.c.dismissed_at.is_(None), clusters.c.encoder == name)
        there = list(await tx.execute(open_ones.order_by(clusters.c.created_at, clusters.c.id)))
        centres = _stack([row.centre for row in there], vectors.shape[1])
        groups = await asyncio.to_thread(group, vectors)
        for part in groups:
            centre = centre_of(vectors[part])
            at = nearest(centres, centre)
            cluster_id = there[at].id if at is not None else new_id("clu")
            if at is None:
                values = {"id": cluster_id, "centre": centre.tobytes(), "encoder": name}
                await tx.execute(clusters.insert().values(**values, created_at=self._clock.now()))
            rows = [
                {"id": fresh[n].id, "cluster_id": cluster_id, "conversation_id": fresh[n].conversation_id,
                 "question": texts[n], "vector": vectors[n].tobytes(), "handed_off": fresh[n].handed_off,
                 "minutes": fresh[n].minutes, "asked_at": fresh[n].asked_at}
                for n in part
            ]  # fmt: skip
            await tx.execute(insert(vain_questions).values(rows).on_conflict_do_nothing())

    async def _note_handoffs(self, tx: Any, asked: Sequence[UnansweredQuestion]) -> None:
        """A person may have taken over, or ended the case, since a question was gathered."""
        q = vain_questions.c
        for one in asked:
            change = vain_questions.update().where(q.id == one.id, q.minutes != one.minutes)
            await tx.execute(change.values(handed_off=True, minutes=one.minutes))

    def _describe(self, by_cluster: Mapping[str, Sequence[Any]]) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Label and examples of each cluster."""
        normaliser = self._search.indexes.live.maker.normaliser
        counts = {
            key: counted([row.question for row in rows], normaliser) for key, rows in by_cluster.items()
        }
        everywhere: Counter[str] = Counter()
        for one in counts.values():
            everywhere.update(one)
        total = sum(map(len, by_cluster.values()))
        shown = {}
        for key, rows in by_cluster.items():
            central = [rows[at].question for at in most_central(_matrix(rows), _EXAMPLES)]
            named = label(counts[key], len(rows), everywhere, total, central[0])
            shown[key] = (named, tuple(dict.fromkeys(central)))
        return shown

    async def _cluster(self, key: str, rows: Sequence[Any], named: str, examples: tuple[str, ...]) -> Cluster:
        handed = {row.conversation_id: row.minutes or MINUTES_A_HANDOFF for row in rows if row.handed_off}
        before, after = await self._rates(rows)
        return Cluster(
            id=key,
            label=named,
            count=len(rows),
            handoffs=len(handed),
            cost_minutes=round(sum(handed.values()), 1),
            examples=examples,
            trend=self._trend([row.asked_at for row in rows]),
            article_id=rows[0].article_id,
            before=before,
            after=after,
        )

    def _trend(self, moments: Sequence[datetime]) -> tuple[int, ...]:
        now = self._clock.now()
        weeks = [int((now - at) / timedelta(weeks=1)) for at in moments]
        return tuple(sum(week == number for week in weeks) for number in reversed(range(WEEKS)))

    async def _rates(self, rows: Sequence[Any]) -> tuple[float | None, float | None]:
        """Shares that were answered before and since its article was first published: what the article
        answered, beside what was asked in vain. None where it is not published, or was not asked for since.
        """
        article_id = rows[0].article_id
        if article_id is None or (await self._articles.get(article_id)).published_version is None:
            return None, None
        first = await self._articles.first_published_at(article_id)
        if first is None:
            return None, None
        vain_since = sum(row.asked_at >= first for row in rows)
        answered = await self._questions.answered(first, [article_id])
        total = answered + vain_since
        return 0.0, (round(answered / total, 4) if total else None)


def _matrix(rows: Sequence[Any]) -> Floats:
    return np.stack([np.frombuffer(row.vector, np.float32) for row in rows])


def _stack(raw: Sequence[bytes], dimension: int) -> Floats:
    if not raw:
        return np.empty((0, dimension), np.float32)
    return np.stack([np.frombuffer(one, np.float32) for one in raw])


def _has_words(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _line(text: str) -> str:
    """Text of users as one line of Markdown that is only text."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>#!|" else one for one in " ".join(text.split()))
