"""Changes that could not be entered in the audit chain when they were made, in the order in which they were.

They wait in a table until the chain works again, and are then entered behind an entry that says so. While
they wait nothing signs them, and the check names them: a gap is never silent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.database import metadata
from security.audit.chain import LATE, LATE_PREFIX, Change, canonical

waiting = sa.Table(
    "audit_gaps",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text(collation="C"), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("private", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
)
AT_ONCE = 200
"""Changes that are entered late in one transaction, which may be that of somebody who waits."""


@dataclass(frozen=True)
class Gap:
    """What waits: how many changes, made since when, and why they could not be entered."""

    count: int
    since: str
    reasons: tuple[str, ...]


async def add(tx: AsyncConnection, changes: Sequence[Change], at: str, reason: str) -> None:
    """Put changes at the end of what waits."""
    rows = [
        {"at": at, "kind": one.kind, "subject": one.subject, "content": canonical(dict(one.content)),
         "private": None if one.private is None else canonical(dict(one.private)), "reason": reason}
        for one in changes
    ]  # fmt: skip
    await tx.execute(sa.insert(waiting), rows)


async def take(tx: AsyncConnection) -> list[Change]:
    """Take the oldest out, at most `AT_ONCE`: the entry that tells of them, and they."""
    first = sa.select(waiting.c.id).order_by(waiting.c.id).limit(AT_ONCE)
    found = await tx.execute(sa.delete(waiting).where(waiting.c.id.in_(first)).returning(*waiting.c))
    rows = sorted(found.all(), key=lambda row: int(row.id))
    if not rows:
        return []
    told: dict[str, Any] = {
        "count": len(rows),
        "first": rows[0].at,
        "last": rows[-1].at,
        "reasons": sorted({row.reason for row in rows}),
    }
    late = [_late(row) for row in rows]
    return [Change(LATE, "", told), *late]


def _late(row: Any) -> Change:
    private = None if row.private is None else json.loads(row.private)
    return Change(f"{LATE_PREFIX}{row.kind}", row.subject, json.loads(row.content), private)


async def read(connection: AsyncConnection) -> Gap | None:
    """Tell what waits; None when nothing does."""
    columns = (
        sa.func.count(),
        sa.func.min(waiting.c.at),
        sa.func.array_agg(sa.distinct(waiting.c.reason)),
    )
    count, since, reasons = (await connection.execute(sa.select(*columns))).one()
    return Gap(count, since, tuple(sorted(reasons))) if count else None


async def latest_of_each(connection: AsyncConnection) -> dict[str, tuple[str, str | None]]:
    """Return the newest content and private part that wait, by subject."""
    columns = (waiting.c.subject, waiting.c.content, waiting.c.private)
    query = sa.select(*columns).where(waiting.c.subject > "")
    rows = await connection.execute(query.order_by(waiting.c.id))
    return {row.subject: (row.content, row.private) for row in rows}
