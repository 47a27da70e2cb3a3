"""Finds out for whom an action runs: from the conversation, never from what the tracker holds."""

from typing import Protocol

from actions.ports import TurnContext
from bot.conversation.domain import Contact, Conversation, Turn
from bot.foundation.ids import ConversationId, TurnId


class ConversationReader(Protocol):
    """What is needed of `bot.conversation.service.Conversations`."""

    async def background(
        self, conversation_id: ConversationId, turn_id: TurnId | None
    ) -> tuple[Conversation, Contact, Turn | None] | None:
        """Return a conversation, its contact and a turn (the newest when `turn_id` is None)."""
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
