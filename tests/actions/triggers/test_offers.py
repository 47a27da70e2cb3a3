"""Behaviour over HTTP: consent, bounds, offers and what becomes of them, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actions.attempts.log import AttemptLog
from actions.triggers.api import TriggersApi
from actions.triggers.policy import TriggerPolicyFile
from actions.triggers.service import Triggers
from app.permissions import house_rules
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.http import Caller
from foundation.http.server import build_http
from foundation.ids import new_id
from security.privacy.masking import mask_json

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = """
limits: {per_hour: 3, dismissals: 2, rest: 7200, ignored_after: 60}
triggers:
  - id: saves_fail
    when: {event: action_failed, step: save}
    count: 2
    within: 300
    cool_down: 600
    offer: {kind: workflow, intent: preferences_not_saved, text: "Saving fails. Shall I look?", label: "Look"}
  - id: rage
    when: {event: rage_click}
    cool_down: 600
    offer: {kind: person, text: "Would you like some help?"}
"""


class ByHeader:
    """Whoever the header says; that is not what is tested here."""

    async def user(self, request: web.Request) -> Caller | None:
        ref = request.headers.get("User")
        return None if ref is None else Caller("user", f"kettle:{ref}", "U", None, "kettle", ref)

    async def staff(self, request: web.Request) -> Caller | None:
        if "Staff" not in request.headers:
            return None
        return Caller("staff", "stf_1", "S", None, None, None, frozenset({"agent"}))

    async def service(self, request: web.Request) -> Caller | None:
        return None

    async def user_from_token(self, token: str) -> Caller:
        raise NotImplementedError

    async def check_origin(self, request: web.Request) -> None:
        return None

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        return None


@dataclass
class Page:
    """A page that tells what its user does."""

    client: TestClient[Any, Any]
    clock: FixedClock
    triggers: Triggers
    log: AttemptLog
    file: Path
    with_person: set[str] = field(default_factory=set)

    def event(self, kind: str = "action_failed", **more: Any) -> dict[str, Any]:
        at = self.clock.now().isoformat()
        step = {"step": "save"} if kind == "action_failed" else {}
        return {"id": new_id("evt"), "type": kind, "at": at, **step, **more}

    async def tell(self, *events: dict[str, Any], user: str = "ada", consent: Any = True) -> tuple[int, Any]:
        body = {"consent": consent, "events": list(events)}
        async with self.client.post("/api/v1/behaviour", json=body, headers={"User": user}) as answer:
            return answer.status, await answer.json()

    async def offers(self, *events: dict[str, Any], user: str = "ada") -> list[dict[str, Any]]:
        status, body = await self.tell(*events, user=user)
        assert status == 202, body
        made: list[dict[str, Any]] = body["offers"]
        return made

    async def answer(self, offer: str, outcome: str, user: str = "ada") -> int:
        path = f"/api/v1/offers/{offer}/outcome"
        async with self.client.post(path, json={"outcome": outcome}, headers={"User": user}) as answer:
            return answer.status

    async def rage(self) -> list[dict[str, Any]]:
        return await self.offers(self.event("rage_click"))


@pytest.fixture
async def page(database: Database, tmp_path: Path) -> AsyncIterator[Page]:
    clock, file = FixedClock(START), tmp_path / "triggers.yml"
    file.write_text(POLICY)
    log = AttemptLog(database, clock, mask_json)
    people: set[str] = set()

    async def with_person(host: str, user_ref: str) -> bool:
        return user_ref in people

    async def show_article(article_id: str) -> dict[str, Any] | None:
        return {"type": "article", "title": "Save it"} if article_id == "save-it" else None

    triggers = Triggers(TriggerPolicyFile(file), database, log, clock, with_person, show_article)
    app = build_http(
        TriggersApi(triggers, clock).endpoints(), ByHeader(), house_rules(), allowed_origins=frozenset
    )
    async with TestClient(TestServer(app)) as client:
        yield Page(client, clock, triggers, log, file, people)


async def test_what_keeps_failing_brings_an_offer(page: Page) -> None:
    assert await page.offers(page.event()) == []
    [offer] = await page.offers(page.event())
    assert (offer["kind"], offer["intent"], offer["label"]) == ("workflow", "preferences_not_saved", "Look")
    [attempt] = await page.log.list()
    assert (attempt.kind, attempt.name, attempt.outcome) == ("trigger", "saves_fail", None)
    assert await page.answer(offer["id"], "accepted") == 200
    [attempt] = await page.log.list()
    assert (attempt.outcome, attempt.done["answer"]) == ("assumed", "accepted")


async def test_a_batch_sent_twice_counts_once(page: Page) -> None:
    event = page.event()
    assert await page.offers(event) == []
    assert await page.offers(event) == []


async def test_without_consent_nothing_is_taken_and_the_past_is_forgotten(page: Page) -> None:
    await page.offers(page.event())
    status, body = await page.tell(page.event(), consent=False)
    assert (status, body["code"]) == (403, "forbidden")
    assert await page.offers(page.event()) == [], "what was there before is forgotten"


async def test_the_same_help_is_not_offered_again_for_a_while(page: Page) -> None:
    [offer] = await page.rage()
    await page.answer(offer["id"], "accepted")
    page.clock.advance(300)
    assert await page.rage() == []
    page.clock.advance(301)
    assert len(await page.rage()) == 1


async def test_who_refuses_twice_is_left_in_peace(page: Page) -> None:
    for _ in range(2):
        [offer] = await page.rage()
        await page.answer(offer["id"], "dismissed")
        page.clock.advance(700)
    assert await page.rage() == []
    page.clock.advance(7200)
    assert len(await page.rage()) == 1


async def test_what_nobody_answers_is_ignored(page: Page) -> None:
    [offer] = await page.rage()
    assert await page.triggers.ignore_old() == 0
    page.clock.advance(61)
    assert await page.triggers.ignore_old() == 1
    [attempt] = await page.log.list()
    assert (attempt.outcome, attempt.done["answer"]) == ("abandoned", "ignored")
    assert await page.answer(offer["id"], "accepted") == 200, "a late yes is still a yes"
    [count] = [one for one in await page.triggers.counts() if one.trigger == "rage"]
    assert (count.offers, count.accepted, count.ignored) == (1, 1, 0)


async def test_nobody_is_disturbed_while_a_person_talks_to_them(page: Page) -> None:
    page.with_person.add("ada")
    assert await page.rage() == []
    assert len(await page.offers(page.event("rage_click"), user="ben")) == 1


async def test_an_offer_is_its_users_own(page: Page) -> None:
    [offer] = await page.rage()
    assert await page.answer(offer["id"], "accepted", user="eve") == 404
    assert await page.answer("ofr_unknown", "accepted") == 404
    assert await page.answer(offer["id"], "loved") == 400


async def test_the_next_page_shows_what_the_last_one_was_offered(page: Page) -> None:
    [offer] = await page.rage()
    page.clock.advance(20)
    view = page.event("page_view", page="/other")
    [again] = await page.offers(view)
    assert (again["id"], again["seconds"]) == (offer["id"], 40)
    assert await page.offers(page.event("page_view", page="/other"), user="ben") == []
    await page.answer(offer["id"], "dismissed")
    assert await page.offers(page.event("page_view", page="/more")) == []


async def test_what_was_offered_is_not_shown_again_once_it_is_old_or_a_person_is_there(page: Page) -> None:
    await page.rage()
    page.with_person.add("ada")
    assert await page.offers(page.event("page_view", page="/other")) == []
    page.with_person.clear()
    page.clock.advance(61)
    assert await page.offers(page.event("page_view", page="/other")) == []


async def test_a_wrong_clock_is_put_right(page: Page) -> None:
    """Two failures ten minutes apart are not within five, though the page's clock is a day behind."""
    early = page.clock.now() - timedelta(days=1)
    for _ in range(2):
        body = {
            "consent": True,
            "sent_at": early.isoformat(),
            "events": [page.event(at=(early - timedelta(seconds=2)).isoformat())],
        }
        async with page.client.post("/api/v1/behaviour", json=body, headers={"User": "ada"}) as answer:
            assert (answer.status, (await answer.json())["offers"]) == (202, [])
        early += timedelta(minutes=10)
        page.clock.advance(600)
    later = {**page.event(), "at": (page.clock.now() + timedelta(days=2)).isoformat()}
    assert await page.offers(later) == [], "ten minutes after the last"
    assert len(await page.offers(page.event())) == 1


