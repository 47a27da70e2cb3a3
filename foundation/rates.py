"""How often one may do something: counted in Redis, in this process alone while Redis does not answer."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import redis.asyncio as redis
import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

log = structlog.get_logger(__name__)
_SLEEP = 10.0
"""Seconds for which a Redis that did not answer is left alone, so that nobody waits for it each time."""
_LONGEST_MEMORY = 60.0
_REMEMBERED = 10_000
T = TypeVar("T")


class Rates:
    """Counts by key in sliding windows, the same for all apps that share a Redis.

    Who was refused is refused here until the time that was named, without asking Redis: a flood costs little.
    """

    def __init__(
        self,
        client: "redis.Redis | None",
        *,
        prefix: str = "firstline:rates",
        deadline: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count in `client`'s Redis (it stays the caller's to close), or only here when None.

        Redis has `deadline` seconds for an answer.
        """
        self._deadline = deadline
        self._memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if client is not None:
            pool: Any = client.connection_pool
            storage = RedisStorage(
                "async+redis://", implementation="redispy", key_prefix=prefix, connection_pool=pool
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)
        self._now = now
        self._asleep_until = 0.0
        self._refused: OrderedDict[tuple[str, ...], float] = OrderedDict()

    async def take(self, rates: Sequence[RateLimitItem], *key: str) -> int | None:
        """Count one of `key` under all of `rates`; whole seconds to wait when it is one too many, else None.

        What is refused is not counted under the rate that refuses it.
        """
        left = self._refused.get(key, 0.0) - self._now()
        if left > 0:
            return int(left) + 1
        # The longest first: what a day's worth refuses must not use up the burst as well.
        for item in sorted(rates, key=lambda one: one.get_expiry(), reverse=True):
            if not await self._hit(item, key):
                seconds = await self._wait(item, key)
                self._remember(key, seconds)
                return seconds
        return None

    def _remember(self, key: tuple[str, ...], seconds: int) -> None:
        self._refused[key] = self._now() + min(seconds, _LONGEST_MEMORY)
        self._refused.move_to_end(key)
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)

    async def _hit(self, item: RateLimitItem, key: tuple[str, ...]) -> bool:
        allowed = await self._ask_shared(lambda limiter: limiter.hit(item, *key))
        return allowed if allowed is not None else await self._memory.hit(item, *key)

    async def _wait(self, item: RateLimitItem, key: tuple[str, ...]) -> int:
        window = await self._ask_shared(lambda limiter: limiter.get_window_stats(item, *key))
        if window is None:
            window = await self._memory.get_window_stats(item, *key)
        left = int(window.reset_time - time.time()) + 1
        return min(max(1, left), item.get_expiry())

    async def _ask_shared(
        self, ask: "Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]"
    ) -> "T | None":
        """Ask Redis; None when it does not answer, and then it is not asked again for a while."""
        if self._shared is None or self._now() < self._asleep_until:
            return None
        try:
            async with asyncio.timeout(self._deadline):
                return await ask(self._shared)
        except Exception as error:
            # Whatever the client raises: talking must work without Redis, and must stay limited.
            self._asleep_until = self._now() + _SLEEP
            log.warning("rates_not_shared", reason=type(error).__name__)
            return None
