"""Erases what self-healing knows of a user."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.healing.tables import inbox, notices, runs
from foundation.erasure import ErasedUser


class HealingErasure:
    """Self-healing's `Erasing`."""

    async def check(self, tx: AsyncConnection, user: ErasedUser) -> None:
        """A run that is under way finds nothing to note; it keeps nobody from being erased."""

    async def erase(self, tx: AsyncConnection, user: ErasedUser) -> Mapping[str, int]:
        """Delete the user's events, notices and runs, counted together as `healing`."""
        gone = 0
        for table in (inbox, notices, runs):
            own = table.delete().where(table.c.host == user.host, table.c.user_ref == user.ref)
            gone += (await tx.execute(own)).rowcount
        return {"healing": gone}
