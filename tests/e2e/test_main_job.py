"""The main job, end to end: a fix, an answer, a person; and nothing is lost on the way."""

import pytest
from playwright.async_api import expect

from tests.e2e.people import Agent, User
from tests.support.product import Product

pytestmark = pytest.mark.usefixtures("sample_data")


async def test_a_locked_account_is_unlocked_and_the_page_shows_it(product: Product, new_page) -> None:
    user = await User(await new_page(), product).sign_in("ada")
    await expect(user.page.get_by_text("KT-1001").first).to_be_visible()
    await user.open_chat()
    await user.say("my account is locked, please unlock it")
    await user.page.get_by_test_id("choice-button").first.click()
    proof = user.page.get_by_test_id("proof-card")
    await expect(proof).to_be_visible()
    await expect(user.page.locator("body")).not_to_contain_text("KT-1001", timeout=10_000)


async def test_preferences_that_did_not_save_are_saved(product: Product, new_page) -> None:
    user = await User(await new_page(), product).sign_in("cleo")
    await user.page.goto(f"{product.demo_url}/preferences")
    await user.open_chat()
    await user.say("I changed my grind setting but it doesnt save")
    await user.page.get_by_test_id("choice-button").first.click()
    await expect(user.page.get_by_test_id("proof-card")).to_be_visible()


async def test_a_question_gets_a_quote_and_the_article(product: Product, new_page) -> None:
    user = await (await User(await new_page(), product).sign_in("hana")).open_chat()
    await user.ask("how do I pause my subscription?")
    card = user.page.get_by_test_id("article-card").first
    await expect(card).to_be_visible()
    link = card.get_by_role("link").first
    address = await link.get_attribute("href")
    assert address is not None
    assert "/help/" in address
    article = await new_page()
    await article.goto(address)
    await expect(article.get_by_role("heading", level=1)).to_be_visible()


async def test_a_person_answers_and_the_bot_is_back(product: Product, new_page) -> None:
    user = await (await User(await new_page(), product).sign_in("ben")).open_chat()
    agent = await Agent(await new_page(viewport={"width": 1280, "height": 900}), product).sign_in()
    await user.say("I want to talk to a human")
    await expect(user.page.get_by_test_id("queue-banner")).to_be_visible()
    await agent.claim("Ben")
    await expect(agent.page.get_by_test_id("case-context")).to_contain_text("verified", ignore_case=True)
    await agent.say("Hello, this is a person. What can I do?")
    await user.heard("agent", "this is a person")
    before = await user.messages("bot").count()
    await user.say("my verification mail never came")
    await expect(agent.page.get_by_text("my verification mail never came").first).to_be_visible()
    assert await user.messages("bot").count() == before, "the bot spoke while a person had the conversation"
    await agent.resolve()
    await user.say("thanks! what can you do?")
    await expect(user.messages("bot")).not_to_have_count(before)


async def test_typing_is_shown_both_ways(product: Product, new_page) -> None:
    user = await (await User(await new_page(), product).sign_in("fay")).open_chat()
    agent = await Agent(await new_page(viewport={"width": 1280, "height": 900}), product).sign_in()
    await user.say("agent please")
    await agent.claim("Fay")
    await agent.page.get_by_test_id("case-input").press_sequentially("One moment", delay=40)
    await expect(user.page.get_by_test_id("typing")).to_be_visible()
    await user.page.get_by_test_id("widget-input").press_sequentially("my secret draft", delay=40)
    await expect(agent.page.get_by_test_id("typing")).to_be_visible()
    await expect(agent.page.locator("body")).not_to_contain_text("my secret draft")
    await agent.resolve()


async def test_a_reload_in_the_middle_loses_nothing(product: Product, new_page) -> None:
    user = await (await User(await new_page(), product).sign_in("hana")).open_chat()
    await user.ask("hello")
    before = await user.transcript()
    await user.page.get_by_test_id("widget-input").fill("half a thought")
    await user.page.reload()
    if not await user.page.get_by_test_id("widget-panel").is_visible():
        await user.open_chat()
    await expect(user.page.get_by_test_id("message").first).to_be_visible()
    await expect(user.page.get_by_test_id("message")).to_have_count(len(before))
    assert await user.transcript() == before
    await expect(user.page.get_by_test_id("widget-input")).to_have_value("half a thought")


async def test_two_tabs_show_the_same(product: Product, new_page) -> None:
    one = await (await User(await new_page(), product).sign_in("hana")).open_chat()
    await one.ask("hello there")
    second_page = await new_page(one.page.context)
    await second_page.goto(product.demo_url)
    two = User(second_page, product)
    if not await second_page.get_by_test_id("widget-panel").is_visible():
        await two.open_chat()
    await two.heard("user", "hello there")
    await two.ask("said in the other tab")
    await one.heard("user", "said in the other tab")
    await one.settle()
    assert await one.transcript() == await two.transcript()
