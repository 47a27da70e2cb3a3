import asyncio

import redis.asyncio as redis

from bot.foundation.wakeups import Wakeups


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
