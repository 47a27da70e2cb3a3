"""Opens cases: one of its own for a conversation, or the one that its user has already.

Like every change at the desk it takes the conversation's row first and the case's row second.
"""

from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.confidential import Confidential
from bot.conversation.domain import QUEUE, SYSTEM, NewEvent
from bot.conversation.events import HandoffPayload, message
from bot.conversation.queue_watch import QUEUE_TOPIC
from escalation import storage
from escalation.case_reader import CaseReader
from escalation.domain import (
    ASKED,
    BY_ASSISTANT,
    Case,
    PreparedCase,
    rank,
)
from escalation.packet.collector import ContextCollector
from escalation.permissions import (
    case_to_join,
)
from escalation.ports import Conversations
from foundation.authorization import Authorizer
from foundation.clock import Clock
from foundation.database import Database
from foundation.ids import ConversationId
from foundation.wakeups import Wakeups

JOINED = (
    "A person already has your request from another conversation of yours, and sees this one too. "
    "They will answer there. Here you can go on with the assistant."
)
log = structlog.get_logger(__name__)


class CaseOpening(CaseReader):
    """What gives a conversation to people; reading comes with it."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        collector: ContextCollector,
        wakeups: Wakeups,
        clock: Clock,
        confidential: Confidential,
        authorizer: Authorizer,
        *,
        open_cases: int = 3,
    ) -> None:
        """A user may have asked for `open_cases` at a time; of the assistant's making they have one."""
        self._confidential = confidential
        self._authorizer = authorizer
        self._open_cases = open_cases
        super().__init__(database)
        self._conversations = conversations
        self._collector = collector
        self._wakeups = wakeups
        self._clock = clock

    async def prepare(
        self, conversation_id: ConversationId, *, reason: str, priority: str = "normal", summary: str = ""
    ) -> PreparedCase:
        """Collect the context for a case, outside any transaction; takes a few seconds at most.

        For what will join an open case little is collected: the context is that case's.

        Raises:
            NotFound: when there is no such conversation.
        """
        joins = False
        if reason in BY_ASSISTANT:
            async with self._database.connect() as connection:
                joins = await storage.has_case_to_join(connection, conversation_id)
        return await self._collector.collect(
            conversation_id, reason=reason, priority=priority, summary=summary, outline=joins
        )

    async def open(self, prepared: PreparedCase, tx: AsyncConnection) -> Case:
        """Open the case, give the conversation to the queue and tell the user, all within `tx`.

        A conversation has one open case: when it has one already, that is returned; if the assistant had made
        it and the user asks now, it counts as asked for. Where the user has a case to join (`case_to_join`),
        that is returned: this conversation stays with the bot, and its user is told where a person answers.
        """
        conversation = await self._conversations.lock(prepared.conversation_id, tx)
        if (earlier := await storage.find_open(tx, prepared.conversation_id)) is not None:
            return await self._again(tx, earlier, prepared)
        await self._conversations.hold_contact(prepared.contact.id, tx)
        others = await storage.open_of_contact(tx, prepared.contact.id)
        if (common := case_to_join(prepared.reason, others, self._open_cases)) is not None:
            return await self._join(tx, common, prepared)
        case = await storage.insert_case(tx, prepared, self._clock.now())
        assert case is not None, "the conversation is locked and has no open case"
        if conversation.owner != QUEUE:
            await self._conversations.transfer(prepared.conversation_id, QUEUE, reason=prepared.reason, tx=tx)
        payload = HandoffPayload(
            case=case.id, reason=case.reason, priority=case.priority, shared=prepared.packet.shared
        )
        await self._conversations.append(prepared.conversation_id, NewEvent(SYSTEM, payload), tx=tx)
        return case

    async def _again(self, tx: AsyncConnection, case: Case, prepared: PreparedCase) -> Case:
        if case.asked or prepared.reason != ASKED:
            return case
        urgent = min(rank(case.priority), rank(prepared.priority))
        return await storage.update_case(
            tx, case.id, by_assistant=False, queued_at=case.opened_at, priority=urgent
        )

    async def _join(self, tx: AsyncConnection, case: Case, prepared: PreparedCase) -> Case:
        joining, reason = prepared.conversation_id, prepared.reason
        is_new = await storage.join(tx, case.id, joining, reason, self._clock.now())
        if is_new or reason == ASKED:
            card = {"type": "joined_case", "case": case.id, "conversation": case.conversation_id}
            told = NewEvent(SYSTEM, message(JOINED, card=card))
            await self._conversations.append(joining, told, tx=tx)
        return replace(case, joined=case.joined + is_new, joins=joining)

    async def after_open(self, case: Case) -> None:
        """Tell the waiting users and the agents, after the commit."""
        if case.joins is not None:
            log.info("case_joined", case=case.id, conversation=case.joins)
            await self._tell(case, "joined")
            return
        log.info("case_opened", case=case.id, reason=case.reason, priority=case.priority)
        await self._tell(case, "opened")

    async def _tell(self, case: Case, change: str) -> None:
        await self._conversations.announce(case.conversation_id)
        await self._wakeups.publish(QUEUE_TOPIC, {"case": case.id, "change": change})
