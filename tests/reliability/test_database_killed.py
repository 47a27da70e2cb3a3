"""PostgreSQL killed under load: nothing is lost, doubled or reordered, and nobody is left waiting."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from app.ops.children.child import Place
from app.ops.children.postgres import Postgres
from bot.conversation.domain import Answer, Conversation, Turn
from bot.conversation.service import Conversations
from bot.conversation.turn_runner import TurnRunner
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.errors import RateLimited
from foundation.wakeups import Wakeups
from tests.bot.conversation.conftest import NotingDesk, ScriptedBrain, says
from tests.integration.test_crashes import check, settled, talk
from tests.reliability.conftest import Note
from tests.reliability.waiting import unfinished
from tests.support.client import UserClient
from tests.support.product import Product

KILLS = 20
USERS = 8
LIMIT = 20.0
"""Seconds after which everybody must have an answer or a person."""
FAULT = "1 silence after a database hiccup"
_DRIVEN_OUT = (OSError, sa.exc.SQLAlchemyError, TimeoutError)


class OftenKilled(Postgres):
    """Is started again without growing pauses."""

    longest_delay = 0.1


@pytest.fixture
async def postgres(tmp_path: Path, all_tables: str) -> AsyncIterator[Postgres]:
    """A PostgreSQL of the test's own that keeps what it acknowledged, and is started again when it dies."""
    folder = tmp_path / "postgres"
    child = OftenKilled(Place.within(folder), folder, die_with_parent=True)
    await child.start()
    engine = create_async_engine(child.url)
    async with engine.begin() as tx:
        driver = (await tx.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(all_tables)
    await engine.dispose()
    yield child
    await child.stop()


async def kill_and_wait(child: Postgres, *, whole: bool) -> None:
    """Kill the whole server, or one of its processes, after which it ends the others and recovers."""
    assert child.record is not None
    os.kill(child.record.pid if whole else await a_backend(child), signal.SIGKILL)
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.05)
            try:
                async with asyncio.timeout(2):
                    if await child.ready():
                        return
            except Exception:
                continue


async def a_backend(child: Postgres) -> int:
    """The process of a connection that is in use."""
    others = sa.text(
        "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        " order by state_change desc limit 1"
    )
    engine = create_async_engine(child.url)
    async with engine.connect() as connection:
        pid = (await connection.execute(others)).scalar_one()
    await engine.dispose()
    return int(pid)


@dataclass
class Talker:
    """A user who writes without pause, each message until it is acknowledged."""

    conversations: Conversations
    runner: TurnRunner
    conversation: Conversation
    acknowledged: list[str] = field(default_factory=list)

    async def talk(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.say(f"m{len(self.acknowledged)}")
            await asyncio.sleep(0.2)

    async def say(self, text: str) -> None:
        while True:
            try:
                posted = await self.conversations.post_user_message(
                    self.conversation.id, author_name="Ada", text=text, choice=None, key=text
                )
            except RateLimited:
                return
            except _DRIVEN_OUT:
                await asyncio.sleep(0.05)
                continue
            self.acknowledged.append(text)
            if posted.event.turn_id is not None:
                self.runner.schedule(self.conversation.id, self.conversation.contact_id)
            return

    async def check(self) -> None:
        """All that was acknowledged is there once, and answered once in the same order."""
        events = await self.conversations.events(self.conversation.id, limit=5000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        said = [event.text for event in events if event.author.kind == "user"]
        assert said == self.acknowledged
        answers = [event.text for event in events if event.author.kind == "bot"]
        expected = [f"You said {text}" for text in said]
        if any(event.type == "handoff" for event in events):
            assert answers == expected[: len(answers)]
        else:
            assert answers == expected


async def seconds_until_finished(database: Database) -> float:
    """How long what waits now is not finished."""
    began, before = time.monotonic(), SystemClock().now()
    while time.monotonic() - began < LIMIT:
        if await unfinished(database, before) == 0:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    left = await unfinished(database, before)
    pytest.fail(f"{left} turns wait still {LIMIT:g} s after the database is back")


@pytest.mark.slow
async def test_killed_20_times_under_load_nobody_is_left_waiting(postgres: Postgres, figure: Note) -> None:
    at_once = asyncio.Lock()

    async def think(turn: Turn) -> Answer:
        async with at_once:
            await asyncio.sleep(0.01)
        return says(f"You said {turn.text}")

    database, clock, brain = Database.open(postgres.url), SystemClock(), ScriptedBrain()
    brain.script = think
    conversations = Conversations(database, Wakeups(None), clock)
    desk = NotingDesk(conversations)
    runner = TurnRunner(database, conversations, brain, desk, clock)
    await runner.start()
    talkers = [
        Talker(
            conversations,
            runner,
            await conversations.start(
                host="demo", ref=f"usr_{number}", name="Ada", email=None, channel="web", page={}, client={}
            ),
        )
        for number in range(USERS)
    ]
    stop, chance, waits = asyncio.Event(), random.Random(16), []
    async with asyncio.TaskGroup() as group:
        for talker in talkers:
            group.create_task(talker.talk(stop))
        for number in range(KILLS):
            await asyncio.sleep(0.2 + chance.random() * 0.4)
            await kill_and_wait(postgres, whole=number % 4 == 0)
            waits.append(await seconds_until_finished(database))
        stop.set()
    await seconds_until_finished(database)
    for talker in talkers:
        await talker.check()
    sent = sum(len(talker.acknowledged) for talker in talkers)
    await runner.stop()
    await database.close()
    figure(
        fault=FAULT,
        measure=f"{KILLS} kills of PostgreSQL under load, longest wait once it is back",
        before="minutes (75 messages stuck after one kill)",
        after=f"{max(waits):.1f} s; {sent} messages, 0 lost, doubled or reordered, {len(desk.cases)} cases",
    )


@pytest.mark.integration
@pytest.mark.slow
async def test_the_whole_product_answers_everybody_after_kills_of_its_database(
    product: Product, figure: Note
) -> None:
    waits = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        refs = ("usr_hana", "usr_ben", "usr_fay", "usr_dev")
        users = [await UserClient(session, product.url, product.home, ref).begin() for ref in refs]
        progress = asyncio.Event()
        talks = [asyncio.create_task(talk(user, 12, progress)) for user in users]
        await progress.wait()
        for _ in range(2):
            await product.kill("postgres")
            await product.wait_ready()
            await asyncio.sleep(0.3)
        acknowledged = await asyncio.gather(*talks)
        began = time.monotonic()
        for user, sent in zip(users, acknowledged, strict=True):
            check(await settled(user, LIMIT), sent)
            waits.append(time.monotonic() - began)
    figure(
        fault=FAULT,
        measure="the whole product, 2 kills: the last answer after the last message",
        before="minutes",
        after=f"{max(waits):.1f} s",
    )
