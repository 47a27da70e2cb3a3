"""Every way in which a text reaches the product, each walked with one secret."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from connectors.hosts.signing import signed_headers
from security.identity.keyring import KeyRing
from security.identity.user_tokens import mint
from tests.support.canaries import Canary
from tests.support.product import Product

ADMIN = "admin@firstline.local"
_ANSWER_SECONDS = 40


@dataclass
class Staff:
    """A member of staff who is signed in; the cookie is in the session's jar."""

    session: aiohttp.ClientSession
    url: str
    csrf: str = ""

    async def sign_in(self, email: str, password: str, new: str | None = None) -> "Staff":
        """Sign in; with `new`, change the one-time password to that."""
        async with self.session.post(
            f"{self.url}/api/v1/session", json={"email": email, "password": password}
        ) as response:
            assert response.status == 200, await response.text()
            self.csrf = (await response.json())["csrf"]
        if new is not None:
            self.csrf = (await self.post("/api/v1/session/password", {"current": password, "new": new}))[
                "csrf"
            ]
        return self

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """POST, which must be taken."""
        headers = {"X-CSRF-Token": self.csrf} | ({"Idempotency-Key": key} if key else {})
        async with self.session.post(self.url + path, json=body or {}, headers=headers) as response:
            assert response.status < 300, (path, response.status, await response.text())
            return await response.json() if response.content_type == "application/json" else None

    async def get(self, path: str) -> str:
        """GET; the body as text."""
        async with self.session.get(self.url + path) as response:
            assert response.status == 200, (path, response.status)
            return await response.text()


