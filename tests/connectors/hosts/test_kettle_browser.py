"""Kettle in a real browser, with a stand-in for Firstline that serves a widget."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from connectors.hosts.http import HttpHostApplication, open_session
from foundation.clock import SystemClock
from security.identity.keyring import HostKeys, KeyRing
from security.identity.user_tokens import UserTokens
from tests.support.kettle import KettleProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: `apt-get install chromium` runs these"),
]
PAGES = (
    "/",
    "/deliveries",
    "/billing",
    "/preferences",
    "/exports",
    "/security",
    "/labs",
    "/support",
    "/outbox",
)
WIDGET = """
window.Firstline = {
  async start(options) {
    document.documentElement.dataset.token = await options.getToken();
    document.documentElement.dataset.options = JSON.stringify(options);
    const seen = await fetch(options.baseUrl + "/seen", { method: "POST" });
    document.documentElement.dataset.reached = String(seen.ok);
  },
  open(options) { document.documentElement.dataset.opened = options.code; },
};
"""


@pytest.fixture
async def firstline() -> AsyncIterator[TestServer]:
    allow = {"Access-Control-Allow-Origin": "*"}

    async def widget(_: web.Request) -> web.Response:
        return web.Response(text=WIDGET, content_type="text/javascript", headers=allow)

    async def seen(_: web.Request) -> web.Response:
        return web.Response(headers=allow)

    app = web.Application()
    app.router.add_get("/widget.js", widget)
    app.router.add_post("/seen", seen)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def own_kettle(tmp_path: Path, firstline: TestServer) -> AsyncIterator[KettleProcess]:
    process = KettleProcess(tmp_path, firstline_url=str(firstline.make_url("")).rstrip("/"))
    await process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


async def sign_in(
    browser: Browser, kettle: KettleProcess, user: str, width: int = 1280
) -> tuple[Page, list[str]]:
    page = await browser.new_page(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(f"{kettle.url}/sign-in")
    await page.locator(f"[data-fill='{user}@kettle.example']").click()
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    return page, problems


async def test_the_widget_gets_a_token_and_the_page_follows_a_fix(
    browser: Browser, own_kettle: KettleProcess, firstline: TestServer
) -> None:
    page, problems = await sign_in(browser, own_kettle, "ada")
    await expect(page.get_by_text("KT-1001")).to_be_visible()
    root = page.locator("html")
    await expect(root).to_have_attribute("data-reached", "true")
    token = await root.get_attribute("data-token")
    who = UserTokens(HostKeys(own_kettle.keys.parent), SystemClock()).verify(token or "")
    assert who.ref == "usr_ada"
    options = json.loads(await root.get_attribute("data-options") or "")
    assert options["baseUrl"] == str(firstline.make_url("")).rstrip("/")
    assert options["page"]["url"].endswith("/restricted")

    await page.evaluate("document.body.append(Object.assign(document.createElement('i'), {id: 'chat'}))")
    async with open_session() as session:
        host = HttpHostApplication("kettle", own_kettle.url, KeyRing(own_kettle.keys), session)
        await host.run("usr_ada", "unlock_account", {}, idempotency_key="k")
    await page.evaluate("window.dispatchEvent(new CustomEvent('firstline:resolved'))")
    await expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    await expect(page.get_by_text("KT-1001")).to_have_count(0)
    await expect(page.locator("#said")).to_have_text("This page was updated.")
    assert page.url == f"{own_kettle.url}/"
    assert await page.locator("#chat").count() == 1, "the page was loaded anew, and the chat with it"
    await page.get_by_role("link", name="Support log").click()
    await expect(page.get_by_text("Unlock the account")).to_be_visible()
    assert problems == []


async def test_a_notice_opens_the_chat_with_its_code(browser: Browser, own_kettle: KettleProcess) -> None:
    page, _ = await sign_in(browser, own_kettle, "dev")
    await page.get_by_role("button", name="Ask support").click()
    await expect(page.locator("html")).to_have_attribute("data-opened", "KT-1005")


async def test_a_running_export_shows_when_it_is_ready(browser: Browser, own_kettle: KettleProcess) -> None:
    page, problems = await sign_in(browser, own_kettle, "hana")
    await page.get_by_role("link", name="Exports").click()
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_text("Running")).to_be_visible()
    await expect(page.get_by_text("Ready")).to_have_count(2, timeout=15_000)
    assert problems == []


async def test_nothing_is_wider_than_a_phone(browser: Browser, own_kettle: KettleProcess) -> None:
    page, _ = await sign_in(browser, own_kettle, "cleo", width=360)
    for path in (
        "/",
        "/deliveries",
        "/billing",
        "/preferences",
        "/exports",
        "/security",
        "/labs",
        "/support",
        "/outbox",
    ):
        await page.goto(own_kettle.url + path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


async def test_pages_work_without_firstline(
    browser: Browser, own_kettle: KettleProcess, firstline: TestServer
) -> None:
    await firstline.close()
    page, _ = await sign_in(browser, own_kettle, "dev")
    await expect(page.get_by_text("KT-1005")).to_be_visible()
    assert await page.get_by_role("button", name="Ask support").count() == 0
