"""Kettle's pages as a browser without scripts uses them: signing in, the troubles, the way out of each."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from connectors.hosts.demo.sample import PASSWORD, SAMPLES
from connectors.hosts.http import HttpHostApplication
from foundation.clock import SystemClock
from security.identity.keyring import HostKeys
from security.identity.user_tokens import UserTokens
from tests.support.kettle import KettleProcess

PAGES = ("/", "/deliveries", "/billing", "/preferences", "/exports", "/security", "/labs", "/support")


class Browser:
    """A user's browser: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url, self.text, self.path, self.status = session, url, "", "", 0

    async def _take(self, answer: aiohttp.ClientResponse) -> "Browser":
        self.text, self.path, self.status = await answer.text(), answer.url.path, answer.status
        return self

    async def get(self, path: str) -> "Browser":
        async with self.session.get(self.url + path) as answer:
            return await self._take(answer)

    async def send(self, path: str, **fields: str) -> "Browser":
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.text)
        data = {**({"csrf": csrf[1]} if csrf else {}), **fields}
        async with self.session.post(self.url + path, data=data) as answer:
            return await self._take(answer)

    async def sign_in(self, user: str, password: str = PASSWORD) -> "Browser":
        return await self.send("/sign-in", email=f"{user}@kettle.example", password=password)

    async def mailed(self, pattern: str) -> str:
        """What the newest mail holds; leaves the page as it is."""
        async with self.session.get(self.url + "/outbox") as answer:
            found = re.search(pattern, await answer.text())
        assert found is not None
        return found[1]

    async def token(self, **headers: str) -> tuple[int, dict[str, str]]:
        async with self.session.post(self.url + "/firstline/token", headers=headers) as answer:
            return answer.status, await answer.json()

    def codes(self) -> set[str]:
        return set(re.findall(r'data-error-code="([^"]+)"', self.text))


@pytest.fixture
async def browser(kettle: KettleProcess) -> AsyncIterator[Browser]:
    headers = {"Accept": "text/html", "User-Agent": "Mozilla/5.0 (X11; Linux) Chrome/140 Safari/537"}
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers=headers) as session:
        yield Browser(session, kettle.url)


async def test_the_sign_in_page_lists_the_sample_users(browser: Browser) -> None:
    await browser.get("/")
    assert browser.path == "/sign-in"
    assert PASSWORD in browser.text
    for sample in SAMPLES:
        assert sample.email in browser.text
        assert sample.trouble in browser.text


@pytest.mark.parametrize(
    ("user", "path", "code"),
    [
        ("ada", "/", "KT-1001"), ("ben", "/security", "KT-1003"), ("cleo", "/preferences", "KT-1004"),
        ("dev", "/billing", "KT-1005"), ("eli", "/billing", "KT-1006"), ("fay", "/deliveries", "KT-1007"),
        ("gus", "/", "KT-1002"), ("ivy", "/exports", "KT-1008"),
    ],
)  # fmt: skip
async def test_each_trouble_shows_on_its_page_and_at_the_start(
    browser: Browser, user: str, path: str, code: str
) -> None:
    await browser.sign_in(user)
    assert browser.codes() == {code}
    assert (await browser.get(path)).codes() == {code}


async def test_a_user_without_trouble_sees_every_page(browser: Browser) -> None:
    await browser.sign_in("hana")
    for path in PAGES:
        await browser.get(path)
        assert (browser.status, browser.path, browser.codes()) == (200, path, set())


@pytest.mark.parametrize("user", ["ada", "gus"])
async def test_who_is_locked_out_sees_one_page_and_gets_a_token(
    browser: Browser, kettle: KettleProcess, user: str
) -> None:
    await browser.sign_in(user)
    for path in PAGES:
        assert (await browser.get(path)).path == "/restricted"
    status, body = await browser.token()
    assert status == 200
    who = UserTokens(HostKeys(kettle.keys.parent), SystemClock()).verify(body["token"])
    assert (who.host, who.ref, who.email) == ("kettle", f"usr_{user}", f"{user}@kettle.example")


async def test_the_page_opens_once_support_has_unlocked(browser: Browser, host: HttpHostApplication) -> None:
    await browser.sign_in("ada")
    await host.run("usr_ada", "unlock_account", {}, idempotency_key="k")
    await browser.get("/restricted")
    assert (browser.path, browser.codes()) == ("/", set())
    await browser.get("/support")
    assert "Unlock the account" in browser.text
    assert "Done" in browser.text


async def test_a_wrong_password_and_an_unknown_address_look_alike(browser: Browser) -> None:
    await browser.sign_in("hana", "wrong")
    first = (browser.status, browser.codes())
    await browser.sign_in("nobody", "wrong")
    assert first == (browser.status, browser.codes()) == (401, {"KT-1010"})
    assert (await browser.get("/billing")).path == "/sign-in"


async def test_five_wrong_passwords_lock_the_account(browser: Browser) -> None:
    for _ in range(5):
        await browser.sign_in("hana", "wrong")
    await browser.sign_in("hana")
    assert (browser.path, browser.codes()) == ("/restricted", {"KT-1001"})


async def test_the_second_factor_stands_between_password_and_pages(browser: Browser) -> None:
    await browser.sign_in("jon")
    assert browser.path == "/sign-in/code"
    assert (await browser.token())[0] == 401
    assert (await browser.get("/billing")).path == "/sign-in/code"
    code = await browser.mailed(r"code is (\d{6})")
    await browser.send("/sign-in/code", code="000000" if code != "000000" else "111111")
    assert browser.codes() == {"KT-1011"}
    await browser.send("/sign-in/code", code=code)
    assert (browser.path, browser.codes()) == ("/", {"KT-1009"})
    await browser.get("/security")
    await browser.send("/security/sign-out-others")
    assert (browser.path, browser.codes()) == ("/security", set())


