"""The desk over HTTP: roles, CSRF, the forms on the wire, and the live stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application as WebApplication
from aiohttp.web import Request
from argon2 import PasswordHasher

from app.permissions import house_rules
from bot.conversation.schemas import conversation_out
from escalation.api import CaseApi
from escalation.schemas import conversation_view
from foundation.authorization import StaffMember
from foundation.http.server import build_http
from foundation.ids import StaffId, new_id
from security.identity.api import SecurityApi
from security.identity.authentication import CSRF_HEADER, HttpAuthenticator
from security.identity.directory import StaffDirectory
from security.identity.keyring import HostKeys
from security.identity.passwords import Passwords
from security.identity.rate_limit import SignInLimits
from security.identity.sessions import Sessions
from security.identity.user_tokens import UserTokens
from tests.escalation.conftest import Desk

PASSWORD = "seven green kettles"


@dataclass
class Person:
    """A member of staff in a browser."""

    client: TestClient[Request, WebApplication]
    csrf: str = ""
    id: str = ""

    async def get(self, path: str = "", status: int = 200) -> Any:
        answer = await self.client.get(f"/api/v1/cases{path}")
        assert answer.status == status, await answer.text()
        return await answer.json()

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> ClientResponse:
        headers = {CSRF_HEADER: self.csrf, **({"Idempotency-Key": key} if key else {})}
        return await self.client.post(f"/api/v1/cases{path}", json=body or {}, headers=headers)


@dataclass
class House:
    """The desk's API with real sign-in."""

    app: WebApplication
    directory: StaffDirectory
    sessions: Sessions
    people: list[Person]

    async def enter(self, name: str, *roles: str) -> Person:
        email = f"{name.lower()}@desk.example"
        staff, once = await self.directory.create(email=email, name=name, roles=frozenset(roles), by="test")
        first = await self.sessions.sign_in(email, once.password, address="test")
        await self.sessions.change_password(first.session, once.password, PASSWORD, address="test")
        client = TestClient(TestServer(self.app), cookie_jar=CookieJar(unsafe=True))
        await client.start_server()
        person = Person(client, id=staff.id)
        self.people.append(person)
        answer = await client.post("/api/v1/session", json={"email": email, "password": PASSWORD})
        person.csrf = (await answer.json())["csrf"]
        return person


@pytest.fixture
async def house(room: Desk, tmp_path: Path) -> AsyncIterator[House]:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    sessions = Sessions(room.database, passwords, SignInLimits(None), room.clock)
    directory = StaffDirectory(room.database, passwords, room.clock)
    tokens = UserTokens(HostKeys(tmp_path), room.clock)
    authenticator = HttpAuthenticator(tokens, sessions, service_token="internal-service-token")
    cases = CaseApi(room.desk, room.conversations, authenticator, room.wakeups, room.clock, heartbeat=0.05)
    endpoints = [*SecurityApi(sessions, directory, authenticator).endpoints(), *cases.endpoints()]
    app = build_http(endpoints, authenticator, house_rules(), allowed_origins=lambda: frozenset())
    opened = House(app, directory, sessions, [])
    yield opened
    for person in opened.people:
        await person.client.close()


async def test_an_agent_works_a_case_from_the_queue_to_its_end(room: Desk, house: House) -> None:
    ben = await house.enter("Ben", "agent")
    case = await room.open()
    room.clock.advance(42)
    listed = await ben.get("?status=queued")
    assert (listed["queued"], listed["assigned"]) == (1, 0)
    row = listed["cases"][0]
    assert (row["id"], row["waited_seconds"], row["contact"]["name"]) == (case.id, 42, "Ada")
    assert "packet" not in row

    claimed = await (await ben.post(f"/{case.id}/claim")).json()
    assert claimed["assignee"] == {"id": ben.id, "name": "Ben"}
    detail = await ben.get(f"/{case.id}")
    assert detail["packet"]["state"]["parts"]["account"]["locked"] is True
    assert detail["packet"]["summary"]["wants"]
    assert detail["conversation"]["owner"] == {"kind": "agent", "name": "Ben"}
    assert [event["type"] for event in detail["events"]] == ["owner_changed", "handoff", "owner_changed"]
    assert await ben.get("?mine=1") == await ben.get("?status=assigned")

    sent = await ben.post(f"/{case.id}/messages", {"text": "Hello Ada"}, key="m-1")
    again = await ben.post(f"/{case.id}/messages", {"text": "Hello Ada"}, key="m-1")
    assert (sent.status, again.status) == (201, 200)
    assert await sent.json() == await again.json()
    assert (await sent.json())["data"]["text"] == "Hello Ada"
    assert (await ben.post(f"/{case.id}/typing", {"active": True})).status == 204
    resolved = await ben.post(f"/{case.id}/resolve", {"outcome": "solved", "note": "done", "tell_user": True})
    assert (await resolved.json())["status"] == "resolved"
    assert (await ben.get("?status=resolved"))["cases"][0]["outcome"] == "solved"
    assert (await ben.get())["cases"] == []


async def test_reading_a_case_marks_nothing(room: Desk, house: House) -> None:
    ben = await house.enter("Ben", "agent")
    case = await room.open()
    first = await ben.get(f"/{case.id}")
    assert await ben.get(f"/{case.id}") == first


