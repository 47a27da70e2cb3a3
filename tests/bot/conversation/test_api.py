"""The user's API over HTTP, SSE and WebSocket, with bad input in every place."""

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.permissions import house_rules
from bot.conversation.api import ConversationApi
from bot.conversation.event_stream import EventStream
from bot.conversation.user_access import UserAccess
from bot.conversation.websocket import LiveSocket
from foundation.clock import SystemClock
from foundation.errors import Forbidden, NotFound, Unauthenticated
from foundation.http import Caller
from foundation.http.server import build_http
from tests.support.confidential import CONFIDENTIAL

API = "/api/v1/conversations"


class TokenIsTheName:
    """Admits a bearer token `good-<ref>` as that user; `expired` and anything else is refused."""

    lifetime = 600.0

    async def user(self, request: web.Request) -> Caller | None:
        header = request.headers.get("Authorization")
        return await self.user_from_token(header.removeprefix("Bearer ")) if header else None

    async def user_from_token(self, token: str) -> Caller:
        if not token.startswith("good-"):
            raise Unauthenticated("The token is not valid.", hint="Ask the host application for a new one.")
        ref = token.removeprefix("good-")
        expires = SystemClock().now() + timedelta(seconds=self.lifetime)
        return Caller("user", f"demo:{ref}", ref.title(), None, "demo", ref, expires_at=expires)

    async def staff(self, request: web.Request) -> Caller | None:
        return None

    async def service(self, request: web.Request) -> Caller | None:
        return None

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        raise Forbidden("no")

    async def check_origin(self, request: web.Request) -> None:
        raise Forbidden("no")


class NoStaff:
    async def follow(self, caller, conversation_id):
        raise NotFound("no")

    async def post(self, caller, conversation_id, text, key):
        raise NotFound("no")

    async def typing(self, caller, conversation_id, active):
        raise NotFound("no")


@pytest.fixture
async def client(room, aiohttp_client):
    line = UserAccess(room.conversations, room.runner, room.desk, CONFIDENTIAL, house_rules())
    follower = EventStream(room.conversations, room.desk, room.wakeups)
    room.authenticator = TokenIsTheName()
    live = LiveSocket(line, NoStaff(), follower, room.authenticator, SystemClock())
    room.live = live
    api = ConversationApi(line, room.conversations, follower, live, SystemClock())
    app = build_http(
        api.endpoints(),
        room.authenticator,
        house_rules(),
        allowed_origins=lambda: frozenset({"https://app.example"}),
    )
    return await aiohttp_client(app)


ADA = {"Authorization": "Bearer good-ada"}
BEN = {"Authorization": "Bearer good-ben"}


async def begin(client) -> str:
    response = await client.post(API, json={}, headers=ADA)
    assert response.status == 201
    return (await response.json())["id"]


async def read_until(client, conversation, wanted, after=0):
    async with asyncio.timeout(10):
        while True:
            url = f"{API}/{conversation}/events?after={after}&wait=2"
            events = (await (await client.get(url, headers=ADA)).json())["events"]
            if wanted(events):
                return events


async def test_a_message_is_answered(client) -> None:
    conversation = await begin(client)
    response = await client.post(
        f"{API}/{conversation}/messages", json={"text": "hi"}, headers={**ADA, "Idempotency-Key": "k1"}
    )
    assert response.status == 201
    posted = await response.json()
    events = await read_until(client, conversation, lambda events: len(events) == 2)
    assert events[0] == posted
    assert events[1]["data"]["text"] == "You said hi"
    assert events[1]["turn"] == posted["turn"]


