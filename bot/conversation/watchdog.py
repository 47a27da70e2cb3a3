"""Sees to it that no message waits for ever: who has waited too long is told so and gets a person.

It looks at the database, so it finds what no runner of any process has taken up, and what they have lost.
"""

import asyncio
from datetime import datetime

import structlog

from bot.conversation import turn_storage
from bot.conversation.answering import Answering
from bot.conversation.leases import Leases
from bot.conversation.patience import Patience
from foundation.clock import Clock
from foundation.database import Database
from foundation.ids import ConversationId

log = structlog.get_logger(__name__)
EVERY = 1.0
"""Seconds between looks."""
_AT_ONCE = 3
_BATCH = 60
_BATCH_EACH = 20
_BATCH_SECONDS = 1.0
"""After which it is looked anew who waits: calling a person may take seconds, and others become overdue."""


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
        """End overdue turns for a while, fairly by user; True when there may be more to end now."""
        moment = self._patience.overdue_before()
        if moment is None:
            await self._database.ping()
            return False
        async with self._database.connect() as connection:
            overdue = await turn_storage.waiting_conversations(
                connection, self._clock.now(), each=_BATCH_EACH, limit=_BATCH, created_before=moment
            )
        return await self._end([conversation_id for conversation_id, _ in overdue], moment)

    async def _end(self, conversations: list[ConversationId], moment: datetime) -> bool:
        places, loop = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop()
        until = loop.time() + _BATCH_SECONDS

        async def end(conversation_id: ConversationId) -> bool:
            async with places:
                if loop.time() > until:
                    return False
                async with self._leases.claimed(conversation_id, created_before=moment) as turn:
                    if turn is not None:
                        await self._answering.run(turn, 0)
                    return turn is not None

        ended = await asyncio.gather(*(end(one) for one in conversations), return_exceptions=True)
        for conversation_id, result in zip(conversations, ended, strict=True):
            if isinstance(result, BaseException):
                self._patience.failed(result)
                log.warning(
                    "overdue_turn_not_ended", conversation=conversation_id, reason=type(result).__name__
                )
        return True in ended
