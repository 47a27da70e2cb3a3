"""Looks at everybody from time to time, page by page, and goes on where it stopped when a process dies."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from actions.healing import storage
from actions.healing.detector import DetectedDrifts, Detector
from actions.healing.domain import Run
from actions.healing.policy import HealingPolicy
from actions.healing.ports import HostNames, ScannableByName
from actions.host import HostUnavailable, UnknownUser
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import FirstlineError, NotFound

log = structlog.get_logger(__name__)
PAGE_TRIES = 4
PAGE_TIMEOUT = 10.0
LOOK_TRIES = 3
RETRY_SCAN = timedelta(minutes=1)
"""When to go on with a scan that had to stop, since the application did not answer."""


@dataclass(frozen=True)
class Scanned:
    """What one scan of an application brought. `complete` is false when it had to stop before the end."""

    host: str
    users: int
    unreadable: int
    drifts: int
    new: tuple[Run, ...]
    known: tuple[Run, ...]
    complete: bool
    problem: str | None


class Scanner:
    """Pages through an application's users with a few looks at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        looker: Detector,
        hosts: ScannableByName,
        names: HostNames,
        *,
        owner: str,
        lease: timedelta,
        pause: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._looker = looker
        self._hosts = hosts
        self._names = names
        self._owner = owner
        self._lease = lease
        self._pause = pause

    async def due(self, policy: HealingPolicy) -> list[Scanned]:
        """Scan the applications whose turn it is; those that another process scans are left to it."""
        if policy.scan.every_seconds == 0:
            return []
        found = [await self.scan(name, policy) for name in sorted(self._names())]
        return [one for one in found if one is not None]

    async def scan(
        self, host: str, policy: HealingPolicy, *, at_once: bool = False, dry_run: bool = False
    ) -> Scanned | None:
        """Scan one application; None when it is not due, or another process is at it."""
        async with self._database.begin() as tx:
            now = self._clock.now()
            row = await storage.lease_scan(tx, host, self._owner, now, self._lease, at_once=at_once)
        if row is None:
            return None
        found: list[DetectedDrifts] = []
        problem: str | None = None
        try:
            while True:
                refs, following = await self._page(host, row.cursor, policy.scan.page_size)
                findings, unreadable = await self._look_at(host, refs, policy, dry_run)
                found += findings
                row = await self._note_page(row, following, len(refs), unreadable, findings)
                if row is None or following is None:
                    break
        except FirstlineError as error:
            problem = error.code
        if row is None:
            return None
        return await self._end(row, policy, found, problem)

    async def _page(self, host: str, cursor: str | None, limit: int) -> tuple[Sequence[str], str | None]:
        try:
            application = self._hosts(host)
        except NotFound:
            application = None
        if application is None:
            raise NotFound("No such application is connected.", code="not_connected")
        for attempt in range(PAGE_TRIES):
            try:
                async with asyncio.timeout(PAGE_TIMEOUT):
                    page = await application.users(cursor, limit)
                return page.refs, page.next
            except (FirstlineError, TimeoutError) as error:
                if attempt + 1 == PAGE_TRIES:
                    if isinstance(error, FirstlineError):
                        raise
                    raise HostUnavailable from None
            await asyncio.sleep(self._pause * (attempt + 1))
        raise AssertionError("the loop returns or raises")

    async def _look_at(
        self, host: str, refs: Sequence[str], policy: HealingPolicy, dry_run: bool
    ) -> tuple[list[DetectedDrifts], int]:
        room = asyncio.Semaphore(policy.scan.concurrency)

        async def one(ref: str) -> DetectedDrifts | None:
            async with room:
                return await self._look(host, ref, policy, dry_run)

        found = await asyncio.gather(*(one(ref) for ref in refs))
        return [findings for findings in found if findings is not None], sum(one is None for one in found)

    async def _look(self, host: str, ref: str, policy: HealingPolicy, dry_run: bool) -> DetectedDrifts | None:
        source: Any = "command" if dry_run else "scan"
        for attempt in range(LOOK_TRIES):
            try:
                return await self._looker.look(host, ref, policy, source, dry_run=dry_run)
            except UnknownUser:
                return DetectedDrifts()
            except FirstlineError as error:
                log.info("scan_look_failed", host=host, reason=error.code)
            await asyncio.sleep(self._pause * (attempt + 1))
        return None

    async def _note_page(
        self, row: Any, following: str | None, users: int, unreadable: int, findings: Sequence[DetectedDrifts]
    ) -> Any:
        values = {
            "cursor": following,
            "users": row.users + users,
            "unreadable": row.unreadable + unreadable,
            "drifts": row.drifts + sum(one.drifts for one in findings),
            "lease_until": self._clock.now() + self._lease,
        }
        async with self._database.begin() as tx:
            return await storage.change_scan(tx, row.host, self._owner, values)

    async def _end(
        self, row: Any, policy: HealingPolicy, found: Sequence[DetectedDrifts], problem: str | None
    ) -> Scanned | None:
        now = self._clock.now()
        every = timedelta(seconds=policy.scan.every_seconds or 86_400)
        values: dict[str, Any] = {"lease_owner": None, "lease_until": None, "problem": problem}
        if problem is None:
            values |= {"finished_at": now, "cursor": None, "next_at": (row.started_at or now) + every}
        else:
            values |= {"next_at": now + min(RETRY_SCAN, every)}
        async with self._database.begin() as tx:
            ended = await storage.change_scan(tx, row.host, self._owner, values)
        if ended is None:
            return None
        log.info("scan_ended", host=row.host, users=row.users, unreadable=row.unreadable, drifts=row.drifts)
        new = tuple(run for one in found for run in one.new)
        known = tuple(run for one in found for run in one.known)
        return Scanned(row.host, row.users, row.unreadable, row.drifts, new, known, problem is None, problem)
