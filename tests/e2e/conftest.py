"""A real browser against the running product."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.support.product import ROOT, Product

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder as e2e; leave it out, saying so, where there is no Chromium."""
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.e2e)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium: `apt-get install chromium` runs these"))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield launched
        await launched.close()


NewPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def new_page(browser: Browser) -> AsyncIterator[NewPage]:
    """Open a page in a fresh context (a person of its own), or in a given one; page errors fail the test."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    async def open_page(context: BrowserContext | None = None, **options: Any) -> Page:
        if context is None:
            context = await browser.new_context(**options)
            context.set_default_timeout(15_000)
            contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert errors == []


@pytest.fixture
def violations() -> Callable[[Page], Awaitable[list[str]]]:
    """Run axe-core on a page; what it finds, as lines."""
    source = (ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    async def run(page: Page) -> list[str]:
        await page.evaluate(source)
        result = await page.evaluate("axe.run(document)")
        return [
            f"{found['id']}: {node['target']} {node['failureSummary']}"
            for found in result["violations"]
            for node in found["nodes"]
        ]

    return run


@pytest.fixture
async def sample_data(product: Product) -> None:
    """Put the demo application back to its first state."""
    import aiohttp

    reset = f"{product.demo_url}/demo/reset"
    async with aiohttp.ClientSession() as session, session.post(reset, allow_redirects=False) as response:
        assert response.status < 400
