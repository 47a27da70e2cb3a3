"""The leases of one runner: kept while a live task works on the turn, given up as soon as none does."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bot.conversation import turn_storage
from bot.conversation.domain import Turn
from foundation.clock import Clock
from foundation.database import Database
from foundation.ids import ConversationId, TurnId

LEASE = timedelta(seconds=6)
HEARTBEAT = 2.0
"""Seconds after which the leases of turns at work are extended."""
_CLAIM_SECONDS = 3.0
"""What taking up a turn may take, waiting for a connection included."""


class Leases:
    """Takes up turns, one of a conversation at a time, and knows which of them are at work."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.runner = f"run_{secrets.token_hex(8)}"
        self._working: set[ConversationId] = set()
        self._claiming: dict[ConversationId, datetime] = {}
        self._held: set[TurnId] = set()
        self.given_up = asyncio.Event()
        """Set when a turn was left before its end, or may have been: `release` is to be called."""

    @property
    def held(self) -> int:
        """How many turns are at work."""
        return len(self._held)

    @asynccontextmanager
    async def claimed(
        self, conversation_id: ConversationId, *, created_before: datetime | None = None
    ) -> AsyncIterator[Turn | None]:
        """Take up the oldest unfinished turn of a conversation for the length of the block.

        Gives None when there is none, somebody works on it, or it is not older than `created_before`. The
        lease is kept during the block. When the block raises the turn waits again.
        """
        if conversation_id in self._working:
            yield None
            return
        self._working.add(conversation_id)
        turn: Turn | None = None
        try:
            turn = await self._claim(conversation_id, created_before)
            yield turn
        except BaseException:
            # Even if the claim itself raised: its commit may have arrived.
            self.given_up.set()
            raise
        finally:
            self._working.discard(conversation_id)
            if turn is not None:
                self._held.discard(turn.id)

    async def _claim(self, conversation_id: ConversationId, created_before: datetime | None) -> Turn | None:
        self._claiming[conversation_id] = now = self._clock.now()
        try:
            async with asyncio.timeout(_CLAIM_SECONDS), self._database.begin() as tx:
                turn = await turn_storage.claim_turn(
                    tx, conversation_id, self.runner, now, now + LEASE, created_before=created_before
                )
            if turn is not None:
                self._held.add(turn.id)
            return turn
        finally:
            del self._claiming[conversation_id]

    async def keep(self) -> int:
        """Extend the leases of what is at work, and of nothing else; returns how many that were."""
        async with self._database.begin() as tx:
            until = self._clock.now() + LEASE
            return await turn_storage.extend_leases(tx, self.runner, list(self._held), until)

    async def release(self) -> int:
        """Let turns wait again that this runner has claimed and does not work on; returns how many.

        What was claimed after a claim that is under way is left to the next call: `given_up` stays set then.
        """
        self.given_up.clear()
        now, held = self._clock.now(), list(self._held)
        taken_before = min([now, *self._claiming.values()])
        try:
            async with self._database.begin() as tx:
                released = await turn_storage.release_turns(tx, self.runner, taken_before, but=held)
        except BaseException:
            self.given_up.set()
            raise
        if taken_before < now:
            self.given_up.set()
        return released
