"""Sends deliveries from PostgreSQL to their destinations, a bounded number at a time."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from foundation import backoff
from foundation.clock import Clock
from foundation.database import Database, Lane, Transaction, always_on_lane, on_lane
from foundation.ids import new_id
from foundation.leased_tasks import LEASE, LeasedTasks
from foundation.outbox import dead_letters, storage
from foundation.outbox.arrivals import Arrivals
from foundation.outbox.model import Busy, Deliver, Delivery, Limits, Refused, Unanswered
from foundation.outbox.storage import Circuit

log = structlog.get_logger(__name__)
POLL = 1.0
"""Seconds between looks at what is due, when nobody wakes the outbox."""
AT_A_TIME = 64
"""Deliveries under way in one process; their payloads are all that is held in memory."""
KEEP = timedelta(days=7)
"""How long what has arrived is known, so that the same is not sent again."""
_TAKE_OVER_EVERY = timedelta(seconds=1)
_TIDY_EVERY = 60.0
_LET_GO = 2.0
Observer = Callable[[str, str], None]
"""Told of each end of an attempt: the destination, and `delivered`, `retried`, `busy` or `dead`."""


class Outbox:
    """Sends what is due to the destinations it knows.

    At least once: what a process had under way when it died is taken up by another after six seconds, and
    looked for at the destination first. Others' deliveries are left alone.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        destinations: Mapping[str, Deliver],
        *,
        limits: Mapping[str, Limits] | None = None,
        observer: Observer = lambda destination, end: None,
        poll: float = POLL,
    ) -> None:
        self._database = database
        self._clock = clock
        self._destinations = destinations
        self._limits = limits or {}
        self._observer = observer
        self._poll = poll
        self.owner = new_id("wrk")
        self._under_way: Counter[str] = Counter()
        self._tasks = LeasedTasks(always_on_lane(Lane.RESERVED, self._keep), clock)
        self._background: list[asyncio.Task[None]] = []
        self._tidied = time.monotonic()
        self._take_over_at = clock.now()
        self._arrivals = Arrivals(database, clock)

    async def start(self) -> None:
        """Begin to send."""
        with on_lane(Lane.RESERVED):
            self._background = [asyncio.create_task(self._tasks.keep_for_ever())]
        with on_lane(Lane.TURNS):
            self._background.append(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        """Stop; what is under way is given back, and looked for before it is sent again."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _LET_GO):
                await self._tasks.stop()

    def wake(self) -> None:
        """Look now: a delivery was added and its transaction committed."""
        self._tasks.ended.set()

    async def send_due(self) -> int:
        """Take what is due and begin to send it; returns how many deliveries that were."""
        if self._clock.now() >= self._take_over_at:
            self._take_over_at = self._clock.now() + _TAKE_OVER_EVERY
            async with self._database.begin() as tx:
                if await storage.take_over(tx, self._clock.now()):
                    log.info("deliveries_taken_over")
        async with self._database.connect() as connection:
            circuits = await storage.circuits(connection, list(self._destinations))
        return sum([await self._send_to(circuit) for circuit in circuits])

    async def idle(self) -> None:
        """Wait until this process has nothing under way."""
        while len(self._tasks):
            self._tasks.ended.clear()
            if len(self._tasks):
                await self._tasks.ended.wait()

    def _limits_of(self, destination: str) -> Limits:
        return self._limits.get(destination, _DEFAULT)

    async def _send_to(self, circuit: Circuit) -> int:
        limits, now = self._limits_of(circuit.name), self._clock.now()
        room = min(limits.at_once - self._under_way[circuit.name], AT_A_TIME - len(self._tasks))
        if room <= 0 or (circuit.closed_until is not None and circuit.closed_until > now):
            return 0
        begun, on_trial = time.monotonic(), circuit.failures >= limits.failures
        async with self._database.begin() as tx:
            if on_trial:
                await storage.lock_destination(tx, circuit.name)
                room = 1 - await storage.under_way(tx, circuit.name)
            taken = await storage.take(tx, self.owner, circuit.name, now, LEASE, room) if room > 0 else []
        for one in taken:
            self._under_way[circuit.name] += 1
            self._tasks.begin(one.id, begun, self._send(one, on_trial=on_trial))
        return len(taken)

    async def _run(self) -> None:
        while True:
            self._tasks.ended.clear()
            try:
                sent = await self.send_due()
                await self._tidy()
            except Exception as error:
                log.warning("deliveries_not_taken", reason=type(error).__name__)
                sent = 0
            if not sent:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._tasks.ended.wait()

    async def _tidy(self) -> None:
        if time.monotonic() - self._tidied >= _TIDY_EVERY:
            self._tidied = time.monotonic()
            async with self._database.begin() as tx:
                await dead_letters.forget(tx, self._clock.now() - KEEP)

    async def _keep(self, ids: Sequence[str], until: datetime) -> set[str]:
        async with self._database.begin() as tx:
            return await storage.keep(tx, self.owner, ids, until)

    async def _send(self, one: Delivery, *, on_trial: bool) -> None:
        try:
            await self._attempt(one, on_trial=on_trial)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_LET_GO), self._database.begin() as tx:
                    now = self._clock.now()
                    await storage.postpone(tx, one, now, tries=one.tries, problem=one.problem)
            raise
        except Exception as error:
            # The lease ends by itself; whoever takes it up then looks at the destination first.
            log.warning("delivery_end_not_noted", delivery=one.id, reason=type(error).__name__)
        finally:
            self._under_way[one.destination] -= 1

    async def _attempt(self, one: Delivery, *, on_trial: bool) -> None:
        limits = self._limits_of(one.destination)
        try:
            async with asyncio.timeout(limits.timeout):
                remote_id = await self._offer(one)
        except Refused as error:
            await self._refused(one, error.problem)
        except Busy as error:
            await self._busy(one, min(max(error.seconds, 0.0), limits.longest_wish), error.problem)
        except Unanswered as error:
            await self._failed(one, limits, error.problem, on_trial=on_trial)
        except Exception as error:
            await self._failed(one, limits, type(error).__name__, on_trial=on_trial)
        else:
            await self._arrivals.note(one, remote_id)
            self._observer(one.destination, "delivered")

    async def _offer(self, one: Delivery) -> str | None:
        destination = self._destinations[one.destination]
        if one.attempts > 1:
            found = await destination.find(one)
            if found is not None:
                return found
        return await destination.deliver(one)

    async def _refused(self, one: Delivery, problem: str) -> None:
        # An answer all the same: the destination works.
        now = self._clock.now()
        async with self._database.begin() as tx:
            await storage.bury(tx, one, problem[:200], now)
            await storage.succeeded(tx, one.destination, now)
        log.error("delivery_refused", destination=one.destination, delivery=one.id)
        self._observer(one.destination, "dead")

    async def _busy(self, one: Delivery, seconds: float, problem: str) -> None:
        until = self._clock.now() + timedelta(seconds=seconds)
        async with self._database.begin() as tx:
            await storage.postpone(tx, one, until, tries=one.tries, problem=problem[:200])
            await storage.pause(tx, one.destination, until, problem[:200])
        self._observer(one.destination, "busy")

    async def _failed(self, one: Delivery, limits: Limits, problem: str, *, on_trial: bool) -> None:
        now = self._clock.now()
        # A destination that answers nobody says nothing about this delivery.
        tries = one.tries if on_trial else one.tries + 1
        dead = tries >= limits.tries or now - one.created_at > limits.keep_trying
        async with self._database.begin() as tx:
            if dead:
                await storage.bury(tx, one, problem[:200], now)
            else:
                wait = backoff.delay(one.attempts, limits.first_delay, limits.longest_delay)
                due_at = now + timedelta(seconds=wait)
                await storage.postpone(tx, one, due_at, tries=tries, problem=problem[:200])
            await self._count_failure(tx, one.destination, limits, problem[:200])
        self._arrivals.failed(one.destination)
        log.warning("delivery_failed", destination=one.destination, delivery=one.id, dead=dead)
        self._observer(one.destination, "dead" if dead else "retried")

    async def _count_failure(self, tx: Transaction, destination: str, limits: Limits, problem: str) -> None:
        failures = await storage.failed(tx, destination, problem)
        if failures >= limits.failures:
            pause = backoff.delay(failures - limits.failures + 1, limits.first_pause, limits.longest_pause)
            await storage.pause(tx, destination, self._clock.now() + timedelta(seconds=pause), problem)


_DEFAULT = Limits()
