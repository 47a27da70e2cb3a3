"""One user's flood: everybody else is answered as if it were not there, and the flood comes to an end."""

import asyncio
import contextlib
import random
import statistics
import time

import pytest

from bot.conversation import storage, turn_storage
from bot.conversation.domain import Answer, Conversation, Turn
from bot.conversation.events import message
from bot.conversation.service import Conversations
from bot.conversation.turn_runner import TurnRunner
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.ids import new_id
from foundation.wakeups import Wakeups
from tests.bot.conversation.conftest import NotingDesk, ScriptedBrain, says
from tests.reliability.conftest import Note
from tests.reliability.waiting import unfinished

CONVERSATIONS = 300
MESSAGES = 12
OTHERS = 20
THINKING = 0.04
"""Seconds that Rasa takes for a message; it takes one after the other."""
LIMIT = 20.0
FAULT = "3 one user's flood"


class Room:
    """The runner with a brain as slow as Rasa, which thinks of one thing at a time."""

    def __init__(self, database: Database) -> None:
        self.clock, self.brain, at_once = SystemClock(), ScriptedBrain(), asyncio.Lock()

        async def think(turn: Turn) -> Answer:
            async with at_once:
                await asyncio.sleep(THINKING)
            return says(f"You said {turn.text}")

        self.brain.script = think
        self.conversations = Conversations(database, Wakeups(None), self.clock)
        self.desk = NotingDesk(self.conversations)
        self.runner = TurnRunner(database, self.conversations, self.brain, self.desk, self.clock)

    async def begin(self, ref: str) -> Conversation:
        return await self.conversations.start(
            host="demo", ref=ref, name=ref, email=None, channel="web", page={}, client={}
        )

    async def say(self, conversation: Conversation, text: str) -> None:
        posted = await self.conversations.post_user_message(
            conversation.id, author_name="x", text=text, choice=None, key=text
        )
        if posted.event.turn_id is not None:
            self.runner.schedule(conversation.id, conversation.contact_id)

    async def flood(self) -> None:
        """Write everything at once: the database gets it in bulk, which leaves the machine to the runner."""
        flooded = [await self.begin("usr_flood") for _ in range(CONVERSATIONS)]
        said = [
            {
                "conversation_id": conversation.id,
                "seq": number,
                "turn_id": new_id("trn"),
                "text": f"flood {number}",
                "at": self.clock.now(),
            }
            for conversation in flooded
            for number in range(1, MESSAGES + 1)
        ]
        async with self.conversations.transaction() as tx:
            await tx.execute(storage.conversations.update().values(last_seq=MESSAGES))
            await tx.execute(
                storage.events.insert(),
                [
                    {
                        "id": new_id("evt"),
                        "type": "message",
                        "author_kind": "user",
                        "payload": message(str(one["text"])).stored(),
                        **{key: one[key] for key in ("conversation_id", "seq", "turn_id", "at")},
                    }
                    for one in said
                ],
            )
            await tx.execute(
                turn_storage.turns.insert(),
                [
                    {
                        "id": one["turn_id"],
                        "epoch": 0,
                        "status": "pending",
                        "created_at": one["at"],
                        **{key: one[key] for key in ("conversation_id", "seq", "text")},
                    }
                    for one in said
                ],
            )
        for conversation in flooded:
            self.runner.schedule(conversation.id, conversation.contact_id)

    async def seconds_until_answered(self, ref: str, begin_after: float) -> float | None:
        """Write one message; how long the answer takes, None when it was no answer of the assistant."""
        conversation = await self.begin(ref)
        await asyncio.sleep(begin_after)
        began = time.monotonic()
        await self.say(conversation, "hello")
        while time.monotonic() - began < LIMIT + 10:
            events = await self.conversations.events(conversation.id, after=1)
            if events:
                return time.monotonic() - began if events[0].author.kind == "bot" else None
            await asyncio.sleep(0.1)
        return None


@pytest.mark.slow
async def test_a_flood_of_one_user_delays_nobody_else(database: Database, figure: Note) -> None:
    room, chance = Room(database), random.Random(16)
    await room.runner.start()
    await room.flood()
    waits = await asyncio.gather(
        *(room.seconds_until_answered(f"usr_{number}", chance.random() * 8) for number in range(OTHERS))
    )
    in_time = sorted(wait for wait in waits if wait is not None and wait < LIMIT)
    # What the flooder gets no answer to within the time ends with a person too: nothing waits for ever.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIMIT):
            while await unfinished(database):
                await asyncio.sleep(0.2)
    left = await unfinished(database)
    await room.runner.stop()
    p95 = statistics.quantiles(in_time, n=20)[-1] if len(in_time) > 1 else float("nan")
    figure(
        fault=FAULT,
        measure=f"{CONVERSATIONS} conversations x {MESSAGES} messages of one: others answered within 20 s",
        before="6 of 20",
        after=f"{len(in_time)} of {OTHERS}, p95 {p95:.2f} s",
    )
    assert len(in_time) == OTHERS
    assert left == 0, "some of the flooder's messages still wait"
