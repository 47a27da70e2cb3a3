"""`kill -9` of each process during conversations: nothing acknowledged is lost or doubled, and the user gets
an answer or a person."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.client import UserClient
from tests.support.product import Product

pytestmark = pytest.mark.integration

USERS = ["usr_hana", "usr_ben", "usr_fay"]
TEXTS = ["hello", "what can you do?", "how do I pause my subscription"]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as opened:
        yield opened


async def talk(user: UserClient, messages: int, progress: asyncio.Event) -> list[dict[str, Any]]:
    """Send messages one after another, each until acknowledged; return what was acknowledged."""
    acknowledged = []
    for number in range(messages):
        text = f"{TEXTS[number % len(TEXTS)]} {'!' * number}"
        acknowledged.append(await user.send_surely(text, key=f"{user.ref}-{number}"))
        progress.set()
        await asyncio.sleep(0.15)
    return acknowledged


async def settled(user: UserClient, seconds: float = 60) -> list[dict[str, Any]]:
    """Wait until the user's last message is followed by somebody else's words, or a person is called."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                events = await user.events()
            except (aiohttp.ClientError, AssertionError, TimeoutError, OSError):
                await asyncio.sleep(0.3)
                continue
            spoken = [event for event in events if event["type"] == "message"]
            waiting = any(event["type"] == "handoff" for event in events)
            if waiting or (spoken and spoken[-1]["author"]["kind"] != "user"):
                await asyncio.sleep(0.5)
                again = await user.events()
                if len(again) == len(events):
                    return events
            await asyncio.sleep(0.3)


def check(events: list[dict[str, Any]], acknowledged: list[dict[str, Any]]) -> None:
    """Every acknowledged message is there once, numbers have no gaps, and no turn spoke twice."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    stored = [event["id"] for event in events if event["author"]["kind"] == "user"]
    assert stored == [event["id"] for event in acknowledged]
    by_turn = itertools.groupby(
        event["turn"] for event in events if event["author"]["kind"] == "bot" and event["turn"]
    )
    turns = [turn for turn, _ in by_turn]
    assert len(turns) == len(set(turns)), "a turn spoke in two pieces, so it ran twice"


@pytest.mark.parametrize("victim", ["rasa", "postgres", "valkey", "app"])
async def test_killed_in_the_middle_nothing_is_lost(
    product: Product, session: aiohttp.ClientSession, victim: str
) -> None:
    users = [await UserClient(session, product.url, product.home, ref).begin() for ref in USERS]
    progress = asyncio.Event()
    talks = [asyncio.create_task(talk(user, 5, progress)) for user in users]
    await progress.wait()
    await asyncio.sleep(0.2)
    await product.kill(victim)
    if victim == "app":
        await product.start()
    for user, acknowledged in zip(users, await asyncio.gather(*talks), strict=True):
        check(await settled(user), acknowledged)
    await product.wait_ready()


async def test_while_the_assistant_is_away_the_user_gets_a_person_within_20_seconds(
    product: Product, session: aiohttp.ClientSession
) -> None:
    user = await UserClient(session, product.url, product.home, "usr_hana").begin()
    await product.stall("rasa")
    try:
        started = asyncio.get_running_loop().time()
        posted = await user.send("my box never came")
        events = await user.answered(posted, seconds=25)
        async with asyncio.timeout(5):
            while not any(event["type"] == "handoff" for event in events):
                events = await user.events(wait=1)
        # Not a timing of ours but the promise made to the user, with room for a slow machine.
        assert asyncio.get_running_loop().time() - started < 25
    finally:
        await product.resume("rasa")
    await product.wait_ready()


async def test_a_second_start_on_a_running_home_says_where_the_first_is(product: Product) -> None:
    code, output = await product.start_second()
    assert code != 0
    assert product.url in output
    assert (await product.ready()).status == 200
