"""Limits on guessing passwords, kept in Redis; in this process alone while Redis does not answer."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import redis.asyncio as redis
import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from bot.foundation.errors import RateLimited

log = structlog.get_logger(__name__)
PER_ADDRESS_AND_ACCOUNT = "10 per 5 minutes"
PER_ADDRESS = "60 per 5 minutes"
PER_ACCOUNT = "100 per hour"
"""High enough that a stranger cannot easily lock an account's owner out."""
_DEADLINE = 1.0
_SLEEP = 10.0
"""Seconds for which a Redis that did not answer is left alone, so that signing in stays quick."""
T = TypeVar("T")


class SignInLimits:
    """Counts sign-in attempts by address, by account and by both."""

    def __init__(self, client: "redis.Redis | None", *, prefix: str = "firstline:limits") -> None:
        """Count in `client`'s Redis (it stays the caller's to close), or only here when None."""
        self._memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if client is not None:
            pool: Any = client.connection_pool
            storage = RedisStorage(
                "async+redis://", implementation="redispy", key_prefix=prefix, connection_pool=pool
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)
        self._asleep_until = 0.0
        self._both = parse(PER_ADDRESS_AND_ACCOUNT)
        self._address = parse(PER_ADDRESS)
        self._account = parse(PER_ACCOUNT)

    async def count(self, address: str, email: str) -> None:
        """Count an attempt, before the password is looked at.

        Raises:
            RateLimited: when there were too many.
        """
        for item, keys in self._items(address, email):
            if not await self._hit(item, keys):
                retry_after = await self._wait(item, keys)
                log.warning("sign_in_limited", address=address, limit=str(item))
                raise RateLimited(
                    "There were too many attempts to sign in.",
                    retry_after=retry_after,
                    hint=f"Try again in {max(1, round(retry_after / 60))} min.",
                )

    async def forgive(self, address: str, email: str) -> None:
        """Forget the attempts from this address on this account, after the right password."""
        item, keys = self._items(address, email)[0]
        await self._memory.clear(item, *keys)
        await self._ask_shared(lambda limiter: limiter.clear(item, *keys))

    def _items(self, address: str, email: str) -> Sequence[tuple[RateLimitItem, tuple[str, ...]]]:
        account = hashlib.sha256(email.encode()).hexdigest()[:16]
        return (
            (self._both, ("both", address, account)),
            (self._address, ("address", address)),
            (self._account, ("account", account)),
        )

    async def _hit(self, item: RateLimitItem, keys: tuple[str, ...]) -> bool:
        allowed = await self._ask_shared(lambda limiter: limiter.hit(item, *keys))
        return allowed if allowed is not None else await self._memory.hit(item, *keys)

    async def _wait(self, item: RateLimitItem, keys: tuple[str, ...]) -> int:
        window = await self._ask_shared(lambda limiter: limiter.get_window_stats(item, *keys))
        if window is None:
            window = await self._memory.get_window_stats(item, *keys)
        left = int(window.reset_time - time.time()) + 1
        return min(max(1, left), item.get_expiry())

    async def _ask_shared(
        self, ask: "Callable[[SlidingWindowCounterRateLimiter], Awaitable[T]]"
    ) -> "T | None":
        """Ask Redis; None when it does not answer, and then it is not asked again for a while."""
        if self._shared is None or time.monotonic() < self._asleep_until:
            return None
        try:
            async with asyncio.timeout(_DEADLINE):
                return await ask(self._shared)
        except Exception as error:
            # Whatever the client raises: signing in must work without Redis, and must stay limited.
            self._asleep_until = time.monotonic() + _SLEEP
            log.warning("limits_not_shared", reason=type(error).__name__)
            return None
