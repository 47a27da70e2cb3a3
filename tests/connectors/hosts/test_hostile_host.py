"""The provider against a host that is broken or hostile: a real HTTP server that answers as it is told."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actions.host import HostRefused, HostUnavailable, UnknownUser
from connectors.hosts.http import MAX_ANSWER_BYTES, HttpHostApplication, Timeouts
from security.identity.keyring import KeyRing

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOW = datetime.now(UTC).isoformat()
GOOD = {"ref": "u1", "as_of": NOW, "parts": {"account": {"locked": True}}}


class FakeHost:
    """Answers every call with `behave`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.behave: Behaviour = self._fine
        self.seen: list[web.Request] = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(app)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.seen.append(request)
        return await self.behave(request)

    async def _fine(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(GOOD)

    def say(self, body: bytes | str | Any, status: int = 200, **more: Any) -> None:
        """Answer with a body: bytes and text as they are, anything else as JSON."""
        raw = (
            body
            if isinstance(body, bytes)
            else (body if isinstance(body, str) else json.dumps(body)).encode()
        )

        async def behave(_: web.Request) -> web.StreamResponse:
            return web.Response(**{"body": raw, "status": status, "content_type": "application/json", **more})

        self.behave = behave


@pytest.fixture
async def fake() -> AsyncIterator[FakeHost]:
    host = FakeHost()
    await host.server.start_server()
    yield host
    await host.server.close()


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "fake.json", "fake")


@pytest.fixture
def provider(fake: FakeHost, ring: KeyRing, session: aiohttp.ClientSession) -> HttpHostApplication:
    url = str(fake.server.make_url("/prefix"))
    return HttpHostApplication("fake", url, ring, session, timeouts=Timeouts(connect=0.5, total=1.2))


async def test_a_good_answer(provider: HttpHostApplication, fake: FakeHost) -> None:
    assert (await provider.state("u1")).part("account") == {"locked": True}
    assert fake.seen[0].path == "/prefix/firstline/v1/users/u1/state"