async def test_the_same_key_gives_the_same_answer_and_another_text_a_conflict(client) -> None:
    conversation = await begin(client)
    url, headers = f"{API}/{conversation}/messages", {**ADA, "Idempotency-Key": "k1"}
    first = await client.post(url, json={"text": "hi"}, headers=headers)
    again = await client.post(url, json={"text": "hi"}, headers=headers)
    other = await client.post(url, json={"text": "bye"}, headers=headers)
    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert await first.json() == await again.json()


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b'{"text":""}',
    b'{"text":"   \\n "}',
    b'{"text":"a\\u0000b"}',
    b'{"text":"\\ud800"}',
    b'{"text":"a","text":"b"}',
    b'{"text":NaN}',
    b'{"text":5}',
    b'{"text":"a","extra":1}',
    b'{"text":"\xff"}',
    b'{"text":"a","choice":"/unlock_account"}',
    b"[" * 50_000,
    json.dumps({"text": "x" * 100_000}).encode(),
    json.dumps({"text": "x" * 2_000_000}).encode(),
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: body[:24].decode("latin-1"))
async def test_bad_messages_are_refused_and_the_transcript_is_unharmed(client, body) -> None:
    conversation = await begin(client)
    headers = {**ADA, "Content-Type": "application/json", "Idempotency-Key": "k"}
    response = await client.post(f"{API}/{conversation}/messages", data=io.BytesIO(body), headers=headers)
    assert 400 <= response.status < 500
    problem = await response.json(content_type="application/problem+json")
    assert problem["detail"]
    assert problem["hint"]
    assert "xxxx" not in json.dumps(problem)
    after = await (await client.get(f"{API}/{conversation}/events", headers=ADA)).json()
    assert after == {"events": [], "last_seq": 0}
    good = await client.post(f"{API}/{conversation}/messages", json={"text": "hi"}, headers=headers)
    assert (await good.json())["seq"] == 1


async def test_others_conversations_are_not_there(client) -> None:
    conversation = await begin(client)
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/messages"),
        ("POST", "/handoff"),
        ("POST", "/typing"),
        ("POST", "/feedback"),
    ):
        bodies = {
            "/messages": {"text": "hi"},
            "/typing": {"active": True},
            "/feedback": {"about_seq": 1, "helpful": True},
        }
        body = bodies.get(path, {}) if method == "POST" else None
        others = await client.request(method, f"{API}/{conversation}{path}", json=body, headers=BEN)
        unknown = await client.request(method, f"{API}/cnv_{'0' * 26}{path}", json=body, headers=BEN)
        assert others.status == unknown.status == 404
        assert await others.json(content_type=None) == await unknown.json(content_type=None)
    assert (await (await client.get(API, headers=BEN)).json()) == {"conversations": []}


@pytest.mark.parametrize("path", ["cnv_x", "%00", "..%2f..%2fetc", "cnv_" + "Z" * 500, "%ff", "💥"])
async def test_odd_conversation_ids_are_client_errors(client, path) -> None:
    response = await client.get(f"{API}/{path}/events", headers=ADA)
    assert 400 <= response.status < 500


@pytest.mark.parametrize("token", [None, "Bearer bad", "Bearer expired", "Basic eA==", "Bearer "])
async def test_without_a_good_token_nothing_is_served(client, token) -> None:
    headers = {"Authorization": token} if token else {}
    response = await client.post(API, json={}, headers=headers)
    assert response.status == 401
    assert (await response.json(content_type=None))["hint"]


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=1e9",
        "after=99999999999",
        "limit=0",
        "wait=1e9",
        "wait=nan",
        "nonsense=1",
    ],
)
async def test_bad_queries_are_refused(client, query) -> None:
    conversation = await begin(client)
    response = await client.get(f"{API}/{conversation}/events?{query}", headers=ADA)
    assert response.status == 400


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "ä"])
async def test_bad_keys_are_refused(client, key) -> None:
    conversation = await begin(client)
    response = await client.post(
        f"{API}/{conversation}/messages", json={"text": "hi"}, headers={**ADA, "Idempotency-Key": key}
    )
    assert response.status == 400


async def test_a_button_can_be_chosen_when_it_was_offered(client, room) -> None:
    from bot.conversation.domain import Answer, Reading

    async def offer(turn):
        buttons = [{"title": "Yes, unlock it", "payload": "/affirm"}]
        return Answer([{"text": f"choice: {turn.choice}", "buttons": buttons}], Reading())

    room.brain.script = offer
    conversation = await begin(client)
    url = f"{API}/{conversation}/messages"
    early = await client.post(url, json={"text": "Yes", "choice": "/affirm"}, headers=ADA)
    assert early.status == 422
    await client.post(url, json={"text": "locked"}, headers=ADA)
    await read_until(client, conversation, lambda events: len(events) == 2)
    chosen = await client.post(url, json={"text": "Yes, unlock it", "choice": "/affirm"}, headers=ADA)
    assert chosen.status == 201
    events = await read_until(client, conversation, lambda events: len(events) == 4)
    assert events[3]["data"]["text"] == "choice: /affirm"