async def test_an_expired_password_is_replaced_by_the_mailed_link(
    browser: Browser, host: HttpHostApplication
) -> None:
    await browser.sign_in("gus")
    await host.run("usr_gus", "send_password_reset", {}, idempotency_key="k")
    link = await browser.mailed(r'href="(/reset\?token=[^"]+)"')
    token = link.partition("token=")[2]
    await browser.get(link)
    assert "Choose a new password" in browser.text
    assert (await browser.send("/reset", token=token, password="short")).status == 422
    assert (await browser.send("/reset", token=token, password=PASSWORD)).status == 422
    await browser.send("/reset", token=token, password="a better brew")
    assert (browser.path, browser.codes()) == ("/", set())
    assert (await browser.get(link)).codes() == {"KT-1012"}
    await browser.send("/sign-out")
    assert (await browser.sign_in("gus")).status == 401
    assert (await browser.sign_in("gus", "a better brew")).path == "/"


async def test_a_new_password_ends_other_sessions(browser: Browser, kettle: KettleProcess) -> None:
    await browser.sign_in("hana")
    async with aiohttp.ClientSession(headers={"Accept": "text/html"}) as other:
        stranger = Browser(other, kettle.url)
        await stranger.send("/forgot", email="hana@kettle.example")
        token = await stranger.mailed(r"/reset\?token=([^\"]+)")
        await stranger.send("/reset", token=token, password="a better brew")
    assert (await browser.get("/")).path == "/sign-in"


async def test_an_address_is_confirmed_by_the_mailed_link(
    browser: Browser, host: HttpHostApplication
) -> None:
    await browser.sign_in("ben")
    await browser.get("/security")
    await browser.send("/security/verification")
    link = await browser.mailed(r'href="(/verify\?token=[^"]+)"')
    await browser.get("/security")
    assert (await browser.send("/security/verification")).codes() == {"KT-1003", "KT-1013"}
    assert "confirmed" in (await browser.get(link)).text
    assert (await browser.get("/security")).codes() == set()
    assert (await host.state("usr_ben")).part("account")["email_verified"] is True
    assert (await browser.get(link)).codes() == {"KT-1012"}


async def test_billing_retry_and_a_new_card(browser: Browser) -> None:
    await browser.sign_in("eli")
    await browser.get("/billing")
    assert (await browser.send("/billing/retry")).codes() == {"KT-1006"}
    await browser.send("/billing/card", number="4242", expires="2099-01")
    assert "cannot be used" in browser.text
    await browser.send("/billing/card", number="4242 4242 4242 4242", expires="2099-01")
    assert "ending in 4242" in browser.text
    assert (await browser.send("/billing/retry")).codes() == set()


async def test_saved_preferences_arrive_unless_the_way_is_blocked(browser: Browser) -> None:
    fields = {"grind": "espresso", "roast": "dark", "delivery_day": "monday", "newsletter": "on"}
    await browser.sign_in("hana")
    await browser.get("/preferences")
    await browser.send("/preferences", **fields)
    assert browser.codes() == set()
    assert browser.text.count("<td>Espresso</td>") == 2
    await browser.send("/sign-out")
    await browser.sign_in("cleo")
    await browser.get("/preferences")
    await browser.send("/preferences", **fields)
    assert browser.codes() == {"KT-1004"}


async def test_an_export_can_be_downloaded(browser: Browser) -> None:
    await browser.sign_in("hana")
    await browser.get("/exports/exp_hana_1.csv")
    assert browser.text.startswith("number,status,placed_at")
    assert (await browser.get("/exports/exp_ivy_1.csv")).status == 404


async def test_a_flag_can_be_turned(browser: Browser, host: HttpHostApplication) -> None:
    await browser.sign_in("hana")
    await browser.get("/labs")
    await browser.send("/labs", flag="roast_radar")
    assert (await host.state("usr_hana")).part("features")["roast_radar"] is True


async def test_forms_need_the_token_of_the_session(browser: Browser) -> None:
    await browser.sign_in("dev")
    for csrf in ("", "x"):
        await browser.send("/billing/retry", csrf=csrf)
        assert browser.status == 403
    assert (await browser.get("/billing")).codes() == {"KT-1005"}


@pytest.mark.parametrize("path", ["/sign-in", "/firstline/token", "/demo/reset", "/demo/faults", "/forgot"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_other_sites_cannot_post(browser: Browser, path: str, origin: str) -> None:
    async with browser.session.post(browser.url + path, data={}, headers={"Origin": origin}) as answer:
        assert answer.status == 403


async def test_nobody_gets_a_token(browser: Browser) -> None:
    assert (await browser.token())[0] == 401
    await browser.sign_in("hana")
    assert (await browser.token(Origin=browser.url))[0] == 200
    await browser.get("/")
    await browser.send("/sign-out")
    assert (await browser.token())[0] == 401


async def test_names_and_other_text_are_escaped(browser: Browser) -> None:
    await browser.send("/sign-in", email='"><script>alert(1)</script>@x', password="x")
    assert "<script>alert" not in browser.text


async def test_the_widget_may_run_and_nothing_else(browser: Browser) -> None:
    async with browser.session.get(browser.url + "/sign-in") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' http://127.0.0.1:9;" in policy
    assert "connect-src 'self' http://127.0.0.1:9 ws://127.0.0.1:9;" in policy
    await browser.sign_in("hana")
    assert '<script type="module" src="http://127.0.0.1:9/widget.js"></script>' in browser.text
