"""What one user may do, over HTTP and WebSocket: who is over a limit waits, loses nothing, harms nobody."""

import asyncio
import uuid
from typing import Any

import pytest

from app.permissions import house_rules
from bot.conversation.api import ConversationApi
from bot.conversation.event_stream import EventStream
from bot.conversation.limit_policy import LimitPolicy
from bot.conversation.limits import UserLimits
from bot.conversation.user_access import UserAccess
from bot.conversation.websocket import LiveSocket
from foundation.clock import SystemClock
from foundation.errors import RateLimited
from foundation.http import Caller
from foundation.http.server import build_http
from foundation.ids import new_id
from tests.bot.conversation.test_api import ADA, API, BEN, NoStaff, TokenIsTheName, begin, frames_until
from tests.support.confidential import CONFIDENTIAL

FEW = LimitPolicy.model_validate(
    {
        "conversations": {"rates": ["3 per minute"], "open_at_once": 2},
        "messages": {"rates": ["3 per minute"]},
        "persons": {"rates": ["1 per minute"]},
        "feedback": {"rates": ["1 per minute"]},
        "calls": {"polls_at_once": 1},
        "sockets": {"at_once": 2, "in_all": 3, "unknown": 2},
    }
)


KEYS = [str(uuid.UUID(int=number)) for number in range(4)]


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client(room, aiohttp_client):
    line = UserAccess(
        room.conversations, room.runner, room.desk, CONFIDENTIAL, house_rules(), limits=UserLimits(FEW)
    )
    follower = EventStream(room.conversations, room.desk, room.wakeups)
    live = LiveSocket(line, NoStaff(), follower, TokenIsTheName(), SystemClock())
    api = ConversationApi(line, room.conversations, follower, live, SystemClock())
    app = build_http(api.endpoints(), TokenIsTheName(), house_rules(), allowed_origins=lambda: frozenset())
    return await aiohttp_client(app)


async def post(client, path: str, body: dict[str, Any], who=ADA, key: str | None = None):
    headers = {**who, "Idempotency-Key": key or new_id("key")}
    return await client.post(f"{API}{path}", json=body, headers=headers)


async def check_refused(response) -> None:
    assert response.status == 429
    problem = await response.json(content_type="application/problem+json")
    assert problem["code"] == "rate_limited"
    assert problem["detail"]
    assert problem["hint"]
    assert 1 <= int(response.headers["Retry-After"]) <= 3600


async def test_messages_are_limited_by_user_and_what_was_accepted_is_never_refused(client) -> None:
    conversation = await begin(client)
    path = f"/{conversation}/messages"
    for number in range(3):
        assert (await post(client, path, {"text": f"m{number}"}, key=KEYS[number])).status == 201
    await check_refused(await post(client, path, {"text": "m3"}, key=KEYS[3]))
    for number in range(3):
        again = await post(client, path, {"text": f"m{number}"}, key=KEYS[number])
        assert again.status == 200
        assert (await again.json())["client_key"] == KEYS[number]
    other = await (await client.post(API, json={}, headers=BEN)).json()
    assert (await post(client, f"/{other['id']}/messages", {"text": "hi"}, BEN)).status == 201
    events = (await (await client.get(f"{API}/{conversation}/events", headers=ADA)).json())["events"]
    assert [e["client_key"] for e in events if e["author"]["kind"] == "user"] == KEYS[:3]


async def test_sending_again_what_was_accepted_does_not_count(client) -> None:
    path = f"/{await begin(client)}/messages"
    for _ in range(6):
        assert (await post(client, path, {"text": "one"}, key="k1")).status in (200, 201)
    assert (await post(client, path, {"text": "two"}, key="k2")).status == 201
    assert (await post(client, path, {"text": "three"}, key="k3")).status == 201
    await check_refused(await post(client, path, {"text": "four"}, key="k4"))


