"""Checks the audit chain from its first entry to its last, in constant memory, and names what is wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import Database
from security.audit import gaps, storage
from security.audit.chain import (
    COMMITMENT,
    EMPTIED,
    FOREIGN,
    LATE,
    NEW_KEY,
    ROOT,
    UNTRUSTED,
    Head,
    Private,
    Verifier,
    canonical,
    commitment,
    committed,
    entry_hash,
    is_genuine,
)

MOST = 100
"""Problems that are named; more are counted."""
_LOOKS, _PAUSE = 20, 0.1
"""How often, and how many seconds apart, a log that seems empty is looked at before it is called so."""


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong: which entry (None: none in particular), of what, and what is wrong with it."""

    problem: str
    text: str
    number: int | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Note:
    """Something to be known that is no flaw: which entry tells it, and what."""

    number: int
    text: str


@dataclass
class ChainFindings:
    """What a check came to."""

    entries: int = 0
    subjects: int = 0
    erased: int = 0
    """Entries whose private part was erased, as a later entry says."""
    checkpoints: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    more: int = 0
    notes: list[Note] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.flaws

    def add(self, flaw: Flaw) -> None:
        """Note a flaw, or count it when there are too many."""
        if len(self.flaws) < MOST:
            self.flaws.append(flaw)
        else:
            self.more += 1

    def note(self, note: Note) -> None:
        """Note what is no flaw; of very many the first are kept."""
        if len(self.notes) < MOST:
            self.notes.append(note)


Row = tuple[str, dict[str, Any], dict[str, Any]]
"""Subject, content and private part."""


