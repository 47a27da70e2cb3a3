"""Works on the jobs of PostgreSQL in this process, a bounded number at a time."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from foundation import backoff
from foundation.clock import Clock
from foundation.database import Database, Lane, always_on_lane, on_lane
from foundation.ids import new_id
from foundation.jobs import storage
from foundation.jobs.model import GiveUp, Job, Kind, RetryLater
from foundation.leased_tasks import LEASE, LeasedTasks

log = structlog.get_logger(__name__)
POLL = 1.0
"""Seconds between looks at what is due, when nobody wakes the runner."""
AT_A_TIME = 8
"""Jobs at work in one process."""
_LET_GO = 2.0
Observer = Callable[[str, str], None]
"""Told of each end of a try: the kind, and `done`, `retried` or `dead`."""


class JobRunner:
    """Takes up jobs of the kinds it knows; what a dead process had begun is taken up after six seconds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        kinds: Iterable[Kind],
        *,
        observer: Observer = lambda kind, end: None,
        poll: float = POLL,
        at_a_time: int = AT_A_TIME,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kinds: Mapping[str, Kind] = {kind.name: kind for kind in kinds}
        self._observer = observer
        self._poll = poll
        self._at_a_time = at_a_time
        self.owner = new_id("wrk")
        self._working: Counter[str] = Counter()
        self._tasks = LeasedTasks(always_on_lane(Lane.RESERVED, self._keep), clock)
        self._stopping = False
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work, once the schedules have been put into the database."""
        with on_lane(Lane.RESERVED):
            self._background = [asyncio.create_task(self._tasks.keep_for_ever())]
        with on_lane(Lane.TURNS):
            self._background.append(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        """Stop what is at work and give it back, so that the next process takes it up at once."""
        self._stopping = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _LET_GO):
                await self._tasks.stop()

    def wake(self) -> None:
        """Look now: a job was added and its transaction committed."""
        self._tasks.ended.set()

    async def enter_schedules(self) -> None:
        """Add the one job of each kind that has a schedule; those of schedules that are no more go."""
        async with self._database.begin() as tx:
            await storage.forget_schedules(tx, list(self._kinds))
            for kind in self._kinds.values():
                if kind.every is not None:
                    name = f"schedule:{kind.name}"
                    await storage.add(tx, kind.name, {}, now=self._clock.now(), key=name, once=name)

    async def work_off(self) -> int:
        """Take what is due, and begin on it; returns how many jobs that were."""
        room = {name: kind.at_once - self._working[name] for name, kind in self._kinds.items()}
        limit = self._at_a_time - len(self._tasks)
        if limit <= 0 or self._stopping:
            return 0
        begun = time.monotonic()
        async with self._database.begin() as tx:
            taken = await storage.take(tx, self.owner, room, self._clock.now(), LEASE, limit)
        for job in taken:
            self._working[job.kind] += 1
            self._tasks.begin(job.id, begun, self._work(job))
        return len(taken)

    async def idle(self) -> None:
        """Wait until nothing of this process is at work."""
        while len(self._tasks):
            self._tasks.ended.clear()
            if len(self._tasks):
                await self._tasks.ended.wait()

    async def _run(self) -> None:
        entered = False
        while True:
            self._tasks.ended.clear()
            try:
                if not entered:
                    await self.enter_schedules()
                    entered = True
                worked = await self.work_off()
            except Exception as error:
                log.warning("jobs_not_taken", reason=type(error).__name__)
                worked = 0
            if not worked:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._tasks.ended.wait()

    async def _keep(self, ids: Sequence[str], until: datetime) -> set[str]:
        async with self._database.begin() as tx:
            return await storage.keep(tx, self.owner, ids, until)

    async def _work(self, job: Job) -> None:
        kind = self._kinds[job.kind]
        try:
            if job.cancelled:
                await self._end(job, storage.done)
            elif job.tries > kind.tries:
                # Each try that ended with the death of the process was counted when it began.
                await self._failed(job, kind, job.problem or "process_died", last=True)
            else:
                await self._try(job, kind)
        except asyncio.CancelledError:
            await self._interrupted(job)
            raise
        except Exception as error:
            # The lease ends by itself and somebody takes the job up again.
            log.warning("job_end_not_noted", kind=job.kind, job=job.id, reason=type(error).__name__)
        finally:
            self._working[job.kind] -= 1

    async def _try(self, job: Job, kind: Kind) -> None:
        try:
            async with asyncio.timeout(kind.timeout):
                await kind.handler(job)
        except GiveUp as error:
            await self._failed(job, kind, error.problem, last=True)
        except RetryLater as error:
            await self._failed(job, kind, error.problem, wait=error.seconds)
        except Exception as error:
            await self._failed(job, kind, type(error).__name__)
        else:
            self._observer(kind.name, "done")
            if kind.every is None:
                await self._end(job, storage.done)
            else:
                await self._wait(job, kind.every, tries=0, problem=None)

    async def _failed(
        self, job: Job, kind: Kind, problem: str, *, wait: float | None = None, last: bool = False
    ) -> None:
        last = last or job.tries >= kind.tries
        log.warning("job_failed", kind=job.kind, job=job.id, tries=job.tries, reason=problem, last=last)
        self._observer(kind.name, "dead" if last and kind.every is None else "retried")
        if not last:
            seconds = backoff.delay(job.tries, kind.first_delay, kind.longest_delay) if wait is None else wait
            await self._wait(job, timedelta(seconds=seconds), tries=job.tries, problem=problem)
        elif kind.every is not None:
            await self._wait(job, kind.every, tries=0, problem=problem)
        else:
            await self._end(job, lambda tx, one: storage.bury(tx, one, problem))

    async def _wait(self, job: Job, after: timedelta, *, tries: int, problem: str | None) -> None:
        due_at = self._clock.now() + after
        await self._end(job, lambda tx, one: storage.wait(tx, one, due_at, tries=tries, problem=problem))

    async def _end(self, job: Job, how: Callable[[Any, Job], Any]) -> None:
        async with self._database.begin() as tx:
            if not await how(tx, job):
                log.warning("job_taken_over", kind=job.kind, job=job.id)

    async def _interrupted(self, job: Job) -> None:
        """Stopped from outside: the process ends, the lease is lost, or somebody has cancelled the job."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_LET_GO), self._database.begin() as tx:
                if await storage.is_cancelled(tx, job):
                    await storage.done(tx, job)
                else:
                    again = job.tries - 1
                    await storage.wait(tx, job, self._clock.now(), tries=again, problem=job.problem)
