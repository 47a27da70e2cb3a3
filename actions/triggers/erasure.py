"""Erases what a user was offered."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.triggers.storage import offers
from foundation.erasure import ErasedUser


class OfferErasure:
    """Predictive help's `Erasing`."""

    async def check(self, tx: AsyncConnection, user: ErasedUser) -> None:
        """Nothing is under way in an offer."""

    async def erase(self, tx: AsyncConnection, user: ErasedUser) -> Mapping[str, int]:
        """Delete the user's `offers`."""
        own = offers.delete().where(offers.c.host == user.host, offers.c.user_ref == user.ref)
        return {"offers": (await tx.execute(own)).rowcount}
