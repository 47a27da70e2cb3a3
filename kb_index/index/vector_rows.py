"""Vectors by row, searched exactly or through inverted lists."""

from collections.abc import Mapping
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from kb_index.index.article_entries import ArticleEntry
from kb_index.ports import Filter, Vectors

EXACT_UP_TO = 50_000
"""Rows that are compared one by one; beyond, inverted lists are asked. Measured: docs/kb-index.md."""
LISTS_PER_ROOT = 4
"""Inverted lists for each square root of the number of rows."""
PROBED = 64
"""Lists that are looked into for a question."""
_FOR_A_CENTRE = 40
"""Rows from which the centre of a list is learnt."""
_FILTERS = 32
"""Filters whose rows are remembered."""
_FAISS: Any = faiss  # its stubs lack what is used of it here
Mask = npt.NDArray[np.bool_]


class Rows:
    """Vectors of articles, an article's side by side; articles are added at the end or marked as gone.

    `lists` is a FAISS index over the same rows, for when they are many: its order is approximate, scores are
    always taken from the vectors themselves. Not safe to change while others read.
    """

    def __init__(
        self,
        vectors: Vectors,
        numbers: npt.NDArray[np.int64],
        entries: Mapping[str, ArticleEntry],
        lists: Any = None,
        *,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        self._vectors, self._numbers, self.lists = vectors, numbers, lists
        self._exact_up_to = exact_up_to
        self._count = len(numbers)
        self.entries = dict(entries)
        self._articles = list(entries)
        self._owners = np.zeros(self._count, np.int32)
        for place, entry in enumerate(entries.values()):
            self._owners[entry.first : entry.end] = place
        self._alive = np.ones(self._count, bool)
        self._dead = 0
        self._masks: dict[Filter, tuple[Any, Any, int] | None] = {}

    @classmethod
    def empty(cls, dimension: int) -> "Rows":
        """Begin without any."""
        return cls(np.empty((0, dimension), np.float32), np.empty(0, np.int64), {})

    def __len__(self) -> int:
        return self._count - self._dead

    @property
    def dead(self) -> int:
        """How many rows are marked as gone."""
        return self._dead

    @property
    def vectors(self) -> Vectors:
        """All vectors [rows, dimension], those gone included."""
        return self._vectors[: self._count]

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Passage numbers by row."""
        return self._numbers[: self._count]

    def alive(self) -> Mask:
        """Return a copy of which rows are not gone."""
        return self._alive[: self._count].copy()

    def of(self, article: str) -> tuple[ArticleEntry, Vectors, npt.NDArray[np.int64]]:
        """Return an article's entry, vectors and passage numbers."""
        entry = self.entries[article]
        return entry, self._vectors[entry.first : entry.end], self._numbers[entry.first : entry.end]

    def add(self, article: str, entry: ArticleEntry, vectors: Vectors, numbers: list[int]) -> None:
        """Put an article after the last row, which is its `entry.first`."""
        end = self._count + len(numbers)
        if end > len(self._numbers):
            self._grow(max(end, 2 * len(self._numbers), 256))
        self._vectors[self._count : end] = vectors
        self._numbers[self._count : end] = numbers
        self._owners[self._count : end] = len(self._articles)
        self._alive[self._count : end] = True
        self._articles.append(article)
        self.entries[article] = entry
        self._count = end
        self._masks.clear()

    def drop(self, article: str) -> None:
        """Mark an article's rows as gone; one that is not here is passed over."""
        entry = self.entries.pop(article, None)
        if entry is not None:
            self._alive[entry.first : entry.end] = False
            self._dead += entry.end - entry.first
            self._masks.clear()

    @property
    def end(self) -> int:
        """The row after the last one."""
        return self._count

    def nearest(self, vector: Vectors, wanted: int, where: Filter) -> tuple[dict[str, float], bool]:
        """Return the articles of the `wanted` nearest rows with their best score; and whether that is all."""
        among = self._among(where)
        count = self._count if among is None else among[2]
        if not count:
            return {}, True
        asked = min(wanted, count)
        rows, scores = self._search(np.ascontiguousarray(vector.reshape(1, -1)), asked, among)
        best: dict[str, float] = {}
        found = 0
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            if row >= 0:
                found += 1
                best.setdefault(self._articles[self._owners[row]], score)
        return best, asked == count or found < asked

    def _search(self, query: Vectors, wanted: int, among: tuple[Any, Any, int] | None) -> tuple[Any, Any]:
        # A question at a time: sharing one among cores takes longer than it, and many are asked at once.
        faiss.omp_set_num_threads(1)
        selector = None if among is None else among[0]
        count = self._count if among is None else among[2]
        if self.lists is not None and count > self._exact_up_to:
            # The fewer rows may be found, the further one has to look for them.
            probed = min(self.lists.nlist, PROBED * self._count // count)
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=probed)  # type: ignore[call-arg]
            scores, rows = self.lists.search(query, wanted, params=parameters)
            return rows[0], scores[0]
        scores, rows = np.empty((1, wanted), np.float32), np.empty((1, wanted), np.int64)
        data = (faiss.swig_ptr(one) for one in (query, self.vectors))
        _FAISS.knn_inner_product(
            *data,
            query.shape[1],
            1,
            self._count,
            wanted,
            faiss.swig_ptr(scores),
            faiss.swig_ptr(rows),
            selector,
        )
        return rows[0], scores[0]

    def _among(self, where: Filter) -> tuple[Any, Any, int] | None:
        """The rows that may be found, as FAISS takes them: selector, its bits, how many; None for all."""
        if where.is_open and not self._dead:
            return None
        if where not in self._masks:
            if len(self._masks) >= _FILTERS:
                self._masks.pop(next(iter(self._masks)))
            mask = self.alive()
            for entry in () if where.is_open else self.entries.values():
                if not entry.passes(where):
                    mask[entry.first : entry.end] = False
            bits: Any = np.packbits(mask, bitorder="little")
            count = int(mask.sum())
            self._masks[where] = (
                None if count == self._count else (_FAISS.IDSelectorBitmap(bits), bits, count)
            )
        return self._masks[where]

    def _grow(self, capacity: int) -> None:
        self._vectors = _longer(self._vectors, capacity)
        self._numbers = _longer(self._numbers, capacity)
        self._owners = _longer(self._owners, capacity)
        self._alive = _longer(self._alive, capacity)


def inverted_lists(vectors: Vectors, former: Any = None) -> Any:
    """Make FAISS lists over these rows with one byte a number; `former` lends its centres if they fit.

    Seconds for 100,000 rows on one core, minutes for a million.
    """
    count, dimension = vectors.shape
    number = max(1, int(LISTS_PER_ROOT * count**0.5))
    centres = faiss.IndexFlatIP(dimension)
    if former is not None and 0.7 < former.nlist / number < 1.4:
        number = former.nlist
        centres.add(former.quantizer.reconstruct_n(0, number))
    made = faiss.IndexIVFScalarQuantizer(
        centres, dimension, number, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    made.cp.niter, made.cp.max_points_per_centroid = 8, _FOR_A_CENTRE
    sample = np.random.default_rng(0).permutation(count)[: _FOR_A_CENTRE * number]
    made.train(np.ascontiguousarray(vectors[np.sort(sample)]))
    for first in range(0, count, 16_384):
        made.add(np.ascontiguousarray(vectors[first : first + 16_384]))
    return made


def _longer(array: Any, capacity: int) -> Any:
    longer = np.zeros((capacity, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer
