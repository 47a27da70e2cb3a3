"""The workflows against Kettle, the sample application, in its own process over its signed HTTP contract."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from actions.assembly import build_actions
from actions.framework.intents import IntentCatalogue
from actions.policy import AssistantPolicy
from actions.ports import TurnContext
from app.permissions import house_rules
from connectors.hosts.http import HttpHostApplication, open_session
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.http.server import build_http
from foundation.ids import new_id
from security.identity.keyring import KeyRing
from security.privacy.masking import mask_json
from tests.actions.conftest import ROOT, Chat, FakeKnowledge, ServiceOnly


class SampleUsers:
    """A conversation named `ada~...` is Ada's."""

    async def find(self, conversation_id: str, turn_id: str | None) -> TurnContext | None:
        key = conversation_id.partition("~")[0]
        return TurnContext(conversation_id, turn_id, f"usr_{key}", "kettle", key.capitalize())

    async def offered(self, conversation_id: str, turn_id: str | None) -> frozenset[str]:
        return frozenset()


class Kettle:
    """The running sample application with the actions room on top."""

    def __init__(self, client: TestClient[Any, Any], host: HttpHostApplication, room: Any) -> None:
        self.client = client
        self.host = host
        self.room = room

    def chat(self, user: str) -> Chat:
        return Chat(self.client, f"{user}~{new_id('cnv')}")

    async def part(self, user: str, name: str) -> Any:
        return (await self.host.state(f"usr_{user}", [name])).parts[name]


async def address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while line := (await process.stdout.readline()).decode():
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found[0]
    raise AssertionError("Kettle did not say where it listens")


@pytest.fixture
async def kettle(database: Database, tmp_path: Path) -> AsyncIterator[Kettle]:
    keys = tmp_path / "kettle.json"
    ring = KeyRing.create(keys, "kettle")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "connectors.hosts.demo", "--port", "0", "--home", str(tmp_path / "kettle"),
        "--firstline-url", "http://127.0.0.1:1", "--keys", str(keys),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    session = open_session()
    try:
        host = HttpHostApplication("kettle", await address(process), ring, session)
        room = build_actions(
            database=database, clock=SystemClock(), mask=mask_json, hosts=lambda name: host,
            knowledge=FakeKnowledge(), context=SampleUsers(),
            intents=IntentCatalogue.load(ROOT / "data/policies/intents.yml"),
            policy=AssistantPolicy(settle_pause=0.05),
        )  # fmt: skip
        app = build_http(room.endpoints(), ServiceOnly(), house_rules(), allowed_origins=frozenset)
        async with TestClient(TestServer(app)) as client:
            yield Kettle(client, host, room)
    finally:
        process.terminate()
        await process.wait()
        await session.close()


async def test_every_sample_user_is_helped_and_the_application_shows_it(kettle: Kettle) -> None:
    users = [
        ("ada", "unlock_account"), ("ben", "resend_verification"), ("cleo", "preferences_not_saved"),
        ("dev", "payment_failed"), ("gus", "reset_password"), ("ivy", "export_stuck"),
    ]  # fmt: skip
    for user, intent in users:
        chat = kettle.chat(user)
        asked = await chat.start(intent)
        assert asked.payloads == ["/affirm", "/deny"], (user, asked.text)
        done = await chat.yes()
        assert done.card("resolution")["outcome"] == "verified", (user, done.text)
    assert (await kettle.part("ada", "account"))["locked"] is False
    assert (await kettle.part("dev", "billing"))["status"] == "active"
    preferences = await kettle.part("cleo", "preferences")
    assert preferences["applied"] == preferences["saved"]
    assert {e["state"] for e in await kettle.part("ivy", "exports")} <= {"running", "ready"}


async def test_an_expired_card_fails_again_and_is_explained(kettle: Kettle) -> None:
    chat = kettle.chat("eli")
    assert "has expired" in (await chat.start("payment_failed")).text
    reply = await chat.yes()
    assert "add a card that is still valid" in reply.text
    assert not reply.has("resolution")
    assert reply.slots["offered_person"] is True
    [attempt] = await kettle.room.log.for_conversation(chat.conversation)
    assert (attempt.outcome, attempt.error) == ("failed", "card_expired")
    assert (await kettle.part("eli", "billing"))["status"] == "past_due"


@pytest.mark.parametrize(
    ("user", "pending"),
    [("ada", "unlock_account"), ("gus", "reset_password"), ("ben", "resend_verification"), ("hana", None)],
)
async def test_sign_in_trouble_is_traced_to_its_cause(kettle: Kettle, user: str, pending: str | None) -> None:
    chat = kettle.chat(user)
    reply = await chat.act("action_diagnose_sign_in", chat.hear("sign_in_trouble", "i cant sign in"))
    assert reply.slots["pending_workflow"] == pending


async def test_orders_are_asked_about_and_the_late_one_explained(kettle: Kettle) -> None:
    chat = kettle.chat("fay")
    asked = await chat.start("order_status", "where is my order")
    orders = asked.card("orders")["orders"]
    assert [order["status"] for order in orders] == ["delayed", "in_transit", "delivered"]
    told = await chat.answer(orders[0]["number"])
    assert "is delayed" in told.text
    assert told.slots["offered_person"] is True


async def test_a_second_reset_link_within_a_minute_is_explained(kettle: Kettle) -> None:
    chat = kettle.chat("hana")
    await chat.start("reset_password")
    await chat.yes()
    again = await chat.start("reset_password")
    assert "less than a minute ago" in again.text
    assert again.slots["pending_workflow"] is None


async def test_nothing_wrong_is_said_with_what_was_seen(kettle: Kettle) -> None:
    for intent, seen in (("unlock_account", "isn't locked"), ("payment_failed", "nothing is due")):
        assert seen in (await kettle.chat("hana").start(intent)).text
