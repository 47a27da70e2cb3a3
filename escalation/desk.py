"""The desk: cases are opened, claimed, worked on and resolved; one person at a time speaks.

Every change takes the conversation's row first and the case's row second, so changes of one case happen one
after the other and owner, epoch and case never disagree.
"""

from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.case_words import CaseOutcome
from bot.conversation.confidential import Confidential
from bot.conversation.domain import (
    BOT,
    MAX_TEXT,
    QUEUE,
    SYSTEM,
    Author,
    Conversation,
    Event,
    NewEvent,
    Owner,
)
from bot.conversation.events import CaseResolvedPayload, HandoffPayload, message
from escalation import storage
from escalation.domain import (
    ASKED,
    BY_ASSISTANT,
    Assignee,
    Case,
    JoinedConversation,
    PreparedCase,
    rank,
)
from escalation.packet.collector import ContextCollector
from escalation.permissions import CaseAction, Sent, case_resource, case_to_join, replay
from escalation.ports import Conversations
from foundation.authorization import Authorizer, StaffMember
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.ids import CaseId, ConversationId, is_id
from foundation.wakeups import Wakeups

QUEUE_TOPIC = "queue"
_KEY_LOOKBACK = 200
_TOLD_AT_MOST = 100
JOINED = (
    "A person already has your request from another conversation of yours, and sees this one too. "
    "They will answer there. Here you can go on with the assistant."
)
JOINED_CLOSED = (
    "Your request in the other conversation was closed. "
    "If there is something left here, ask for a person again."
)
log = structlog.get_logger(__name__)


