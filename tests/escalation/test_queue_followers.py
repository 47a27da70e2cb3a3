"""Many follow their conversations; what happens in the queue costs the database one look."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversation.domain import Author
from bot.conversation.event_stream import EventStream
from escalation.domain import Case
from foundation.database import Database, Lane, on_lane
from foundation.ids import ConversationId, StaffId
from tests.escalation.conftest import Desk, agent

OPEN, WAITING = 50, 5


class Follower:
    """An open socket, as far as it is about frames."""

    def __init__(self, stream: EventStream, conversation_id: ConversationId) -> None:
        self.id = conversation_id
        self.frames: list[dict[str, Any]] = []
        self._signs = asyncio.Semaphore(0)
        self.task = asyncio.create_task(self._follow(stream))

    async def _follow(self, stream: EventStream) -> None:
        async for frame in stream.frames(self.id, 0):
            self.frames.append(frame)
            if frame["type"] == "typing":
                self._signs.release()

    async def caught_up(self, room: Desk) -> None:
        """Wait until all wake-ups up to now are dealt with: a sign of typing comes out after them."""
        async with asyncio.timeout(10):
            while not self.frames:
                await asyncio.sleep(0)
            await room.conversations.typing(self.id, Author("agent", "Greta", StaffId("stf_greta")), True)
            await self._signs.acquire()

    @property
    def place(self) -> tuple[int, int]:
        last = [frame for frame in self.frames if frame["type"] == "queue"][-1]
        return last["position"], last["waiting"]


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that followers send in this block."""
    with on_lane(Lane.FOLLOWERS):
        engine = database.engine.sync_engine
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


async def _followers(room: Desk) -> tuple[list[Follower], list[Case]]:
    stream = EventStream(room.conversations, room.desk, room.wakeups)
    cases = [await room.open(f"Waits{number}") for number in range(WAITING)]
    others = [(await room.conversation(f"Talks{number}")).id for number in range(OPEN - WAITING)]
    for one in others:
        await room.say(one, "hello")
    return [Follower(stream, one) for one in [*(case.conversation_id for case in cases), *others]], cases


@pytest.fixture
async def followed(room: Desk) -> Any:
    followers, cases = await _followers(room)
    for one in followers:
        await one.caught_up(room)
    yield followers, cases
    for one in followers:
        one.task.cancel()
    await asyncio.gather(*(one.task for one in followers), return_exceptions=True)


async def test_a_change_of_the_queue_is_one_query_for_all(room: Desk, followed: Any) -> None:
    followers, cases = followed
    waiting = followers[:WAITING]
    assert [one.place for one in waiting] == [(place, WAITING) for place in range(1, WAITING + 1)]
    newcomer = await room.conversation("Newcomer")
    with counted(room.database) as statements:
        await room.hand_off(newcomer.id)
        await asyncio.gather(*(one.caught_up(room) for one in followers))
    assert [one.place for one in waiting] == [(place, WAITING + 1) for place in range(1, WAITING + 1)]
    assert len(statements) == 1
    await room.desk.claim(cases[0].id, agent("Greta"))
    await asyncio.gather(*(one.caught_up(room) for one in followers))
    assert [one.place for one in waiting[1:]] == [(place, WAITING) for place in range(1, WAITING)]


async def test_who_waits_no_longer_is_not_woken_by_the_queue(room: Desk, followed: Any) -> None:
    followers, cases = followed
    for case in cases:
        await room.desk.claim(case.id, agent("Greta"))
    await asyncio.gather(*(one.caught_up(room) for one in followers))
    newcomer = await room.conversation("Newcomer")
    with counted(room.database) as statements:
        await room.hand_off(newcomer.id)
        await asyncio.gather(*(one.caught_up(room) for one in followers))
    assert statements == []
