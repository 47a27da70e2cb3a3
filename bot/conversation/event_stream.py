"""Following a conversation: every event once and in order, and what passes by besides."""

from collections.abc import AsyncIterator
from typing import Any

from bot.conversation.domain import Conversation, Event
from bot.conversation.events import OwnerChangedPayload
from bot.conversation.ports import Handoffs
from bot.conversation.schemas import CaseOut, event_out
from bot.conversation.service import Conversations, conversation_topic, typing_topic
from foundation.database import Lane, on_lane
from foundation.ids import ConversationId
from foundation.wakeups import Wakeups

POLL = 5.0
"""Seconds after which a follower looks again without having been woken."""
_PAGE = 200


class EventStream:
    """Follows conversations from PostgreSQL, woken by wake-ups."""

    def __init__(self, conversations: Conversations, handoffs: Handoffs, wakeups: Wakeups) -> None:
        self._conversations = conversations
        self._handoffs = handoffs
        self._wakeups = wakeups

    async def frames(self, conversation_id: ConversationId, after: int) -> AsyncIterator[dict[str, Any]]:
        """Yield frames for ever: `event` in order from `after`, `typing` and `queue` as they come, `idle`
        when nothing happened for a while (so that the caller can send a sign of life)."""
        cursor = after
        last_queue: tuple[int, int] | None = None
        topics = (conversation_topic(conversation_id), typing_topic(conversation_id), "queue")
        signs: list[dict[str, Any]] = []
        queued = (await self._conversations.get(conversation_id)).owner.kind == "queue"
        async with self._wakeups.subscribe(*topics) as subscription:
            while True:
                async for event in self._new_events(conversation_id, cursor):
                    cursor = event.seq
                    if isinstance(event.payload, OwnerChangedPayload):
                        queued = event.payload.owner.kind == "queue"
                    yield {"type": "event", "event": event_out(event).model_dump(mode="json")}
                position = await self._position(conversation_id) if queued else None
                if position is not None and position != last_queue:
                    yield {"type": "queue", "position": position[0], "waiting": position[1]}
                last_queue = position
                # After the events they came with: "stopped typing" must not precede the message.
                for sign in signs:
                    yield sign
                messages = await subscription.wait(POLL)
                while messages and all("active" in message for message in messages):
                    for message in messages:
                        yield _sign(message)
                    messages = await subscription.wait(POLL)
                signs = [_sign(message) for message in messages if "active" in message]
                if not messages:
                    yield {"type": "idle"}

    async def _new_events(self, conversation_id: ConversationId, after: int) -> AsyncIterator[Event]:
        while True:
            page = await self._events(conversation_id, after, _PAGE)
            for event in page:
                yield event
            if len(page) < _PAGE:
                return
            after = page[-1].seq

    async def _events(self, conversation_id: ConversationId, after: int, limit: int) -> list[Event]:
        with on_lane(Lane.FOLLOWERS):
            return await self._conversations.events(conversation_id, after, limit)

    async def _position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        with on_lane(Lane.FOLLOWERS):
            return await self._handoffs.position(conversation_id)

    async def case(self, conversation_id: ConversationId) -> CaseOut | None:
        """Return the open case of a conversation as its user may see it."""
        case = await self._handoffs.open_case(conversation_id)
        if case is None:
            return None
        position, waiting = await self._handoffs.position(conversation_id) or (None, None)
        return CaseOut(id=case.id, status=case.status, position=position, waiting=waiting)

    async def wait_for_events(
        self, conversation_id: ConversationId, after: int, limit: int, seconds: float
    ) -> list[Event]:
        """Return events after `after`, waiting up to `seconds` for the first."""
        async with self._wakeups.subscribe(conversation_topic(conversation_id)) as subscription:
            events = await self._events(conversation_id, after, limit)
            if not events and seconds:
                await subscription.wait(seconds)
                events = await self._events(conversation_id, after, limit)
            return events


def reached(conversation: Conversation, after: int) -> int:
    """Return a client's cursor, at most the last number that there is.

    After a backup was restored it would wait for numbers that come only in a long time.
    """
    return min(after, conversation.last_seq)


def _sign(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "typing", "author": message["author"], "active": message["active"]}
