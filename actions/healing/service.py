"""Self-healing as a whole: what runs in the background, and what people can ask and tell it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from actions.healing import run_storage, storage
from actions.healing.domain import Breaker, Run, tally
from actions.healing.inbox import Inbox
from actions.healing.policy import PolicyFile
from actions.healing.ports import HostNames
from actions.healing.record import Record
from actions.healing.scanning import Scanned, Scanner
from actions.healing.storage import Switch
from actions.healing.working import Worker
from bot.foundation.clock import Clock
from bot.foundation.database import Database

log = structlog.get_logger(__name__)
KEEP_EVENTS = timedelta(days=7)


@dataclass(frozen=True)
class Pace:
    """Seconds between looks for work, and how many runs are worked on at a time."""

    poll: float = 1.0
    scan_poll: float = 5.0
    leftovers: float = 15.0
    at_a_time: int = 4


@dataclass(frozen=True)
class HealingStatus:
    """How self-healing stands. `problem` says why the policy cannot be used."""

    enabled: bool
    problem: str | None
    policy: str | None
    workflows: dict[str, str]
    switch: Switch
    counts: dict[str, int]
    breakers: list[Breaker]
    scans: list[dict[str, Any]]
    events_waiting: int

    @property
    def active(self) -> bool:
        """Whether anything would be applied now."""
        return self.enabled and not self.switch.stopped


class Healing:
    """The reconciler."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        policy: PolicyFile,
        inbox: Inbox,
        scanner: Scanner,
        worker: Worker,
        record: Record,
        names: HostNames,
        pace: Pace,
    ) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self.inbox = inbox
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
            ("leftovers", self._tidy, pace.leftovers, None),
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
        """Tell at once; what does not work now is told by `_tidy` later."""
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

    async def _tidy(self) -> int:
        await self._record.leftovers()
        await self._record.open_cases()
        async with self._database.begin() as tx:
            await storage.forget_events(tx, self._clock.now() - KEEP_EVENTS)
        return 0

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

    async def runs(self, limit: int, status: str | None = None) -> list[Run]:
        """Return the newest runs; `open` stands for those that have not ended."""
        async with self._database.connect() as connection:
            return await run_storage.latest(connection, limit, status=status)

    async def set_switch(self, *, stopped: bool, by: str, reason: str | None = None) -> Switch:
        """Stop, or start again, everything in every process: no act begins after this returns."""
        value = Switch(stopped, by, reason, self._clock.now())
        async with self._database.begin() as tx:
            # Waits for decisions that are being made: none that was made before is begun after.
            await run_storage.lock_acts(tx)
            await storage.write_switch(tx, value)
        log.warning("healing_switch", stopped=stopped, by=by)
        return value

    async def status(self) -> HealingStatus:
        """Tell how it stands."""
        policy = self._policy.current()
        async with self._database.connect() as connection:
            switch = await storage.read_switch(connection)
            breakers = await storage.all_breakers(connection)
            scans = [dict(row._mapping) for row in await storage.all_scans(connection)]
            waiting = await storage.count_waiting(connection)
            counted = await run_storage.count(connection, None, None)
        modes: dict[str, str] = (
            {key: rules.mode for key, rules in policy.file.workflows.items()} if policy else {}
        )
        return HealingStatus(
            enabled=policy is not None and policy.enabled,
            problem=self._policy.problem,
            policy=policy.digest if policy else None,
            workflows=modes,
            switch=switch,
            counts=tally(_sums(counted)),
            breakers=breakers,
            scans=scans,
            events_waiting=waiting,
        )

    async def report(self, since: datetime | None = None, until: datetime | None = None) -> dict[str, Any]:
        """Account for every drift found in a span of time: `found` is the sum of the other figures."""
        async with self._database.connect() as connection:
            counted = await run_storage.count(connection, since, until)
            events = await storage.count_events(connection)
            breakers = await storage.all_breakers(connection)
        workflows: dict[str, dict[str, int]] = {}
        reasons: dict[str, int] = {}
        for workflow, status, reason, number in counted:
            by_status = workflows.setdefault(workflow, {})
            by_status[status] = by_status.get(status, 0) + number
            if reason is not None:
                key = f"{status}: {reason}"
                reasons[key] = reasons.get(key, 0) + number
        return {
            **tally(_sums(counted)),
            "workflows": {name: tally(counts) for name, counts in workflows.items()},
            "reasons": reasons,
            "events": _events(events),
            "breakers": [
                {"host": one.host, "workflow": one.workflow, "state": one.state, "opened": one.opened,
                 "case": one.case_id}
                for one in breakers
            ],
        }  # fmt: skip


def _sums(counted: Sequence[tuple[str, str, str | None, int]]) -> Mapping[str, int]:
    sums: dict[str, int] = {}
    for _, status, _, number in counted:
        sums[status] = sums.get(status, 0) + number
    return sums


def _events(counted: Sequence[tuple[str, str | None, int]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for kind, note, number in counted:
        found.setdefault(kind, {})[note or "waiting"] = number
    return found


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
