"""The conversation room with a scripted brain and a desk that only notes what it is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.domain import QUEUE, SYSTEM, Answer, Conversation, Event, NewEvent, Reading, Turn
from bot.conversation.events import HandoffPayload
from bot.conversation.service import Conversations
from bot.conversation.turn_runner import TurnRunner
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.ids import CaseId, ConversationId, new_id
from foundation.wakeups import Wakeups

Script = Callable[[Turn], Awaitable[Answer]]


def says(*texts: str) -> Answer:
    return Answer([{"text": text} for text in texts], Reading("greet", 0.9, [], "model-1"))


class ScriptedBrain:
    def __init__(self) -> None:
        self.asked: list[Turn] = []
        self.busy = 0
        self.most_busy = 0
        self.script: Script = self.echo

    async def echo(self, turn: Turn) -> Answer:
        return says(f"You said {turn.text}")

    async def answer(self, turn: Turn) -> Answer:
        self.asked.append(turn)
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            return await self.script(turn)
        finally:
            self.busy -= 1

    async def ready(self) -> bool:
        return True


@dataclass
class NotedCase:
    id: CaseId
    conversation_id: ConversationId
    reason: str
    status: str = "queued"
    asked: bool = True
    intents: list[str | None] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)


@dataclass
class NotingDesk:
    conversations: Conversations
    cases: list[NotedCase] = field(default_factory=list)
    told: list[CaseId] = field(default_factory=list)

    async def prepare(
        self, conversation_id: ConversationId, *, reason: str, priority: str, summary: str
    ) -> Any:
        turns = await self.conversations.turns(conversation_id)
        events = await self.conversations.events(conversation_id)
        return NotedCase(
            CaseId(new_id("cas")),
            conversation_id,
            reason,
            intents=[turn.intent for turn in turns],
            transcript=[event.text for event in events],
        )

    async def open(self, prepared: NotedCase, tx: AsyncConnection) -> NotedCase:
        if known := await self.open_case(prepared.conversation_id):
            return known
        await self.conversations.transfer(prepared.conversation_id, QUEUE, reason=prepared.reason, tx=tx)
        event = NewEvent(
            SYSTEM,
            HandoffPayload(case=prepared.id, reason=prepared.reason, priority="normal", shared=()),
        )
        await self.conversations.append(prepared.conversation_id, event, tx=tx)
        self.cases.append(prepared)
        return prepared

    async def after_open(self, case: Any) -> None:
        self.told.append(case.id)

    async def position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        return (1, 1) if await self.open_case(conversation_id) else None

    async def open_case(self, conversation_id: ConversationId) -> NotedCase | None:
        return next((case for case in self.cases if case.conversation_id == conversation_id), None)

    async def has_open_case(self, host: str, ref: str) -> bool:
        return bool(self.cases)


@dataclass
class Room:
    database: Database
    wakeups: Wakeups
    conversations: Conversations
    brain: ScriptedBrain
    desk: NotingDesk
    runner: TurnRunner

    async def begin(self, ref: str = "usr_1") -> Conversation:
        return await self.conversations.start(
            host="demo", ref=ref, name="Ada", email=None, channel="web", page={}, client={}
        )

    async def say(self, conversation: Conversation, text: str, key: str | None = None) -> Event:
        posted = await self.conversations.post_user_message(
            conversation.id, author_name="Ada", text=text, choice=None, key=key or new_id("key")
        )
        self.runner.schedule(conversation.id, conversation.contact_id)
        return posted.event

    async def settle(self, conversation: Conversation) -> list[Event]:
        """Wait until no turn is left, then give the transcript."""
        async with asyncio.timeout(10):
            while any(
                t.status in ("pending", "running") for t in await self.conversations.turns(conversation.id)
            ):
                await asyncio.sleep(0.01)
        return await self.conversations.events(conversation.id)


@pytest.fixture
async def room(database: Database) -> AsyncIterator[Room]:
    wakeups, clock, brain = Wakeups(None), SystemClock(), ScriptedBrain()
    conversations = Conversations(database, wakeups, clock)
    desk = NotingDesk(conversations)
    runner = TurnRunner(database, conversations, brain, desk, clock, deadline=0.3)
    await runner.start()
    yield Room(database, wakeups, conversations, brain, desk, runner)
    await runner.stop()
