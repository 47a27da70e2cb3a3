"""The index in this process: FAISS over a snapshot mapped from disk, and what changed since in memory.

The snapshot is not changed; an article that changes is marked as gone in it and added to the rows in memory.
When enough has changed, both are written together as the next snapshot, and searching goes on from that.
"""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import structlog

from kb_index.index import article_entries, snapshot
from kb_index.index.vector_rows import EXACT_UP_TO, Rows
from kb_index.ports import Filter, Near, StoredPassage, Vectors

log = structlog.get_logger(__name__)
_LOOK_AT = 40
_WORTH = 0.05
"""Share of a large snapshot that must have changed before it is written anew."""


class FaissIndex:
    """Vectors by passage number, and whose they are. Safe to use from several threads.

    Without `path` nothing is kept. `made_by` names encoder and splitting; `revision` is that of the last
    change taken in.
    """

    def __init__(
        self, dimension: int, made_by: str, path: Path | None = None, *, exact_up_to: int = EXACT_UP_TO
    ) -> None:
        self.dimension = dimension
        self.made_by = made_by
        self.revision = 0
        self._path = path
        self._exact_up_to = exact_up_to
        self._kept, self._recent = Rows.empty(dimension), Rows.empty(dimension)
        self._lock = threading.Lock()
        self._keeping = threading.Lock()

    @classmethod
    def load(
        cls, path: Path, *, dimension: int, made_by: str, exact_up_to: int = EXACT_UP_TO
    ) -> "FaissIndex":
        """Map the snapshot; an empty index when there is none, or it is damaged or of another maker."""
        index = cls(dimension, made_by, path, exact_up_to=exact_up_to)
        try:
            head, rows = snapshot.read(path, exact_up_to)
            if (head.made_by, head.dimension) != (made_by, dimension):
                raise ValueError("it was made by something else")
            index._kept, index.revision = rows, head.revision
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            log.warning("index_snapshot_unusable", reason=str(error)[:80])
        return index

    def __len__(self) -> int:
        return len(self._kept) + len(self._recent)

    def batches(self) -> dict[str, str]:
        """Return the batch of each article that is in."""
        with self._lock:
            return self._batches()

    def contents(self) -> dict[str, list[tuple[int, bytes]]]:
        """Return each article's passages as (number, vector bytes), to compare one index with another."""
        with self._lock:
            found = {}
            for article in self._batches():
                _, vectors, numbers = self._rows_of(article).of(article)
                found[article] = [(int(no), one.tobytes()) for no, one in zip(numbers, vectors, strict=True)]
            return found

    def replace(self, article_ids: Iterable[str], rows: Sequence[StoredPassage], revision: int) -> None:
        """Drop all passages of `article_ids`, add `rows`, and note that changes up to `revision` are in."""
        with self._lock:
            for article in article_ids:
                self._drop(article)
            for article, own in article_entries.by_article(rows):
                self._drop(article)
                entry = article_entries.entry_of(own, self._recent.end)
                vectors = np.frombuffer(b"".join(row.vector for row in own), np.float32)
                self._recent.add(
                    article, entry, vectors.reshape(len(own), self.dimension), [row.number for row in own]
                )
            self.revision = revision

    def nearest(self, vector: Vectors, limit: int, where: Filter) -> list[Near]:
        """Return the `limit` articles whose nearest vector is nearest, best first; equal ones by id."""
        with self._lock:
            wanted = max(_LOOK_AT, limit * 8)
            while True:
                kept, all_kept = self._kept.nearest(vector, wanted, where)
                recent, all_recent = self._recent.nearest(vector, wanted, where)
                best = kept | recent
                if len(best) > limit or (all_kept and all_recent):
                    break
                wanted *= 4
            ranked = sorted(best, key=lambda article: (-best[article], article))[:limit]
            return self._near(ranked, vector)

    def compare(self, vector: Vectors, article_ids: Iterable[str], where: Filter) -> list[Near]:
        """Return how near just these articles are; those left out by `where` or unknown are missing."""
        with self._lock:
            known = [
                article
                for article in dict.fromkeys(article_ids)
                if (entry := self._rows_of(article).entries.get(article)) is not None and entry.passes(where)
            ]
            return self._near(known, vector)

    def keep(self) -> None:
        """Write the next snapshot, when enough has changed, and search that; changes go on meanwhile.

        It blocks: for milliseconds, or, beyond the rows that are searched exactly, for as long as lists over
        them take. What cannot be written is kept in memory and tried again.
        """
        with self._keeping:
            if self._path is None or not self._is_worth_it():
                return
            with self._lock:
                head = snapshot.SnapshotHead(self.made_by, self.dimension, self.revision)
                parts = [snapshot.Part.of(rows) for rows in (self._kept, self._recent)]
                former = self._kept.lists
            try:
                snapshot.write(self._path, head, parts, self._exact_up_to, former)
                _, written = snapshot.read(self._path, self._exact_up_to)
            except (OSError, ValueError) as error:
                log.warning("index_snapshot_not_written", reason=str(error)[:80])
                return
            with self._lock:
                self._change_to(written)

    def _is_worth_it(self) -> bool:
        with self._lock:
            changed = self._recent.end + self._kept.dead
            count = len(self)
            if count <= self._exact_up_to:
                return changed > 0 or not (self._path and self._path.exists())
            return changed > _WORTH * count or self._kept.lists is None

    def _change_to(self, written: Rows) -> None:
        """Search what was written; what changed while it was being written is carried over."""
        now = self._batches()
        recent = Rows.empty(self.dimension)
        for article, entry in list(written.entries.items()):
            if now.get(article) != entry.batch:
                written.drop(article)
        for article in now.keys() - written.entries.keys():
            entry, vectors, numbers = self._rows_of(article).of(article)
            moved = article_entries.moved(entry, recent.end)
            recent.add(article, moved, vectors, numbers.tolist())
        self._kept, self._recent = written, recent

    def _batches(self) -> dict[str, str]:
        both = self._kept.entries | self._recent.entries
        return {article: entry.batch for article, entry in both.items()}

    def _rows_of(self, article: str) -> Rows:
        return self._recent if article in self._recent.entries else self._kept

    def _drop(self, article: str) -> None:
        self._kept.drop(article)
        self._recent.drop(article)

    def _near(self, articles: list[str], vector: Vectors) -> list[Near]:
        """How near these are: one product for all their rows, which is what takes the time otherwise."""
        own = [self._rows_of(article).of(article) for article in articles]
        if not own:
            return []
        cosines = (np.concatenate([vectors for _, vectors, _ in own]) @ vector).tolist()
        found, at = [], 0
        for article, (entry, vectors, numbers) in zip(articles, own, strict=True):
            end = at + len(vectors)
            found.append(article_entries.near(article, entry.titles, cosines[at:end], numbers.tolist()))
            at = end
        return found


class FaissFiles:
    """Indexes with their snapshot at `path`: one maker's at a time, the last one kept."""

    def __init__(self, path: Path, *, exact_up_to: int = EXACT_UP_TO) -> None:
        self._path = path
        self._exact_up_to = exact_up_to

    def open(self, dimension: int, made_by: str) -> FaissIndex:
        """Load this maker's index, or an empty one."""
        return FaissIndex.load(
            self._path, dimension=dimension, made_by=made_by, exact_up_to=self._exact_up_to
        )

    def forget_others(self, made_by: str) -> None:
        """Nothing: another maker's snapshot was written over."""
