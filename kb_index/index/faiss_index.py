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

from kb_index.ports import StoredPassage, Vectors

log = structlog.get_logger(__name__)
_FORMAT = 2
_LOOK_AT = 40
OPENING_FIRST = 0.08
"""Cosine by which another passage must be nearer than the opening to be quoted instead."""


@dataclass(frozen=True)
class Entry:
    """What the index holds of one article: the numbers of its title's and its text's vectors."""

    batch: str
    language: str
    area: str
    titles: tuple[int, ...]
    texts: tuple[int, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All its passages."""
        return self.titles + self.texts


@dataclass(frozen=True)
class Found:
    """An article's best cosine, and the number of the passage to quote."""

    article_id: str
    score: float
    number: int


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

    def search(
        self, vector: Vectors, limit: int, *, language: str | None = None, area: str | None = None
    ) -> list[Found]:
        """Return the `limit` best articles, best first; equal scores by article, so that the order is stable.

        `language` `en` takes `en-GB` too.
        """
        query = np.ascontiguousarray(vector.reshape(1, -1))
        with self._lock:
            parameters, among = self._selector(language, area)
            wanted = max(_LOOK_AT, limit * 8)
            while among:
                scores, numbers = self._index.search(query, min(wanted, among), params=parameters)
                best = self._fold(numbers[0], scores[0])
                if len(best) > limit or wanted >= among:
                    break
                wanted *= 4
            else:
                return []
            ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit]
            return [Found(article, score, self._quotable(article, query)) for article, score in ranked]

    def _selector(self, language: str | None, area: str | None) -> tuple[Any, int]:
        if language is None and area is None:
            return None, len(self._owners)
        numbers = [
            number
            for entry in self._entries.values()
            if (language is None or entry.language == language or entry.language.startswith(f"{language}-"))
            and (area is None or entry.area == area)
            for number in entry.numbers
        ]
        selector = faiss.IDSelectorBatch(np.array(numbers, dtype=np.int64))
        return faiss.SearchParameters(sel=selector), len(numbers)  # type: ignore[call-arg]

    def _fold(self, numbers: Any, scores: Any) -> dict[str, float]:
        best: dict[str, float] = {}
        for number, score in zip(numbers.tolist(), scores.tolist(), strict=True):
            if number >= 0:
                best.setdefault(self._owners[number], score)
        return best

    def _quotable(self, article: str, query: Any) -> int:
        """The passage of the article's text that is nearest; a title itself says nothing to quote.

        The opening comes first unless another is clearly nearer: a question that is about the article as a
        whole is answered there, while title and heading make all passages near.
        """
        entry = self._entries[article]
        if len(entry.texts) < 2:
            return (entry.texts or entry.titles)[0]
        vectors = np.stack([self._index.reconstruct(number) for number in entry.texts])
        nearness = vectors @ query[0]
        nearness[0] += OPENING_FIRST
        return entry.texts[int(np.argmax(nearness))]

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
    into._entries = {
        article: Entry(**{**entry, "titles": tuple(entry["titles"]), "texts": tuple(entry["texts"])})
        for article, entry in head["entries"].items()
    }
    into._owners = {number: article for article, entry in into._entries.items() for number in entry.numbers}
    into._index = faiss.deserialize_index(np.frombuffer(vectors, dtype=np.uint8))
    if into._index.ntotal != len(into._owners):
        raise ValueError("it does not hold what it says")
    return into


def _entry(rows: list[StoredPassage]) -> Entry:
    titles = tuple(row.number for row in rows if row.is_title)
    texts = tuple(row.number for row in rows if not row.is_title)
    return Entry(rows[0].batch, rows[0].language, rows[0].area, titles, texts)


def _chunks(rows: Sequence[StoredPassage]) -> Iterator[Sequence[StoredPassage]]:
    for first in range(0, len(rows), 4096):
        yield rows[first : first + 4096]
