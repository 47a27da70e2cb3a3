"""Jobs: tried again, one of a key at a time, on a schedule, a bounded number, and visible when dead."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from foundation.clock import FixedClock
from foundation.database import Database
from foundation.jobs import GiveUp, Job, JobRunner, Kind, RetryLater, add, storage
from foundation.jobs.storage import jobs

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


class Work:
    """A handler that does what its script says, and knows how many of it run at the same time."""

    def __init__(self, *script: Exception) -> None:
        self.script = list(script)
        self.done: list[Any] = []
        self.now = self.most = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, job: Job) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.script:
                raise self.script.pop(0)
            self.done.append(job.payload.get("n", job.kind))
        finally:
            self.now -= 1


def make(database: Database, clock: FixedClock, work: Work, **settings: Any) -> JobRunner:
    return JobRunner(database, clock, [Kind("mail", work, **settings)], at_a_time=20)


async def put(database: Database, clock: FixedClock, *numbers: int, **settings: Any) -> list[str | None]:
    async with database.begin() as tx:
        return [await add(tx, "mail", {"n": n}, now=clock.now(), **settings) for n in numbers]


async def round_(runner: JobRunner) -> int:
    count = 0
    while taken := await runner.work_off():
        count += taken
        await runner.idle()
    return count


async def rows(database: Database) -> list[Any]:
    async with database.connect() as connection:
        return list(await connection.execute(sa.select(jobs).order_by(jobs.c.id)))


async def test_done_is_forgotten(database: Database, clock: FixedClock) -> None:
    work = Work()
    await put(database, clock, 1, 2)
    assert await round_(make(database, clock, work)) == 2
    assert sorted(work.done) == [1, 2]
    assert await rows(database) == []


async def test_not_before_its_time(database: Database, clock: FixedClock) -> None:
    runner = make(database, clock, Work())
    await put(database, clock, 1, due_at=clock.now() + timedelta(minutes=5))
    clock.advance(299)
    assert await round_(runner) == 0
    clock.advance(2)
    assert await round_(runner) == 1


async def test_back_off_grows_then_it_is_dead_and_can_be_tried_again(
    database: Database, clock: FixedClock
) -> None:
    work = Work(*[ValueError("a secret")] * 4)
    runner = make(database, clock, work, tries=4, first_delay=10, longest_delay=30)
    [job_id] = await put(database, clock, 1)
    assert job_id is not None
    waits = []
    for _ in range(3):
        assert await round_(runner) == 1
        [row] = await rows(database)
        assert (row.status, row.problem) == ("waiting", "ValueError")
        waits.append((row.due_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert 5 <= waits[0] <= 10 <= waits[1] <= 20
    assert 15 <= waits[2] <= 30
    await round_(runner)
    [row] = await rows(database)
    assert (row.status, row.tries) == ("dead", 4)
    async with database.begin() as tx:
        [figures] = await storage.figures(tx)
        assert (figures.dead, figures.waiting) == (1, 0)
        assert await storage.revive(tx, job_id, clock.now())
        assert not await storage.revive(tx, "job_unknown", clock.now())
    await round_(runner)
    assert work.done == [1]


async def test_the_handler_decides_on_time_and_end(database: Database, clock: FixedClock) -> None:
    runner = make(database, clock, Work(RetryLater(77, "busy"), GiveUp("no_such_user")))
    await put(database, clock, 1)
    await round_(runner)
    [row] = await rows(database)
    assert row.due_at == clock.now() + timedelta(seconds=77)
    clock.advance(77)
    await round_(runner)
    [row] = await rows(database)
    assert (row.status, row.problem) == ("dead", "no_such_user")


async def test_a_try_has_a_time_limit(database: Database, clock: FixedClock) -> None:
    work = Work()
    work.gate = asyncio.Event()
    await put(database, clock, 1)
    runner = make(database, clock, work, timeout=0.05)
    await runner.work_off()
    await runner.idle()
    [row] = await rows(database)
    assert (row.status, row.problem) == ("waiting", "TimeoutError")


async def test_one_of_a_key_at_a_time_over_two_processes(database: Database, clock: FixedClock) -> None:
    work = Work()
    work.gate = asyncio.Event()
    await put(database, clock, *range(6), key="user-1")
    await put(database, clock, 100, key="user-2")
    two = [make(database, clock, work, at_once=20) for _ in range(2)]
    taken = await asyncio.gather(*(runner.work_off() for runner in two), *(one.work_off() for one in two))
    assert sum(taken) == 2, "one of each key"
    work.gate.set()
    for _ in range(6):
        await asyncio.gather(*(round_(runner) for runner in two))
    assert work.most == 2
    assert sorted(work.done) == [0, 1, 2, 3, 4, 5, 100]


async def test_a_bounded_number_at_once(database: Database, clock: FixedClock) -> None:
    work = Work()
    work.gate = asyncio.Event()
    await put(database, clock, *range(10))
    runner = make(database, clock, work, at_once=3)
    assert await runner.work_off() == 3
    assert await runner.work_off() == 0
    work.gate.set()
    await runner.idle()
    await round_(runner)
    assert work.most == 3
    assert len(work.done) == 10


async def test_a_full_kind_holds_up_no_other(database: Database, clock: FixedClock) -> None:
    slow, quick = Work(), Work()
    slow.gate = asyncio.Event()
    runner = JobRunner(database, clock, [Kind("slow", slow, at_once=1), Kind("quick", quick)])
    async with database.begin() as tx:
        for _ in range(300):
            await add(tx, "slow", {}, now=clock.now())
        await add(tx, "quick", {}, now=clock.now())
    await runner.work_off()
    await runner.work_off()
    slow.gate.set()
    await runner.idle()
    assert quick.done == ["quick"]


async def test_once_while_unfinished(database: Database, clock: FixedClock) -> None:
    assert (await put(database, clock, 1, once="reindex"))[0] is not None
    assert await put(database, clock, 2, once="reindex") == [None]
    await round_(make(database, clock, Work()))
    assert (await put(database, clock, 3, once="reindex"))[0] is not None


async def test_a_dead_process_s_job_is_taken_up_after_its_lease(
    database: Database, clock: FixedClock
) -> None:
    await put(database, clock, 1, key="k")
    async with database.begin() as tx:
        [held] = await storage.take(tx, "wrk_dead", {"mail": 1}, clock.now(), timedelta(seconds=6), 1)
    runner = make(database, clock, work := Work())
    clock.advance(5)
    assert await round_(runner) == 0
    clock.advance(2)
    assert await round_(runner) == 1
    assert work.done == [1]
    async with database.begin() as tx:
        assert not await storage.done(tx, held)


async def test_what_kills_its_process_each_time_is_dead_in_the_end(
    database: Database, clock: FixedClock
) -> None:
    await put(database, clock, 1)
    for _ in range(3):
        async with database.begin() as tx:
            assert await storage.take(tx, "wrk_dead", {"mail": 1}, clock.now(), timedelta(seconds=6), 1)
        clock.advance(7)
    runner = make(database, clock, work := Work(), tries=3)
    await round_(runner)
    [row] = await rows(database)
    assert (row.status, row.problem, work.done) == ("dead", "process_died", [])


async def test_a_schedule_is_one_job_for_all_processes_and_never_dead(
    database: Database, clock: FixedClock
) -> None:
    work = Work(*[OSError()] * 2)
    two = [make(database, clock, work, tries=2, first_delay=5, every=timedelta(minutes=1)) for _ in range(2)]
    for runner in two:
        await runner.enter_schedules()
    assert len(await rows(database)) == 1
    await round_(two[0])
    clock.advance(5)
    await round_(two[1])
    [row] = await rows(database)
    assert (row.status, row.tries, row.problem) == ("waiting", 0, "OSError")
    assert row.due_at == clock.now() + timedelta(minutes=1)
    clock.advance(60)
    assert [await round_(runner) for runner in two] == [1, 0]
    [row] = await rows(database)
    assert (work.done, row.problem) == (["mail"], None)


async def test_a_schedule_that_is_no_more_goes(database: Database, clock: FixedClock) -> None:
    await make(database, clock, Work(), every=timedelta(minutes=1)).enter_schedules()
    await JobRunner(database, clock, []).enter_schedules()
    assert await rows(database) == []


async def test_stopping_gives_back_what_was_begun(database: Database, clock: FixedClock) -> None:
    work = Work()
    work.gate = asyncio.Event()
    await put(database, clock, 1)
    runner = make(database, clock, work)
    await runner.work_off()
    await asyncio.sleep(0)
    await runner.stop()
    [row] = await rows(database)
    assert (row.status, row.tries, row.lease_owner) == ("waiting", 0, None)
    work.gate.set()
    assert await round_(make(database, clock, work)) == 1


async def test_cancelling_stops_what_waits_and_what_is_at_work(database: Database, clock: FixedClock) -> None:
    work = Work()
    work.gate = asyncio.Event()
    [first, second] = await put(database, clock, 1, 2, key="k")
    assert first is not None
    assert second is not None
    runner = make(database, clock, work)
    await runner.work_off()
    async with database.begin() as tx:
        assert await storage.cancel(tx, second)
        assert await storage.cancel(tx, first)
        assert not await storage.cancel(tx, "job_unknown")
    await runner._tasks.beat()
    await runner.idle()
    assert await rows(database) == []
    assert work.done == []


async def test_the_lease_is_kept_while_it_works(database: Database, clock: FixedClock) -> None:
    work = Work()
    work.gate = asyncio.Event()
    await put(database, clock, 1)
    runner = make(database, clock, work)
    await runner.work_off()
    for _ in range(5):
        clock.advance(4)
        await runner._tasks.beat()
        assert await make(database, clock, Work()).work_off() == 0
    work.gate.set()
    await runner.idle()
    assert work.done == [1]


async def test_started_it_works_until_it_is_stopped(
    database: Database, clock: FixedClock, eventually: Eventually
) -> None:
    ends: list[tuple[str, str]] = []
    work = Work(ValueError())
    runner = JobRunner(
        database,
        clock,
        [Kind("mail", work, first_delay=0)],
        observer=lambda *end: ends.append(end),
        poll=0.02,
    )
    await runner.start()
    await put(database, clock, 1)
    runner.wake()

    async def is_done() -> bool:
        return bool(work.done)

    await eventually(is_done)
    await runner.stop()
    assert ends == [("mail", "retried"), ("mail", "done")]
