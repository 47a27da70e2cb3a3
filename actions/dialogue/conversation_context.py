"""Finds out for whom an action runs: from the conversation, never from what the tracker holds."""

from typing import Protocol

from actions.ports import TurnContext
from bot.conversation.domain import Contact, Conversation, Event, Turn
from bot.conversation.events import MessagePayload
from foundation.ids import ConversationId, TurnId

_LOOKED_AT = 20
"""Events before a turn among which the assistant's latest message is looked for."""


class ConversationReader(Protocol):
    """What is needed of `bot.conversation.service.Conversations`."""

    async def background(
        self, conversation_id: ConversationId, turn_id: TurnId | None
    ) -> tuple[Conversation, Contact, Turn | None] | None:
        """Return a conversation, its contact and a turn (the newest when `turn_id` is None)."""
        ...

    async def events(self, conversation_id: ConversationId, after: int = 0, limit: int = 500) -> list[Event]:
        """Return the events numbered above `after`, in order, at most `limit`."""
        ...


class ConversationLookup:
    """The `ConversationContext` of this room's ports, on top of the conversation room."""

    def __init__(self, conversations: ConversationReader) -> None:
        self._conversations = conversations

    async def find(self, conversation_id: str, turn_id: str | None) -> TurnContext | None:
        """Return the context; a turn of another conversation counts as none."""
        wanted = TurnId(turn_id) if turn_id else None
        found = await self._conversations.background(ConversationId(conversation_id), wanted)
        if found is None:
            return None
        conversation, contact, turn = found
        return TurnContext(
            conversation_id=conversation.id,
            turn_id=turn.id if turn else None,
            user_ref=contact.ref,
            host=contact.host,
            user_name=contact.name,
            text=turn.text if turn else "",
            page=conversation.page,
        )

    async def offered(self, conversation_id: str, turn_id: str | None) -> frozenset[str]:
        """Return the choices under the assistant's latest message before a turn, as the transcript has it."""
        found = await self._conversations.background(
            ConversationId(conversation_id), TurnId(turn_id) if turn_id else None
        )
        if found is None:
            return frozenset()
        conversation, _, turn = found
        asked = turn.seq if turn is not None else conversation.last_seq + 1
        first = max(0, asked - 1 - _LOOKED_AT)
        for event in reversed(await self._conversations.events(conversation.id, first, asked - 1 - first)):
            if isinstance(event.payload, MessagePayload) and event.author.kind == "bot":
                return frozenset(button.payload for button in event.payload.buttons)
        return frozenset()
