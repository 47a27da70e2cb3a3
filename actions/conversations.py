"""Finds out for whom an action runs: from the conversation, never from what the tracker holds."""

from typing import Any, Protocol

from actions.ports import TurnContext
from bot.conversation.domain import Contact, Conversation, Turn
from bot.foundation.errors import NotFound
from bot.foundation.ids import ContactId, ConversationId, TurnId


class ConversationReader(Protocol):
    """What is needed of `bot.conversation.service.Conversations`."""

    async def get(self, conversation_id: ConversationId) -> Conversation: ...

    async def contact(self, contact_id: ContactId) -> Contact: ...

    async def turn(self, turn_id: TurnId) -> Turn | None: ...

    async def latest_turn(self, conversation_id: ConversationId) -> Turn | None: ...


class ConversationLookup:
    """The `ConversationContext` of this room's ports, on top of the conversation room."""

    def __init__(self, conversations: ConversationReader) -> None:
        self._conversations = conversations

    async def find(self, conversation_id: str, turn_id: str | None) -> TurnContext | None:
        """Return the context; a turn of another conversation counts as none given."""
        try:
            conversation = await self._conversations.get(ConversationId(conversation_id))
        except NotFound:
            return None
        contact = await self._conversations.contact(conversation.contact_id)
        turn = await self._turn(conversation.id, turn_id)
        page: dict[str, Any] = conversation.page
        return TurnContext(
            conversation_id=conversation.id,
            turn_id=turn.id if turn else None,
            user_ref=contact.ref,
            host=contact.host,
            user_name=contact.name,
            text=turn.text if turn else "",
            page=page,
        )

    async def _turn(self, conversation_id: ConversationId, turn_id: str | None) -> Turn | None:
        turn = await self._conversations.turn(TurnId(turn_id)) if turn_id else None
        if turn is not None and turn.conversation_id == conversation_id:
            return turn
        return await self._conversations.latest_turn(conversation_id)
