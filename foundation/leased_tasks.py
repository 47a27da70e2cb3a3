"""Tasks that hold a lease in PostgreSQL while they run: kept by a heartbeat, cancelled once it is lost.

A process that is killed prolongs nothing, so another takes its work up after `LEASE`. A process that cannot
reach the database ends its own tasks in time, so that nobody else is at the same work.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from foundation.clock import Clock

LEASE = timedelta(seconds=6)
HEARTBEAT = 2.0
"""Seconds after which leases are prolonged."""
_MARGIN = 1.0
Keep = Callable[[Sequence[str], datetime], Awaitable[set[str]]]
"""Prolongs the leases of these ids until then; returns the ids that are still held."""
log = structlog.get_logger(__name__)


class LeasedTasks:
    """The tasks of one process, by the id of what they work on. `keep` prolongs their leases."""

    def __init__(self, keep: Keep, clock: Clock) -> None:
        self._keep = keep
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._good_until: dict[str, float] = {}
        self.ended = asyncio.Event()
        """Set whenever a task has ended, so that there is room again."""

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, name: str, leased_at: float, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`, whose lease was taken at `leased_at` of the monotonic clock; it must not raise."""
        task = asyncio.create_task(work)
        self._tasks[name] = task
        self._good_until[name] = leased_at + LEASE.total_seconds() - _MARGIN
        task.add_done_callback(lambda done: self._forget(name, done))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("leased_task_failed", reason=type(error).__name__)
        if self._tasks.get(name) is task:
            del self._tasks[name]
            self._good_until.pop(name, None)
        self.ended.set()

    async def keep_for_ever(self) -> None:
        """Prolong the leases of all tasks every two seconds; to be run as a task of its own."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            await self.beat()

    async def beat(self) -> None:
        """Prolong once; cancel the tasks whose lease is lost, or may be since nothing is heard."""
        names = list(self._tasks)
        begun = time.monotonic()
        with contextlib.suppress(Exception):
            if names:
                async with asyncio.timeout(HEARTBEAT):
                    held = await self._keep(names, self._clock.now() + LEASE)
                for name in names:
                    until = begun + LEASE.total_seconds() - _MARGIN if name in held else 0.0
                    if name in self._good_until:
                        self._good_until[name] = until
        for name, until in list(self._good_until.items()):
            if time.monotonic() >= until and name in self._tasks:
                log.warning("lease_lost", work=name)
                self._tasks[name].cancel()

    async def stop(self) -> None:
        """Cancel all tasks and wait for them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
