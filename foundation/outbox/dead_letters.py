"""What staff see of deliveries, and what they may do about dead letters."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from foundation.database import Transaction
from foundation.outbox.model import Delivery
from foundation.outbox.storage import DestinationFigures, deliveries, lock_key

_d = deliveries.c


async def listed(
    tx: Transaction, status: str | None, limit: int, before: str | None = None
) -> list[Delivery]:
    """Read deliveries that have not arrived, or those of one status, the newest first."""
    query = sa.select(deliveries).order_by(_d.id.desc()).limit(limit)
    query = query.where(_d.status != "delivered" if status is None else _d.status == status)
    if before is not None:
        query = query.where(_d.id < before)
    return [Delivery(**row._mapping) for row in await tx.execute(query)]


async def resend(tx: Transaction, delivery_id: str, now: datetime) -> bool:
    """Send a dead letter again, as soon as nothing of its key is under way, or one that waits at once.

    Its id stays the same, so a destination that has it after all is not given it twice. False when there is
    no such delivery, or it is under way or has arrived.
    """
    one = (await tx.execute(sa.select(deliveries).where(_d.id == delivery_id))).one_or_none()
    if one is None:
        return False
    await lock_key(tx, one.destination, one.key)
    open_ = sa.select(sa.literal(1)).where(
        _d.destination == one.destination, _d.key == one.key, _d.status.in_(("queued", "waiting", "working"))
    )
    behind = (await tx.execute(open_.limit(1))).scalar_one_or_none() is not None
    dead: Mapping[str, Any] = {
        "status": "queued" if behind else "waiting", "due_at": now, "tries": 0, "ended_at": None,
        # The time for which it is tried begins anew.
        "created_at": now,
    }  # fmt: skip
    revived = deliveries.update().where(_d.id == delivery_id, _d.status == "dead").values(**dead)
    if (await tx.execute(revived)).rowcount:
        return True
    sooner = deliveries.update().where(_d.id == delivery_id, _d.status == "waiting")
    return bool((await tx.execute(sooner.values(due_at=now))).rowcount)


async def discard(tx: Transaction, delivery_id: str) -> bool:
    """Forget a dead letter; false when there is none of this id."""
    statement = deliveries.delete().where(_d.id == delivery_id, _d.status == "dead")
    return bool((await tx.execute(statement)).rowcount)


async def forget(tx: Transaction, before: datetime, limit: int = 5000) -> int:
    """Forget what arrived before that moment; from then on a repeated `once` is delivered again."""
    old = sa.select(_d.id).where(_d.status == "delivered", _d.ended_at < before).limit(limit)
    return (await tx.execute(deliveries.delete().where(_d.id.in_(old)))).rowcount


async def figures(tx: Transaction) -> list[DestinationFigures]:
    """Count unfinished deliveries and dead letters by destination."""
    unfinished = _d.status.in_(("queued", "waiting", "working"))
    query = (
        sa.select(
            _d.destination,
            sa.func.count().filter(unfinished),
            sa.func.count().filter(_d.status == "dead"),
            sa.func.min(_d.created_at).filter(unfinished),
        )
        .where(_d.status != "delivered")
        .group_by(_d.destination)
        .order_by(_d.destination)
    )
    return [DestinationFigures(*row) for row in await tx.execute(query)]
