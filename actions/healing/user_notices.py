"""Notices that could not be put into a conversation, kept until the user has seen them."""

from typing import Any

from actions.healing import storage
from foundation.clock import Clock
from foundation.database import Database

MOST = 20


class UserNotices:
    """A user's own notices."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def kept(self, host: str, ref: str) -> list[dict[str, Any]]:
        """Return what the user has not been told yet, oldest first."""
        async with self._database.connect() as connection:
            rows = await storage.kept_notices(connection, host, ref, MOST)
        return [
            {
                "id": row.id,
                "text": row.payload.get("text", ""),
                "card": row.payload.get("card"),
                "at": row.created_at,
            }
            for row in rows
        ]

    async def whose(self, notice_id: str) -> tuple[str, str] | None:
        """Return host and reference of the user for whom a notice is; None when there is no such notice."""
        async with self._database.connect() as connection:
            return await storage.notice_user(connection, notice_id)

    async def seen(self, notice_id: str) -> None:
        """Note that its user has seen a notice."""
        async with self._database.begin() as tx:
            await storage.see_notice(tx, notice_id, self._clock.now())
