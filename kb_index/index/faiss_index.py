"""FAISS over passage vectors, with a snapshot on disk.

Exact inner product under an id map, which can delete (HNSW in FAISS cannot). The snapshot is one file: a
checksum of the rest, a JSON line, then FAISS's own bytes. It is written aside and renamed. It is a cache:
what it lacks or spoils is made again from PostgreSQL.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import structlog

from kb_index.ports import Filter, Near, StoredPassage, Vectors

log = structlog.get_logger(__name__)
_FORMAT = 3
_LOOK_AT = 40
OPENING_FIRST = 0.08
"""Cosine by which another passage must be nearer than the opening to be quoted instead."""


@dataclass(frozen=True)
class Entry:
    """What the index holds of one article: for whom it is, and the numbers of its vectors.

    `titles` are those of title, phrasings and summary, `texts` those of passages.
    """

    batch: str
    language: str
    area: str
    audience: str
    plans: tuple[str, ...]
    product_versions: tuple[str, ...]
    titles: tuple[int, ...]
    texts: tuple[int, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All its passages."""
        return self.titles + self.texts

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


class VectorIndex:
    """Vectors by passage number, and whose they are. Safe to use from several threads.

    `made_by` names encoder and splitting; `revision` is that of the last change taken in.
    """

    def __init__(self, dimension: int, made_by: str) -> None:
        self.dimension = dimension
        self.made_by = made_by
        self.revision = 0
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._entries: dict[str, Entry] = {}
        self._owners: dict[int, str] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def batches(self) -> dict[str, str]:
        """Return the batch of each article that is in."""
        with self._lock:
            return {article: entry.batch for article, entry in self._entries.items()}

    def contents(self) -> dict[str, list[tuple[int, bytes]]]:
        """Return each article's passages as (number, vector bytes), to compare one index with another."""
        with self._lock:
            return {
                article: [(number, self._index.reconstruct(number).tobytes()) for number in entry.numbers]
                for article, entry in self._entries.items()
            }

    def replace(self, article_ids: Iterable[str], rows: Sequence[StoredPassage], revision: int) -> None:
        """Drop all passages of `article_ids`, add `rows`, and note that changes up to `revision` are in."""
        ordered = sorted(rows, key=lambda row: (row.article_id, row.number))
        by_article = {key: list(own) for key, own in groupby(ordered, key=lambda row: row.article_id)}
        with self._lock:
            dropped = [self._entries.pop(key) for key in {*article_ids, *by_article} if key in self._entries]
            gone = [number for entry in dropped for number in entry.numbers]
            if gone:
                self._index.remove_ids(np.array(gone, dtype=np.int64))
                for number in gone:
                    del self._owners[number]
            for chunk in _chunks(rows):
                vectors = np.frombuffer(b"".join(row.vector for row in chunk), dtype=np.float32)
                numbers = np.array([row.number for row in chunk], dtype=np.int64)
                self._index.add_with_ids(vectors.reshape(len(chunk), self.dimension), numbers)
            for article, own in by_article.items():
                self._entries[article] = _entry(own)
                self._owners.update((row.number, article) for row in own)
            self.revision = revision

    def nearest(self, vector: Vectors, limit: int, where: Filter) -> list[Near]:
        """Return the `limit` articles whose nearest vector is nearest, best first; equal ones by id."""
        query = np.ascontiguousarray(vector.reshape(1, -1))
        with self._lock:
            parameters, among = self._selector(where)
            wanted = max(_LOOK_AT, limit * 8)
            while among:
                scores, numbers = self._index.search(query, min(wanted, among), params=parameters)
                best = self._fold(numbers[0], scores[0])
                if len(best) > limit or wanted >= among:
                    break
                wanted *= 4
            else:
                return []
            ranked = sorted(best, key=lambda article: (-best[article], article))[:limit]
            return [self._near(article, vector) for article in ranked]

    def compare(self, vector: Vectors, article_ids: Iterable[str], where: Filter) -> list[Near]:
        """Return how near just these articles are; those left out by `where` or unknown are missing."""
        with self._lock:
            return [
                self._near(article, vector)
                for article in dict.fromkeys(article_ids)
                if (entry := self._entries.get(article)) is not None and entry.passes(where)
            ]

    def _selector(self, where: Filter) -> tuple[Any, int]:
        if where.is_open:
            return None, len(self._owners)
        numbers = [
            number for entry in self._entries.values() if entry.passes(where) for number in entry.numbers
        ]
        selector = faiss.IDSelectorBatch(np.array(numbers, dtype=np.int64))
        return faiss.SearchParameters(sel=selector), len(numbers)  # type: ignore[call-arg]

    def _fold(self, numbers: Any, scores: Any) -> dict[str, float]:
        best: dict[str, float] = {}
        for number, score in zip(numbers.tolist(), scores.tolist(), strict=True):
            if number >= 0:
                best.setdefault(self._owners[number], score)
        return best

    def _near(self, article: str, vector: Vectors) -> Near:
        """How near one article is, and which passage to quote; a title itself says nothing to quote.

        The opening comes first unless another is clearly nearer: a question that is about the article as a
        whole is answered there, while title and heading make all passages near.
        """
        entry = self._entries[article]
        titles = self._cosines(entry.titles, vector)
        texts = self._cosines(entry.texts, vector)
        if not len(texts):
            return Near(article, float(titles.max()), float(titles.max()), entry.titles[0])
        favoured = texts.copy()
        favoured[0] += OPENING_FIRST
        title = float(titles.max()) if len(titles) else float(texts.max())
        return Near(article, title, float(texts.max()), entry.texts[int(np.argmax(favoured))])

    def _cosines(self, numbers: tuple[int, ...], vector: Vectors) -> Vectors:
        if not numbers:
            return np.empty(0, np.float32)
        found: Vectors = np.stack([self._index.reconstruct(number) for number in numbers]) @ vector
        return found

    def save(self, path: Path) -> None:
        """Write the snapshot beside `path` and rename it, so that readers see the old one or the new one."""
        with self._lock:
            vectors = faiss.serialize_index(self._index).tobytes()
            head = {
                "format": _FORMAT,
                "made_by": self.made_by,
                "dimension": self.dimension,
                "revision": self.revision,
                "entries": {article: asdict(entry) for article, entry in self._entries.items()},
            }
        body = json.dumps(head).encode() + b"\n" + vectors
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            with aside.open("wb") as file:
                file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, *, dimension: int, made_by: str) -> "VectorIndex":
        """Read the snapshot; an empty index when there is none, or it is damaged or of another maker."""
        try:
            return _read(path.read_bytes(), cls(dimension, made_by))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            log.warning("index_snapshot_unusable", reason=str(error)[:80])
        return cls(dimension, made_by)


