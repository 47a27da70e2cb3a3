"""BM25 over the terms of passages, in memory, with tantivy; what is written wrongly finds its nearest term.

The index is derived: it is filled from the terms that are stored beside each passage (100,000 passages in two
to three seconds) and changed article by article. Scores are shares of what a passage could score at best:
the sum of BM25's term weights divided by the sum of the question's term weights (idf), so that they can be
compared from question to question.
"""

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tantivy
from rapidfuzz.distance import OSA

from kb_index.ports import Filter, StoredPassage

_HEAP = 32_000_000
_MANY = 256
"""Passages looked at for a question; an article is as good as its best one."""
MISSPELT = 0.8
"""What a term counts for that was found by its spelling."""
_Q, _S, _O = tantivy.Query, tantivy.SchemaBuilder, tantivy.Occur


@dataclass(frozen=True)
class Matched:
    """An article by its best passage: `share` is 0 to a little over 1, `number` the passage's."""

    article_id: str
    share: float
    number: int


class LexicalIndex:
    """Terms of passages, by article. Safe to use from several threads."""

    def __init__(self) -> None:
        builder = _S()
        for name in ("article", "language", "area", "audience", "plan", "product_version"):
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        builder.add_unsigned_field("number", indexed=True, fast=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        spaces = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("whitespace", spaces)
        self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
        self._owners: dict[int, str] = {}
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._spelling = _Spelling()
        self._terms: dict[str, frozenset[str]] = {}
        self._lengths: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._owners)

    def replace(self, article_ids: Iterable[str], rows: Sequence[StoredPassage]) -> None:
        """Drop all passages of `article_ids` and add `rows`."""
        by_article: dict[str, list[StoredPassage]] = defaultdict(list)
        for row in rows:
            by_article[row.article_id].append(row)
        with self._lock:
            for article in {*article_ids, *by_article}:
                if article in self._numbers:
                    self._writer.delete_documents_by_term("article", article)
                    for number in self._numbers.pop(article):
                        del self._owners[number]
                    self._spelling.remove(self._terms.pop(article))
                    del self._lengths[article]
            for article, own in by_article.items():
                for row in own:
                    self._writer.add_document(_document(row))
                    self._owners[row.number] = article
                self._numbers[article] = tuple(row.number for row in own)
                self._lengths[article] = sum(len(row.terms.split()) for row in own)
                self._terms[article] = frozenset(term for row in own for term in row.terms.split())
                self._spelling.add(self._terms[article])
            self._writer.commit()
            self._index.reload()

    @property
    def mean_length(self) -> float:
        """Terms in a passage, on average."""
        with self._lock:
            return sum(self._lengths.values()) / max(len(self._owners), 1)

    def best(self, terms: Sequence[str], limit: int, where: Filter) -> list[Matched]:
        """Return the `limit` best articles for these terms, best first, equal ones by id."""
        return self._search(terms, where, [], limit)

    def compare(self, terms: Sequence[str], article_ids: Sequence[str], where: Filter) -> list[Matched]:
        """Return the shares of just these articles; one that has none of the terms is left out."""
        if not article_ids:
            return []
        only = _Q.term_set_query(self._schema, "article", list(article_ids))
        return self._search(terms, where, [only], len(article_ids))

    def known(self, term: str) -> str | None:
        """Return `term` if a passage has it, else the nearest term by spelling, or None."""
        with self._lock:
            return self._spelling.nearest(term)

    def _search(self, terms: Sequence[str], where: Filter, also: list[Any], limit: int) -> list[Matched]:
        searcher = self._index.searcher()
        weights = self.weights(terms, searcher)
        most = sum(weight for _, weight, _ in weights)
        wanted = [
            (
                _O.Should,
                _Q.boost_query(_Q.term_query(self._schema, "terms", term, index_option="freq"), boost),
            )
            for term, _, boost in weights
            if boost
        ]
        if not wanted or most <= 0:
            return []
        must = [
            (_O.Must, _Q.const_score_query(query, 0.0))
            for query in [*_conditions(self._schema, where), *also]
        ]
        query = _Q.boolean_query([(_O.Must, _Q.boolean_query(wanted)), *must])
        hits = searcher.search(query, limit=_MANY, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        best: dict[str, Matched] = {}
        for (score, _), number in zip(hits, numbers, strict=True):
            article = self._owners.get(int(number))  # type: ignore[arg-type]
            if article is not None and article not in best:
                best[article] = Matched(article, score / most, int(number))  # type: ignore[arg-type]
        return sorted(best.values(), key=lambda one: (-one.share, one.article_id))[:limit]

    def weights(self, terms: Sequence[str], searcher: Any = None) -> list[tuple[str, float, float]]:
        """Return (term of the index, idf, boost) of each different term; a boost of 0: no passage has it.

        The idf is BM25's: ln(1 + (N - n + 0.5) / (n + 0.5)) for n of N passages.
        """
        searcher = searcher or self._index.searcher()
        total = max(searcher.num_docs, 1)
        found: list[tuple[str, float, float]] = []
        for term in dict.fromkeys(terms):
            near = self.known(term)
            number = searcher.doc_freq("terms", near) if near is not None else 0
            boost = 0.0 if near is None else 1.0 if near == term else MISSPELT
            found.append((near or term, math.log(1 + max(total - number + 0.5, 0.5) / (number + 0.5)), boost))
        return found


def _conditions(schema: Any, where: Filter) -> list[Any]:
    def has(field: str, values: Iterable[str]) -> Any:
        return _Q.term_set_query(schema, field, list(values))

    found = []
    if where.language is not None:
        found.append(has("language", (where.language,)))
    if where.area is not None:
        found.append(has("area", (where.area,)))
    if where.audiences is not None:
        found.append(has("audience", sorted(where.audiences)))
    if where.plan is not None:
        found.append(has("plan", (where.plan, _ANY)))
    if where.product_version is not None:
        found.append(has("product_version", (where.product_version, _ANY)))
    return found


_ANY = "*"


def _document(row: StoredPassage) -> Any:
    document = tantivy.Document()
    document.add_text("article", row.article_id)
    document.add_unsigned("number", row.number)
    document.add_text("terms", row.terms)
    # `en` finds `en-GB` too.
    for language in {row.language, row.language.partition("-")[0]}:
        document.add_text("language", language)
    document.add_text("area", row.area)
    document.add_text("audience", row.audience)
    for plan in row.plans or (_ANY,):
        document.add_text("plan", plan)
    for version in row.product_versions or (_ANY,):
        document.add_text("product_version", version)
    return document


class _Spelling:
    """The terms of the index, to find the one that a misspelt word means."""

    def __init__(self) -> None:
        self._articles: Counter[str] = Counter()
        self._by_start: dict[tuple[str, int], set[str]] = defaultdict(set)

    def add(self, terms: Iterable[str]) -> None:
        for term in terms:
            self._articles[term] += 1
            if self._articles[term] == 1 and _mendable(term):
                self._by_start[term[0], len(term)].add(term)

    def remove(self, terms: Iterable[str]) -> None:
        for term in terms:
            self._articles[term] -= 1
            if not self._articles[term]:
                del self._articles[term]
                self._by_start[term[0], len(term)].discard(term)

    def nearest(self, term: str) -> str | None:
        """One edit from four letters on, two from eight on, the same first letter; the commonest wins."""
        if term in self._articles:
            return term
        if not _mendable(term):
            return None
        allowed = 2 if len(term) >= 8 else 1
        found: list[tuple[int, int, str]] = []
        for length in range(len(term) - allowed, len(term) + allowed + 1):
            for other in self._by_start.get((term[0], length), ()):
                edits = OSA.distance(term, other, score_cutoff=allowed)
                if edits <= allowed:
                    found.append((edits, -self._articles[other], other))
        return min(found)[2] if found else None


def _mendable(term: str) -> bool:
    return len(term) >= 4 and term.isalpha()