async def test_a_refused_message_on_a_socket_is_named_by_its_key_and_the_socket_goes_on(client) -> None:
    hello = {"type": "hello", "token": "good-ada", "conversation": await begin(client), "after": 0}
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json(hello)
        for number in range(4):
            await socket.send_json({"type": "message", "client_key": f"k{number}", "text": "hi"})
        frames = await frames_until(socket, lambda got: any(f["type"] == "problem" for f in got))
        problem = frames[-1]
        assert (problem["status"], problem["code"], problem["client_key"]) == (429, "rate_limited", "k3")
        assert problem["retry_after"] >= 1
        await socket.send_json({"type": "message", "client_key": "k0", "text": "hi"})
        await socket.send_json({"type": "ping"})
        rest = await frames_until(socket, lambda got: any(f["type"] == "pong" for f in got))
    acknowledged = [f["client_key"] for f in [*frames, *rest] if f["type"] == "ack"]
    assert acknowledged == ["k0", "k1", "k2", "k0"]


async def test_new_conversations_are_limited_at_once_and_by_time(client, room) -> None:
    started = await asyncio.gather(*(client.post(API, json={}, headers=ADA) for _ in range(3)))
    assert sorted(one.status for one in started) == [201, 201, 429]
    for one in started:
        if one.status == 429:
            await check_refused(one)
    await check_refused(await client.post(API, json={}, headers=ADA))
    assert len(await room.conversations.of_contact("demo", "ada")) == 2
    assert (await client.post(API, json={}, headers=BEN)).status == 201


async def test_feedback_and_polls_are_limited(client) -> None:
    conversation = await begin(client)
    await post(client, f"/{conversation}/messages", {"text": "hi"})
    events: list[Any] = []
    while len(events) < 2:
        got = await client.get(f"{API}/{conversation}/events?wait=1&after={len(events)}", headers=ADA)
        events += (await got.json())["events"]
    path = f"/{conversation}/feedback"
    assert (await post(client, path, {"about_seq": 2, "helpful": True})).status == 201
    await check_refused(await post(client, path, {"about_seq": 2, "helpful": True}))
    url = f"{API}/{conversation}/events?after=99&wait=5"
    polls = [asyncio.create_task(client.get(url, headers=ADA)) for _ in range(2)]
    done, left = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
    await check_refused(done.pop().result())
    await post(client, f"/{conversation}/messages", {"text": "news"})
    assert (await left.pop()).status == 200


async def test_the_first_case_is_never_refused_and_the_next_call_without_a_case_neither(client, room) -> None:
    conversation = await begin(client)
    first = await post(client, f"/{conversation}/handoff", {})
    again = await post(client, f"/{conversation}/handoff", {})
    assert (first.status, again.status) == (201, 201)
    assert (await first.json())["case"] == (await again.json())["case"]
    assert (await again.json())["joined"] is False
    await check_refused(await post(client, f"/{conversation}/handoff", {"text": "not to be lost"}))
    elsewhere = await begin(client)
    await check_refused(await post(client, f"/{elsewhere}/handoff", {}))
    room.desk.cases.clear()
    assert (await post(client, f"/{elsewhere}/handoff", {})).status == 201


