"""Help that is offered before it is asked for: what a page notices, what the user sees, what comes of it."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.people import Agent, User
from tests.support.product import Product


@pytest.fixture
def customer(product: Product, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A customer of the test's own, like one of the samples."""
    made = _demo(product, "POST", "/demo/users", {"like": request.param})
    yield made
    _demo(product, "DELETE", f"/demo/users/{made['ref']}", {})


def _demo(product: Product, method: str, path: str, content: Any = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{product.demo_url}{path}", body, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


async def _signed_in(page: Page, product: Product, customer: dict[str, Any], consent: str) -> User:
    user = await User(page, product).sign_in(customer["email"].partition("@")[0])
    await page.locator(f"[data-consent={consent}]").click()
    return user


async def _rage(page: Page) -> None:
    await page.get_by_role("heading", level=1).click(click_count=5, delay=20)


@pytest.mark.parametrize("customer", ["cleo"], indirect=True)
async def test_an_error_on_the_page_is_offered_help_that_repairs_it(
    product: Product, new_page, violations, customer
) -> None:
    page = await new_page()
    user = await _signed_in(page, product, customer, "yes")
    await page.goto(f"{product.demo_url}/preferences")
    nudge = page.get_by_test_id("nudge")
    await expect(nudge).to_have_attribute("data-kind", "workflow")
    await expect(page.get_by_test_id("widget-panel")).to_be_hidden()
    assert await page.evaluate("document.activeElement === document.body"), "it must not take the focus"
    await expect(page.get_by_role("status").filter(has_text="Suggestion:")).to_have_count(1)
    assert await violations(page) == []

    await page.goto(f"{product.demo_url}/billing")
    await expect(nudge, "still there on the next page").to_be_visible()
    await nudge.get_by_test_id("nudge-accept").press("Enter")
    await expect(page.get_by_test_id("widget-panel")).to_be_visible()
    await page.get_by_test_id("choice-button").first.click()
    await expect(page.get_by_test_id("proof-card")).to_have_attribute("data-outcome", "verified")
    saved = _demo(product, "GET", f"/demo/users/{customer['ref']}")["operations"]
    assert [one["operation"] for one in saved] == ["resync_preferences"]
    await expect(user.messages("user").first).to_be_visible()


@pytest.mark.parametrize("customer", ["hana"], indirect=True)
async def test_rage_is_noticed_with_consent_only_and_a_refusal_holds(
    product: Product, new_page, customer
) -> None:
    page = await new_page()
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url) if "/behaviour" in request.url else None)
    await _signed_in(page, product, customer, "no")
    await _rage(page)
    await _rage(page)
    await page.goto(f"{product.demo_url}/billing")
    await page.wait_for_timeout(1000)
    assert told == [], "nothing is told without consent"

    await page.locator("[data-consent=yes]").click()
    await _rage(page)
    await _rage(page)
    nudge = page.get_by_test_id("nudge")
    await expect(nudge).to_have_attribute("data-kind", "person")
    await nudge.get_by_test_id("nudge-accept").focus()
    await page.keyboard.press("Escape")
    await expect(nudge).to_have_count(0)
    await expect(page.get_by_test_id("widget-panel")).to_be_hidden()
    await page.reload()
    await _rage(page)
    await _rage(page)
    await page.wait_for_timeout(1500)
    await expect(nudge).to_have_count(0)

    agent = await Agent(await new_page(), product).sign_in("/healing")
    row = agent.page.get_by_test_id("trigger").filter(has_text="Rage on a page")
    await expect(row.locator("[data-count=dismissed]")).to_have_text("1")


@pytest.mark.parametrize("customer", ["hana"], indirect=True)
async def test_walking_in_circles_brings_an_article_on_a_phone(
    product: Product, new_page, violations, customer
) -> None:
    page = await new_page(
        viewport={"width": 360, "height": 640}, color_scheme="dark", reduced_motion="reduce"
    )
    await _signed_in(page, product, customer, "yes")
    for _ in range(3):
        for path in ("/billing", "/deliveries"):
            await page.goto(f"{product.demo_url}{path}")
            await expect(page.get_by_test_id("widget-launcher")).to_be_visible()
    nudge = page.get_by_test_id("nudge")
    await expect(nudge).to_have_attribute("data-kind", "article")
    await nudge.get_by_test_id("nudge-accept").click()
    card = nudge.get_by_test_id("article-card")
    await expect(card).to_contain_text("All invoices are on the Billing page")
    assert "/help/find-your-invoices" in (await card.get_by_role("link").get_attribute("href") or "")
    await expect(nudge.get_by_test_id("nudge-done")).to_be_focused()
    box = await nudge.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []
    await nudge.get_by_test_id("nudge-done").click()
    await expect(nudge).to_have_count(0)