def _state(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


NONSENSE: dict[str, Any] = {
    "empty": b"",
    "broken": b'{"ref": "u1"',
    "list": [],
    "null": None,
    "not-utf8": b'{"ref": "u1\xff"}',
    "twice": b'{"ref": "u1", "ref": "u1", "as_of": "2031-01-01T00:00:00Z", "parts": {}}',
    "nan": b'{"ref": "u1", "as_of": "2031-01-01T00:00:00Z", "parts": {"x": NaN}}',
    "nul": {**GOOD, "parts": {"account": {"name": "a\x00b"}}},
    "surrogate": b'{"ref": "u1", "as_of": "2020-01-01T00:00:00Z", "parts": {"x": "\\ud800"}}',
    "deep": b'{"ref":"u1","as_of":"2020-01-01T00:00:00Z","parts":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "other-user": _state(ref="u2"),
    "no-zone": _state(as_of="2020-01-01T00:00:00"),
    "no-time": _state(as_of="soon"),
    "future": _state(as_of=(datetime.now(UTC) + timedelta(hours=1)).isoformat()),
    "parts-list": _state(parts=[]),
    "part-name": _state(parts={"../etc": 1}),
    "many-parts": _state(parts={f"part_{n}": 1 for n in range(40)}),
    "account-text": _state(parts={"account": "locked"}),
    "locked-text": _state(parts={"account": {"locked": "false"}}),
    "locked-number": _state(parts={"account": {"locked": 0}}),
    "negative": _state(parts={"account": {"failed_sign_ins": -1}}),
    "amount-text": _state(parts={"billing": {"amount_due_cents": "12"}}),
    "amount-fraction": _state(parts={"billing": {"amount_due_cents": 12.5}}),
    "order-status": _state(parts={"orders": [{"number": "1", "status": "eaten"}]}),
    "orders-object": _state(parts={"orders": {"number": "1"}}),
    "flag-text": _state(parts={"features": {"x": "yes"}}),
    "sync-missing": _state(parts={"preferences": {"saved": {}, "applied": {}}}),
    "too-large": b'{"ref": "u1", "x": "' + b"a" * MAX_ANSWER_BYTES + b'"}',
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_unavailable_and_not_tried_again(
    provider: HttpHostApplication, fake: FakeHost, name: str
) -> None:
    fake.say(NONSENSE[name])
    with pytest.raises(HostUnavailable) as caught:
        await provider.state("u1")
    assert caught.value.reason == "bad_answer"
    assert len(fake.seen) == 1


async def test_a_large_proper_answer_is_read(provider: HttpHostApplication, fake: FakeHost) -> None:
    fake.say(_state(parts={"notes": "a" * 500_000}))
    assert len((await provider.state("u1")).parts["notes"]) == 500_000


async def test_only_parts_asked_for_get_through(provider: HttpHostApplication, fake: FakeHost) -> None:
    fake.say(_state(parts={"account": {}, "secret": 1}))
    assert set((await provider.state("u1", ["account"])).parts) == {"account"}


@pytest.mark.parametrize(
    ("status", "body", "error", "word"),
    [
        (400, {"code": "unknown_part", "message": "No."}, HostRefused, "unknown_part"),
        (401, {"code": "signature_wrong", "message": "No."}, HostRefused, "signature_wrong"),
        (403, b"<html>", HostRefused, "http_403"),
        (409, {}, HostRefused, "http_409"),
        (422, {"code": 7}, HostRefused, "http_422"),
        (404, {"code": "unknown_user", "message": "x"}, UnknownUser, None),
        (404, {"code": "unknown_operation"}, HostRefused, "unknown_operation"),
        (404, b"not here", HostUnavailable, "bad_answer"),
        (204, b"", HostUnavailable, "bad_answer"),
        (302, b"", HostUnavailable, "bad_answer"),
        (429, b"", HostUnavailable, "overloaded"),
    ],
)
async def test_statuses(
    provider: HttpHostApplication,
    fake: FakeHost,
    status: int,
    body: Any,
    error: type[Exception],
    word: str | None,
) -> None:
    headers = {"Location": "http://127.0.0.1:9/elsewhere"} if status == 302 else {}
    fake.say(body, status, headers=headers)
    with pytest.raises(error) as caught:
        await provider.state("u1")
    found = caught.value
    assert getattr(found, "reason_code", getattr(found, "reason", None)) == word
    assert len(fake.seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_tried_again_and_then_unavailable(
    provider: HttpHostApplication, fake: FakeHost, status: int
) -> None:
    fake.say("oops", status)
    with pytest.raises(HostUnavailable) as caught:
        await provider.state("u1")
    assert caught.value.reason == "server_error"
    assert len(fake.seen) == 3


async def test_every_try_carries_the_same_key_and_body(provider: HttpHostApplication, fake: FakeHost) -> None:
    bodies: list[bytes] = []

    async def behave(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.read())
        if len(bodies) < 3:
            return web.Response(status=503)
        return web.json_response({"status": "done"})

    fake.behave = behave
    result = await provider.run("u1", "unlock_account", {"b": 1, "a": 2}, idempotency_key="one")
    assert result.status == "done"
    assert [request.headers["Idempotency-Key"] for request in fake.seen] == ["one"] * 3
    assert set(bodies) == {b'{"parameters":{"a":2,"b":1}}'}


async def test_a_hang_ends_in_time(provider: HttpHostApplication, fake: FakeHost) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.json_response(GOOD)

    fake.behave = hang
    with pytest.raises(HostUnavailable) as caught:
        async with asyncio.timeout(10):
            await provider.state("u1")
    assert caught.value.reason == "timeout"
    assert len(fake.seen) >= 2


async def test_one_hang_leaves_time_for_another_try(provider: HttpHostApplication, fake: FakeHost) -> None:
    async def hang_once(_: web.Request) -> web.StreamResponse:
        if len(fake.seen) == 1:
            await asyncio.sleep(30)
        return web.json_response(GOOD)

    fake.behave = hang_once
    assert (await provider.state("u1")).ref == "u1"


async def test_a_trickle_ends_in_time(provider: HttpHostApplication, fake: FakeHost) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.05)
        except ConnectionError:
            return response

    fake.behave = trickle
    with pytest.raises(HostUnavailable) as caught:
        async with asyncio.timeout(10):
            await provider.state("u1")
    assert caught.value.reason == "timeout"


async def test_a_cut_answer_is_unavailable(provider: HttpHostApplication, fake: FakeHost) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    fake.behave = cut
    with pytest.raises(HostUnavailable) as caught:
        await provider.state("u1")
    assert caught.value.reason == "unreachable"


async def test_compression_is_refused_before_it_can_unfold(
    provider: HttpHostApplication, fake: FakeHost
) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    fake.say(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(HostUnavailable) as caught:
        await provider.state("u1")
    assert caught.value.reason == "bad_answer"


async def test_another_content_type_is_refused(provider: HttpHostApplication, fake: FakeHost) -> None:
    fake.say(GOOD, content_type="text/html")
    with pytest.raises(HostUnavailable):
        await provider.state("u1")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "perhaps"},
        {"status": "done", "result": []},
        {"status": "done", "message": "x" * 501},
        [1],
    ],
)
async def test_nonsense_about_an_operation(provider: HttpHostApplication, fake: FakeHost, body: Any) -> None:
    fake.say(body)
    with pytest.raises(HostUnavailable):
        await provider.run("u1", "unlock_account", {}, idempotency_key="k")


async def test_what_is_logged_holds_no_secret_and_no_content(
    provider: HttpHostApplication, fake: FakeHost, ring: KeyRing, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    fake.say({"ref": "u1", "as_of": NOW, "parts": {"account": {"locked": "kept-private"}}})
    with pytest.raises(HostUnavailable):
        await provider.state("u1")
    fake.say({"code": "x", "message": "kept-private"}, 403)
    with pytest.raises(HostRefused):
        await provider.run("u1", "unlock_account", {"number": "kept-private"}, idempotency_key="k")
    printed = capsys.readouterr()
    logged = printed.out + printed.err + caplog.text
    assert "host_answer_unusable" in logged
    secret = json.loads(ring.path.read_text())["keys"][0]["secret"]
    for hidden in ("kept-private", secret, fake.seen[0].headers["Firstline-Signature"]):
        assert hidden not in logged
    assert secret not in repr(ring.signing_key())