async def test_asking_for_a_person_works_twice_and_without_the_assistant(client, room) -> None:
    conversation = await begin(client)
    first = await client.post(f"{API}/{conversation}/handoff", json={"text": "please"}, headers=ADA)
    again = await client.post(f"{API}/{conversation}/handoff", json={}, headers=ADA)
    assert (first.status, again.status) == (201, 201)
    assert (await first.json())["case"] == (await again.json())["case"]
    now = await (await client.get(f"{API}/{conversation}", headers=ADA)).json()
    assert now["owner"]["kind"] == "queue"
    assert now["case"]["position"] == 1
    assert room.brain.asked == []


async def test_what_is_said_with_the_wish_for_a_person_is_in_the_case_and_told_once(client, room) -> None:
    conversation = await begin(client)
    url, headers = f"{API}/{conversation}/handoff", {**ADA, "Idempotency-Key": "k1"}
    first = await client.post(url, json={"text": " my cat is on the roof "}, headers=headers)
    again = await client.post(url, json={"text": "my cat is on the roof"}, headers=headers)
    other = await client.post(url, json={"text": "never mind"}, headers=headers)
    assert (first.status, again.status, other.status) == (201, 201, 409)
    assert [case.transcript for case in room.desk.cases] == [["my cat is on the roof"]]
    assert room.desk.told == [room.desk.cases[0].id]
    events = await room.conversations.events(conversation)
    assert [event.type for event in events] == ["message", "owner_changed", "handoff"]
    message = await client.post(f"{API}/{conversation}/messages", json={"text": "hello?"}, headers=headers)
    assert message.status == 201


async def test_feedback_is_about_an_answer_and_noted_once(client, room) -> None:
    conversation = await begin(client)
    await client.post(f"{API}/{conversation}/messages", json={"text": "hi"}, headers=ADA)
    await read_until(client, conversation, lambda events: len(events) == 2)
    url, headers = f"{API}/{conversation}/feedback", {**ADA, "Idempotency-Key": "k1"}
    for seq in (1, 3, 2**31, 10**30):
        refused = await client.post(url, json={"about_seq": seq, "helpful": True}, headers=ADA)
        assert 400 <= refused.status < 500, seq
    first = await client.post(url, json={"about_seq": 2, "helpful": True}, headers=headers)
    again = await client.post(url, json={"about_seq": 2, "helpful": True}, headers=headers)
    other = await client.post(url, json={"about_seq": 2, "helpful": False}, headers=headers)
    assert (first.status, again.status, other.status) == (201, 201, 409)
    assert (await first.json())["data"] == {"about_seq": 2, "helpful": True, "comment": None}
    events = await room.conversations.events(conversation)
    assert [event.type for event in events] == ["message", "message", "feedback"]


async def test_sse_resumes_after_the_last_event_id(client) -> None:
    conversation = await begin(client)
    await client.post(f"{API}/{conversation}/messages", json={"text": "one"}, headers=ADA)
    await read_until(client, conversation, lambda events: len(events) == 2)
    headers = {**ADA, "Accept": "text/event-stream", "Last-Event-ID": "1"}
    async with client.get(f"{API}/{conversation}/events", headers=headers) as stream:
        assert stream.content_type == "text/event-stream"
        await client.post(f"{API}/{conversation}/messages", json={"text": "two"}, headers=ADA)
        ids: list[int] = []
        async with asyncio.timeout(10):
            while len(ids) < 3:
                line = (await stream.content.readline()).decode()
                if line.startswith("id:"):
                    ids.append(int(line[3:]))
    assert ids == [2, 3, 4]
    bad = await client.get(f"{API}/{conversation}/events", headers={**headers, "Last-Event-ID": "x"})
    assert bad.status == 400


async def test_a_cursor_beyond_the_end_misses_nothing_that_comes(client) -> None:
    """As a client has one after a backup was restored."""
    conversation = await begin(client)
    url = f"{API}/{conversation}/events?after=2147483647"
    now = await (await client.get(url, headers=ADA)).json()
    assert now == {"events": [], "last_seq": 0}
    hello = {"type": "hello", "token": "good-ada", "conversation": conversation, "after": 2147483647}
    async with (
        client.ws_connect("/api/v1/ws") as socket,
        client.get(url, headers={**ADA, "Accept": "text/event-stream"}) as stream,
    ):
        await socket.send_json(hello)
        assert (await socket.receive_json(timeout=5))["type"] == "welcome"
        waiting = asyncio.create_task(client.get(f"{url}&wait=10", headers=ADA))
        await asyncio.sleep(0.1)
        await client.post(f"{API}/{conversation}/messages", json={"text": "hi"}, headers=ADA)
        frames = await frames_until(socket, lambda frames: any(f["type"] == "event" for f in frames))
        assert [f["event"]["seq"] for f in frames if f["type"] == "event"] == [1]
        async with asyncio.timeout(10):
            assert (await (await waiting).json())["events"][0]["seq"] == 1
            while not (await stream.content.readline()).startswith(b"id: 1"):
                pass


