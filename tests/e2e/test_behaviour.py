"""What the behaviour client tells, on a page of the test's own: never what is typed, nothing twice."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from tests.support.product import ROOT

PAGE = """<!doctype html><meta charset="utf-8"><title>Shop</title><main>
<form data-firstline-step="save" data-firstline-hesitate="1" onsubmit="return false">
<input name="card" aria-label="Card"><button id="go">Save</button></form><div id="said"></div>
<button id="fast" data-firstline-calm>+</button><button id="dead">Nothing</button></main>
<script type="module" src="/widget.js"></script><script type="module">
const claims = btoa(JSON.stringify({ iss: "shop", sub: "u1", exp: Date.now() / 1000 + 3600 }));
const baseUrl = location.origin.replace("127.0.0.1", "localhost");
Firstline.start({ baseUrl, getToken: () => `a.${claims}.c`, behaviour: { consent: false } });
window.said = (mark) => { document.getElementById("said").innerHTML = `<p ${mark}>It did not work.</p>`; };
</script>"""


class Shop:
    """The page, and on another origin a server that remembers what it was told."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.batches: list[dict[str, Any]] = []
        self.down = False
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        cross = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*, Authorization"}
        if request.method == "OPTIONS":
            return web.Response(headers=cross)
        if request.path == "/widget.js":
            script = Path(ROOT / "web" / "dist" / "widget.js").read_text(encoding="utf-8")
            return web.Response(text=script, content_type="text/javascript")
        if request.path == "/api/v1/behaviour":
            batch = await request.json()
            self.batches.append({**batch, "refused": self.down})
            reply = {"accepted": len(batch["events"]), "offers": []}
            return web.json_response(reply, status=503 if self.down else 202, headers=cross)
        if request.path.startswith("/api/"):
            return web.json_response({"conversations": [], "notices": []}, headers=cross)
        return web.Response(text=PAGE, content_type="text/html")

    async def consent(self, given: bool = True) -> None:
        await self.page.evaluate("given => Firstline.behaviour.consent(given)", given)

    def told(self, kind: str | None = None) -> list[dict[str, Any]]:
        taken = [one for batch in self.batches if not batch["refused"] for one in batch["events"]]
        return [one for one in taken if kind in (None, one["type"])]

    async def until(self, kind: str, count: int) -> list[dict[str, Any]]:
        for _ in range(150):
            if len(self.told(kind)) >= count:
                break
            await self.page.wait_for_timeout(100)
        found = self.told(kind)
        assert len(found) == count, (kind, self.batches)
        return found


@pytest.fixture
async def shop(new_page: Any) -> AsyncIterator[Shop]:
    shop = Shop(await new_page())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shop.answer)
    async with TestServer(app) as server:
        shop.url = f"http://127.0.0.1:{server.port}"
        await shop.page.goto(f"{shop.url}/start")
        yield shop
        await shop.page.goto("about:blank")


async def test_a_failure_is_told_once_a_try(shop: Shop) -> None:
    await shop.consent()
    failed = "said('data-firstline-failed=\"save\"')"
    await shop.page.locator("#go").click()
    await shop.page.evaluate(failed)
    await shop.until("action_failed", 1)
    await shop.page.evaluate(failed)  # only drawn anew
    await shop.page.locator("#go").click()
    await shop.page.evaluate(failed)
    found = await shop.until("action_failed", 2)
    assert [(one["step"], one["page"]) for one in found] == [("save", "/start")] * 2
    assert len({one["id"] for one in found}) == 2


async def test_codes_are_told_and_marks_that_are_none_cost_nothing(shop: Shop) -> None:
    await shop.consent()
    await shop.page.evaluate("said('data-firstline-error=\"<script>\"')")
    await shop.page.evaluate("said('data-firstline-error=\"SH-1004\"')")
    [shown] = await shop.until("error_shown", 1)
    assert shown["code"] == "SH-1004"


async def test_what_is_typed_is_never_told(shop: Shop) -> None:
    await shop.consent()
    await shop.page.get_by_label("Card").press_sequentially("4242 4242 4242 4242")
    [slow] = await shop.until("hesitation", 1)
    assert slow["step"] == "save"
    assert "4242" not in json.dumps(shop.batches)
    assert all(set(one) <= {"id", "type", "at", "step", "code", "page"} for one in shop.told())


async def test_fast_clicks_are_rage_except_where_they_are_use(shop: Shop) -> None:
    await shop.consent()
    for button in ("#fast", "#dead"):
        await shop.page.locator(button).click(click_count=4)
    await shop.until("rage_click", 1)


async def test_another_path_is_another_page_also_without_loading_one(shop: Shop) -> None:
    await shop.consent()
    await shop.until("page_view", 1)
    await shop.page.evaluate("history.pushState({}, '', '/next?secret=1'); said('')")
    found = await shop.until("page_view", 2)
    assert [one["page"] for one in found] == ["/start", "/next"]


async def test_what_could_not_be_delivered_is_sent_again_with_the_same_ids(shop: Shop) -> None:
    shop.down = True
    await shop.consent()
    await shop.page.evaluate("said('data-firstline-error=\"SH-1004\"')")
    for _ in range(100):
        if shop.batches:
            break
        await shop.page.wait_for_timeout(100)
    shop.down = False
    await shop.until("error_shown", 1)
    first, *_ = shop.batches
    assert first["refused"]
    assert {one["id"] for one in first["events"]} <= {one["id"] for one in shop.told()}


async def test_leaving_the_page_loses_nothing_and_consent_can_be_taken_back(shop: Shop) -> None:
    await shop.page.locator("#dead").click(click_count=4)
    await shop.page.wait_for_timeout(800)
    assert shop.batches == [], "there was no consent"
    await shop.consent()
    await shop.page.locator("#dead").click(click_count=4)
    await shop.page.goto(f"{shop.url}/left")
    await shop.until("rage_click", 1)
    await shop.consent()
    await shop.consent(False)
    await shop.page.locator("#dead").click(click_count=4)
    await shop.page.wait_for_timeout(800)
    assert shop.batches[-1]["consent"] is False
    assert len(shop.told("rage_click")) == 1
