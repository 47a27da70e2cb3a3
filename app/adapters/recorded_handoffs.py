"""Hand-offs as the attempt log sees them: what was under way when a person was called is `escalated`."""

from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, Kind, NewAttempt
from bot.conversation.ports import CaseView
from bot.conversation.service import Conversations
from escalation.desk import CaseDesk
from escalation.domain import UNANSWERED, Case, PreparedCase
from foundation.ids import ConversationId

log = structlog.get_logger(__name__)
NOT_LOGGED = "The attempt log could not be written, so this hand-off is missing there."


class RecordedHandoffs:
    """The desk as the conversation room's `Handoffs`, with its traces in the attempt log."""

    def __init__(self, desk: CaseDesk, log: AttemptLog, conversations: Conversations) -> None:
        self._desk = desk
        self._log = log
        self._conversations = conversations

    async def prepare(
        self, conversation_id: ConversationId, *, reason: str, priority: str, summary: str
    ) -> PreparedCase:
        """Close what waits, then collect the context, so that the packet shows it as escalated.

        Every hand-off leaves an attempt, so that the conversation counts as escalated whoever asked for it.
        A log that cannot be written keeps nobody from a person: the case is opened and says so.
        """
        try:
            await self._note(conversation_id, reason)
        except Exception as error:
            log.error("handoff_not_logged", conversation=conversation_id, reason=type(error).__name__)
            summary = f"{summary}\n{NOT_LOGGED}"
        return await self._desk.prepare(conversation_id, reason=reason, priority=priority, summary=summary)

    async def _note(self, conversation_id: ConversationId, reason: str) -> None:
        await self._log.close_open(conversation_id, "escalated")
        if reason == UNANSWERED:
            await self._record(conversation_id, "fallback", reason, error=reason)
        elif all(one.outcome != "escalated" for one in await self._log.for_conversation(conversation_id)):
            await self._record(conversation_id, "handoff", reason)

    async def _record(
        self, conversation_id: ConversationId, kind: Kind, name: str, *, error: str | None = None
    ) -> None:
        found = await self._conversations.background(conversation_id, None)
        if found is None:
            return
        conversation, contact, turn = found
        # The button for a person may be the first thing that somebody does here.
        turn_id = turn.id if turn is not None else str(conversation.id)
        attempt = await self._log.record(
            NewAttempt(
                conversation_id=conversation.id, turn_id=turn_id, user_ref=contact.ref, host=contact.host,
                kind=kind, name=name,
            )
        )  # fmt: skip
        await self._log.finish(attempt.id, Ending(turn_id=turn_id, outcome="escalated", done={}, error=error))

    async def open(self, prepared: Any, tx: AsyncConnection) -> CaseView:
        """Open the case within `tx`."""
        return await self._desk.open(prepared, tx)

    async def after_open(self, case: Any) -> None:
        """Tell those who wait, after the commit."""
        assert isinstance(case, Case)
        await self._desk.after_open(case)

    async def position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        """Return (place in the queue from 1, how many wait), or None."""
        return await self._desk.position(conversation_id)

    async def open_case(self, conversation_id: ConversationId) -> CaseView | None:
        """Return the open case, if any."""
        return await self._desk.open_case(conversation_id)

    async def has_open_case(self, host: str, ref: str) -> bool:
        """Tell whether this user has an open case."""
        return await self._desk.has_open_case(host, ref)
