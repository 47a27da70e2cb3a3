"""Sets to measure the search on: a corpus, questions, and which article answers which, as files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.errors import InvalidInput, NotFound

_MOST = 2_000_000
"""Characters of one line; a file is read line by line."""


@dataclass(frozen=True)
class Document:
    """An article of a set; its title or its text may be empty."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Query:
    """A question of a set, with the documents that answer it by their grade; none for an unanswerable one."""

    id: str
    text: str
    relevant: dict[str, float]


@dataclass(frozen=True)
class TestSet:
    """What an evaluation asks of what."""

    __test__ = False
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    unanswerable: tuple[Query, ...] = ()


def read_test_set(corpus: Path, queries: Path, qrels: Path, unanswerable: Path | None = None) -> TestSet:
    """Read `{"id", "title", "text"}` and `{"id", "text"}` a line, and judgements:
    `query<TAB>document<TAB>grade` or TREC's four columns a line.

    Questions without a relevant document in the corpus are left out; a score of 0 is not relevant.

    Raises:
        NotFound: when a file is missing.
        InvalidInput: naming file and line.
    """
    documents = tuple(
        Document(
            _text(row, "id", where),
            _text(row, "title", where, needed=False),
            _text(row, "text", where, empty=True),
        )
        for row, where in _rows(corpus)
    )
    ids = {one.id for one in documents}
    if len(ids) != len(documents):
        raise InvalidInput(f"{corpus.name}: two documents have the same id.")
    if not documents:
        raise InvalidInput(f"{corpus.name} holds no documents.")
    relevant = _judgements(qrels)
    asked = tuple(
        Query(key, _text(row, "text", where), {doc: grade for doc, grade in known.items() if doc in ids})
        for row, where in _rows(queries)
        for key in (_text(row, "id", where),)
        if (known := relevant.get(key)) and not known.keys().isdisjoint(ids)
    )
    if not asked:
        raise InvalidInput("No question of the set has a relevant document in the corpus.",
                           hint="Check that the ids in the three files are the same.")  # fmt: skip
    none = _rows(unanswerable) if unanswerable is not None else ()
    beyond = tuple(Query(f"none-{at}", _text(row, "text", where), {}) for at, (row, where) in enumerate(none))
    return TestSet(documents, asked, beyond)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                where = f"{path.name}, line {number}"
                if len(line) > _MOST:
                    raise InvalidInput(f"{where}: it is longer than {_MOST} characters.")
                if line.strip():
                    yield line.rstrip("\r\n"), where
    except FileNotFoundError:
        raise NotFound(f"There is no file {path.name}.") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{path.name} cannot be read as a UTF-8 text file.") from None


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for line, where in _lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InvalidInput(f"{where}: it is not JSON.") from None
        if not isinstance(row, dict):
            raise InvalidInput(f"{where}: an object is needed.")
        yield row, where


def _text(row: dict[str, Any], key: str, where: str, *, needed: bool = True, empty: bool = False) -> str:
    value = row.get(key)
    if key == "id":
        value = row.get("_id") if value is None else value
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not empty and not value.strip()):
        raise InvalidInput(f"{where}: `{key}` must be a text.")
    return value


def _judgements(path: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for number, (line, where) in enumerate(_lines(path)):
        parts = line.split("\t") if "\t" in line else line.split()
        if len(parts) == 4:  # TREC's: query, iteration, document, grade
            del parts[1]
        if number == 0 and len(parts) == 3 and not _is_number(parts[2]):
            continue
        try:
            query, document = parts[0].strip(), parts[1].strip()
            grade = float(parts[2]) if len(parts) > 2 else 1.0
        except (IndexError, ValueError):
            raise InvalidInput(f"{where}: `query-id<TAB>corpus-id<TAB>score` is needed.") from None
        if grade > 0:
            found.setdefault(query, {})[document] = grade
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
