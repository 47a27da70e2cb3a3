"""`kill -9` of the app between act and verify, fifty times: every act happened once, every attempt has one
outcome, and every user was told.

The demo application does the act at once and holds its answer back, so the app waits between act and second
look. It is killed there, at a random moment; a turn that was caught runs again in the next app, and may be
caught there again.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from actions.attempts.model import Attempt
from app.cli.services import opened_database
from app.settings import Settings
from app.wiring.single_services import attempt_log
from bot.scenarios.ports import Chat, MadeUser
from bot.scenarios.web import DemoApplication, FirstlineClient, Patience
from foundation.database import Database
from foundation.ids import ConversationId
from tests.support.preloaded import PreloadedApp
from tests.support.product import ROOT, Product

pytestmark = pytest.mark.integration

KILLS = 50
HELD = 0.5
"""Seconds for which the answer to an act is held back."""
TROUBLES = {
    "ada": ("my account is locked", "unlock_account", "unlock_account"),
    "dev": ("my payment failed", "retry_payment", "retry_payment"),
    "gus": ("I forgot my password", "send_password_reset", "reset_password"),
}


@dataclass
class Talk:
    """A user who has been asked whether to go ahead."""

    like: str
    user: MadeUser
    chat: Chat
    yes: dict[str, str]
    turn: "asyncio.Task[Any] | None" = None

    @property
    def operation(self) -> str:
        return TROUBLES[self.like][1]

    @property
    def workflow(self) -> str:
        return TROUBLES[self.like][2]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[PreloadedApp]:
    built = Path(os.environ.get("FIRSTLINE_HOME") or ".firstline").resolve()
    running = PreloadedApp(Product.make(tmp_path / "home", built))
    await running.start()
    yield running
    assert await running.stop() == 0


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40)) as opened:
        yield opened


async def asked(host: DemoApplication, firstline: FirstlineClient, number: int) -> Talk:
    """Bring a new user to where only a yes is missing, and hold answers back from then on."""
    like = list(TROUBLES)[number % len(TROUBLES)]
    user = await host.make_user(like, None, {})
    chat = await firstline.begin(user, {})
    turn = await chat.say(TROUBLES[like][0])
    yes = next(button for button in turn.buttons if button["payload"] == "/affirm")
    await host.misbehave(user.ref, {TROUBLES[like][1]: {"hang_after": 1.0}}, HELD)
    return Talk(like, user, chat, yes)


async def acted(host: DemoApplication, talk: Talk) -> list[dict[str, Any]]:
    """Return what support did of the operation in question, by the application's own record."""
    ran = (await host.report(talk.user.ref)).operations
    return [one for one in ran if one["operation"] == talk.operation]


async def attempts(database: Database, talk: Talk) -> list[Attempt]:
    found = await attempt_log(database).for_conversation(ConversationId(talk.chat.conversation))
    return [one for one in found if one.kind == "workflow" and one.name == talk.workflow]


async def yes_and_kill(app: PreloadedApp, host: DemoApplication, database: Database, talk: Talk) -> bool:
    """Say yes, wait for the act, and kill the app a random moment later; tells whether that was in time."""
    talk.turn = asyncio.create_task(talk.chat.say(talk.yes["title"], talk.yes["payload"]))
    async with asyncio.timeout(30):
        while not await acted(host, talk):
            await asyncio.sleep(0.01)
    await asyncio.sleep(random.uniform(0, HELD))
    await app.kill()
    in_time = all(one.outcome is None for one in await attempts(database, talk))
    await app.start()
    return in_time


@pytest.mark.slow
async def test_each_act_happens_once_though_the_app_dies_between_act_and_verify(
    app: PreloadedApp, session: aiohttp.ClientSession
) -> None:
    product = app.product
    host = DemoApplication(session, product.demo_url)
    firstline = FirstlineClient(session, product.url, host, Patience(answer=140, reconnect=140))
    settings = Settings.from_env(product.environment(), ROOT)
    hits = 0
    talks: list[Talk] = []
    async with opened_database(settings) as database:
        while hits < KILLS:
            talks.append(await asked(host, firstline, len(talks)))
            hits += await yes_and_kill(app, host, database, talks[-1])
            assert len(talks) < KILLS * 1.6, f"only {hits} of {len(talks)} kills came between act and verify"
        async with asyncio.timeout(90):
            answers = await asyncio.gather(*(talk.turn for talk in talks if talk.turn))
        for talk, answer in zip(talks, answers, strict=True):
            assert [one["status"] for one in await acted(host, talk)] == ["done"], talk.like
            (attempt,) = await attempts(database, talk)
            assert attempt.outcome == "verified", (talk.like, attempt.error)
            assert answer.texts, "the user was told nothing"
