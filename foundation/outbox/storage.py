"""Statements on deliveries.

Of each key only the first unfinished delivery is `waiting` or `working`; the others are `queued` behind it
and cost nothing when work is looked for. Who adds and who ends a delivery of a key do so one after the other,
under an advisory lock, so that the order of a key is the order of commits and none is left behind.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from foundation.database import Transaction, UtcDateTime, metadata
from foundation.errors import TooLarge
from foundation.ids import new_id
from foundation.outbox.model import LARGEST_PAYLOAD, Delivery

_UNFINISHED = ("queued", "waiting", "working")
_KEY_SEED = 0x4F55_5442

destinations = sa.Table(
    "delivery_destinations",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, comment="In a row"),
    sa.Column("closed_until", UtcDateTime, nullable=True, comment="Nothing is sent before"),
    sa.Column("problem", sa.Text, nullable=True),
    sa.Column("succeeded_at", UtcDateTime, nullable=True),
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("destination", sa.Text, sa.ForeignKey("delivery_destinations.name"), nullable=False),
    sa.Column("key", sa.Text, nullable=False, comment="Order is kept among deliveries of a key"),
    sa.Column("once", sa.Text, nullable=True, comment="What is added again is not delivered again"),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, comment="That failed while others succeeded"),
    sa.Column("attempts", sa.Integer, nullable=False, comment="Times it was taken up"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=True),
    sa.Column("remote_id", sa.Text, nullable=True, comment="What the destination calls it"),
    sa.Column("problem", sa.Text, nullable=True),
    sa.Column("lease_owner", sa.Text, nullable=True),
    sa.Column("lease_until", UtcDateTime, nullable=True),
    sa.CheckConstraint("status in ('queued', 'waiting', 'working', 'delivered', 'dead')", name="status"),
    sa.UniqueConstraint("destination", "once", name="uq_deliveries_destination"),
    sa.Index(
        "ix_deliveries_destination_due_at",
        "destination",
        "due_at",
        postgresql_where=sa.text("status = 'waiting'"),
    ),
    sa.Index("ix_deliveries_lease_until", "lease_until", postgresql_where=sa.text("status = 'working'")),
    sa.Index(
        "uq_deliveries_destination_key",
        "destination",
        "key",
        unique=True,
        postgresql_where=sa.text("status in ('waiting', 'working')"),
    ),
    sa.Index(
        "ix_deliveries_destination_key_number",
        "destination",
        "key",
        "number",
        postgresql_where=sa.text("status = 'queued'"),
    ),
    sa.Index(
        "ix_deliveries_ended_at",
        "ended_at",
        postgresql_where=sa.text("status in ('delivered', 'dead')"),
    ),
)
_d, _o = deliveries.c, destinations.c
_FREE: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}


# Always in the same order, so that two transactions cannot wait for each other.
_LOCK_KEYS = sa.text("""
    select pg_advisory_xact_lock(number) from (
        select distinct hashtextextended(name, :seed) as number
        from unnest(cast(:names as text[])) as name order by number
    ) as numbers
""")
_DELIVERED = sa.text("""
    update deliveries set status = 'delivered', ended_at = cast(:now as timestamptz),
        remote_id = ended.remote_id, payload = '{}', problem = null, lease_owner = null, lease_until = null
    from unnest(cast(:ids as text[]), cast(:owners as text[]), cast(:attempts as int[]),
        cast(:remote_ids as text[])) as ended (id, owner, attempts, remote_id)
    where deliveries.id = ended.id and deliveries.lease_owner = ended.owner
        and deliveries.attempts = ended.attempts and deliveries.status = 'working'
    returning deliveries.id
""")
_PROMOTE = sa.text("""
    update deliveries set status = 'waiting', due_at = cast(:now as timestamptz) where id in (
        select following.id
        from unnest(cast(:destinations as text[]), cast(:keys as text[])) as ended (destination, key)
        cross join lateral (
            select id from deliveries
            where deliveries.destination = ended.destination and deliveries.key = ended.key
                and status = 'queued' and not exists (
                    select 1 from deliveries ahead where ahead.destination = ended.destination
                        and ahead.key = ended.key and ahead.status in ('waiting', 'working'))
            order by number limit 1
        ) as following
    )