async def test_a_long_cool_down_outlives_many_other_offers(page: Page, database: Database) -> None:
    month = POLICY.replace("cool_down: 600", "cool_down: 2592000", 1).replace("per_hour: 3", "per_hour: 20")
    page.file.write_text(month.replace("count: 2", "count: 1"))
    [offer] = await page.offers(page.event())
    await page.answer(offer["id"], "accepted")
    for _ in range(22):
        page.clock.advance(700)
        [other] = await page.rage()
        await page.answer(other["id"], "accepted")
    page.clock.advance(700)
    assert await page.offers(page.event()) == []


async def test_an_offer_whose_process_died_still_gets_its_attempt(page: Page, database: Database) -> None:
    [offer] = await page.rage()
    async with database.begin() as tx:
        await tx.execute(sa.text("delete from attempts"))
        await tx.execute(sa.text("update offers set attempt_id = null"))
    await page.answer(offer["id"], "accepted")
    [attempt] = await page.log.list()
    assert (attempt.name, attempt.done["answer"]) == ("rage", "accepted")


async def test_an_article_comes_with_its_card_and_a_missing_one_is_not_offered(page: Page) -> None:
    article = POLICY.replace("kind: person", "kind: article, article: save-it")
    page.file.write_text(article)
    [offer] = await page.rage()
    assert offer["card"] == {"type": "article", "title": "Save it"}
    page.file.write_text(article.replace("save-it", "taken-back"))
    assert await page.offers(page.event("rage_click"), user="ben") == []


