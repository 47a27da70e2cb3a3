"""Self-healing in conversations and at the desk: notices, and the case about a fix that stopped itself."""

from collections.abc import Mapping
from typing import Any

from actions.healing.domain import Breaker
from bot.conversation.case_words import Reason
from bot.conversation.domain import SYSTEM, Conversation, NewEvent
from bot.conversation.events import NoticePayload, message
from bot.conversation.service import Conversations
from escalation.desk import CaseDesk

CHANNEL = "system"
CASE_REASON: Reason = "self_healing_stopped"


class ConversationMessenger:
    """Puts notices into the user's latest conversation, when the assistant has it."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def post(self, host: str, user_ref: str, key: str, payload: Mapping[str, Any]) -> str | None:
        """Append the notice, once; None when there is no conversation that it could interrupt."""
        found = await self._conversations.of_contact(host, user_ref, limit=1)
        if not found or found[0].owner.kind != "bot" or found[0].channel == CHANNEL:
            return None
        event = NewEvent(SYSTEM, NoticePayload.read(payload), client_key=f"notice:{key}")
        await self._conversations.append(found[0].id, event)
        return found[0].id


class DeskCases:
    """Opens the case about a fix that stopped itself, in a conversation of its own, once."""

    def __init__(self, desk: CaseDesk, conversations: Conversations) -> None:
        self._desk = desk
        self._conversations = conversations

    async def open(self, breaker: Breaker, title: str) -> str:
        """Return the id of the open case about this fix; the caller sees to it that nobody else is at it."""
        conversation = await self._conversation(breaker, title)
        summary = (
            f'The automatic fix "{title}" failed too often and has stopped itself '
            f"(last reason: {breaker.reason or 'not known'}). It is tried again from time to time; "
            "docs/self-healing.md says what to do."
        )
        if (existing := await self._desk.open_case(conversation.id)) is not None:
            return str(existing.id)
        told = NewEvent(SYSTEM, message(summary), client_key=f"breaker:{breaker.opened}")
        await self._conversations.append(conversation.id, told)
        prepared = await self._desk.prepare(
            conversation.id, reason=CASE_REASON, priority="high", summary=summary
        )
        async with self._conversations.transaction() as tx:
            case = await self._desk.open(prepared, tx)
        await self._desk.after_open(case)
        return str(case.id)

    async def _conversation(self, breaker: Breaker, title: str) -> Conversation:
        ref = f"self-healing:{breaker.workflow}"
        found = await self._conversations.of_contact(breaker.host, ref, limit=1)
        if found:
            return found[0]
        return await self._conversations.start(
            host=breaker.host,
            ref=ref,
            name=f"Self-healing: {title}",
            email=None,
            channel=CHANNEL,
            page={},
            client={},
        )
