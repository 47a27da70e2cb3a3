"""Limits on guessing passwords, kept in Redis; in this process alone while Redis does not answer.

A stranger must not be able to keep the right person out. So attempts are refused by where they come from,
never for what happened to the account elsewhere: a guessed account only lowers what each address has left.
A known device has a budget of its own, which nobody else can use up.
"""

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

from foundation.errors import RateLimited
from security.identity.sources import Source

log = structlog.get_logger(__name__)
PER_ADDRESS_AND_ACCOUNT = "10 per 5 minutes"
PER_ADDRESS = "60 per 5 minutes"
PER_NETWORK = "300 per 5 minutes"
PER_DEVICE = "20 per 5 minutes"
PER_CHANGE = "10 per 5 minutes"
GUESSED = "100 per hour"
"""Attempts from unknown devices on one account, after which it counts as being guessed."""
PER_ADDRESS_WHILE_GUESSED = "5 per hour"
"""What an address has on an account that is being guessed: enough for who knows the password."""
_DEADLINE = 1.0
_SLEEP = 10.0
"""Seconds for which a Redis that did not answer is left alone, so that signing in stays quick."""
_Key = tuple[RateLimitItem, tuple[str, ...]]
T = TypeVar("T")


class SignInLimits:
    """Counts attempts by address, network, account and device."""

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

    async def count(self, address: str, email: str, *, device: str | None = None) -> None:
        """Count an attempt to sign in, before the password is looked at; `device` is a known one's id.

        Raises:
            RateLimited: when there were too many from here.
        """
        if device is not None:
            await self._spend([_device(device, email)], address)
            return
        source, account = Source.of(address), _hash(email)
        await self._spend(
            [
                _both(source, account),
                (parse(PER_ADDRESS), ("address", source.unit)),
                (parse(PER_NETWORK), ("network", source.network)),
            ],
            address,
        )
        if not await self._hit(parse(GUESSED), ("account", account)):
            await self._spend([_both_while_guessed(source, account)], address)

    async def count_change(self, staff_id: str, address: str) -> None:
        """Count an attempt of somebody signed in to change their password.

        Raises:
            RateLimited: when there were too many.
        """
        await self._spend([(parse(PER_CHANGE), ("change", staff_id))], address)

    async def forgive(self, address: str, email: str, *, device: str | None = None) -> None:
        """Forget the attempts from here on this account, after the right password."""
        source, account = Source.of(address), _hash(email)
        keys = [_both(source, account), _both_while_guessed(source, account)]
        for item, key in [_device(device, email)] if device is not None else keys:
            await self._memory.clear(item, *key)
            await self._ask_shared(lambda limiter, item=item, key=key: limiter.clear(item, *key))  # type: ignore[misc]

    async def _spend(self, budgets: Sequence[_Key], address: str) -> None:
        for item, keys in budgets:
            if not await self._hit(item, keys):
                retry_after = await self._wait(item, keys)
                log.warning("sign_in_limited", address=address, limit=keys[0], budget=str(item))
                raise RateLimited(
                    "There were too many attempts to sign in.",
                    retry_after=retry_after,
                    hint=f"Try again in {max(1, round(retry_after / 60))} min.",
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


def _hash(email: str) -> str:
    return hashlib.sha256(email.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _device(device: str, email: str) -> _Key:
    return parse(PER_DEVICE), ("device", device, _hash(email))


def _both(source: Source, account: str) -> _Key:
    return parse(PER_ADDRESS_AND_ACCOUNT), ("both", source.unit, account)


def _both_while_guessed(source: Source, account: str) -> _Key:
    return parse(PER_ADDRESS_WHILE_GUESSED), ("guessed", source.unit, account)