async def test_the_second_agent_is_told_who_was_first(room: Desk, house: House) -> None:
    ben, eve = await house.enter("Ben", "agent"), await house.enter("Eve", "agent")
    root = await house.enter("Root", "admin")
    case = await room.open()
    await ben.post(f"/{case.id}/claim")
    answer = await eve.post(f"/{case.id}/claim")
    body = await answer.json()
    assert (answer.status, body["code"], body["assignee"]["name"]) == (409, "case_taken", "Ben")
    for path, wanted in [
        ("messages", {"text": "hi"}),
        ("typing", {"active": True}),
        ("release", None),
        ("resolve", {"outcome": "solved"}),
        ("claim", {"take_over": True}),
    ]:
        refused = await eve.post(f"/{case.id}/{path}", wanted, key="k")
        assert refused.status == 403
        assert "Ben" in (await refused.json())["detail"]
    assert (await root.post(f"/{case.id}/claim", {"take_over": True})).status == 200


@pytest.mark.parametrize("role", ["editor", "trainer"])
async def test_other_roles_are_kept_out(room: Desk, house: House, role: str) -> None:
    eve = await house.enter("Eve", role)
    case = await room.open()
    await eve.get("", status=403)
    await eve.get(f"/{case.id}", status=403)
    await eve.get("/stream", status=403)
    assert (await eve.post(f"/{case.id}/claim")).status == 403


async def test_without_a_session_or_csrf_token_nothing_happens(room: Desk, house: House) -> None:
    ben = await house.enter("Ben", "agent")
    case = await room.open()
    ben.csrf = "wrong"
    assert (await ben.post(f"/{case.id}/claim")).status == 403
    ben.client.session.cookie_jar.clear()
    assert (await ben.post(f"/{case.id}/claim")).status == 401
    await ben.get("", status=401)
    assert (await room.desk.get(case.id)).status == "queued"


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("messages", {"text": "hi"}, None),
        ("messages", {"text": "hi"}, "not a key"),
        ("messages", {"text": "hi"}, "k" * 129),
        ("messages", {"text": ""}, "k"),
        ("messages", {"text": "  "}, "k"),
        ("messages", {"text": "x" * 4001}, "k"),
        ("messages", {"text": "a\x00b"}, "k"),
        ("resolve", {"outcome": "gone"}, None),
        ("resolve", {"outcome": "solved", "note": "x" * 2001}, None),
        ("claim", {"take_over": "maybe"}, None),
    ],
)
async def test_bad_input_is_refused_and_the_transcript_unharmed(
    room: Desk, house: House, path: str, body: dict[str, Any], key: str | None
) -> None:
    ben = await house.enter("Ben", "agent")
    case = await room.open()
    await room.desk.claim(case.id, StaffMember(StaffId(ben.id), "Ben", frozenset({"agent"})))
    before = await room.conversations.events(case.conversation_id)
    answer = await ben.post(f"/{case.id}/{path}", body, key=key)
    assert answer.status == 400
    assert (await answer.json())["hint"]
    assert await room.conversations.events(case.conversation_id) == before


async def test_unknown_cases_and_queries(house: House) -> None:
    ben = await house.enter("Ben", "agent")
    await ben.get("/cas_nothing", status=404)
    await ben.get(f"/{new_id('cas')}", status=404)
    await ben.get("?status=lost", status=400)
    await ben.get("?limit=0", status=400)


async def _frames(answer: ClientResponse, number: int) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(frames) < number:
            line = (await answer.content.readline()).decode().strip()
            if line.startswith("data: "):
                frames.append(json.loads(line.removeprefix("data: ")))
    return frames


async def test_the_stream_tells_of_every_change(room: Desk, house: House) -> None:
    ben = await house.enter("Ben", "agent")
    async with ben.client.get("/api/v1/cases/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert (await _frames(answer, 1))[0] == {"queued": 0, "assigned": 0, "case": None, "change": None}
        case = await room.open()
        assert (await _frames(answer, 1))[0] == {
            "queued": 1,
            "assigned": 0,
            "case": case.id,
            "change": "opened",
        }
        await ben.post(f"/{case.id}/claim")
        assert (await _frames(answer, 1))[0]["change"] == "claimed"


async def test_the_stream_ends_for_somebody_who_may_no_longer_listen(room: Desk, house: House) -> None:
    ben, root = await house.enter("Ben", "agent"), await house.enter("Root", "admin")
    async with ben.client.get("/api/v1/cases/stream") as answer:
        await _frames(answer, 1)
        done = await root.client.patch(
            f"/api/v1/staff/{ben.id}", json={"disabled": True}, headers={CSRF_HEADER: root.csrf}
        )
        assert done.status == 200
        async with asyncio.timeout(10):
            await answer.content.read()
        assert answer.content.at_eof()


async def test_conversations_have_the_same_form_as_for_users(room: Desk) -> None:
    case = await room.open()
    conversation = await room.conversations.get(case.conversation_id)
    theirs = conversation_out(conversation).model_dump(exclude={"case"})
    assert conversation_view(conversation).model_dump() == theirs
