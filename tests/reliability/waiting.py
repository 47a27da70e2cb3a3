"""What still waits for the assistant."""

from datetime import datetime

import sqlalchemy as sa

from bot.conversation.turn_storage import turns
from foundation.database import Database


async def unfinished(database: Database, asked_before: datetime | None = None) -> int:
    """How many turns wait or run, of those asked for by a moment."""
    query = sa.select(sa.func.count()).where(turns.c.status.in_(("pending", "running")))
    if asked_before is not None:
        query = query.where(turns.c.created_at <= asked_before)
    async with database.connect() as connection:
        return int((await connection.execute(query)).scalar_one())
