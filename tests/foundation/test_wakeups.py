import asyncio
from typing import cast

import redis.asyncio as redis

from foundation.wakeups import Wakeups


async def test_a_wakeup_reaches_another_process_and_only_its_topic(valkey_url: str) -> None:
    one_client, other_client = redis.Redis.from_url(valkey_url), redis.Redis.from_url(valkey_url)
    one, other = Wakeups(one_client), Wakeups(other_client)
    await one.start()
    await other.start()
    try:
        async with (
            other.subscribe("conversation:a") as subscription,
            other.subscribe("conversation:b") as silent,
        ):
            received: list[dict[str, object]] = []
            for _ in range(50):  # the other's subscription reaches the server some moments after start
                await one.publish("conversation:a", {"n": 1})
                received = await subscription.wait(0.1)
                if received:
                    break
            assert received[0] == {"n": 1, "topic": "conversation:a"}
            assert await silent.wait(0.05) == []
    finally:
        await one.stop()
        await other.stop()
        await one_client.aclose()
        await other_client.aclose()


async def test_within_a_process_delivery_needs_no_server() -> None:
    dead = redis.Redis(host="127.0.0.1", port=1)
    wakeups = Wakeups(dead)
    await wakeups.start()
    try:
        async with wakeups.subscribe("queue") as subscription:
            await wakeups.publish("queue")
            assert [message["topic"] for message in await subscription.wait(1)] == ["queue"]
    finally:
        await wakeups.stop()
        await dead.aclose()


class BreaksWhileClosing:
    """A client whose subscription breaks while it is closed, as redis-py's may when it is cancelled early."""

    def __init__(self) -> None:
        self.opened = 0
        self.listening = asyncio.Event()

    def pubsub(self) -> "BreaksWhileClosing":
        return self

    async def __aenter__(self) -> "BreaksWhileClosing":
        self.opened += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.opened == 1:
            raise redis.ConnectionError("Connection closed by server.")

    async def psubscribe(self, _: str) -> None:
        self.listening.set()
        await asyncio.Event().wait()


async def test_stopping_ends_even_when_a_closing_connection_swallows_it() -> None:
    client = BreaksWhileClosing()
    wakeups = Wakeups(cast(redis.Redis, client))
    await wakeups.start()
    await client.listening.wait()
    async with asyncio.timeout(10):
        await wakeups.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_slow_subscriber_keeps_the_newest_messages() -> None:
    wakeups = Wakeups(None)
    async with wakeups.subscribe("t") as subscription:
        for number in range(1000):
            await wakeups.publish("t", {"n": number})
        received = await subscription.wait(1)
    assert len(received) == 256
    assert received[-1]["n"] == 999


async def test_waiting_ends_by_itself() -> None:
    wakeups = Wakeups(None)
    async with wakeups.subscribe("t") as subscription:
        waiting = asyncio.create_task(subscription.wait(0.01))
        assert await waiting == []
