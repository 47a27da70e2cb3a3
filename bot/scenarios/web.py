"""The product and the demo application over HTTP, as a browser on this machine would reach them."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.scenarios.ports import Broken, Chat, HostReport, MadeUser, PlayedTurn, Rates
from foundation.ids import new_id

_WAIT = 20
_TOKEN_SECONDS = 60
_RETRY = 0.1
_REFUSED = 400
_TOO_FAST = 429
_TOKEN = re.compile(r"^[A-Za-z0-9_.-]{20,}$")


class NoAnswer(Broken):
    """There was no answer at all: nobody listens, or the connection broke."""


class Limited(Broken):
    """It came too fast and is to be sent again after so many seconds."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__(words)
        self.seconds = seconds


@dataclass(frozen=True)
class Patience:
    """Seconds: for the answer to a message, and for an app that does not listen to come back.

    The product promises an answer or a person within 20 s; more is for a machine that is busy.
    """

    answer: float = 60.0
    reconnect: float = 5.0


async def call(session: aiohttp.ClientSession, method: str, url: str, **more: Any) -> dict[str, Any]:
    """Make a call and return its JSON.

    Raises:
        Broken: when there is no answer, or one that refuses.
    """
    try:
        async with session.request(method, url, **more) as response:
            raw = await response.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NoAnswer(f"{method} {_path(url)}: no answer ({type(error).__name__})") from None
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = None
    if response.status >= _REFUSED or not isinstance(body, dict):
        words = body if isinstance(body, dict) else {}
        reason = words.get("message") or words.get("detail") or words.get("title") or "no reason given"
        wait = response.headers.get("Retry-After", "")
        if response.status == _TOO_FAST and wait.isascii() and wait.isdigit():
            raise Limited(f"{method} {_path(url)}: {response.status}, {reason}", float(wait))
        raise Broken(f"{method} {_path(url)}: {response.status}, {reason}")
    return body


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]


class DemoApplication:
    """Kettle's API for tests; it answers to this machine only."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = f"{url}/demo/users"

    async def make_user(self, like: str, name: str | None, state: Mapping[str, Any]) -> MadeUser:
        """Make a throw-away user."""
        body = {"like": like, "state": dict(state), "listed": False} | ({"name": name} if name else {})
        made = await call(self._session, "POST", self._url, json=body)
        ref = str(made["ref"])
        return MadeUser(ref, str(made["email"]), (await self.report(ref)).state)

    async def change(self, ref: str, state: Mapping[str, Any]) -> None:
        """Change the state."""
        await call(self._session, "PATCH", f"{self._url}/{ref}", json={"state": dict(state)})

    async def report(self, ref: str) -> HostReport:
        """Return state and operations."""
        found = await call(self._session, "GET", f"{self._url}/{ref}")
        return HostReport(found["state"], list(found["operations"]))

    async def token(self, ref: str) -> str:
        """Return a user token."""
        made = await call(self._session, "POST", f"{self._url}/{ref}/token", json={})
        token = str(made.get("token"))
        if not _TOKEN.match(token):
            raise Broken("the demo application gave no usable token")
        return token

    async def confirm_second_factor(self, ref: str) -> None:
        """Confirm with the second factor."""
        await call(self._session, "POST", f"{self._url}/{ref}/confirm", json={})

    async def misbehave(self, ref: str, rates: Rates, hang_seconds: float) -> None:
        """Set this user's faults."""
        body = {"rates": rates, "hang_seconds": hang_seconds} if rates else {}
        await call(self._session, "POST", f"{self._url}/{ref}/faults", json=body)

    async def remove_user(self, ref: str) -> None:
        """Remove the user."""
        await call(self._session, "DELETE", f"{self._url}/{ref}")


