"""A snapshot of an index on disk: one file that is mapped, with a checksum, written aside and renamed.

A first line of fixed length has the checksum of all that follows and where the head begins; then come the
vectors, passage numbers, and the head, a line of JSON. Lists for an approximate search lie in a file beside
it, whose name and checksum are in the head; lost or damaged, they are made again. All of it is a cache of
what PostgreSQL has.
"""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np
import numpy.typing as npt
import structlog

from foundation import files
from kb_index.index.article_entries import ArticleEntry, moved
from kb_index.index.vector_rows import Rows, inverted_lists
from kb_index.ports import Vectors

log = structlog.get_logger(__name__)
_FORMAT = 4
_LINE = 128
_AT_ONCE = 8192


@dataclass(frozen=True)
class SnapshotHead:
    """What a snapshot was made with, and the revision of the last change that is in it."""

    made_by: str
    dimension: int
    revision: int
    lists: str = ""
    lists_sha256: str = ""


@dataclass(frozen=True)
class Part:
    """Rows to write, taken at one moment: those of `vectors` and `numbers` that `alive` says are in."""

    vectors: Vectors
    numbers: npt.NDArray[np.int64]
    alive: npt.NDArray[np.bool_]
    entries: dict[str, ArticleEntry]

    @classmethod
    def of(cls, rows: Rows) -> "Part":
        """Take what `rows` has now; what is added to it later is not in."""
        return cls(rows.vectors, rows.numbers, rows.alive(), dict(rows.entries))


def write(
    path: Path, head: SnapshotHead, parts: Sequence[Part], exact_up_to: int, former: Any = None
) -> None:
    """Write what is in `parts`, beside `path`, and rename it, so that readers see the old one or the new one.

    Beyond `exact_up_to` rows lists are made, around the centres of `former` if they fit.

    Raises:
        OSError: when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    count = sum(int(part.alive.sum()) for part in parts)
    with files.replacing(path) as file:
        digest = hashlib.sha256()
        file.write(b" " * _LINE)
        for chunk in _chunks(parts):
            _put(file, digest, chunk)
        if count > exact_up_to:
            file.flush()
            mapped: Vectors = np.memmap(file, np.float32, "r", _LINE, (count, head.dimension))
            head = _with_lists(path, head, np.asarray(mapped), former)
        begins = file.tell()
        known = {"format": _FORMAT, "count": count, **asdict(head), "entries": _entries(parts)}
        _put(file, digest, json.dumps(known).encode())
        file.seek(0)
        digest.update(str(begins).encode())
        file.write(f"{digest.hexdigest()} {begins}".ljust(_LINE - 1).encode() + b"\n")
    for old in path.parent.glob(f"{path.stem}.*.lists"):
        if old.name != head.lists:
            with contextlib.suppress(OSError):
                old.unlink()


def read(path: Path, exact_up_to: int) -> tuple[SnapshotHead, Rows]:
    """Map the file.

    Raises:
        FileNotFoundError: when there is none.
        ValueError, KeyError, TypeError: when it is damaged or of another format.
        OSError: when it cannot be read.
    """
    if path.stat().st_size <= _LINE:
        raise ValueError("it is too short")
    raw: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
    said, begins = bytes(raw[:_LINE]).decode("ascii").split()
    digest = hashlib.sha256(raw[_LINE:].data)
    digest.update(begins.encode())
    if digest.hexdigest() != said:
        raise ValueError("its checksum does not hold")
    known = json.loads(bytes(raw[int(begins) :]))
    if known.pop("format") != _FORMAT:
        raise ValueError("it has another format")
    count, own = known.pop("count"), known.pop("entries")
    head = SnapshotHead(**known)
    entries = {article: _entry(values) for article, values in own.items()}
    if sum(entry.end - entry.first for entry in entries.values()) != count:
        raise ValueError("it does not hold what it says")
    at = _LINE + count * head.dimension * 4
    # Of the very file that was checked: another process may have renamed the next one into its place by
    # now. A plain array over the mapped memory: slices of the other kind take longer.
    vectors = np.asarray(raw)[_LINE:at].view(np.float32).reshape(count, head.dimension)
    numbers = np.frombuffer(bytes(raw[at : at + count * 8]), np.int64)
    lists = _lists(path, head, count) if count > exact_up_to else None
    return head, Rows(vectors, numbers, entries, lists, exact_up_to=exact_up_to)


def _chunks(parts: Sequence[Part]) -> Iterator[bytes]:
    for part in parts:
        rows = np.flatnonzero(part.alive)
        for first in range(0, len(rows), _AT_ONCE):
            yield part.vectors[rows[first : first + _AT_ONCE]].tobytes()
    for part in parts:
        yield part.numbers[part.alive].tobytes()


def _entries(parts: Sequence[Part]) -> dict[str, list[Any]]:
    """Entries with the rows that they have in the file."""
    found: dict[str, list[Any]] = {}
    before = 0
    for part in parts:
        rank = before + np.cumsum(part.alive) - part.alive
        for article, entry in part.entries.items():
            found[article] = list(asdict(moved(entry, int(rank[entry.first]))).values())
        before += int(part.alive.sum())
    return found


def _entry(values: list[Any]) -> ArticleEntry:
    batch, language, area, audience, plans, versions, first, titles, texts = values
    return ArticleEntry(batch, language, area, audience, tuple(plans), tuple(versions), first, titles, texts)


def _put(file: BinaryIO, digest: Any, chunk: bytes) -> None:
    digest.update(chunk)
    file.write(chunk)


def _with_lists(path: Path, head: SnapshotHead, vectors: Vectors, former: Any) -> SnapshotHead:
    faiss.omp_set_num_threads(1)  # of this thread: searches go on meanwhile
    aside = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.lists.tmp")
    try:
        faiss.write_index(inverted_lists(vectors, former), str(aside))
        digest = files.sha256(aside)
        name = f"{path.stem}.{digest[:16]}.lists"
        aside.replace(path.with_name(name))
    finally:
        aside.unlink(missing_ok=True)
    return replace(head, lists=name, lists_sha256=digest)


def _lists(path: Path, head: SnapshotHead, count: int) -> Any:
    """The lists of a snapshot, mapped; None when they are lost or damaged."""
    beside = path.with_name(head.lists or "none")
    try:
        if files.sha256(beside) == head.lists_sha256:
            lists = faiss.read_index(str(beside), faiss.IO_FLAG_MMAP_IFC)
            if lists.ntotal == count:
                return lists
    except (OSError, RuntimeError):
        pass
    log.warning("index_lists_unusable")
    return None
