"""The desk: cases are opened, claimed, worked on and resolved; one person at a time speaks.

Every change takes the conversation's row first and the case's row second, so changes of one case happen one
after the other and owner, epoch and case never disagree.
"""

from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.case_words import AgentOutcome, CaseOutcome
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
from bot.conversation.events import CaseResolvedPayload, message
from escalation import storage
from escalation.case_opening import CaseOpening
from escalation.domain import WITHDRAWN, Assignee, Case
from escalation.permissions import CaseAction, Sent, case_resource, check_withdraw, replay
from foundation.authorization import StaffMember
from foundation.errors import Conflict, Forbidden, InvalidInput
from foundation.ids import ConversationId

_KEY_LOOKBACK = 200
_TOLD_AT_MOST = 100
JOINED_CLOSED = (
    "Your request in the other conversation was closed. "
    "If there is something left here, ask for a person again."
)
log = structlog.get_logger(__name__)


class CaseDesk(CaseOpening):
    """All that can be done with cases."""

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
        outcome: AgentOutcome,
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
            by = Author("agent", agent.name, agent.id)
            case = await self._close(tx, case, by, outcome, note=note, tell_user=tell_user)
        log.info("case_resolved", case=case.id, agent=agent.id, outcome=outcome)
        await self._tell(case, "resolved")
        await self._tell_joined(case)
        return case

    async def withdraw(self, conversation_id: ConversationId) -> bool:
        """Take the conversation's case out of the queue at the user's wish; the bot has it again.

        Returns whether there was one: without an open case nothing changes.

        Raises:
            NotFound: when there is no such conversation.
            Conflict: when an agent has the case.
        """
        async with self._database.begin() as tx:
            await self._conversations.lock(conversation_id, tx)
            case = await storage.find_open(tx, conversation_id, lock=True)
            if case is None:
                return False
            check_withdraw(case)
            case = await self._close(tx, case, Author("user", case.contact.name), WITHDRAWN)
        log.info("case_withdrawn", case=case.id)
        await self._tell(case, WITHDRAWN)
        await self._tell_joined(case)
        return True

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
        by: Author,
        outcome: CaseOutcome,
        *,
        note: str = "",
        tell_user: bool = False,
    ) -> Case:
        now = self._clock.now()
        ended: dict[str, Any] = {"status": "resolved", "resolved_at": now, "last_activity_at": now}
        closed = await storage.update_case(tx, case.id, **ended, outcome=outcome, note=note or None)
        told = {"note": note} if tell_user and note else {}
        payload = CaseResolvedPayload(case=case.id, outcome=outcome, **told)
        await self._conversations.append(case.conversation_id, NewEvent(by, payload), tx=tx)
        reason = WITHDRAWN if outcome == WITHDRAWN else "resolved"
        await self._conversations.transfer(case.conversation_id, BOT, reason=reason, tx=tx)
        return closed

    def _check(self, action: CaseAction, case: Case, agent: StaffMember) -> None:
        self._authorizer.authorize(agent, action, case_resource(case)).enforce()

    async def _hold(self, tx: AsyncConnection, case_id: str) -> tuple[Case, Conversation]:
        found = await self._find(tx, case_id)
        conversation = await self._conversations.lock(found.conversation_id, tx)
        held = await storage.find_case(tx, found.id, lock=True)
        assert held is not None, "cases are not deleted"
        return held, conversation
