"""What applications tell us: stored before it is acknowledged, looked at soon after, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from actions.healing import storage
from actions.healing.detector import Detector
from actions.healing.policy import HealingPolicy
from actions.host import UnknownUser
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import FirstlineError, RateLimited

log = structlog.get_logger(__name__)
KNOWN_TYPES = frozenset(
    {"state_changed", "save_failed", "export_stuck", "migration_halted", "payment_failed", "cache_stale"}
)
"""Events of other types are counted, and nobody is looked at because of them."""
MAX_WAITING = 20_000
AT_A_TIME = 50
TRIES = 5
LEASE = timedelta(seconds=60)
RETRY = timedelta(seconds=5)


@dataclass(frozen=True)
class HostEvent:
    """Something that happened to a user in an application; `id` is the application's own."""

    id: str
    type: str
    ref: str
    parts: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True)
class Received:
    """How many events were new, how many had come before, and how many are of a type that we do not know."""

    accepted: int
    repeated: int
    unknown: int


class EventInbox:
    """Takes events in and works them off."""

    def __init__(self, database: Database, clock: Clock, looker: Detector) -> None:
        self._database = database
        self._clock = clock
        self._looker = looker
        self.news = asyncio.Event()

    async def receive(self, host: str, events: Sequence[HostEvent]) -> Received:
        """Store events, each once.

        Raises:
            RateLimited: when too many wait already.
        """
        now = self._clock.now()
        unique = {event.id: event for event in events}
        unknown = [event for event in unique.values() if event.type not in KNOWN_TYPES]
        rows = [
            {
                "host": host, "id": event.id, "type": event.type, "user_ref": event.ref,
                "parts": list(event.parts), "at": event.at, "received_at": now, "tries": 0,
                "done_at": None if event.type in KNOWN_TYPES else now,
                "note": None if event.type in KNOWN_TYPES else "unknown_type",
            }
            for event in unique.values()
        ]  # fmt: skip
        async with self._database.begin() as tx:
            if await storage.count_waiting(tx) > MAX_WAITING:
                raise RateLimited("Too many events wait already.", retry_after=30, hint="Send them again.")
            new = await storage.add_events(tx, rows)
        self.news.set()
        return Received(new, len(events) - new, len(unknown))

    async def work_off(self, policy: HealingPolicy) -> int:
        """Look at the users of waiting events, each once however many events there are; returns how many."""
        async with self._database.begin() as tx:
            waiting = await storage.lease_events(tx, self._clock.now(), LEASE, AT_A_TIME)
        room = asyncio.Semaphore(policy.scan.concurrency)

        async def one(host: str, ref: str, ids: list[str]) -> None:
            async with room:
                await self._look(host, ref, ids, policy)

        await asyncio.gather(*(one(host, ref, ids) for (host, ref), ids in waiting.items()))
        return len(waiting)

    async def _look(self, host: str, ref: str, ids: list[str], policy: HealingPolicy) -> None:
        try:
            findings = await self._looker.look(host, ref, policy, "event")
            note = "drift" if findings.drifts else "nothing"
        except UnknownUser:
            note = "unknown_user"
        except FirstlineError as error:
            log.info("event_look_failed", host=host, reason=error.code)
            async with self._database.begin() as tx:
                now = self._clock.now()
                await storage.postpone_events(tx, host, ids, now, now + RETRY, TRIES)
            return
        async with self._database.begin() as tx:
            await storage.finish_events(tx, host, ids, self._clock.now(), note)
