"""Sees to it that no message waits for ever: who has waited too long is told so and gets a person.

It looks at the database, so it finds what no runner of any process has taken up, and what they have lost.
"""

import asyncio

import structlog

from bot.conversation import turn_storage
from bot.conversation.answering import Answering
from bot.conversation.leases import Leases
from bot.conversation.patience import Patience
from bot.foundation.clock import Clock
from bot.foundation.database import Database
from bot.foundation.ids import ConversationId

log = structlog.get_logger(__name__)
EVERY = 1.0
"""Seconds between looks."""
_AT_ONCE = 3
_BATCH = 12
_BATCH_EACH = 4


class Watchdog:
    """Ends overdue turns without the brain, apart from the slots of the turns."""

    def __init__(
        self, database: Database, leases: Leases, answering: Answering, patience: Patience, clock: Clock
    ) -> None:
        self._database = database
        self._leases = leases
        self._answering = answering
        self._patience = patience
        self._clock = clock

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(EVERY)
            while await self._patience.tried(self.look):
                pass

    async def look(self) -> bool:
        """End some overdue turns, a few of every user; True when there may be more that can be ended now."""
        moment = self._patience.overdue_before()
        if moment is None:
            await self._database.ping()
            return False
        async with self._database.connect() as connection:
            overdue = await turn_storage.waiting_conversations(
                connection, self._clock.now(), each=_BATCH_EACH, limit=_BATCH, created_before=moment
            )
        places = asyncio.Semaphore(_AT_ONCE)

        async def end(conversation_id: ConversationId) -> bool:
            async with (
                places,
                self._leases.claimed(conversation_id, created_before=moment) as turn,
            ):
                if turn is not None:
                    await self._answering.run(turn, 0)
                return turn is not None

        ended = await asyncio.gather(*(end(one) for one, _ in overdue), return_exceptions=True)
        for (conversation_id, _), result in zip(overdue, ended, strict=True):
            if isinstance(result, BaseException):
                self._patience.failed(result)
                log.warning(
                    "overdue_turn_not_ended", conversation=conversation_id, reason=type(result).__name__
                )
        return len(overdue) >= _BATCH_EACH and True in ended
