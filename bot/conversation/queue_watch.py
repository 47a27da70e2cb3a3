"""The queue as all followers of a process see it: one look for each change, however many wait."""

import asyncio
from collections.abc import Mapping
from time import monotonic

from bot.conversation.ports import Handoffs
from foundation.database import Lane, on_lane
from foundation.ids import ConversationId
from foundation.wakeups import Wakeups

QUEUE_TOPIC = "queue"
"""Wakes whoever wants to know when somebody joins or leaves the queue."""
STALE = 5.0
"""Seconds after which a look is repeated without a wake-up: one may have been lost."""


class QueueWatch:
    """Tells places in the queue; whoever asks after the same change shares the answer."""

    def __init__(self, handoffs: Handoffs, wakeups: Wakeups) -> None:
        self._handoffs = handoffs
        self._changes = wakeups.count(QUEUE_TOPIC)
        self._seen = -1
        self._at = 0.0
        self._look: asyncio.Task[Mapping[ConversationId, int]] | None = None

    async def position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        """Return (place in the queue from 1, how many wait), or None when the conversation does not wait."""
        places = await self._places()
        place = places.get(conversation_id)
        return None if place is None else (place, len(places))

    async def _places(self) -> Mapping[ConversationId, int]:
        look = self._look
        if look is None or self._is_old(look):
            self._seen, self._at = self._changes.number, monotonic()
            with on_lane(Lane.FOLLOWERS):
                look = self._look = asyncio.ensure_future(self._read())
        # One follower that goes away does not take the look from the others.
        return await asyncio.shield(look)

    async def _read(self) -> Mapping[ConversationId, int]:
        return await self._handoffs.queue()

    def _is_old(self, look: "asyncio.Task[Mapping[ConversationId, int]]") -> bool:
        failed = look.done() and (look.cancelled() or look.exception() is not None)
        return failed or self._seen != self._changes.number or monotonic() - self._at >= STALE
