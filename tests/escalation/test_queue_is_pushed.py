"""Waiting users are told their place as the queue moves, through the follower that serves their widget."""

import asyncio
from typing import Any

from bot.conversation.event_stream import EventStream
from foundation.ids import ConversationId
from tests.escalation.conftest import Desk, agent


async def _watch(follower: EventStream, conversation_id: ConversationId, seen: "asyncio.Queue[Any]") -> None:
    async for frame in follower.frames(conversation_id, 0):
        if frame["type"] == "queue":
            seen.put_nowait((frame["position"], frame["waiting"]))


async def test_the_place_in_the_queue_is_pushed_when_somebody_before_is_taken(room: Desk) -> None:
    room.application.parts = {}
    first = await room.open("Ada")
    room.clock.advance(1)
    second = await room.open("Cleo")
    follower = EventStream(room.conversations, room.desk, room.wakeups)
    places: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(_watch(follower, second.conversation_id, places))
    try:
        async with asyncio.timeout(10):
            assert await places.get() == (2, 2)
            await room.desk.claim(first.id, agent("Ben"))
            assert await places.get() == (1, 1)
            await room.open("Hot", priority="urgent")
            assert await places.get() == (2, 2)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