async def test_an_offer_that_leads_nowhere_is_no_policy(page: Page, tmp_path: Path) -> None:
    file = TriggerPolicyFile(page.file, {"something_else"})
    assert file.current().triggers == ()
    assert file.problem is not None
    assert "saves_fail: no intent is called preferences_not_saved" in file.problem


@pytest.mark.parametrize("consent", ["yes", "true", 1, None])
async def test_consent_is_true_or_it_is_none(page: Page, consent: Any) -> None:
    assert (await page.tell(page.event(), consent=consent))[0] in (400, 422)


async def test_two_pages_at_once_get_one_offer(page: Page) -> None:
    answers = await asyncio.gather(*(page.offers(page.event("rage_click")) for _ in range(8)))
    assert sum(len(one) for one in answers) == 1


async def test_a_new_policy_holds_at_once(page: Page) -> None:
    page.file.write_text(POLICY.replace("count: 2", "count: 1"))
    assert len(await page.offers(page.event())) == 1
    page.file.write_text("enabled: false" + POLICY)
    assert await page.offers(page.event("rage_click"), user="ben") == []


async def test_a_page_that_runs_wild_is_told_to_wait(page: Page) -> None:
    statuses = [(await page.tell(page.event("page_view", page="/")))[0] for _ in range(32)]
    assert statuses[-1] == 429
    assert (await page.tell(page.event("page_view", page="/"), user="ben"))[0] == 202


@pytest.mark.parametrize(
    "spoil",
    [
        {"type": "exploded"}, {"id": "x"}, {"at": "yesterday"}, {"at": "2026-03-02T09:00"}, {"step": "Save!"},
        {"page": "/billing?card=4242"}, {"page": "https://elsewhere"}, {"code": "kt-1"}, {"value": "typed"},
        {"step": "a" * 64}, {"id": "e" * 65},
    ],
)  # fmt: skip
async def test_bad_events_are_refused_in_words(page: Page, spoil: dict[str, Any]) -> None:
    status, body = await page.tell({**page.event(), **spoil})
    assert status in (400, 422)
    assert body["detail"]
    assert "4242" not in str(body)


async def test_too_many_events_are_refused(page: Page) -> None:
    assert (await page.tell(*(page.event() for _ in range(51))))[0] in (400, 422)


async def test_who_is_nobody_tells_nothing(page: Page) -> None:
    async with page.client.post("/api/v1/behaviour", json={"consent": True, "events": []}) as answer:
        assert answer.status == 401


async def test_staff_see_what_became_of_offers(page: Page) -> None:
    await page.rage()
    async with page.client.get("/api/v1/triggers", headers={"Staff": "yes"}) as answer:
        body = await answer.json()
    assert {row["trigger"]: row["offers"] for row in body["triggers"]} == {"saves_fail": 0, "rage": 1}
    assert body["problem"] is None


async def test_what_was_taken_may_be_chosen_in_a_conversation_and_nothing_else(page: Page) -> None:
    await page.offers(page.event())
    [offer] = await page.offers(page.event())
    choice = f"/{offer['intent']}"
    assert not await page.triggers.offered("kettle", "ada", choice), "it is not taken yet"
    await page.answer(offer["id"], "accepted")
    assert await page.triggers.offered("kettle", "ada", choice)
    assert not await page.triggers.offered("kettle", "ada", "/refund_invoice")
    assert not await page.triggers.offered("kettle", "eve", choice)
    page.clock.advance(3700)
    assert not await page.triggers.offered("kettle", "ada", choice)
