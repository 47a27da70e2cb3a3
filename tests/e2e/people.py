"""What people do, step by step, in the browser."""

import secrets

from playwright.async_api import Locator, Page, expect

from tests.support.product import Product

ADMIN = "admin@firstline.local"
WIDE = {"viewport": {"width": 1280, "height": 900}}


class User:
    """A customer in the demo application with the chat widget."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page = page
        self.product = product

    async def sign_in(self, name: str) -> "User":
        await self.page.goto(f"{self.product.demo_url}/sign-in")
        await self.page.get_by_label("E-mail address").fill(f"{name}@kettle.example")
        await self.page.get_by_label("Password").fill("kettle-demo")
        await self.page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(self.page.get_by_test_id("widget-launcher")).to_be_visible()
        return self

    async def open_chat(self) -> "User":
        await self.page.get_by_test_id("widget-launcher").click()
        await expect(self.page.get_by_test_id("widget-panel")).to_be_visible()
        await self.settle()  # what was said before is loaded
        return self

    async def say(self, text: str) -> None:
        shown = self.messages("user").filter(has_text=text)
        before = await shown.count()
        await self.page.get_by_test_id("widget-input").fill(text)
        await self.page.get_by_test_id("widget-send").click()
        await expect(shown).to_have_count(before + 1)

    async def ask(self, text: str) -> None:
        """Say something and wait until the assistant has said all it has to say."""
        before = await self.messages("bot").count()
        await self.say(text)
        await expect(self.messages("bot").nth(before)).to_be_visible()
        await self.settle()

    async def settle(self) -> None:
        """Wait until the transcript has not grown for a second."""
        seen: list[str] | None = None
        while (now := await self.transcript()) != seen:
            seen = now
            await self.page.wait_for_timeout(1000)

    def messages(self, author: str) -> Locator:
        return self.page.get_by_test_id("message").and_(self.page.locator(f"[data-author={author}]"))

    async def heard(self, author: str, text: str) -> None:
        await expect(self.messages(author).filter(has_text=text).last).to_be_visible()

    async def transcript(self) -> list[str]:
        """Numbers of the messages that are shown, in order."""
        shown = self.page.get_by_test_id("message")
        numbers = [await one.get_attribute("data-seq") for one in await shown.all()]
        return [number for number in numbers if number]


class Agent:
    """A member of staff at the console."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page = page
        self.product = product

    async def sign_in(self, path: str = "/console") -> "Agent":
        """Sign in as admin; at the very first time with the one-time password, which is changed."""
        assert self.product.password is not None
        await self.page.goto(self.product.url + path)
        await self.page.get_by_test_id("signin-email").fill(ADMIN)
        await self.page.get_by_test_id("signin-password").fill(self.product.password)
        await self.page.keyboard.press("Enter")
        if not self.product.password_changed:
            new = secrets.token_urlsafe(16)
            await self.page.get_by_test_id("password-new").fill(new)
            repeat = self.page.get_by_test_id("password-repeat")
            if await repeat.count():
                await repeat.fill(new)
            await self.page.keyboard.press("Enter")
            self.product.password, self.product.password_changed = new, True
        await expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        return self

    async def claim(self, who: str) -> None:
        await self.page.get_by_test_id("queue-item").filter(has_text=who).first.click()
        await self.page.get_by_test_id("case-claim").click()
        await expect(self.page.get_by_test_id("case-input")).to_be_enabled()

    async def say(self, text: str) -> None:
        await self.page.get_by_test_id("case-input").fill(text)
        await self.page.get_by_test_id("case-send").click()

    async def resolve(self) -> None:
        await self.page.get_by_test_id("case-resolve").click()
        await self.page.get_by_test_id("resolve-confirm").click()


class Desk:
    """Somebody at the editor."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.state = page.get_by_test_id("editor-state")
        self.body = page.get_by_test_id("editor-body")

    async def begin(self, article_id: str, title: str, body: str, area: str = "orders") -> None:
        await self.page.goto(self.page.url.split("#")[0] + "#new")
        await self.page.get_by_test_id("editor-title").fill(title)
        await self.page.get_by_test_id("editor-id").fill(article_id)
        await self.page.get_by_test_id("editor-area").fill(area)
        await self.body.fill(body)
        await self.save(1)

    async def open(self, article_id: str) -> None:
        await self.page.goto(self.page.url.split("#")[0] + f"#{article_id}")
        await expect(self.page.get_by_test_id("editor-id")).to_have_value(article_id)
        await expect(self.body).to_be_visible()

    async def write(self, body: str) -> None:
        await self.body.fill(body)
        await expect(self.state).to_contain_text("Unsaved changes")

    async def save(self, version: int) -> None:
        await self.page.get_by_test_id("editor-save").click()
        await expect(self.state).to_contain_text(f"Version {version},")
        await expect(self.state).not_to_contain_text("Unsaved")

    async def publish(self) -> None:
        """Publish, whatever the gate says of other questions."""
        await self.page.get_by_test_id("editor-publish").click()
        asked = self.page.locator("[data-testid=publish-dialog][open]")
        await expect(asked.or_(self.state.get_by_text("Published")).first).to_be_visible(timeout=20_000)
        if await asked.is_visible():
            await self.page.get_by_test_id("publish-confirm").click()
        await expect(self.state).to_contain_text("Published")

    async def search(self, question: str) -> list[str]:
        """Ids of what readers would find."""
        answer = await self.page.request.get("/api/v1/search", params={"q": question})
        assert answer.ok
        return [hit["article_id"] for hit in (await answer.json())["hits"]]


async def desk(product: Product, new_page, **view: object) -> Desk:
    page = await new_page(**(view or WIDE), base_url=product.url)
    return Desk((await Agent(page, product).sign_in("/editor")).page)
