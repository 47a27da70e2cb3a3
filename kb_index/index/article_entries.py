"""What an index holds of an article beside its vectors, and how near an article is to a question."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from kb_index.ports import Filter, Near, StoredPassage

OPENING_FIRST = 0.08
"""Cosine by which another passage must be nearer than the opening to be quoted instead."""


@dataclass(frozen=True, slots=True)
class ArticleEntry:
    """For whom an article is, and where its vectors are: from row `first` on, `titles` rows of its title,
    phrasings and summary, then `texts` rows of its passages."""

    batch: str
    language: str
    area: str
    audience: str
    plans: tuple[str, ...]
    product_versions: tuple[str, ...]
    first: int
    titles: int
    texts: int

    @property
    def end(self) -> int:
        """The row after its last one."""
        return self.first + self.titles + self.texts

    def passes(self, where: Filter) -> bool:
        """Tell whether an article of this kind may be found."""
        own = self.language
        return (
            (where.language is None or own == where.language or own.startswith(f"{where.language}-"))
            and (where.area is None or self.area == where.area)
            and (where.audiences is None or self.audience in where.audiences)
            and (where.plan is None or not self.plans or where.plan in self.plans)
            and (
                where.product_version is None
                or not self.product_versions
                or where.product_version in self.product_versions
            )
        )


def by_article(rows: Iterable[StoredPassage]) -> Iterator[tuple[str, list[StoredPassage]]]:
    """Group passages by article, in the order of rows: titles first, then by number."""
    ordered = sorted(rows, key=lambda row: (row.article_id, row.kind == "text", row.number))
    for article, own in groupby(ordered, key=lambda row: row.article_id):
        yield article, list(own)


def entry_of(own: list[StoredPassage], first: int) -> ArticleEntry:
    """Describe an article by its passages in the order of `by_article`; they go to row `first` and on."""
    texts = sum(row.kind == "text" for row in own)
    one = own[0]
    return ArticleEntry(
        one.batch, one.language, one.area, one.audience, one.plans, one.product_versions,
        first, len(own) - texts, texts,
    )  # fmt: skip


def moved(entry: ArticleEntry, first: int) -> ArticleEntry:
    """Return it with its rows from `first` on."""
    return replace(entry, first=first)


def near(article: str, titles: int, cosines: Sequence[float], numbers: Sequence[int]) -> Near:
    """Say how near an article is, from the cosines of its rows, and which passage to quote.

    A title itself says nothing to quote. The opening comes first unless another passage is clearly nearer: a
    question that is about the article as a whole is answered there, while title and heading make all passages
    near.
    """
    shown, texts = cosines[:titles], cosines[titles:]
    if not texts:
        return Near(article, max(shown), max(shown), numbers[0])
    best = max(texts)
    quoted = 0 if texts[0] + OPENING_FIRST >= best else texts.index(best)
    return Near(article, max(shown, default=best), best, numbers[titles + quoted])
