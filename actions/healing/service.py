"""Self-healing as a whole: what runs in the background, and what runs when somebody asks for it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from actions.healing import run_storage, storage
from actions.healing.control import HealingControl
from actions.healing.domain import Run
from actions.healing.event_inbox import EventInbox
from actions.healing.policy import HealingPolicyFile
from actions.healing.ports import HostNames
from actions.healing.run_worker import RunWorker
from actions.healing.scanner import Scanned, Scanner
from actions.healing.settlement import Settlement
from foundation.clock import Clock
from foundation.database import Database

log = structlog.get_logger(__name__)
KEEP_EVENTS = timedelta(days=7)


@dataclass(frozen=True)
class Pace:
    """Seconds between looks for work and before a scan asks again; how many runs are worked on at once."""

    poll: float = 1.0
    scan_poll: float = 5.0
    at_a_time: int = 4
    retry: float = 1.0


class Healing:
    """The reconciler."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        policy: HealingPolicyFile,
        inbox: EventInbox,
        scanner: Scanner,
        worker: RunWorker,
        record: Settlement,
        names: HostNames,
        pace: Pace,
    ) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self.inbox = inbox
        self.overview = HealingControl(database, clock, policy)
        self._scanner = scanner
        self._worker = worker
        self._record = record
        self._names = names
        self._pace = pace
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work in the background."""
        pace = self._pace
        for name, once, every, news in (
            ("events", self.work_on_events, pace.poll, self.inbox.news),
            ("runs", self.work_on_runs, pace.poll, None),
            ("scans", self._scan_when_due, pace.scan_poll, None),
        ):
            self._tasks.append(asyncio.create_task(_for_ever(name, once, every, news)))

    async def stop(self) -> None:
        """End; what was begun is taken up by whoever runs next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def work_on_events(self) -> int:
        """Look at users about whom an application told something; returns how many."""
        policy = self._policy.current()
        return 0 if policy is None else await self.inbox.work_off(policy)

    async def work_on_runs(self) -> int:
        """Take runs that are due a step further, several at a time; returns how many."""
        taken = await self._worker.take(self._pace.at_a_time)
        ended = await asyncio.gather(*(self._worker.work(run) for run in taken), return_exceptions=True)
        closed = [result for result in ended if isinstance(result, Run)]
        for result in ended:
            if isinstance(result, BaseException):
                log.error("healing_run_failed", reason=type(result).__name__)
        await self._tell(closed)
        return len(taken)

    async def _tell(self, closed: Sequence[Run]) -> None:
        """Tell at once; what does not work now is told by `tidy` later."""
        try:
            for run in closed:
                await self._record.settle(run)
            if any(run.status in ("failed", "rolled_back") for run in closed):
                await self._record.open_cases()
        except Exception as error:
            log.warning("healing_not_told", reason=type(error).__name__)

    async def _scan_when_due(self) -> int:
        policy = self._policy.current()
        if policy is not None:
            await self._scanner.due(policy)
        return 0

    async def tidy(self) -> None:
        """Settle what was closed and not told, open cases that are due, forget old events (scheduled)."""
        await self._record.leftovers()
        await self._record.open_cases()
        async with self._database.begin() as tx:
            await storage.forget_events(tx, self._clock.now() - KEEP_EVENTS)

    async def scan(self, *, dry_run: bool, hosts: Sequence[str] | None = None) -> list[Scanned]:
        """Look at all users now. What is found is worked on in the background, or by `finish`.

        Raises:
            HealingPolicyInvalid: when the policy cannot be used.
        """
        policy = self._policy.required()
        found = []
        for name in sorted(hosts or self._names()):
            scanned = await self._scanner.scan(name, policy, at_once=True, dry_run=dry_run)
            if scanned is not None:
                found.append(scanned)
        return found

    async def finish(self, runs: Sequence[Run], within: float) -> list[Run]:
        """Work until these runs have ended, or `within` seconds; returns them as they are then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while any(run.is_open for run in await self.runs_of(runs)):
                    if not await self.work_on_runs():
                        await asyncio.sleep(min(0.2, self._pace.poll))
        return await self.runs_of(runs)

    async def runs_of(self, runs: Sequence[Run]) -> list[Run]:
        """Read runs again."""
        async with self._database.connect() as connection:
            found = [await run_storage.find(connection, run.id) for run in runs]
        return [run for run in found if run is not None]


async def _for_ever(
    name: str, once: Callable[[], Awaitable[int]], every: float, news: asyncio.Event | None
) -> None:
    """Call `once` again and again; at once while there is work, else after a while or when there is news."""
    while True:
        worked = 0
        try:
            worked = await once()
        except Exception as error:
            log.warning("healing_loop_failed", loop=name, reason=type(error).__name__)
        if worked:
            continue
        if news is None:
            await asyncio.sleep(every)
            continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every):
                await news.wait()
        news.clear()
