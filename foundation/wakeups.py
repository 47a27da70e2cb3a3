"""Wake-ups between parts and processes, over Redis publish/subscribe.

A wake-up says "look again"; the truth is in PostgreSQL. Losing one costs a delay (readers also look from
time to time), never data. Within this process delivery does not need Redis, so one process works without it.
"""

import asyncio
import contextlib
import json
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio as redis
import structlog

_PREFIX = "firstline:wake:"
_QUEUE_LIMIT = 256
_CANCEL_AGAIN = 0.5
log = structlog.get_logger(__name__)


class Subscription:
    """What one subscriber has not read yet; the oldest are dropped beyond 256 messages."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self._messages: list[dict[str, Any]] = []
        self._ready = asyncio.Event()

    def put(self, message: dict[str, Any]) -> None:
        """Add a message and wake the waiting reader."""
        self._messages.append(message)
        del self._messages[:-_QUEUE_LIMIT]
        self._ready.set()

    async def wait(self, timeout: float) -> list[dict[str, Any]]:  # noqa: ASYNC109
        """Return what has come, waiting up to `timeout` seconds for the first; may be empty."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        messages, self._messages = self._messages, []
        self._ready.clear()
        return messages


class ChangeCount:
    """How many messages a topic has had in this process: who saw the same number saw the same changes."""

    def __init__(self) -> None:
        self.number = 0

    def put(self, message: dict[str, Any]) -> None:
        """Count a message."""
        self.number += 1


class Wakeups:
    """Publishes to and subscribes to topics such as `conversation:cnv_...`."""

    def __init__(self, client: "redis.Redis | None") -> None:
        self._client = client
        self._origin = secrets.token_hex(6)
        self._subscribers: dict[str, set[Subscription | ChangeCount]] = defaultdict(set)
        self._outgoing: asyncio.Queue[tuple[str, str]] = asyncio.Queue(10_000)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to send to and listen to the other processes."""
        if self._client is not None and not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]

    async def stop(self) -> None:
        """Stop the background tasks.

        A connection that breaks while it is closed turns the cancellation into an error of its own, which
        looks like any other loss of Redis; so they are cancelled until they have ended.
        """
        tasks, self._tasks = self._tasks, []
        left = set(tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def publish(self, topic: str, message: dict[str, Any] | None = None) -> None:
        """Wake everybody who listens to `topic`, here at once and elsewhere soon; never raises."""
        body = {**(message or {}), "topic": topic}
        self._deliver(topic, body)
        if self._client is not None:
            with contextlib.suppress(asyncio.QueueFull):
                self._outgoing.put_nowait((topic, json.dumps({"origin": self._origin, "body": body})))

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[Subscription]:
        """Collect the messages of `topics` while the block runs."""
        subscription = Subscription()
        for topic in topics:
            self.join(subscription, topic)
        try:
            yield subscription
        finally:
            for topic in list(subscription.topics):
                self.leave(subscription, topic)

    def join(self, subscription: Subscription, topic: str) -> None:
        """Collect the messages of a further topic; once is enough."""
        subscription.topics.add(topic)
        self._subscribers[topic].add(subscription)

    def leave(self, subscription: Subscription, topic: str) -> None:
        """Collect the messages of a topic no longer, if they were."""
        subscription.topics.discard(topic)
        self._subscribers[topic].discard(subscription)
        if not self._subscribers[topic]:
            del self._subscribers[topic]

    def count(self, topic: str) -> ChangeCount:
        """Count the messages of a topic from now on, for as long as the process runs."""
        counter = ChangeCount()
        self._subscribers[topic].add(counter)
        return counter

    def _deliver(self, topic: str, body: dict[str, Any]) -> None:
        for subscription in list(self._subscribers.get(topic, ())):
            subscription.put(body)

    async def _send(self) -> None:
        assert self._client is not None
        while True:
            topic, body = await self._outgoing.get()
            try:
                async with asyncio.timeout(2):
                    await self._client.publish(_PREFIX + topic, body)
            except (redis.RedisError, OSError, TimeoutError) as error:
                log.debug("wakeup_not_sent", reason=type(error).__name__)
                await asyncio.sleep(0.2)

    async def _listen(self) -> None:
        assert self._client is not None
        while True:
            try:
                async with self._client.pubsub() as channel:
                    await channel.psubscribe(_PREFIX + "*")
                    async for message in channel.listen():
                        if message["type"] == "pmessage":
                            self._receive(message["data"])
            except (redis.RedisError, OSError) as error:
                log.debug("wakeups_disconnected", reason=type(error).__name__)
                await asyncio.sleep(0.5)

    def _receive(self, data: bytes | str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            envelope = json.loads(data)
            if envelope["origin"] != self._origin:
                self._deliver(envelope["body"]["topic"], envelope["body"])
