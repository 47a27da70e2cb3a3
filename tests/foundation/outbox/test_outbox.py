"""The outbox: nothing lost, nothing doubled, in order by key, whatever the destination does."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from foundation.clock import FixedClock, SystemClock
from foundation.database import Database
from foundation.errors import TooLarge
from foundation.outbox import Busy, Delivery, Limits, Outbox, Refused, Unanswered, add, dead_letters, storage
from foundation.outbox.storage import deliveries, destinations
from tests.support.faulty_destination import FaultyDestination, HttpDestination

DESK = "desk"
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class Scripted:
    """Does what its script says at each call, then delivers; keeps the payloads that it took."""

    def __init__(self, *script: Exception) -> None:
        self.script = list(script)
        self.taken: list[Any] = []
        self.looked_for: list[str] = []
        self.known: dict[str, str] = {}

    async def find(self, delivery: Delivery) -> str | None:
        self.looked_for.append(delivery.id)
        return self.known.get(delivery.id)

    async def deliver(self, delivery: Delivery) -> str | None:
        if self.script:
            raise self.script.pop(0)
        self.taken.append(delivery.payload["n"])
        return f"remote-{len(self.taken)}"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


def make(database: Database, clock: FixedClock, desk: Any, **limits: Any) -> Outbox:
    return Outbox(database, clock, {DESK: desk}, limits={DESK: Limits(**limits)})


async def put(
    database: Database, clock: Any, *numbers: int, key: str = "c1", once: str | None = None
) -> list[Any]:
    async with database.begin() as tx:
        return [await add(tx, DESK, key, {"n": one}, now=clock.now(), once=once) for one in numbers]


async def round_(outbox: Outbox) -> int:
    """Send what is due now, to the end."""
    count = 0
    while sent := await outbox.send_due():
        count += sent
        await outbox.idle()
    return count


async def rows(database: Database) -> list[Any]:
    async with database.connect() as connection:
        return list(await connection.execute(sa.select(deliveries).order_by(deliveries.c.number)))


async def circuit(database: Database) -> Any:
    async with database.connect() as connection:
        return (await connection.execute(sa.select(destinations))).one()


async def test_order_by_key_and_nothing_kept_of_what_arrived(database: Database, clock: FixedClock) -> None:
    desk = Scripted()
    ids = await put(database, clock, 1, 2, 3)
    await put(database, clock, 10, key="c2")
    assert await round_(make(database, clock, desk)) == 4
    assert [n for n in desk.taken if n < 10] == [1, 2, 3]
    found = await rows(database)
    assert [row.id for row in found[:3]] == ids
    assert {row.status for row in found} == {"delivered"}
    assert all(row.payload == {} and row.remote_id for row in found)


async def test_what_is_rolled_back_is_never_sent(database: Database, clock: FixedClock) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as tx:
            await add(tx, DESK, "c1", {"n": 1}, now=clock.now())
            raise RuntimeError
    assert await round_(make(database, clock, desk := Scripted())) == 0
    assert desk.taken == []


async def test_the_same_is_added_once_even_after_it_arrived(database: Database, clock: FixedClock) -> None:
    desk = Scripted()
    outbox = make(database, clock, desk)
    assert (await put(database, clock, 1, once="case-7"))[0] is not None
    assert await put(database, clock, 1, once="case-7") == [None]
    await round_(outbox)
    assert await put(database, clock, 1, once="case-7") == [None]
    assert await round_(outbox) == 0
    assert desk.taken == [1]


async def test_followers_wait_while_the_first_is_tried_again(database: Database, clock: FixedClock) -> None:
    desk = Scripted(Unanswered("http_500"))
    outbox = make(database, clock, desk)
    [first, _] = await put(database, clock, 1, 2)
    await round_(outbox)
    assert desk.taken == []
    assert await outbox.send_due() == 0
    clock.advance(1.1)
    await round_(outbox)
    assert desk.taken == [1, 2]
    assert desk.looked_for == [first]


async def test_what_it_has_already_is_not_sent_again(database: Database, clock: FixedClock) -> None:
    desk = Scripted(Unanswered("no_answer"))
    outbox = make(database, clock, desk)
    [first] = await put(database, clock, 1)
    await round_(outbox)
    desk.known[first] = "theirs-9"
    clock.advance(5)
    await round_(outbox)
    assert desk.taken == []
    [row] = await rows(database)
    assert (row.status, row.remote_id) == ("delivered", "theirs-9")


async def test_retry_after_holds_the_whole_destination(database: Database, clock: FixedClock) -> None:
    desk = Scripted(Busy(90))
    outbox = make(database, clock, desk)
    await put(database, clock, 1)
    await round_(outbox)
    await put(database, clock, 2, key="c2")
    clock.advance(89)
    assert await round_(outbox) == 0
    clock.advance(2)
    await round_(outbox)
    assert sorted(desk.taken) == [1, 2]
    assert {row.tries for row in await rows(database)} == {0}


async def test_a_wish_without_end_is_not_followed(database: Database, clock: FixedClock) -> None:
    desk = Scripted(Busy(10**9))
    outbox = make(database, clock, desk, longest_wish=60)
    await put(database, clock, 1)
    await round_(outbox)
    clock.advance(61)
    await round_(outbox)
    assert desk.taken == [1]


async def test_refused_is_a_dead_letter_that_can_be_sent_again(database: Database, clock: FixedClock) -> None:
    desk = Scripted(Refused("http_422"))
    outbox = make(database, clock, desk)
    [first, _] = await put(database, clock, 1, 2)
    await round_(outbox)
    assert desk.taken == [2]
    async with database.begin() as tx:
        [dead] = await dead_letters.listed(tx, "dead", 10)
        assert (dead.id, dead.problem, dead.payload) == (first, "http_422", {"n": 1})
        assert await dead_letters.resend(tx, first, clock.now())
        assert not await dead_letters.resend(tx, "dlv_unknown", clock.now())
    await round_(outbox)
    assert desk.taken == [2, 1]
    async with database.begin() as tx:
        assert not await dead_letters.resend(tx, first, clock.now())


async def test_an_open_circuit_drops_nothing_and_tries_one_at_a_time(
    database: Database, clock: FixedClock
) -> None:
    down = 400
    desk = Scripted(*[Unanswered("http_503")] * down)
    outbox = make(database, clock, desk, failures=3, tries=4, at_once=8, longest_pause=60)
    for number in range(20):
        await put(database, clock, number, key=f"c{number}")
    for _ in range(60):
        clock.advance(61)
        await round_(outbox)
    assert desk.taken == []
    assert {row.status for row in await rows(database)} == {"waiting"}, "nothing died of the outage"
    asked = down - len(desk.script)
    assert asked <= 8 + 60, "one trial for each pause"
    desk.script.clear()
    for _ in range(6):
        clock.advance(400)
        await round_(outbox)
    assert sorted(desk.taken) == list(range(20))
    assert (await circuit(database)).failures == 0


async def test_one_bad_letter_among_good_ones_dies_alone(database: Database, clock: FixedClock) -> None:
    class Poisoned(Scripted):
        async def deliver(self, delivery: Delivery) -> str | None:
            if delivery.payload["n"] == 13:
                raise Unanswered("http_500")
            return await super().deliver(delivery)

    desk = Poisoned()
    outbox = make(database, clock, desk, tries=4, failures=5)
    await put(database, clock, 13, key="bad")
    for number in range(30, 60):
        await put(database, clock, number, key="good")
        clock.advance(20)
        await round_(outbox)
    assert desk.taken == list(range(30, 60))
    assert [row.status for row in await rows(database) if row.key == "bad"] == ["dead"]


async def test_what_cannot_be_delivered_for_days_is_told(database: Database, clock: FixedClock) -> None:
    desk = Scripted(*[Unanswered("http_503")] * 100)
    outbox = make(database, clock, desk, failures=1)
    await put(database, clock, 1)
    for _ in range(8):
        clock.advance(12 * 3600)
        await round_(outbox)
    [row] = await rows(database)
    assert row.status == "dead"
    async with database.connect() as connection:
        [figures] = await dead_letters.figures(connection)
    assert (figures.backlog, figures.dead) == (0, 1)


async def test_a_hang_ends_at_the_time_limit(database: Database, clock: FixedClock) -> None:
    class Hanging(Scripted):
        async def deliver(self, delivery: Delivery) -> str | None:
            await asyncio.Event().wait()
            return None

    outbox = make(database, clock, Hanging(), timeout=0.05)
    await put(database, clock, 1)
    await outbox.send_due()
    await outbox.idle()
    [row] = await rows(database)
    assert (row.status, row.problem, row.tries) == ("waiting", "TimeoutError", 1)


async def test_what_a_dead_process_had_is_looked_for_first(database: Database, clock: FixedClock) -> None:
    [first] = await put(database, clock, 1)
    async with database.begin() as tx:
        await storage.take(tx, "wrk_dead", DESK, clock.now(), timedelta(seconds=6), 10)
    desk = Scripted()
    outbox = make(database, clock, desk)
    clock.advance(5)
    assert await round_(outbox) == 0
    clock.advance(2)
    assert await round_(outbox) == 1
    assert (desk.looked_for, desk.taken) == ([first], [1])


async def test_who_has_lost_a_delivery_notes_nothing(database: Database, clock: FixedClock) -> None:
    await put(database, clock, 1)
    async with database.begin() as tx:
        [mine] = await storage.take(tx, "wrk_slow", DESK, clock.now(), timedelta(seconds=6), 10)
    clock.advance(7)
    async with database.begin() as tx:
        await storage.take_over(tx, clock.now())
        await storage.take(tx, "wrk_slow", DESK, clock.now(), timedelta(seconds=6), 10)
    async with database.begin() as tx:
        assert await storage.delivered(tx, [(mine, "x")], clock.now()) == set()
        assert not await storage.postpone(tx, mine, clock.now(), tries=1, problem="x")
        assert not await storage.bury(tx, mine, "x", clock.now())
    [row] = await rows(database)
    assert (row.status, row.attempts) == ("working", 2)


async def test_too_large_is_refused_when_it_is_added(database: Database, clock: FixedClock) -> None:
    async with database.begin() as tx:
        with pytest.raises(TooLarge):
            await add(tx, DESK, "c1", {"n": "x" * 300_000}, now=clock.now())


async def test_what_arrived_is_forgotten_in_the_end(database: Database, clock: FixedClock) -> None:
    outbox = make(database, clock, Scripted(Refused("no")))
    await put(database, clock, 1, 2)
    await round_(outbox)
    async with database.begin() as tx:
        assert await dead_letters.forget(tx, clock.now()) == 0
        clock.advance(1)
        assert await dead_letters.forget(tx, clock.now()) == 1
    assert [row.status for row in await rows(database)] == ["dead"]


async def test_the_order_of_a_key_is_the_order_of_commits(database: Database) -> None:
    """Twenty transactions add to one key at the same time, while the outbox sends."""
    desk, clock, committed = Scripted(), SystemClock(), list[int]()
    outbox = Outbox(database, clock, {DESK: desk})

    async def one(number: int) -> None:
        async with database.begin() as tx:
            await add(tx, DESK, "c1", {"n": number}, now=clock.now())
            await asyncio.sleep(random.random() / 50)
            committed.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(one(number))
        while len(desk.taken) < 20:
            await outbox.send_due()
            await outbox.idle()
    assert desk.taken == committed


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(1)) as opened:
        yield opened


async def test_two_hundred_faults(
    database: Database, session: aiohttp.ClientSession, eventually: Eventually
) -> None:
    """Commit-then-drop, 429, 500, a hang and half an answer: none lost, none doubled, none out of order."""
    chance = random.Random(7)
    plan = [f for f in ("drop", "busy", "broken", "truncated") for _ in range(49)] + ["hang"] * 4
    chance.shuffle(plan)

    def fault(delivery_id: str) -> str | None:
        return plan.pop() if plan and chance.random() < 0.85 else None

    fake = FaultyDestination(fault, retry_after=0)
    limits = Limits(
        timeout=0.5, tries=100, failures=4, first_delay=0.01, longest_delay=0.05, first_pause=0.01,
        longest_pause=0.05,
    )  # fmt: skip
    clock = SystemClock()
    async with fake.served() as url:
        outboxes = [
            Outbox(database, clock, {DESK: HttpDestination(session, url)}, limits={DESK: limits}, poll=0.02)
            for _ in range(2)
        ]
        for number in range(240):
            await put(database, clock, number, key=f"c{number % 24}")
        for outbox in outboxes:
            await outbox.start()

        async def all_arrived() -> bool:
            return {row.status for row in await rows(database)} == {"delivered"}

        try:
            await eventually(all_arrived)
        finally:
            for outbox in outboxes:
                await outbox.stop()
    assert not plan, "all two hundred faults happened"
    sent = [delivery_id for delivery_id, _, _ in fake.taken]
    assert len(set(sent)) == len(sent) == 240
    for key in {key for _, key, _ in fake.taken}:
        numbers = [payload["n"] for _, of, payload in fake.taken if of == key]
        assert numbers == sorted(numbers, key=int)  # type: ignore[arg-type]