class Projection(Protocol):
    """The rows that the entries are about, as they are now."""

    def rows(self, connection: AsyncConnection) -> AsyncIterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Give (subject, content, private part) of every row, by subject."""
        ...


async def check_chain(
    database: Database, keys: Verifier, checkpoints: Sequence[Head | None], projection: Projection
) -> ChainFindings:
    """Check hashes, order, head, checkpoints, and that the rows are what their latest entries say."""
    if not keys.is_empty:
        await _first_entry(database)
    findings = ChainFindings(checkpoints=len(checkpoints))
    known = _by_number(checkpoints, keys, findings)
    async with database.begin() as connection:
        # People go on talking to the assistant meanwhile: head, entries and rows have to be of one moment.
        await storage.see_one_moment(connection)
        head = await storage.read_head(connection)
        last, digest = await _walk(connection, known, findings)
        _check_head(head, last, digest, keys, findings)
        if not findings.entries and not keys.is_empty:
            findings.add(Flaw("emptied", "The log has no entry, though there is a key that signs it."))
        for number in sorted(known):
            if number > last:
                text = f"Entry {number} was there when a checkpoint was signed; the log ends at {last}."
                findings.add(Flaw("tail_cut", text, number))
        await _check_gap(connection, findings)
        await _check_rows(connection, projection, findings)
    return findings


async def _first_entry(database: Database) -> None:
    """Give the first entry the time to arrive: its key is made just before it."""
    for _ in range(_LOOKS):
        async with database.connect() as connection:
            if await storage.entry_at(connection, 1) is not None:
                return
        await asyncio.sleep(_PAUSE)


async def _check_gap(connection: AsyncConnection, findings: ChainFindings) -> None:
    gap = await gaps.read(connection)
    if gap is not None:
        text = f"{gap.count} changes made since {gap.since} are not entered yet ({', '.join(gap.reasons)})."
        findings.add(Flaw("not_entered", text))


def _by_number(checkpoints: Iterable[Head | None], keys: Verifier, findings: ChainFindings) -> dict[int, str]:
    known: dict[int, str] = {}
    for line, head in enumerate(checkpoints, 1):
        if head is None or not is_genuine(head, keys):
            text = f"Line {line} of the checkpoints is no signed checkpoint, or its key is not known."
            findings.add(Flaw("checkpoint_invalid", text))
        else:
            known[head.number] = head.hash
    return known


async def _walk(
    connection: AsyncConnection, known: dict[int, str], findings: ChainFindings
) -> tuple[int, str]:
    last, previous = 0, ROOT
    async for rows in storage.in_order(connection):
        for row in rows:
            findings.entries += 1
            if row.number != last + 1:
                _missing(last + 1, row.number - 1, findings)
            _check_entry(row, previous, row.number == last + 1, findings)
            _check_private(row, findings)
            _hear(row, findings)
            if row.number in known and known[row.number] != row.hash:
                text = f"Entry {row.number} is another one than when a checkpoint was signed."
                findings.add(Flaw("rewritten", text, row.number, row.subject))
            last, previous = row.number, row.hash
    return last, previous


def _hear(row: Any, findings: ChainFindings) -> None:
    """Repeat what the product had to say of the log itself."""
    told = json.loads(row.content) if row.kind in (FOREIGN, LATE) else {}
    if row.kind == UNTRUSTED:
        text = f"When entry {row.number} was made, the head before it was not genuine."
        findings.add(Flaw("head_forged", text, row.number))
    elif row.kind == FOREIGN:
        which = f"entries {told.get('first')} to {told.get('last')}"
        text = f"When entry {row.number} was made, no signed head covered {which} before it."
        findings.add(Flaw("added", text, row.number))
    elif row.kind == EMPTIED:
        text = f"When entry {row.number} was made, the log was empty, though it had been begun before."
        findings.add(Flaw("emptied", text, row.number))
    elif row.kind == LATE:
        text = (
            f"The {told.get('count')} entries after {row.number} were made late, for what changed from "
            f"{told.get('first')} to {told.get('last')}; before that nothing signed them "
            f"({', '.join(map(str, told.get('reasons', ())))})."
        )
        findings.note(Note(row.number, text))
    elif row.kind == NEW_KEY:
        findings.note(Note(row.number, f"From entry {row.number} on another key signs."))


def _missing(first: int, last: int, findings: ChainFindings) -> None:
    which = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
    findings.add(Flaw("deleted", f"{which} missing.", first))


def _check_entry(row: Any, previous: str, follows: bool, findings: ChainFindings) -> None:
    of = (row.number, row.subject)
    expected = entry_hash(row.number, row.at, row.kind, row.subject, row.content, row.previous)
    if expected != row.hash:
        findings.add(Flaw("edited", f"Entry {row.number} was edited: its hash does not hold.", *of))
    elif follows and row.previous != previous:
        text = f"Entry {row.number} does not follow entry {row.number - 1}: one was moved or exchanged."
        findings.add(Flaw("reordered", text, *of))


def _check_private(row: Any, findings: ChainFindings) -> None:
    expected = committed(row.content)
    if expected is None:
        return
    if row.salt is not None:
        if commitment(Private(row.salt, row.text)) != expected:
            text = f"What stands beside entry {row.number} is not what was entered."
            findings.add(Flaw("text_edited", text, row.number, row.subject))
    elif row.erased:
        findings.erased += 1
    else:
        text = f"What stood beside entry {row.number} is gone, and no entry says that it was erased."
        findings.add(Flaw("text_deleted", text, row.number, row.subject))


def _check_head(head: Head | None, last: int, digest: str, keys: Verifier, findings: ChainFindings) -> None:
    if head is None:
        if last:
            findings.add(Flaw("head_missing", f"There are {last} entries and no head.", last))
        return
    if head.number > last:
        text = f"The log ends at entry {last}; the signed head says that it goes to {head.number}."
        findings.add(Flaw("tail_cut", text, last + 1))
    elif head.number < last:
        text = f"Entry {head.number + 1} and what follows are not covered by the signed head."
        findings.add(Flaw("added", text, head.number + 1))
    elif head.hash != digest:
        findings.add(Flaw("head_differs", f"The head does not fit entry {last}.", last))
    if head.kid is None and keys.is_empty:
        return  # What a migration took over is signed at the first start.
    if not is_genuine(head, keys):
        findings.add(Flaw("head_forged", "The head's signature does not hold, or its key is not known."))


async def _check_rows(connection: AsyncConnection, projection: Projection, findings: ChainFindings) -> None:
    """Walk through the latest entries and the rows side by side, both by subject."""
    late = await gaps.latest_of_each(connection)
    rows = projection.rows(connection)
    current = await anext(rows, None)
    async for batch in storage.latest_of_each(connection):
        for subject, number, content, salt in batch:
            findings.subjects += 1
            while current is not None and current[0] < subject:
                _invented(current, late, findings)
                current = await anext(rows, None)
            if current is None or current[0] != subject:
                text = f"The row of {subject} is gone; entry {number} has it."
                findings.add(Flaw("row_deleted", text, number, subject))
                continue
            waiting = late.get(subject)
            if waiting is not None:
                is_so = waiting == written(current)
            else:
                is_so = _is_so(current[1], current[2], content, salt)
            if not is_so:
                text = f"The row of {subject} is not what entry {number} says."
                findings.add(Flaw("row_edited", text, number, subject))
            current = await anext(rows, None)
    while current is not None:
        _invented(current, late, findings)
        current = await anext(rows, None)


def _is_so(public: dict[str, Any], private: dict[str, Any], content: str, salt: str | None) -> bool:
    """Whether a row is what its latest entry says; one without its private part is told of elsewhere."""
    expected = committed(content)
    if expected is None:
        return canonical({**public, **private}) == content
    if salt is not None and commitment(Private(salt, canonical(private))) != expected:
        return False
    return canonical({**public, COMMITMENT: expected}) == content


def written(row: Row) -> tuple[str, str | None]:
    """A row as a change of it waits to be entered."""
    return canonical(row[1]), canonical(row[2])


def _invented(row: Row, late: Mapping[str, tuple[str, str | None]], findings: ChainFindings) -> None:
    subject = row[0]
    if late.get(subject) == written(row):
        return  # It waits to be entered, which is told by itself.
    findings.add(Flaw("row_invented", f"The row of {subject} was never entered.", None, subject))