def _read(raw: bytes, into: VectorIndex) -> VectorIndex:
    digest, _, body = raw.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("its checksum does not hold")
    line, _, vectors = body.partition(b"\n")
    head = json.loads(line)
    if (head["format"], head["made_by"], head["dimension"]) != (_FORMAT, into.made_by, into.dimension):
        raise ValueError("it was made by something else")
    into.revision = int(head["revision"])
    into._entries = {article: _entry_from(entry) for article, entry in head["entries"].items()}
    into._owners = {number: article for article, entry in into._entries.items() for number in entry.numbers}
    into._index = faiss.deserialize_index(np.frombuffer(vectors, dtype=np.uint8))
    if into._index.ntotal != len(into._owners):
        raise ValueError("it does not hold what it says")
    return into


def _entry_from(values: dict[str, Any]) -> Entry:
    for key in ("plans", "product_versions", "titles", "texts"):
        values[key] = tuple(values[key])
    return Entry(**values)


def _entry(rows: list[StoredPassage]) -> Entry:
    first = rows[0]
    return Entry(
        first.batch, first.language, first.area, first.audience, first.plans, first.product_versions,
        titles=tuple(row.number for row in rows if row.kind != "text"),
        texts=tuple(row.number for row in rows if row.kind == "text"),
    )  # fmt: skip


def _chunks(rows: Sequence[StoredPassage]) -> Iterator[Sequence[StoredPassage]]:
    for first in range(0, len(rows), 4096):
        yield rows[first : first + 4096]