@dataclass
class Person:
    """A user of the demo application to whom one secret belongs."""

    product: Product
    session: aiohttp.ClientSession
    canary: Canary
    ref: str
    conversation: str = ""
    case: str = ""
    statuses: dict[str, int] = field(default_factory=dict)

    def token(self) -> str:
        """As the application would sign it; it tells the address where that is the secret."""
        ring = KeyRing.load(self.product.home / "keys" / "hosts" / "kettle.json")
        email = self.canary.plain if self.canary.kind == "email" else None
        return mint(ring, sub=self.ref, name="Robin", email=email, now=datetime.now(UTC))

    async def call(
        self, way: str, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Call as this user; no answer may be a fault of the server's."""
        given = {"Authorization": f"Bearer {self.token()}", **headers}
        async with self.session.request(
            method, self.product.url + path, json=body, headers=given
        ) as response:
            self.statuses[way] = response.status
            assert response.status < 500, (way, response.status, await response.text())
            is_json = "json" in response.content_type
            return response.status, await response.json() if is_json else None

    async def walk(self) -> None:
        """Go in by every way that a user has."""
        await self.start()
        await self.say_over_rest()
        await self.say_over_socket()
        await self.send_behaviour()
        await self.send_what_is_refused()
        await self.look_for_help()
        await self.hand_off()

    async def start(self) -> None:
        """Page address and title, and what the client tells of itself."""
        secret, slug = self.canary.secret, quote(self.canary.plain, safe="")
        page = {
            "url": f"https://shop.example/account/reset/{slug}?token={slug}&tab=billing#access_token={slug}",
            "title": self.canary.said,
        }
        client = {"timezone": "Europe/Berlin", "note": self.canary.said, secret[:60]: True}
        status, body = await self.call(
            "start", "POST", "/api/v1/conversations", {"page": page, "client": client}
        )
        if status == 400:
            client = {"timezone": "Europe/Berlin", "note": self.canary.said}
            status, body = await self.call(
                "start", "POST", "/api/v1/conversations", {"page": page, "client": client}
            )
        assert status == 201, body
        self.conversation = body["id"]

    @property
    def path(self) -> str:
        return f"/api/v1/conversations/{self.conversation}"

    async def say_over_rest(self) -> None:
        """A message with the secret in its key too, feedback with a comment, and "that did not help"."""
        status, posted = await self.call(
            "message", "POST", f"{self.path}/messages", {"text": self.canary.said},
            **{"Idempotency-Key": f"send:{self.canary.slug}", "User-Agent": self.canary.slug,
               "Referer": f"https://shop.example/?q={quote(self.canary.plain)}"},
        )  # fmt: skip
        assert status in (200, 201), posted
        answer = await self.answer_after(posted["seq"])
        await self.call(
            "feedback", "POST", f"{self.path}/feedback",
            {"about_seq": answer["seq"], "helpful": False, "comment": self.canary.said},
            **{"Idempotency-Key": f"feedback:{self.canary.slug}"},
        )  # fmt: skip
        offered = [button["payload"] for button in answer["data"].get("buttons") or ()]
        if "/not_helped" in offered:
            body = {"text": "No", "choice": "/not_helped"}
            _, posted = await self.call("choice", "POST", f"{self.path}/messages", body)
            await self.answer_after(posted["seq"])

    async def answer_after(self, seq: int) -> dict[str, Any]:
        """Wait for the message that follows."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                _, body = await self.call("events", "GET", f"{self.path}/events?after={seq}&limit=50&wait=5")
                for event in body["events"]:
                    if event["author"]["kind"] != "user" and event["type"] == "message":
                        return dict(event)

    async def say_over_socket(self) -> None:
        """The same over the WebSocket."""
        async with self.session.ws_connect(f"{self.product.url}/api/v1/ws") as socket:
            hello = {"type": "hello", "token": self.token(), "conversation": self.conversation, "after": 0}
            await socket.send_json(hello)
            key = f"live:{self.canary.slug}"
            await socket.send_json({"type": "message", "client_key": key, "text": self.canary.said})
            await socket.send_json({"type": self.canary.slug[:30], "text": self.canary.secret})
            await socket.send_str(f'{{"type": "message", "text": "{self.canary.slug}')
            seq = None
            async with asyncio.timeout(_ANSWER_SECONDS):
                async for frame in socket:
                    said = json.loads(frame.data)
                    if said["type"] == "ack":
                        seq = said["seq"]
                        break
        assert seq is not None
        await self.answer_after(seq)

    async def send_behaviour(self) -> None:
        """Events of the page, as far as they may name anything."""
        now = datetime.now(UTC).isoformat()
        word = "".join(c for c in self.canary.plain.lower() if c.isalnum())[:40] or "x"
        event = {"id": f"evt-{word}-0001"[:64], "type": "page_view", "at": now, "step": word,
                 "page": f"/reset/{quote(self.canary.plain, safe='')[:150]}"}  # fmt: skip
        await self.call("behaviour", "POST", "/api/v1/behaviour", {"consent": True, "events": [event]})
        wrong = {**event, "code": self.canary.said[:60]}
        await self.call("behaviour", "POST", "/api/v1/behaviour", {"consent": True, "events": [wrong]})

    async def send_what_is_refused(self) -> None:
        """A choice that was not offered, and requests that cannot be read, with the secret all over them."""
        secret, slug, base = self.canary.secret, self.canary.slug, self.product.url
        choice = {"text": secret, "choice": f"/inform{json.dumps({'workflow_answer': secret})}"}
        await self.call("unoffered", "POST", f"{self.path}/messages", choice)
        await self.call("unknown field", "POST", f"{self.path}/messages", {"text": "hi", secret: secret})
        await self.call("path", "GET", f"/api/v1/conversations/{quote(slug, safe='')}")
        await self.call("query", "GET", f"{self.path}/events?after={quote(secret, safe='')}")
        await self.call("cursor", "GET", f"{self.path}/events", Accept="text/event-stream",
                        **{"Last-Event-ID": slug})  # fmt: skip
        await self.call(
            "offer", "POST", f"/api/v1/offers/{quote(slug, safe='')}/outcome", {"outcome": secret}
        )
        for headers in ({"Authorization": f"Bearer {slug}"}, {"Cookie": f"session={slug}"}):
            async with self.session.get(f"{base}/api/v1/conversations", headers=headers) as response:
                assert response.status == 401
        async with self.session.post(
            f"{base}{self.path}/messages",
            data=f'{{"text": "{slug}',
            headers={"Content-Type": "application/json"},
        ) as response:
            assert response.status in (400, 401)

    async def look_for_help(self) -> None:
        """The help centre, where nobody is asked who they are."""
        asked, slug = quote(self.canary.said), quote(self.canary.slug, safe="")
        for path in (f"/help?q={asked}", f"/help/{slug}", f"/nothing/{slug}?q={asked}"):
            async with self.session.get(self.product.url + path) as response:
                assert response.status < 500
        await self.call("search", "GET", f"/api/v1/search?q={asked}")

    async def hand_off(self) -> None:
        """Ask for a person, saying it once more."""
        status, body = await self.call(
            "handoff", "POST", f"{self.path}/handoff", {"text": self.canary.said},
            **{"Idempotency-Key": f"person:{self.canary.slug}"},
        )  # fmt: skip
        assert status == 201, body
        self.case = body["case"]


async def attend(agent: Staff, person: Person) -> None:
    """Take the case, repeat the secret to the user, and note it at the end."""
    canary = person.canary
    await agent.post(f"/api/v1/cases/{person.case}/claim")
    await agent.post(
        f"/api/v1/cases/{person.case}/messages",
        {"text": f"You wrote: {canary.said}"},
        key=f"agent:{canary.slug}",
    )
    await agent.post(
        f"/api/v1/cases/{person.case}/resolve",
        {"outcome": "answered", "note": f"Was told that {canary.said}", "tell_user": False},
    )


async def tell_of_events(session: aiohttp.ClientSession, product: Product, people: list[Person]) -> None:
    """What the application itself tells: events about users, with ids and words of its own."""
    ring = KeyRing.load(product.home / "keys" / "hosts" / "kettle.json")
    key = ring.signing_key()
    assert key.secret is not None
    for person in people:
        event = {"id": f"evt-{person.ref}", "type": "state_changed", "ref": person.ref,
                 "detail": person.canary.said, "parts": ["account"]}  # fmt: skip
        path, body = "/api/v1/hosts/kettle/events", json.dumps({"events": [event]}).encode()
        headers = signed_headers(
            key.kid, key.secret, timestamp=int(time.time()), method="POST", path=path, body=body
        )
        async with session.post(
            product.url + path, data=body, headers={**headers, "Content-Type": "application/json"}
        ) as response:
            assert response.status == 202, await response.text()


async def try_to_sign_in(session: aiohttp.ClientSession, product: Product, people: list[Person]) -> None:
    """Somebody types into the staff's form what does not belong there."""
    for person in people:
        for email, password in (
            (f"{person.canary.slug}@firstline.local", person.canary.secret),
            (ADMIN, person.canary.secret),
        ):
            async with session.post(
                f"{product.url}/api/v1/session", json={"email": email, "password": password}
            ) as response:
                assert response.status in (400, 401, 429), await response.text()


async def speak_badly(product: Product, people: list[Person]) -> None:
    """Requests that are none, on the bare connection."""
    for person in people:
        slug = person.canary.slug.encode()
        for raw in (b"GET /" + slug + b"\r\n\r\n", b"BREW / HTTP/1.1\r\n" + slug + b"\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", product.port)
            writer.write(raw)
            with contextlib.suppress(TimeoutError, ConnectionError):
                await writer.drain()
                async with asyncio.timeout(2):
                    await reader.read(2000)
            writer.close()
