"""Help in the widget: found as soon as it is published, and there without a connection, as are messages."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.people import User, desk
from tests.support.product import Product

Violations = Callable[[Page], Awaitable[list[str]]]


async def helped(product: Product, new_page, name: str = "fay", **view: object) -> User:
    """Somebody at the help tab."""
    user = await (await User(await new_page(**view), product).sign_in(name)).open_chat()
    await user.page.get_by_test_id("widget-tab-help").click()
    await expect(user.page.get_by_test_id("help-row").first).to_be_visible()
    return user


async def kept(page: Page) -> None:
    """Wait until the service worker is in charge and has kept what it keeps."""
    await page.evaluate("navigator.serviceWorker.ready")
    await page.wait_for_function(
        "async () => (await (await caches.open('firstline-help-1')).keys()).length >= 2"
        " && navigator.serviceWorker.controller !== null"
    )


async def test_what_is_published_is_found_and_read_in_the_widget(product: Product, new_page) -> None:
    user = await helped(product, new_page)
    editor = await desk(product, new_page)
    await editor.begin(
        "gliders", "Delivery by glider", "A glider lands [near you](/help/where-is-my-order) on Fridays."
    )
    await editor.publish()
    page = user.page
    await page.get_by_test_id("help-search").fill("when does the glider land?")
    row = page.get_by_test_id("help-row").filter(has_text="Delivery by glider")
    await expect(row).to_be_visible(timeout=1_000)
    await row.click()
    await expect(page.get_by_test_id("help-article")).to_contain_text("lands near you on Fridays")
    await page.get_by_test_id("help-article").get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Where is my order and when will it come?")).to_be_visible()
    await page.get_by_test_id("help-back").click()
    await expect(row).to_be_visible()
    await page.get_by_test_id("help-ask").click()
    await expect(page.get_by_test_id("widget-input")).to_have_value("when does the glider land?")
    await editor.page.get_by_test_id("editor-unpublish").click()
    await expect(editor.state).to_contain_text("Draft")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_help_is_accessible(
    product: Product, new_page, violations: Violations, width: int, scheme: str
) -> None:
    user = await helped(product, new_page, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert await violations(user.page) == []
    await user.page.get_by_test_id("help-row").first.click()
    await expect(user.page.get_by_test_id("help-article")).not_to_be_empty()
    assert await violations(user.page) == []
    await user.page.get_by_test_id("widget-tab-help").focus()
    await user.page.keyboard.press("ArrowLeft")
    await expect(user.page.get_by_test_id("widget-tab-chat")).to_be_focused()
    await expect(user.page.get_by_test_id("widget-input")).to_be_visible()


async def test_without_a_connection_help_is_searched_and_read(product: Product, new_page) -> None:
    user = await helped(product, new_page)
    page = user.page
    await kept(page)
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("help-offline")).to_be_visible()
    await page.get_by_test_id("help-search").fill("refnd invoice")
    await page.get_by_test_id("help-row").filter(has_text="refund").first.click()
    await expect(page.get_by_test_id("help-article")).to_contain_text("refund")
    await page.reload()
    await expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    await page.get_by_test_id("help-search").fill("pause")
    await page.get_by_test_id("help-row").filter(has_text="pause").first.click()
    await expect(page.get_by_test_id("help-article")).to_contain_text("pause")
    keys = "(await (await caches.open('firstline-help-1')).keys()).map((one) => one.url)"
    held = await page.evaluate(f"async () => {keys}")
    assert {str(one).removeprefix(product.url) for one in held} <= {"/widget.js", "/api/v1/help/pack"}
    await page.context.set_offline(False)
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_test_id("widget-launcher")).to_be_visible()


async def test_what_is_written_without_a_connection_is_sent_once_and_in_order(
    product: Product, new_page
) -> None:
    user = await (await User(await new_page(), product).sign_in("fay")).open_chat()
    page = user.page
    await page.context.set_offline(True)
    texts = ["Hello from a train.", "Good morning from a train.", "Hi, still from a train."]
    for text in texts:
        await user.say(text)
    await expect(user.page.get_by_test_id("trouble-banner")).to_be_visible()
    await page.context.set_offline(False)
    mine = user.messages("user").filter(has_text="from a train").and_(page.locator("[data-seq]"))
    await expect(mine).to_have_count(3, timeout=20_000)
    await user.settle()
    assert [await one.get_by_text("from a train").inner_text() for one in await mine.all()] == texts
    await page.reload()
    await user.settle()
    await expect(mine).to_have_count(3)


async def test_an_answer_that_is_lost_sends_nothing_twice(product: Product, new_page) -> None:
    user = await (await User(await new_page(), product).sign_in("fay")).open_chat()
    keys: list[str | None] = []

    async def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await user.page.route("**/messages", lose_the_first)
    await user.say("hello, once and no more")
    mine = user.messages("user").filter(has_text="once and no more")
    await expect(mine.and_(user.page.locator("[data-seq]"))).to_have_count(1, timeout=20_000)
    await user.page.reload()
    await user.settle()
    await expect(mine).to_have_count(1)
    assert len(set(keys)) == 1, "however often it was sent, it was the same message"
