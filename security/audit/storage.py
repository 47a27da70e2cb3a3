"""The tables of the audit chain. Entries are only ever added: a trigger refuses anything else."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import metadata
from security.audit import gaps
from security.audit.chain import ERASED, ROOT, Entry, Head

entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text(collation="C"), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index("ix_audit_entries_subject", "subject", "number"),
)
texts = sa.Table(
    "audit_texts",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
"""The private parts of entries. A row is deleted when it is erased; the entry stays."""
heads = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("kid", sa.Text),
    sa.Column("signature", sa.Text),
    sa.CheckConstraint("id = 1", name="only_one"),
)
REFUSE = """
create or replace function audit_entries_only_added() returns trigger language plpgsql as $$
begin
  raise exception 'entries of the audit log are only ever added';
end $$
"""
REFUSE_ROWS = """
create trigger audit_entries_only_added before update or delete on audit_entries
for each row execute function audit_entries_only_added()
"""
REFUSE_ALL = """
create trigger audit_entries_not_emptied before truncate on audit_entries
for each statement execute function audit_entries_only_added()
"""
for _statement in (REFUSE, REFUSE_ROWS, REFUSE_ALL):
    sa.event.listen(entries, "after_create", sa.DDL(_statement))  # type: ignore[no-untyped-call]
_BATCH = 2000
PATIENCE = timedelta(seconds=3)
"""How long the head is waited for: a turn has 15 s, and its user must not wait for an audit log in vain."""


async def lock_head(tx: AsyncConnection, patience: timedelta = PATIENCE) -> tuple[Head, bool]:
    """Read the head and hold it until the transaction ends, so that the chain cannot fork.

    Returns it, and whether changes wait that could not be entered. Whoever changes the same subject waits for
    the row of that first, so what it finds here is not older than that.

    Raises:
        sqlalchemy.exc.DBAPIError: when somebody else holds it for longer than `patience`.
    """
    await tx.execute(
        sa.select(sa.func.set_config("lock_timeout", f"{int(patience.total_seconds() * 1000)}ms", True))
    )
    behind = sa.exists().select_from(gaps.waiting).label("behind")
    query = sa.select(heads, behind).where(heads.c.id == 1).with_for_update(of=heads)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        first = insert(heads).values(id=1, number=0, hash=ROOT, at="").on_conflict_do_nothing()
        await tx.execute(first)
        row = (await tx.execute(query)).one()
    return _head(row), row.behind


async def in_the_way(connection: AsyncConnection, after: int, count: int) -> tuple[int, str] | None:
    """Return (number, hash) of the last entry that has one of the `count` numbers behind `after`, or None."""
    query = (
        sa.select(entries.c.number, entries.c.hash)
        .where(entries.c.number > after, entries.c.number <= after + count)
        .order_by(entries.c.number.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.number, row.hash)


async def entry_at(connection: AsyncConnection, number: int) -> tuple[str, bool] | None:
    """Return the hash of an entry and whether another follows it; None when there is no such entry."""
    follows = sa.exists().where(entries.c.number > number)
    query = sa.select(entries.c.hash, follows.label("follows")).where(entries.c.number == number)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.hash, row.follows)


async def add(tx: AsyncConnection, new: Sequence[Entry], head: Head) -> None:
    """Add entries and move the head."""
    await tx.execute(sa.insert(entries), [_values(entry) for entry in new])
    private = [
        {"number": entry.number, "salt": entry.private.salt, "text": entry.private.text}
        for entry in new
        if entry.private is not None
    ]
    if private:
        await tx.execute(sa.insert(texts), private)
    await move_head(tx, head)


async def erase_texts(tx: AsyncConnection, subjects: Sequence[str]) -> tuple[int, int]:
    """Delete the private parts of all entries of these subjects but those that say that this is done.

    Returns how many were deleted, and how many entries have theirs inside, from before there was this table.
    """
    own = sa.select(entries.c.number).where(entries.c.subject.in_(subjects), entries.c.kind != ERASED)
    gone = (await tx.execute(texts.delete().where(texts.c.number.in_(own)))).rowcount
    whole = sa.select(sa.func.count()).select_from(entries).where(
        entries.c.subject.in_(subjects), entries.c.kind != ERASED, _holds_all(),
    )  # fmt: skip
    return gone, int((await tx.execute(whole)).scalar_one())


def _holds_all() -> sa.ColumnElement[bool]:
    """Whether an entry is from before private parts stood beside the chain."""
    commitment: sa.ColumnElement[Any] = sa.cast(entries.c.content, JSONB)["private"].astext
    return commitment.is_(None)


async def move_head(tx: AsyncConnection, head: Head) -> None:
    """Put another head in the place of the present one."""
    values = {"number": head.number, "hash": head.hash, "at": head.at, "kid": head.kid,
              "signature": head.signature}  # fmt: skip
    await tx.execute(heads.update().where(heads.c.id == 1).values(**values))


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number, "at": entry.at, "kind": entry.kind, "subject": entry.subject,
        "content": entry.content, "previous": entry.previous, "hash": entry.hash,
    }  # fmt: skip


async def read_head(connection: AsyncConnection) -> Head | None:
    """Read the head; None when nothing was entered yet."""
    row = (await connection.execute(sa.select(heads).where(heads.c.id == 1))).one_or_none()
    return None if row is None or row.number == 0 else _head(row)


def _head(row: Any) -> Head:
    return Head(row.number, row.hash, row.at, row.kid, row.signature)


async def see_one_moment(tx: AsyncConnection) -> None:
    """Let all that a transaction reads be of one moment; to be its first statement."""
    await tx.execute(sa.text("set transaction isolation level repeatable read, read only"))


async def in_order(connection: AsyncConnection) -> AsyncIterator[Sequence[Any]]:
    """Read all entries by number, some thousand at a time, with their private parts where these are there."""
    last = None
    while True:
        later = entries.alias("later")
        erased = sa.exists().where(
            later.c.subject == entries.c.subject, later.c.number > entries.c.number, later.c.kind == ERASED
        )
        # Asked of those alone that have no text beside them: a check reads millions.
        gone = sa.case((texts.c.number.is_(None), erased), else_=False).label("erased")
        query = (
            sa.select(entries, texts.c.salt, texts.c.text, gone)
            .outerjoin(texts, texts.c.number == entries.c.number)
            .order_by(entries.c.number)
            .limit(_BATCH)
        )
        if last is not None:
            query = query.where(entries.c.number > last)
        rows = (await connection.execute(query)).all()
        if not rows:
            return
        yield rows
        last = rows[-1].number


async def latest_of_each(connection: AsyncConnection) -> AsyncIterator[Sequence[Any]]:
    """Read the latest entry of each subject as (subject, number, content, salt), by subject, in batches."""
    last = ""
    while True:
        query = (
            sa.select(entries.c.subject, entries.c.number, entries.c.content, texts.c.salt)
            .outerjoin(texts, texts.c.number == entries.c.number)
            .ext(distinct_on(entries.c.subject))
            .where(entries.c.subject > last)
            .order_by(entries.c.subject, entries.c.number.desc())
            .limit(_BATCH)
        )
        rows = (await connection.execute(query)).all()
        if not rows:
            return
        yield rows
        last = rows[-1].subject
