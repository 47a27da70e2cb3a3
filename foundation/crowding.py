"""How much one may do at the same moment in this process: tokens that refill, places, and lanes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager


class Bucket:
    """`at_once` tokens that refill by `per_second`."""

    def __init__(
        self, per_second: float, at_once: float, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._now = now
        self._tokens = at_once
        self._at = now()

    def take(self) -> float:
        """Take a token: 0 when there was one, else the seconds until there is one (then none is taken)."""
        now = self._now()
        self._tokens = min(self._at_once, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second


class Full(Exception):
    """There is no place left: for this key, or in all."""


class Places:
    """Places that are held for a while: `each` for one key, `in_all` for everybody together."""

    def __init__(self, each: int, in_all: int | None = None) -> None:
        self._each = each
        self._in_all = in_all
        self._held: Counter[str] = Counter()
        self._total = 0

    @property
    def held(self) -> int:
        """How many are held now."""
        return self._total

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            Full: when there is none.
        """
        if self._held[key] >= self._each or (self._in_all is not None and self._total >= self._in_all):
            raise Full
        self._held[key] += 1
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


class Lanes:
    """Lets `width` of one key through at a time; `waiting` more queue up (all of them when None)."""

    def __init__(self, width: int, waiting: int | None) -> None:
        self._width = width
        self._waiting = waiting
        self._open: dict[str, tuple[asyncio.Semaphore, list[int]]] = {}

    @asynccontextmanager
    async def through(self, key: str) -> AsyncIterator[None]:
        """Wait for one's turn and hold it while the block runs.

        Raises:
            Full: when too many wait already.
        """
        turns, inside = self._open.setdefault(key, (asyncio.Semaphore(self._width), [0]))
        if self._waiting is not None and inside[0] >= self._width + self._waiting:
            raise Full
        inside[0] += 1
        try:
            async with turns:
                yield
        finally:
            inside[0] -= 1
            if not inside[0]:
                self._open.pop(key, None)