async def frames_until(socket, wanted):
    got: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not wanted(got):
            got.append(await socket.receive_json())
    return got


async def test_two_tabs_see_the_same_and_a_reconnect_resumes(client) -> None:
    conversation = await begin(client)
    hello = {"type": "hello", "token": "good-ada", "conversation": conversation, "after": 0}

    def events(frames):
        return [f["event"]["seq"] for f in frames if f["type"] == "event"]

    async with client.ws_connect("/api/v1/ws") as one, client.ws_connect("/api/v1/ws") as two:
        await one.send_json(hello)
        await two.send_json(hello)
        for number in range(3):
            await one.send_json({"type": "message", "client_key": f"k{number}", "text": f"m{number}"})
            await one.send_json({"type": "message", "client_key": f"k{number}", "text": f"m{number}"})
        seen = [await frames_until(tab, lambda frames: len(events(frames)) == 6) for tab in (one, two)]
    assert events(seen[0]) == events(seen[1]) == [1, 2, 3, 4, 5, 6]
    assert seen[0][0]["type"] == "welcome"
    async with client.ws_connect("/api/v1/ws") as back:
        await back.send_json({**hello, "after": 4})
        assert events(await frames_until(back, lambda frames: len(events(frames)) == 2)) == [5, 6]


async def test_typing_is_shown_and_not_stored(client, room) -> None:
    conversation = await begin(client)
    hello = {"type": "hello", "token": "good-ada", "conversation": conversation, "after": 0}
    async with client.ws_connect("/api/v1/ws") as one, client.ws_connect("/api/v1/ws") as two:
        for tab in (one, two):
            await tab.send_json(hello)
            assert (await tab.receive_json())["type"] == "welcome"
        await asyncio.sleep(0.1)
        await one.send_json({"type": "typing", "active": True})
        frames = await frames_until(two, lambda frames: frames and frames[-1]["type"] == "typing")
        assert frames[-1]["author"] == {"kind": "user", "name": "Ada"}
    assert await room.conversations.events(conversation) == []


@pytest.mark.parametrize(
    "first",
    [
        "",
        "{",
        "[]",
        '{"type":"hello"}',
        '{"type":"hello","conversation":"cnv_x","token":"good-ada"}',
        '{"type":"hello","conversation":"cnv_x","token":"bad"}',
        '{"type":"hello","conversation":"cnv_x"}',
        '{"type":"hello","conversation":"\\u0000","token":"good-ada"}',
        '{"type":"message","text":"hi"}',
    ],
)
async def test_a_bad_hello_is_told_why_and_hung_up_on(client, first) -> None:
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_str(first)
        problem = await socket.receive_json(timeout=5)
        assert problem["type"] == "problem"
        assert 400 <= problem["status"] < 500
        assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


@pytest.mark.parametrize(
    "frame",
    [
        json.dumps({"type": "ping"} | {f"k{number}": 1 for number in range(3000)}),
        '{"type": "ping", "x": ' + "[" * 20 + "]" * 20 + "}",
        '{"type": "ping", "x": [' + ",".join("1" * 1000) + "]}",
    ],
)
async def test_frames_of_many_values_are_refused_and_the_socket_stays(client, frame: str) -> None:
    conversation = await begin(client)
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": "good-ada", "conversation": conversation})
        await socket.send_str(frame)
        await socket.send_json({"type": "ping"})
        frames = await frames_until(socket, lambda frames: frames and frames[-1]["type"] == "pong")
    assert [one["status"] for one in frames if one["type"] == "problem"] == [400]


async def test_bad_frames_are_answered_and_the_socket_stays(client) -> None:
    conversation = await begin(client)
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": "good-ada", "conversation": conversation})
        await socket.receive_json()
        for bad in (
            "{",
            '{"type":"x"}',
            '{"type":"message","text":"no key"}',
            '{"type":"message","client_key":"k","text":""}',
            '{"type":"message","client_key":"a b","text":"hi"}',
            '{"type":"token","token":"good-ben"}',
        ):
            await socket.send_str(bad)
            problem = await socket.receive_json(timeout=5)
            assert problem["type"] == "problem"
            assert 400 <= problem["status"] < 500
        await socket.send_json({"type": "message", "client_key": "k", "text": "still here"})
        frames = await frames_until(socket, lambda frames: any(f["type"] == "ack" for f in frames))
        assert frames