class CaseDesk:
    """All that can be done with cases."""

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
        self._database = database
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
        await storage.hold_contact(tx, prepared.contact.id)
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

    async def joined(self, case_id: CaseId, limit: int) -> "list[JoinedConversation]":
        """Return the further conversations of a case's user that joined it, latest first."""
        async with self._database.connect() as connection:
            return await storage.joined_to(connection, case_id, limit)

    async def after_open(self, case: Case) -> None:
        """Tell the waiting users and the agents, after the commit."""
        if case.joins is not None:
            log.info("case_joined", case=case.id, conversation=case.joins)
            await self._tell(case, "joined")
            return
        log.info("case_opened", case=case.id, reason=case.reason, priority=case.priority)
        await self._tell(case, "opened")

    async def position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        """Return (place in the queue from 1, how many wait), or None when the conversation does not wait."""
        async with self._database.connect() as connection:
            return await storage.position(connection, conversation_id)

    async def open_case(self, conversation_id: ConversationId) -> Case | None:
        """Return the conversation's case that is not resolved, without its packet."""
        async with self._database.connect() as connection:
            return await storage.find_open(connection, conversation_id)

    async def has_open_case(self, host: str, ref: str) -> bool:
        """Tell whether this user has an open case in any conversation."""
        async with self._database.connect() as connection:
            return await storage.has_open_case(connection, host, ref)

    async def get(self, case_id: str) -> Case:
        """Return a case with its packet; looking changes nothing.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.connect() as connection:
            return await self._find(connection, case_id, packet=True)

    async def list(self, status: str = "open", *, mine: str | None = None, limit: int = 200) -> list[Case]:
        """Return cases without their packets; `mine` is a staff id, `status` may also be "open"."""
        statuses = ("queued", "assigned") if status == "open" else (status,)
        async with self._database.connect() as connection:
            return await storage.list_cases(connection, statuses, assignee_id=mine, limit=limit)

    async def counts(self) -> dict[str, int]:
        """Return how many cases are `queued` and `assigned`."""
        async with self._database.connect() as connection:
            return await storage.counts(connection)

    async def had_case(self, conversation_id: ConversationId) -> bool:
        """Tell whether the conversation has or had a case, or joined one."""
        async with self._database.connect() as connection:
            return await storage.had_case(connection, conversation_id)

    async def claim(self, case_id: str, agent: StaffMember, *, take_over: bool = False) -> Case:
        """Give the case and its conversation to `agent`; claiming one's own case changes nothing.

        Raises:
            Conflict: when somebody else has it (the message says who), or it is resolved.
            Forbidden: when somebody who is no admin wants to take it over.
        """
        async with self._database.begin() as tx:
            case, conversation = await self._hold(tx, case_id)
            if case.is_assigned_to(agent.id):
                return case
            self._check(CaseAction.TAKE_OVER if take_over else CaseAction.CLAIM, case, agent)
            reason = "taken_over" if case.status == "assigned" else "claimed"
            now = self._clock.now()
            case = await storage.update_case(
                tx,
                case.id,
                status="assigned",
                assignee_id=agent.id,
                assignee_name=agent.name,
                claimed_at=case.claimed_at or now,
                last_activity_at=now,
            )
            owner = Owner("agent", agent.id, agent.name)
            await self._conversations.transfer(conversation.id, owner, reason=reason, tx=tx)
        log.info("case_claimed", case=case.id, agent=agent.id, reason=reason)
        await self._tell(case, reason)
        return case

    async def release(self, case_id: str, agent: StaffMember) -> Case:
        """Put the case back to its place in the queue.

        Raises:
            Forbidden: when somebody else has it and `agent` is no admin.
            Conflict: when nobody has it.
        """
        async with self._database.begin() as tx:
            case, conversation = await self._hold(tx, case_id)
            self._check(CaseAction.RELEASE, case, agent)
            case = await storage.update_case(
                tx,
                case.id,
                status="queued",
                assignee_id=None,
                assignee_name=None,
                claimed_at=None,
                last_activity_at=self._clock.now(),
            )
            await self._conversations.transfer(conversation.id, QUEUE, reason="released", tx=tx)
        log.info("case_released", case=case.id, agent=agent.id)
        await self._tell(case, "released")
        return case

    async def send(self, case_id: str, agent: StaffMember, text: str, key: str) -> Sent:
        """Say something to the user; the same `key` again gives the first message.

        Raises:
            InvalidInput: when there is nothing to say.
            Forbidden: when somebody else has the case (the message says who).
            Conflict: when nobody has it, or `key` was used for another text.
        """
        text = text.strip()
        if not 1 <= len(text) <= MAX_TEXT:
            raise InvalidInput(f"A message has 1 to {MAX_TEXT} characters.", hint="Write something.")
        key = self._confidential.keys.kept(key)
        try:
            sent = await self._append(case_id, agent, text, key)
        except (Forbidden, Conflict):
            # Perhaps it was sent while the case was theirs, and only the answer was lost.
            earlier = await self._find_sent(case_id, agent, key)
            if earlier is None:
                raise
            return replay(earlier, agent, text)
        if not sent.replayed:
            await self._conversations.announce(sent.event.conversation_id)
        return sent

    async def _append(self, case_id: str, agent: StaffMember, text: str, key: str) -> Sent:
        async with self._database.begin() as tx:
            case, conversation = await self._hold(tx, case_id)
            self._check(CaseAction.SEND, case, agent)
            author = Author("agent", agent.name, agent.id)
            event = await self._conversations.append(
                conversation.id, NewEvent(author, message(text), client_key=key), tx=tx
            )
            if event.seq <= conversation.last_seq:
                return replay(event, agent, text)
            await storage.update_case(tx, case.id, last_activity_at=self._clock.now())
        return Sent(event, replayed=False)

    async def _find_sent(self, case_id: str, agent: StaffMember, key: str) -> Event | None:
        conversation = await self._conversations.get((await self.get(case_id)).conversation_id)
        after = max(0, conversation.last_seq - _KEY_LOOKBACK)
        for event in await self._conversations.events(conversation.id, after, _KEY_LOOKBACK):
            if event.client_key == key and event.author.staff_id == agent.id:
                return event
        return None

    async def typing(self, case_id: str, agent: StaffMember, active: bool) -> None:
        """Show the user that the agent types, or has stopped; nothing is stored.

        Raises:
            Forbidden: when somebody else has the case.
        """
        async with self._database.connect() as connection:
            case = await self._find(connection, case_id)
        self._check(CaseAction.TYPE, case, agent)
        await self._conversations.typing(case.conversation_id, Author("agent", agent.name, agent.id), active)

    async def resolve(
        self,
        case_id: str,
        agent: StaffMember,
        *,
        outcome: CaseOutcome,
        note: str = "",
        tell_user: bool = False,
    ) -> Case:
        """Close the case and give the conversation back to the bot.

        `note` is for the record, masked; the user sees it only with `tell_user`. Resolving what this agent
        has resolved the same way changes nothing.

        Raises:
            Forbidden: when somebody else has the case.
            Conflict: when nobody has it, or it was resolved otherwise.
        """
        note = await self._confidential.free(note, [(await self.get(case_id)).contact.name])
        async with self._database.begin() as tx:
            case, _ = await self._hold(tx, case_id)
            if case.status == "resolved" and (case.assignee, case.outcome) == (
                Assignee(agent.id, agent.name),
                outcome,
            ):
                return case
            self._check(CaseAction.RESOLVE, case, agent)
            case = await self._close(tx, case, agent, outcome, note, tell_user)
        log.info("case_resolved", case=case.id, agent=agent.id, outcome=outcome)
        await self._tell(case, "resolved")
        await self._tell_joined(case)
        return case

    async def _tell_joined(self, case: Case) -> None:
        """Say in the conversations that joined that the case is closed; it is so, whether this succeeds."""
        told = NewEvent(SYSTEM, message(JOINED_CLOSED), client_key=f"closed {case.id}")
        try:
            for one in await self.joined(case.id, _TOLD_AT_MOST):
                await self._conversations.append(one.conversation_id, told)
        except Exception as error:
            log.warning("joined_not_told", case=case.id, reason=type(error).__name__)

    async def _close(
        self,
        tx: AsyncConnection,
        case: Case,
        agent: StaffMember,
        outcome: CaseOutcome,
        note: str,
        tell_user: bool,
    ) -> Case:
        now = self._clock.now()
        closed = await storage.update_case(
            tx,
            case.id,
            status="resolved",
            resolved_at=now,
            last_activity_at=now,
            outcome=outcome,
            note=note or None,
        )
        told = {"note": note} if tell_user and note else {}
        payload = CaseResolvedPayload(case=case.id, outcome=outcome, **told)
        ended = NewEvent(Author("agent", agent.name, agent.id), payload)
        await self._conversations.append(case.conversation_id, ended, tx=tx)
        await self._conversations.transfer(case.conversation_id, BOT, reason="resolved", tx=tx)
        return closed

    def _check(self, action: CaseAction, case: Case, agent: StaffMember) -> None:
        self._authorizer.authorize(agent, action, case_resource(case)).enforce()

    async def _hold(self, tx: AsyncConnection, case_id: str) -> tuple[Case, Conversation]:
        found = await self._find(tx, case_id)
        conversation = await self._conversations.lock(found.conversation_id, tx)
        held = await storage.find_case(tx, found.id, lock=True)
        assert held is not None, "cases are not deleted"
        return held, conversation

    async def _find(self, connection: AsyncConnection, case_id: str, *, packet: bool = False) -> Case:
        case = None
        if is_id(case_id, "cas"):
            case = await storage.find_case(connection, CaseId(case_id), packet=packet)
        if case is None:
            raise NotFound("There is no such case.", hint="List them with GET /api/v1/cases.")
        return case

    async def _tell(self, case: Case, change: str) -> None:
        await self._conversations.announce(case.conversation_id)
        await self._wakeups.publish(QUEUE_TOPIC, {"case": case.id, "change": change})