async def test_calls_for_a_person_at_the_same_moment_are_one_case(client, room) -> None:
    conversation = await begin(client)
    answers = await asyncio.gather(*(post(client, f"/{conversation}/handoff", {}) for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert len({(await answer.json())["case"] for answer in answers}) == len(room.desk.cases) == 1


async def test_sockets_are_limited_by_user_and_in_all_and_places_are_given_back(client) -> None:
    ada, hello = await begin(client), {"type": "hello", "token": "good-ada", "after": 0}
    ben = (await (await client.post(API, json={}, headers=BEN)).json())["id"]

    async def open_one(who: str, conversation: str) -> tuple[Any, dict[str, Any]]:
        socket = await client.ws_connect("/api/v1/ws")
        await socket.send_json({**hello, "token": f"good-{who}", "conversation": conversation})
        return socket, await socket.receive_json(timeout=5)

    sockets = [await open_one("ada", ada) for _ in range(3)]
    assert [said["type"] for _, said in sockets] == ["welcome", "welcome", "problem"]
    assert (sockets[2][1]["status"], sockets[2][1]["retry_after"]) == (429, 5)
    assert (await sockets[2][0].receive(timeout=5)).data == 4429
    sockets += [await open_one("ben", ben) for _ in range(2)]
    assert [said["type"] for _, said in sockets[3:]] == ["welcome", "problem"]
    stream = {**ADA, "Accept": "text/event-stream"}
    await check_refused(await client.get(f"{API}/{ada}/events", headers=stream))
    for socket, _ in sockets:
        await socket.close()
    async with asyncio.timeout(10):
        while (again := await open_one("ada", ada))[1]["type"] != "welcome":
            await again[0].close()
    await again[0].close()


async def test_of_sockets_that_say_nothing_the_oldest_gives_way(client) -> None:
    conversation = await begin(client)
    silent = [await client.ws_connect("/api/v1/ws") for _ in range(2)]
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "hello", "token": "good-ada", "conversation": conversation})
        assert (await socket.receive_json(timeout=5))["type"] == "welcome"
        assert (await silent[0].receive(timeout=5)).data == 1013
    await silent[1].close()


async def test_frames_that_come_too_fast_are_all_read_in_the_end(client) -> None:
    hello = {"type": "hello", "token": "good-ada", "conversation": await begin(client)}
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json(hello)
        for _ in range(35):
            await socket.send_json({"type": "ping"})
        pongs = await frames_until(socket, lambda got: [f["type"] for f in got].count("pong") == 35)
    assert pongs


def user(name: str) -> Caller:
    return Caller("user", f"demo:{name}", host="demo", ref=name)


def test_typing_is_passed_on_seldom_and_another_user_is_not_touched() -> None:
    time = Time()
    limits = UserLimits(now=time)
    ada, ben = user("ada"), user("ben")
    assert [limits.passes_typing(ada, "cnv_1", True) for _ in range(50)].count(True) == 1
    assert limits.passes_typing(ada, "cnv_1", False)
    assert limits.passes_typing(ben, "cnv_1", True)
    flapping = [limits.passes_typing(ada, "cnv_1", number % 2 == 0) for number in range(100)]
    assert flapping.count(True) == 2, "four at once, of which two are spent"
    time.now += 2.5
    assert limits.passes_typing(ada, "cnv_1", True)


async def test_typing_frames_are_dropped_without_a_word_and_publish_nothing(
    client, room, monkeypatch
) -> None:
    published = 0
    publish = room.wakeups.publish

    async def count(topic: str, message: Any = None) -> None:
        nonlocal published
        published += topic.startswith("typing:")
        await publish(topic, message)

    monkeypatch.setattr(room.wakeups, "publish", count)
    hello = {"type": "hello", "token": "good-ada", "conversation": await begin(client)}
    async with client.ws_connect("/api/v1/ws") as socket:
        await socket.send_json(hello)
        for _ in range(25):
            await socket.send_json({"type": "typing", "active": True})
        await socket.send_json({"type": "ping"})
        frames = await frames_until(socket, lambda got: any(f["type"] == "pong" for f in got))
    assert published == 1
    assert "problem" not in {frame["type"] for frame in frames}
    for _ in range(5):
        typing = await client.post(
            f"{API}/{hello['conversation']}/typing", json={"active": True}, headers=ADA
        )
        assert typing.status == 204
    assert published == 1


async def test_a_user_holds_few_connections_and_whoever_calls_too_often_is_told_when_to_come_back() -> None:
    time = Time()
    limits = UserLimits(LimitPolicy.model_validate({"calls": {"burst": 5, "at_once": 2}}), now=time)
    inside = most = 0

    async def call(who: str) -> bool:
        nonlocal inside, most
        async with limits.lane(user(who)):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
        return True

    called = await asyncio.gather(*(call("ada") for _ in range(8)), return_exceptions=True)
    assert called.count(True) == 5
    assert most == 2
    assert {one.retry_after for one in called if isinstance(one, RateLimited)} == {1}
    assert await call("ben")
    time.now += 1
    assert await call("ada")
