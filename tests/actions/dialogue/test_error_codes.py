"""An error code in a message is told, and then mended or explained."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from actions.assembly import build_actions
from actions.dialogue.error_catalogue import ErrorCatalogue
from actions.framework.intents import IntentCatalogue
from app.permissions import house_rules
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.http.server import build_http
from foundation.ids import new_id
from security.privacy.masking import mask_json
from tests.actions.conftest import (
    QUICK,
    ROOT,
    START,
    Bench,
    Chat,
    FakeContext,
    FakeHost,
    FakeKnowledge,
    ServiceOnly,
    healthy,
)


@pytest.fixture
async def coded(database: Database) -> AsyncIterator[Bench]:
    """The bench with the catalogue of the product."""
    host, knowledge, clock = FakeHost(healthy()), FakeKnowledge(), FixedClock(START)
    room = build_actions(
        database=database,
        clock=clock,
        mask=mask_json,
        hosts=lambda name: host if name == "kettle" else None,
        knowledge=knowledge,
        context=FakeContext(),
        intents=IntentCatalogue.load(ROOT / "data/policies/intents.yml"),
        errors=ErrorCatalogue.load(ROOT / "data/policies/errors.yml"),
        policy=QUICK,
    )
    app = build_http(room.endpoints(), ServiceOnly(), house_rules(), allowed_origins=frozenset)
    async with TestClient(TestServer(app)) as client:
        yield Bench(host, knowledge, room, client, clock, Chat(client, new_id("cnv")))


@pytest.mark.parametrize("action", ["action_clarify", "action_answer_question", "action_offer_person"])
async def test_a_code_starts_its_workflow_whatever_the_message_was_read_as(coded: Bench, action: str) -> None:
    coded.host.parts["account"].update(locked=True, lock_reason="too_many_attempts", status="locked")
    reply = await coded.chat.act(action, coded.chat.hear("nlu_fallback", "it shows kt 1001 all the time"))
    assert reply.text.startswith("KT-1001: The account locked itself")
    assert reply.slots["pending_workflow"] == "unlock_account"
    assert "open again" in (await coded.chat.yes()).text


async def test_a_code_without_a_workflow_gives_its_article(coded: Bench) -> None:
    entry = next(one for one in ErrorCatalogue.load(ROOT / "data/policies/errors.yml") if not one.workflow)
    coded.knowledge.lay_out("", (str(entry.article), 0.5))
    reply = await coded.chat.misunderstood(f"what is {entry.code}")
    assert entry.text in reply.text
    assert reply.card("article")["article_id"] == entry.article
    assert entry.meaning not in reply.text


async def test_a_code_that_nobody_knows_is_an_ordinary_message(coded: Bench) -> None:
    reply = await coded.chat.misunderstood("it says KT-9999")
    assert "9999" not in reply.text
    assert reply.payloads


async def test_a_button_holds_no_code(coded: Bench) -> None:
    reply = await coded.chat.act("action_start_workflow", coded.chat.hear("unlock_account"))
    assert "KT-" not in reply.text