async def test_an_ended_token_ends_the_socket_unless_renewed(client, room) -> None:
    conversation = await begin(client)
    room.authenticator.lifetime = 0.6
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": "good-ada", "conversation": conversation})
        frames = await frames_until(socket, lambda frames: frames and frames[-1]["type"] == "problem")
        assert "token_expiring" in [f["type"] for f in frames]
        assert frames[-1]["status"] == 401


@pytest.mark.parametrize("error", [ConnectionRefusedError("database away"), RuntimeError("surprise")])
async def test_a_socket_that_can_no_longer_follow_is_hung_up_on(client, room, monkeypatch, error) -> None:
    """Else the client would wait for events that never come, on a socket that answers its pings."""
    conversation = await begin(client)

    async def fail(*_: Any) -> None:
        raise error

    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": "good-ada", "conversation": conversation})
        assert (await socket.receive_json(timeout=5))["type"] == "welcome"
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json(timeout=5))["type"] == "pong"
        monkeypatch.setattr(room.conversations, "events", fail)
        await room.conversations.announce(conversation)
        closing = await socket.receive(timeout=5)
        assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 1013)


async def test_a_socket_that_cannot_be_admitted_for_now_is_told_to_come_back(
    client, room, monkeypatch
) -> None:
    conversation = await begin(client)

    async def fail(*_: Any) -> None:
        raise ConnectionRefusedError("database away")

    monkeypatch.setattr(room.conversations, "background", fail)
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": "good-ada", "conversation": conversation})
        assert (await socket.receive_json(timeout=5))["status"] == 503
        closing = await socket.receive(timeout=5)
        assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 1013)


async def test_silent_clients_do_not_hold_up_the_end_one_after_another(client, room, monkeypatch) -> None:
    conversation = await begin(client)
    closing, together = 0, asyncio.Event()

    async def close(self, *, code, message):
        nonlocal closing
        closing += 1
        if closing == 3:
            together.set()
        await together.wait()

    hello = {"type": "hello", "token": "good-ada", "conversation": conversation}
    sockets = [await client.ws_connect("/api/v1/ws") for _ in range(3)]
    for socket in sockets:
        await socket.send_json(hello)
        assert (await socket.receive_json(timeout=5))["type"] == "welcome"
    with monkeypatch.context() as patched:
        patched.setattr(web.WebSocketResponse, "close", close)
        async with asyncio.timeout(10):
            await room.live.close_all()
    for socket in sockets:
        await socket.close()


async def test_a_stream_that_can_no_longer_follow_ends_cleanly(client, room, monkeypatch) -> None:
    conversation = await begin(client)

    async def fail(*_: Any) -> None:
        raise RuntimeError("surprise")

    async with client.get(
        f"{API}/{conversation}/events", headers={**ADA, "Accept": "text/event-stream"}
    ) as stream:
        assert await stream.content.readline() == b"retry: 1000\n"
        monkeypatch.setattr(room.conversations, "events", fail)
        await room.conversations.announce(conversation)
        async with asyncio.timeout(10):
            rest = await stream.content.read()
    assert rest.strip() == b""


async def test_an_ended_token_ends_the_stream(client, room) -> None:
    conversation = await begin(client)
    room.authenticator.lifetime = 0.6
    async with client.get(
        f"{API}/{conversation}/events", headers={**ADA, "Accept": "text/event-stream"}
    ) as stream:
        async with asyncio.timeout(10):
            rest = await stream.content.read()
    assert rest.startswith(b"retry: 1000\n\n")


async def test_only_listed_origins_may_read(client) -> None:
    good = await client.get(API, headers={**ADA, "Origin": "https://app.example"})
    bad = await client.get(API, headers={**ADA, "Origin": "https://evil.example"})
    assert good.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Origin" not in bad.headers
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert (await client.options(API, headers=preflight)).status == 204
    assert (await client.options(API, headers={**preflight, "Origin": "https://evil.example"})).status == 403


async def test_what_is_not_there_and_what_is_not_allowed(client) -> None:
    assert (await client.get("/nothing", headers=ADA)).status == 404
    assert (await client.delete(API, headers=ADA)).status == 405
    assert (await client.get("/api/v1/ws")).status == 400
    wrong = await client.post(API, data="text", headers={**ADA, "Content-Type": "text/plain"})
    assert wrong.status == 415
