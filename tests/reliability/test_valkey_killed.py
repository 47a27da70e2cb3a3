"""Valkey killed at sixteen moments around a yes: nobody's question is forgotten, and nothing is done twice.

Rasa keeps its dialogues there. Four moments, each four times: while the question is being made, after it was
asked, while the yes is on its way, and after the yes with what Valkey had on disk gone as well.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.ops.children.child import Child
from bot.scenarios.ports import Chat, MadeUser
from bot.scenarios.web import DemoApplication, FirstlineClient, Patience
from tests.reliability.conftest import Note
from tests.support.product import Product

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TROUBLES = {
    "ada": ("my account is locked", "unlock_account"),
    "dev": ("my payment failed", "retry_payment"),
    "gus": ("I forgot my password", "send_password_reset"),
    "cleo": ("my settings don't save", "resync_preferences"),
}
MOMENTS = ("while it is asked", "before the yes", "with the yes", "and its file is gone")


@dataclass
class Talk:
    """A user with a trouble, and what they were asked and told."""

    like: str
    moment: str
    user: MadeUser
    chat: Chat

    @property
    def operation(self) -> str:
        return TROUBLES[self.like][1]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40)) as opened:
        yield opened


async def kill(product: Product, *, with_file: bool = False) -> None:
    """Kill Valkey, and let its keeper start it again, perhaps without anything on its disk."""
    pid = product.pid_of("valkey")
    os.kill(pid, signal.SIGKILL)
    if with_file:
        shutil.rmtree(product.home / "valkey" / "appendonlydir", ignore_errors=True)


async def back(product: Product, before: int) -> None:
    async with asyncio.timeout(20):
        while True:
            record = Child.record_in(Path(product.home) / "run", "valkey")
            if record is not None and record.alive and record.pid != before:
                return
            await asyncio.sleep(0.05)


def yes_in(turn: Any) -> dict[str, str] | None:
    return next((button for button in turn.buttons if button["payload"] == "/affirm"), None)


async def play(product: Product, host: DemoApplication, talk: Talk) -> tuple[str, int]:
    """Bring the user to their yes with a kill on the way; returns what came of it and how often."""
    before = product.pid_of("valkey")
    asking = asyncio.create_task(talk.chat.say(TROUBLES[talk.like][0]))
    if talk.moment == "while it is asked":
        await asyncio.sleep(0.05)
        await kill(product)
        await back(product, before)
    asked = await asking
    yes = yes_in(asked)
    if yes is None:
        return ("a person" if asked.handed_off else "forgotten"), 0
    if talk.moment in ("before the yes", "and its file is gone"):
        await kill(product, with_file=talk.moment == "and its file is gone")
        await back(product, before)
    saying = asyncio.create_task(talk.chat.say(yes["title"], yes["payload"]))
    if talk.moment == "with the yes":
        await kill(product)
        await back(product, before)
    told = await saying
    again = yes_in(told)
    if again is not None and again["title"] == yes["title"]:
        told = await talk.chat.say(again["title"], again["payload"])
    done = [
        one for one in (await host.report(talk.user.ref)).operations if one["operation"] == talk.operation
    ]
    if any(card.get("type") == "resolution" for card in told.cards):
        return "done", len(done)
    return ("a person" if told.handed_off else "forgotten"), len(done)


async def test_what_was_asked_is_not_forgotten_with_valkey(
    product: Product, session: aiohttp.ClientSession, figure: Note
) -> None:
    host = DemoApplication(session, product.demo_url)
    firstline = FirstlineClient(session, product.url, host, Patience(answer=40, reconnect=20))
    results: list[tuple[str, str, int]] = []
    for like in TROUBLES:
        for moment in MOMENTS:
            user = await host.make_user(like, None, {})
            talk = Talk(like, moment, user, await firstline.begin(user, {}))
            outcome, times = await play(product, host, talk)
            results.append((f"{like} {moment}", outcome, times))
    await product.wait_ready()
    forgotten = [one for one in results if one[1] == "forgotten"]
    figure(
        fault="Valkey killed during a confirmation",
        measure="questions forgotten, of 16",
        before="7",
        after=len(forgotten),
    )
    assert forgotten == []
    assert [one for one in results if one[2] > 1] == [], "nothing is done twice"
    assert len([one for one in results if one[1] == "done"]) >= 14, results
