"""FAISS over passage vectors, with a snapshot on disk.

Exact inner product under an id map, which can delete (HNSW in FAISS cannot). The snapshot is one file: a line
of JSON that names encoder, revision and checksum, then FAISS's own bytes; written aside and renamed. It is a
cache: what it lacks or spoils is rebuilt from PostgreSQL.
"""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import structlog

from kb_index.ports import Vectors

log = structlog.get_logger(__name__)
_FORMAT = 1


@dataclass
class VectorIndex:
    """Vectors by passage number, and which article each passage is of. Safe to use from several threads."""

    dimension: int
    encoder: str
    revision: int = 0
    owners: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(self.dimension))
        self._by_article: dict[str, set[int]] = {}
        for number, article in self.owners.items():
            self._by_article.setdefault(article, set()).add(number)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def replace(
        self, article_ids: Sequence[str], rows: Sequence[tuple[int, str, bytes]], revision: int
    ) -> None:
        """Drop all passages of `article_ids`, add `rows` of (number, article, vector bytes), and note that
        changes up to `revision` are in."""
        with self._lock:
            gone = [number for article in article_ids for number in self._by_article.pop(article, ())]
            if gone:
                self._index.remove_ids(faiss.IDSelectorBatch(np.array(gone, dtype=np.int64)))
                for number in gone:
                    del self.owners[number]
            if rows:
                vectors = np.frombuffer(b"".join(row[2] for row in rows), dtype=np.float32)
                numbers = np.array([row[0] for row in rows], dtype=np.int64)
                self._index.add_with_ids(vectors.reshape(len(rows), self.dimension), numbers)
            for number, article, _ in rows:
                self.owners[number] = article
                self._by_article.setdefault(article, set()).add(number)
            self.revision = revision

    def search(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """Return (passage number, cosine), best first; equal scores by number, so the order is stable."""
        with self._lock:
            scores, numbers = self._index.search(
                vector.reshape(1, -1), max(1, min(limit, len(self.owners) or 1))
            )
        found = [(int(n), float(s)) for n, s in zip(numbers[0], scores[0], strict=True) if n >= 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def save(self, path: Path) -> None:
        """Write the snapshot beside `path` and rename it, so that readers see the old one or the new one."""
        with self._lock:
            body = bytes(faiss.serialize_index(self._index))
            head = {
                "format": _FORMAT,
                "encoder": self.encoder,
                "dimension": self.dimension,
                "revision": self.revision,
                "owners": self.owners,
                "sha256": hashlib.sha256(body).hexdigest(),
            }
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        with aside.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)

    @classmethod
    def load(cls, path: Path, *, dimension: int, encoder: str) -> "VectorIndex":
        """Read the snapshot; an empty index when there is none, or it is damaged, or of another encoder."""
        try:
            raw = path.read_bytes()
            line, _, body = raw.partition(b"\n")
            head = json.loads(line)
            if (head["format"], head["encoder"], head["dimension"]) != (_FORMAT, encoder, dimension):
                raise ValueError("made for something else")
            if hashlib.sha256(body).hexdigest() != head["sha256"]:
                raise ValueError("checksum")
            owners = {int(number): str(article) for number, article in head["owners"].items()}
            loaded = cls(dimension, encoder, int(head["revision"]), owners)
            loaded._index = faiss.deserialize_index(np.frombuffer(body, dtype=np.uint8))
            if loaded._index.ntotal != len(owners):
                raise ValueError("count")
            return loaded
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            log.warning("index_snapshot_unusable", reason=str(error)[:80])
        return cls(dimension, encoder)
