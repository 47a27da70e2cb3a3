"""The desk over real PostgreSQL and the real conversation room; the application can be told to fail."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.permissions import house_rules
from bot.conversation import turn_storage
from bot.conversation.domain import ASSISTANT, Conversation, NewEvent, Reading
from bot.conversation.events import message
from bot.conversation.service import Conversations
from escalation.desk import CaseDesk
from escalation.domain import Case
from escalation.packet.collector import ContextCollector
from escalation.ports import HostState
from foundation.authorization import StaffMember
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.ids import ConversationId, StaffId, TurnId, new_id
from foundation.outcomes import Outcome
from foundation.wakeups import Wakeups
from security.privacy.masking import mask
from tests.support.confidential import CONFIDENTIAL

NOW = datetime(2025, 11, 23, 8, 0, tzinfo=UTC)
STATE = {
    "account": {"name": "Ada", "locked": True, "email_verified": True, "status": "active"},
    "billing": {"status": "past_due", "last_payment": {"id": "pay_1", "status": "failed"}},
}


@dataclass(frozen=True)
class State:
    as_of: datetime
    parts: Mapping[str, Any]


@dataclass
class Application:
    """A host: answers with `parts`, raises `error`, or never answers."""

    parts: dict[str, Any] = field(default_factory=lambda: dict(STATE))
    error: Exception | None = None
    silent: bool = False

    async def state(self, ref: str, parts: Sequence[str] | None = None) -> State:
        if self.silent:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return State(NOW, self.parts)


@dataclass(frozen=True)
class Attempt:
    id: str
    created_at: datetime
    turn_id: str | None
    kind: str
    name: str
    outcome: Outcome | None
    read: dict[str, Any]
    done: dict[str, Any]
    error: str | None
    duration_ms: int | None


@dataclass
class AttemptList:
    """An attempt log."""

    rows: list[Attempt] = field(default_factory=list)
    error: Exception | None = None

    async def for_conversation(self, conversation_id: str) -> list[Attempt]:
        if self.error is not None:
            raise self.error
        return self.rows

    def add(self, kind: str, name: str, outcome: Outcome | None) -> None:
        done = {"operation": name}
        self.rows.append(
            Attempt(new_id("att"), NOW, None, kind, name, outcome, {"locked": True}, done, None, 12)
        )


@dataclass
class Desk:
    """The wired room."""

    database: Database
    conversations: Conversations
    wakeups: Wakeups
    desk: CaseDesk
    application: Application
    attempts: AttemptList
    clock: FixedClock

    async def conversation(self, name: str = "Ada") -> Conversation:
        return await self.conversations.start(
            host="kettle",
            ref=f"usr_{name.lower()}",
            name=name,
            email=f"{name.lower()}@kettle.example",
            channel="web",
            page={"url": "https://kettle.example/account", "title": "Account"},
            client={"browser": "Chromium"},
        )

    async def say(self, conversation_id: ConversationId, text: str, intent: str | None = None) -> None:
        """The user says something that the assistant reads as `intent`."""
        posted = await self.conversations.post_user_message(
            conversation_id, author_name="Ada", text=text, choice=None, key=new_id("key")
        )
        if posted.event.turn_id is None:
            return
        async with self.database.begin() as tx:
            turn = await turn_storage.claim_turn(tx, conversation_id, "test", NOW, NOW)
            assert turn is not None
            reading = Reading(intent, 0.87, [{"name": intent, "confidence": 0.87}], "model-7")
            await turn_storage.finish_turn(
                tx, turn, "test", status="done", reading=reading, error=None, now=NOW
            )

    async def answer(self, conversation_id: ConversationId, text: str, card: dict[str, Any] | None) -> int:
        """The bot says something; returns its number."""
        new = NewEvent(ASSISTANT, message(text, card=card), turn_id=TurnId(new_id("trn")))
        return (await self.conversations.append(conversation_id, new)).seq

    async def open(self, name: str = "Ada", *, reason: str = "user_asked", priority: str = "normal") -> Case:
        conversation = await self.conversation(name)
        return await self.hand_off(conversation.id, reason=reason, priority=priority)

    async def hand_off(
        self, conversation_id: ConversationId, *, reason: str = "user_asked", priority: str = "normal"
    ) -> Case:
        prepared = await self.desk.prepare(
            conversation_id, reason=reason, priority=priority, summary="The user asked."
        )

        async def commit(tx: AsyncConnection) -> Case:
            return await self.desk.open(prepared, tx)

        async with self.database.begin() as tx:
            case = await commit(tx)
        await self.conversations.announce(conversation_id)
        await self.desk.after_open(case)
        return case


def agent(name: str, *, admin: bool = False) -> StaffMember:
    return StaffMember(StaffId(f"stf_{name.lower()}"), name, frozenset({"admin" if admin else "agent"}))


@pytest.fixture
async def room(database: Database) -> Desk:
    clock, wakeups = FixedClock(NOW), Wakeups(None)
    conversations = Conversations(database, wakeups, clock)
    application, attempts = Application(), AttemptList()

    def host(name: str) -> HostState | None:
        return application if name == "kettle" else None

    collector = ContextCollector(
        conversations,
        attempts,
        host,
        lambda: "model-live",
        clock,
        mask,
        labels={"unlock_account": "unlock the account"},
        control=frozenset({"talk_to_person", "nlu_fallback"}),
        state_deadline=0.2,
    )
    desk = CaseDesk(database, conversations, collector, wakeups, clock, CONFIDENTIAL, house_rules())
    return Desk(database, conversations, wakeups, desk, application, attempts, clock)
