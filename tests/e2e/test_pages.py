"""Every page: accessible, at two widths, in light and dark, and workable by keyboard."""

import pytest
from playwright.async_api import expect

from tests.e2e.people import Agent, User
from tests.support.product import Product

WIDTHS = [1280, 390]
SCHEMES = ["light", "dark"]


def view(width: int, scheme: str) -> dict[str, object]:
    return {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_the_widget_and_public_pages(product: Product, new_page, violations, width, scheme) -> None:
    page = await new_page(**view(width, scheme))
    for path in ("/", "/help", "/help?q=pause", "/console"):
        await page.goto(product.url + path)
        await page.wait_for_load_state("networkidle")
        assert await violations(page) == [], path
        overflow = await page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not overflow, f"{path} scrolls sideways at {width} px"
    user = await (await User(page, product).sign_in("hana")).open_chat()
    await user.ask("how do I change my plan?")
    assert await violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_staff_pages(product: Product, new_page, violations, width, scheme) -> None:
    page = await new_page(**view(width, scheme))
    await Agent(page, product).sign_in()
    for path in ("/console", "/editor", "/review", "/healing"):
        await page.goto(product.url + path)
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        await page.wait_for_timeout(500)
        assert await violations(page) == [], path
        overflow = await page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not overflow, f"{path} scrolls sideways at {width} px"


async def test_the_chat_works_by_keyboard_alone(product: Product, new_page) -> None:
    user = await User(await new_page(), product).sign_in("hana")
    await user.page.get_by_test_id("widget-launcher").focus()
    await user.page.keyboard.press("Enter")
    await expect(user.page.get_by_test_id("widget-input")).to_be_focused()
    await user.page.keyboard.type("hello")
    await user.page.keyboard.press("Enter")
    await expect(user.messages("bot").first).to_be_visible()
    await user.page.keyboard.press("Escape")
    await expect(user.page.get_by_test_id("widget-panel")).to_be_hidden()
    await expect(user.page.get_by_test_id("widget-launcher")).to_be_focused()


async def test_a_conversation_can_be_reviewed_turn_by_turn(product: Product, new_page) -> None:
    user = await (await User(await new_page(), product).sign_in("hana")).open_chat()
    await user.ask("where is my order")
    trainer = await Agent(await new_page(viewport={"width": 1280, "height": 900}), product).sign_in("/review")
    await trainer.page.get_by_test_id("review-row").filter(has_text="Hana").first.click()
    turn = trainer.page.get_by_test_id("review-turn").filter(has_text="where is my order").first
    await expect(turn).to_contain_text("order_status")
