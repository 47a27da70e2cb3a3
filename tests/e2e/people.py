"""What people do, step by step, in the browser."""

import secrets

from playwright.async_api import Locator, Page, expect

from tests.support.product import Product

ADMIN = "admin@firstline.local"


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