class FirstlineClient:
    """The public API, signed in as whoever the demo application vouches for."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        host: DemoApplication,
        patience: Patience = Patience(),
    ) -> None:
        self._session = session
        self._url = f"{url}/api/v1/conversations"
        self._host = host
        self._patience = patience

    async def begin(self, user: MadeUser, page: Mapping[str, str]) -> Chat:
        """Begin a conversation."""
        chat = _Conversation(self._session, self._url, self._host, user.ref, self._patience)
        await chat.open(page)
        return chat


class _Conversation:
    def __init__(
        self, session: aiohttp.ClientSession, url: str, host: DemoApplication, ref: str, patience: Patience
    ) -> None:
        self._session, self._url, self._host, self._ref = session, url, host, ref
        self._patience = patience
        self._handed_off = False
        self._id = ""
        self._token: tuple[float, str] = (0.0, "")

    @property
    def conversation(self) -> str:
        return self._id

    async def open(self, page: Mapping[str, str]) -> None:
        body = {"page": dict(page), "client": {"name": "firstline scenarios"}}
        self._id = str((await self._call("POST", "", json=body))["id"])

    async def say(self, text: str, choice: str | None = None) -> PlayedTurn:
        """Post, and wait for the commit that ends the turn: it brings all words at once."""
        body = {"text": text} | ({"choice": choice} if choice else {})
        headers = {"Idempotency-Key": new_id("key")}
        posted = await self._call("POST", f"/{self._id}/messages", json=body, headers=headers)
        if posted["turn"] is None:
            return PlayedTurn(handed_off=True, answered=False)
        return await self._over(int(posted["seq"]), str(posted["turn"]))

    async def ask_for_person(self) -> PlayedTurn:
        """Hand off by the widget's button."""
        before = await self._call("GET", f"/{self._id}")
        await self._call("POST", f"/{self._id}/handoff", json={})
        page = await self._call("GET", f"/{self._id}/events?after={before['last_seq']}&limit=500")
        return self._turn(page["events"])

    async def leave_queue(self) -> None:
        """Leave the queue, as the widget's button does."""
        await self._call("DELETE", f"/{self._id}/handoff")

    async def _over(self, after: int, turn: str) -> PlayedTurn:
        deadline = asyncio.get_running_loop().time() + self._patience.answer
        while asyncio.get_running_loop().time() < deadline:
            path = f"/{self._id}/events?after={after}&limit=500&wait={_WAIT}"
            events = (await self._call("GET", path))["events"]
            if any(_ends(event, turn) for event in events):
                return self._turn(events)
            if events:
                await asyncio.sleep(0.05)  # news, but not of the turn: look again without spinning
        raise Broken(f"no answer within {self._patience.answer:.0f} s")

    def _turn(self, events: list[dict[str, Any]]) -> PlayedTurn:
        for event in events:
            if event["type"] == "owner_changed":
                self._handed_off = event["data"]["owner"]["kind"] != "bot"
        said = [e["data"] for e in events if e["type"] == "message" and e["author"]["kind"] != "user"]
        return PlayedTurn(
            texts=[str(data.get("text") or "") for data in said],
            buttons=[button for data in said for button in data.get("buttons") or []],
            cards=[data["card"] for data in said if data.get("card")],
            handed_off=self._handed_off,
            answered=bool(said),
        )

    async def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Call, and again after a broken connection or when told to wait; messages carry a key, so none is
        said twice."""
        deadline = asyncio.get_running_loop().time() + self._patience.reconnect
        patient_until = asyncio.get_running_loop().time() + self._patience.answer
        given = more.pop("headers", {})
        while True:
            headers = {"Authorization": f"Bearer {await self._signed_in()}", **given}
            try:
                return await call(self._session, method, self._url + path, headers=headers, **more)
            except Limited as limited:
                if asyncio.get_running_loop().time() + limited.seconds > patient_until:
                    raise
                await asyncio.sleep(limited.seconds)
            except NoAnswer:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_RETRY)

    async def _signed_in(self) -> str:
        now = asyncio.get_running_loop().time()
        if now > self._token[0]:
            self._token = (now + _TOKEN_SECONDS, await self._host.token(self._ref))
        return self._token[1]


def _ends(event: Mapping[str, Any], turn: str) -> bool:
    spoke = event["turn"] == turn and event["author"]["kind"] != "user"
    return bool(spoke or event["type"] == "owner_changed")