""")


@dataclass(frozen=True)
class Circuit:
    """How a destination stands: failures in a row, and until when nothing is sent."""

    name: str
    failures: int
    closed_until: datetime | None
    problem: str | None
    succeeded_at: datetime | None


@dataclass(frozen=True)
class DestinationFigures:
    """How the deliveries of a destination stand; `oldest` is when the oldest unfinished one was added."""

    destination: str
    backlog: int
    dead: int
    oldest: datetime | None


async def add(
    tx: Transaction,
    destination: str,
    key: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    once: str | None = None,
) -> str | None:
    """Add a delivery, which is sent once the transaction has been committed.

    Those of the same `destination` and `key` (a conversation) are sent one after the other, in the order in
    which their transactions commit. What was added before with the same `once` is not added again; None is
    returned then instead of our id. Holds the key until the transaction ends.

    Raises:
        TooLarge: when the payload has more than 256 KiB as JSON.
    """
    if len(json.dumps(dict(payload), ensure_ascii=False).encode()) > LARGEST_PAYLOAD:
        raise TooLarge("A delivery is larger than 256 KiB.", hint="Put what is large into a file.")
    # Most of the time it is there already, and nothing is to be written.
    known = sa.select(_o.name).where(_o.name == destination)
    if (await tx.execute(known)).scalar_one_or_none() is None:
        await tx.execute(insert(destinations).values(name=destination, failures=0).on_conflict_do_nothing())
    await lock_key(tx, destination, key)
    ahead = sa.select(sa.literal(1)).where(
        _d.destination == destination, _d.key == key, _d.status.in_(_UNFINISHED)
    )
    behind = (await tx.execute(ahead.limit(1))).scalar_one_or_none() is not None
    values = {
        "id": new_id("dlv"), "destination": destination, "key": key, "once": once, "payload": dict(payload),
        "status": "queued" if behind else "waiting", "tries": 0, "attempts": 0, "created_at": now,
        "due_at": now,
    }  # fmt: skip
    statement = insert(deliveries).values(**values)
    statement = statement.on_conflict_do_nothing(constraint="uq_deliveries_destination")
    added: str | None = (await tx.execute(statement.returning(_d.id))).scalar_one_or_none()
    return added


async def lock_key(tx: Transaction, destination: str, key: str) -> None:
    """Be the only transaction that adds or ends deliveries of a key, until it ends."""
    number = sa.func.hashtextextended(f"{destination}\n{key}", _KEY_SEED)
    await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


async def circuits(tx: Transaction, names: Sequence[str]) -> list[Circuit]:
    """Read how destinations stand."""
    return [
        Circuit(**row._mapping) for row in await tx.execute(sa.select(destinations).where(_o.name.in_(names)))
    ]


async def take(
    tx: Transaction, owner: str, destination: str, now: datetime, lease: timedelta, limit: int
) -> list[Delivery]:
    """Take up to `limit` deliveries of a destination that are due."""
    due = (
        sa.select(_d.id)
        .where(_d.destination == destination, _d.status == "waiting", _d.due_at <= now)
        .order_by(_d.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    values = {
        "status": "working", "lease_owner": owner, "lease_until": now + lease, "attempts": _d.attempts + 1,
    }  # fmt: skip
    statement = deliveries.update().where(_d.id.in_(due)).values(**values).returning(*_d)
    taken = [Delivery(**row._mapping) for row in await tx.execute(statement)]
    return sorted(taken, key=lambda one: one.number)


async def under_way(tx: Transaction, destination: str) -> int:
    """Count the deliveries of a destination that any process is at."""
    query = sa.select(sa.func.count()).where(_d.status == "working", _d.destination == destination)
    return int((await tx.execute(query)).scalar_one())


async def lock_destination(tx: Transaction, destination: str) -> None:
    """Be the only transaction that decides on a trial of a destination, until it ends."""
    await tx.execute(sa.select(_o.name).where(_o.name == destination).with_for_update())


async def take_over(tx: Transaction, now: datetime) -> int:
    """Let deliveries wait again whose process has died; returns how many."""
    statement = deliveries.update().where(_d.status == "working", _d.lease_until < now)
    return (await tx.execute(statement.values(**_FREE, status="waiting", due_at=now))).rowcount


async def keep(tx: Transaction, owner: str, ids: Sequence[str], until: datetime) -> set[str]:
    """Prolong the leases that `owner` still holds; returns their ids."""
    held = sa.and_(_d.id.in_(ids), _d.lease_owner == owner, _d.status == "working")
    statement = deliveries.update().where(held).values(lease_until=until).returning(_d.id)
    return {row.id for row in await tx.execute(statement)}


def _held(one: Delivery) -> Any:
    # The number of attempts too: the same process may have lost it and taken it again.
    return sa.and_(
        _d.id == one.id,
        _d.lease_owner == one.lease_owner,
        _d.attempts == one.attempts,
        _d.status == "working",
    )


async def delivered(tx: Transaction, ends: Sequence[tuple[Delivery, str | None]], now: datetime) -> set[str]:
    """Note which have arrived, and what they are called there; let the next of each key wait.

    Returns the ids of those that nobody else had taken over. What a delivery said is forgotten; its id and
    `once` are kept for a while, so that it is not sent again. Many at once, since each commit is flushed.
    """
    keys = {(one.destination, one.key) for one, _ in ends}
    destinations_, keys_ = [key[0] for key in keys], [key[1] for key in keys]
    await tx.execute(_LOCK_KEYS, {"names": [f"{name}\n{key}" for name, key in keys], "seed": _KEY_SEED})
    values = {
        "ids": [one.id for one, _ in ends],
        "owners": [one.lease_owner for one, _ in ends],
        "attempts": [one.attempts for one, _ in ends],
        "remote_ids": [remote_id for _, remote_id in ends],
        "now": now,
    }
    ended = {row.id for row in await tx.execute(_DELIVERED, values)}
    await tx.execute(_PROMOTE, {"destinations": destinations_, "keys": keys_, "now": now})
    return ended


async def bury(tx: Transaction, one: Delivery, problem: str, now: datetime) -> bool:
    """Make it a dead letter and let the next of its key wait; false when somebody else has it."""
    await lock_key(tx, one.destination, one.key)
    values = {**_FREE, "status": "dead", "ended_at": now, "problem": problem}
    ended = (await tx.execute(deliveries.update().where(_held(one)).values(**values))).rowcount
    await tx.execute(_PROMOTE, {"destinations": [one.destination], "keys": [one.key], "now": now})
    return bool(ended)


async def postpone(
    tx: Transaction, one: Delivery, due_at: datetime, *, tries: int, problem: str | None
) -> bool:
    """Let it wait until `due_at`; false when somebody else has it."""
    values = {**_FREE, "status": "waiting", "due_at": due_at, "tries": tries, "problem": problem}
    return bool((await tx.execute(deliveries.update().where(_held(one)).values(**values))).rowcount)


async def succeeded(tx: Transaction, destination: str, now: datetime) -> None:
    """Close the circuit of a destination that has taken something."""
    values = {"failures": 0, "closed_until": None, "problem": None, "succeeded_at": now}
    await tx.execute(destinations.update().where(_o.name == destination).values(**values))


async def failed(tx: Transaction, destination: str, problem: str) -> int:
    """Count a failure of a destination; returns how many that are in a row."""
    values = {"failures": _o.failures + 1, "problem": problem}
    statement = destinations.update().where(_o.name == destination).values(**values)
    return int((await tx.execute(statement.returning(_o.failures))).scalar_one())


async def pause(tx: Transaction, destination: str, until: datetime, problem: str) -> None:
    """Send nothing to a destination before `until`, nor before what was asked for already."""
    later = sa.func.greatest(sa.func.coalesce(_o.closed_until, until), until)
    statement = destinations.update().where(_o.name == destination)
    await tx.execute(statement.values(closed_until=later, problem=problem))
