"""What the search would find if an article read otherwise; nothing is changed for that."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kb_index.domain import Draft
from kb_index.ports import Encoded, Filter, Vectors
from kb_index.search.candidates import Candidates, gather
from kb_index.search.ranking import Evidence, Ranked
from kb_index.search.service import ArticleSearch, clean_question

_AT_ONCE = 64
"""Questions encoded and searched for in one go, so that others' searches come between."""
K1, B = 1.2, 0.75
"""BM25's parameters as tantivy has them."""


@dataclass(frozen=True)
class Imagined:
    """An article's passages as they would be: vectors by kind, and terms of each."""

    titles: Vectors
    texts: Vectors
    terms: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, made: Sequence[Encoded]) -> "Imagined":
        """Take what the maker made."""
        vectors = [np.frombuffer(one.vector, np.float32) for one in made]
        kinds = [one.kind == "text" for one in made]
        empty = np.empty((0, len(vectors[0])), np.float32)
        texts = [vector for vector, text in zip(vectors, kinds, strict=True) if text]
        titles = [vector for vector, text in zip(vectors, kinds, strict=True) if not text]
        return cls(
            np.stack(titles) if titles else empty,
            np.stack(texts) if texts else empty,
            tuple(tuple(one.terms.split()) for one in made),
        )


@dataclass(frozen=True)
class Standing:
    """How a question would be answered: the order, and the probability that the first one answers."""

    ranked: list[Ranked]
    probability: float

    def rank_of(self, article_id: str) -> int | None:
        """An article's rank from 1; None when it is not among the candidates."""
        ids = [one.id for one in self.ranked]
        return ids.index(article_id) + 1 if article_id in ids else None


class WhatIf:
    """Answers questions as if one article had another text, or none."""

    def __init__(self, search: ArticleSearch) -> None:
        self._search = search

    async def imagine(self, draft: Draft) -> Imagined:
        """Make the passages of a text, and keep them out of the indexes."""
        return Imagined.of(await self._search.indexes.make(draft))

    async def ask(
        self, questions: Sequence[str], article_id: str, versions: Mapping[str, Imagined | None]
    ) -> list[dict[str, Standing]]:
        """Return how each question would be answered under each version of the article, None being none."""
        found: list[dict[str, Standing]] = []
        for first in range(0, len(questions), _AT_ONCE):
            some = questions[first : first + _AT_ONCE]
            found += await asyncio.to_thread(self._ask, some, article_id, versions)
        return found

    async def now(self, questions: Sequence[str]) -> list[Standing]:
        """Return how each question is answered as it is."""
        found: list[Standing] = []
        for first in range(0, len(questions), _AT_ONCE):
            many = await asyncio.to_thread(self._gather, questions[first : first + _AT_ONCE])
            found += [self._standing(one.evidence) for one in many]
        return found

    def _gather(self, questions: Sequence[str]) -> list[Candidates]:
        live = self._search.indexes.live
        texts = [clean_question(question) for question in questions]
        vectors = live.maker.encoder.encode(texts, purpose="query")
        return [
            gather(live.maker, live.vectors, live.terms, text, Filter(), vector=vector)
            for text, vector in zip(texts, vectors, strict=True)
        ]

    def _ask(
        self, questions: Sequence[str], article_id: str, versions: Mapping[str, Imagined | None]
    ) -> list[dict[str, Standing]]:
        live = self._search.indexes.live
        length = live.terms.mean_length
        answered = []
        for question, found in zip(questions, self._gather(questions), strict=True):
            others = [one for one in found.evidence if one.article_id != article_id]
            weights = live.terms.weights(live.maker.normaliser.terms(clean_question(question)))
            answered.append(
                {
                    name: self._standing(
                        [*others, *([_evidence(article_id, found, one, weights, length)] if one else [])]
                    )
                    for name, one in versions.items()
                }
            )
        return answered

    def _standing(self, evidence: Iterable[Evidence]) -> Standing:
        ranked = self._search.ranking.weights.fuse(evidence)
        return Standing(ranked, self._search.ranking.calibration.probability(ranked))


def _evidence(
    article_id: str,
    found: Candidates,
    version: Imagined,
    weights: Sequence[tuple[str, float, float]],
    mean_length: float,
) -> Evidence:
    titles, texts = version.titles @ found.vector, version.texts @ found.vector
    text = float(texts.max()) if len(texts) else float(titles.max())
    title = float(titles.max()) if len(titles) else text
    most = sum(weight for _, weight, _ in weights)
    best = max((_bm25(terms, weights, mean_length) for terms in version.terms), default=0.0)
    return Evidence(article_id, title, text, best / most if most else 0.0)


def _bm25(terms: Sequence[str], weights: Sequence[tuple[str, float, float]], mean_length: float) -> float:
    counts = Counter(terms)
    norm = K1 * (1 - B + B * len(terms) / max(mean_length, 1.0))
    return sum(
        # A term that only this text has is worth what it would be in the index.
        weight * (boost or 1.0) * counts[term] * (K1 + 1) / (counts[term] + norm)
        for term, weight, boost in weights
        if counts[term]
    )
