"""Events pushed by applications, periodic scans that survive death, and notices kept for later."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actions.healing.event_inbox import HostEvent
from app.permissions import house_rules
from connectors.hosts.inbound_signatures import KeyRingSignatures
from connectors.hosts.signing import signed_headers
from foundation.clock import SystemClock
from foundation.http import Caller
from foundation.http.server import build_http
from security.identity.keyring import KeyRing
from tests.actions.healing.conftest import POLICY, Ward

PATH = "/api/v1/hosts/kettle/events"


class Staff:
    """Staff come by a header that says their role, users by one that names them."""

    async def service(self, request: web.Request) -> Caller | None:
        return None

    async def user(self, request: web.Request) -> Caller | None:
        ref = request.headers.get("X-User")
        return Caller("user", f"kettle:{ref}", "Ada", host="kettle", ref=ref) if ref else None

    async def staff(self, request: web.Request) -> Caller | None:
        role = request.headers.get("X-Role")
        return Caller("staff", "stf_1", "Sam", roles=frozenset({role})) if role else None

    async def user_from_token(self, token: str) -> Caller:
        raise NotImplementedError

    async def check_origin(self, request: web.Request) -> None:
        return None

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        return None


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "kettle.json", "kettle")


@pytest.fixture
async def client(ward: Ward, ring: KeyRing) -> AsyncIterator[TestClient[Any, Any]]:
    clock = SystemClock()
    ward.room.api._signatures = KeyRingSignatures(lambda name: ring if name == "kettle" else None, clock)
    app = build_http(ward.room.endpoints(), Staff(), house_rules(), allowed_origins=lambda *_: frozenset())
    async with TestClient(TestServer(app)) as opened:
        yield opened


def _signed(ring: KeyRing, content: Any, *, path: str = PATH, late: int = 0) -> dict[str, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    [key] = ring.keys
    assert key.secret is not None
    moment = int(SystemClock().now().timestamp()) - late
    headers = signed_headers(key.kid, key.secret, timestamp=moment, method="POST", path=path, body=body)
    return {"data": body, "headers": {**headers, "Content-Type": "application/json"}}


def _event(number: int, ref: str, kind: str = "save_failed") -> dict[str, Any]:
    return {"id": f"evt_{number}", "type": kind, "ref": ref, "parts": ["preferences"]}


async def test_an_event_leads_to_a_look_and_to_a_repair(
    ward: Ward, client: TestClient[Any, Any], ring: KeyRing
) -> None:
    drifting, fine = ward.crowd.add(3)[1], ward.crowd.add(1, drifting=False, prefix="fine")[0]
    events = [_event(1, drifting), _event(2, drifting), _event(3, fine), _event(4, "usr_nobody")]
    answer = await client.post(PATH, **_signed(ring, {"events": events}))
    assert (answer.status, await answer.json()) == (202, {"accepted": 4, "repeated": 0, "unknown": 0})
    reads = ward.crowd.reads
    assert await ward.healing.work_on_events() == 3
    assert ward.crowd.reads - reads == 3, "one look for the two events about one user"
    ward.pass_time(21)
    await ward.work()
    assert ward.crowd.acts == [("resync_preferences", drifting)]
    report = await ward.healing.overview.report()
    assert report["events"] == {"save_failed": {"drift": 2, "nothing": 1, "unknown_user": 1}}


async def test_an_event_that_comes_twice_counts_once(
    ward: Ward, client: TestClient[Any, Any], ring: KeyRing
) -> None:
    ward.crowd.add(1)
    batch = {"events": [_event(1, "usr_0000"), _event(1, "usr_0000")]}
    first = await (await client.post(PATH, **_signed(ring, batch))).json()
    second = await (await client.post(PATH, **_signed(ring, batch))).json()
    assert (first["accepted"], first["repeated"]) == (1, 1)
    assert (second["accepted"], second["repeated"]) == (0, 2)


async def test_unknown_types_are_taken_and_counted_and_lead_to_nothing(
    ward: Ward, client: TestClient[Any, Any], ring: KeyRing
) -> None:
    ward.crowd.add(1)
    batch = {"events": [_event(1, "usr_0000", "kettle_sings") | {"mood": {"any": 1}}], "version": 2}
    answer = await client.post(PATH, **_signed(ring, batch))
    assert (await answer.json())["unknown"] == 1
    assert await ward.healing.work_on_events() == 0
    assert (await ward.healing.overview.report())["events"] == {"kettle_sings": {"unknown_type": 1}}


@pytest.mark.parametrize(
    "content",
    [
        b"{", b"[]", b"", {"events": []}, {"events": [{}]}, {"events": [_event(1, "")]},
        {"events": [_event(1, "usr") | {"at": "yesterday"}]},
        {"events": [_event(1, "usr", "Not A Word")]},
        {"events": [_event(1, "u" * 201)]},
        {"events": [_event(number, "usr") for number in range(201)]},
        b'{"events": [{"id": "\\u0000", "type": "save_failed", "ref": "usr"}]}',
    ],
)  # fmt: skip
async def test_bad_input_is_refused_and_not_repeated(
    ward: Ward, client: TestClient[Any, Any], ring: KeyRing, content: Any
) -> None:
    answer = await client.post(PATH, **_signed(ring, content))
    assert answer.status == 400
    assert "Not A Word" not in await answer.text()
    assert (await ward.healing.overview.status()).events_waiting == 0


async def test_only_the_application_itself_may_tell(
    client: TestClient[Any, Any], ring: KeyRing, tmp_path: Path
) -> None:
    good = {"events": [_event(1, "usr_0000")]}
    signed = _signed(ring, good)
    assert (await client.post(PATH, json=good)).status == 401
    assert (await client.post(PATH, **{**signed, "data": b'{"events": []}'})).status == 401
    assert (await client.post(PATH, **_signed(ring, good, late=400))).status == 401
    assert (await client.post(PATH, **_signed(ring, good, path="/api/v1/hosts/other/events"))).status == 401
    stranger = KeyRing.create(tmp_path / "other.json", "kettle")
    assert (await client.post(PATH, **_signed(stranger, good))).status == 401
    elsewhere = "/api/v1/hosts/nowhere/events"
    assert (await client.post(elsewhere, **_signed(ring, good, path=elsewhere))).status == 404
    assert (await client.post("/api/v1/hosts/..%2F/events", **signed)).status == 404
    big = {"events": [_event(1, "usr") | {"filler": "x" * 300_000}]}
    assert (await client.post(PATH, **_signed(ring, big))).status == 413
    assert (await client.post(PATH, **_signed(ring, good))).status == 202


async def test_an_event_waits_while_the_user_cannot_be_read(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    await ward.healing.inbox.receive("kettle", [HostEvent("e1", "save_failed", ref)])
    ward.crowd.fault = lambda kind, ref: "down" if kind == "state" else None
    assert await ward.healing.work_on_events() == 1
    assert await ward.healing.work_on_events() == 0
    ward.crowd.fault = lambda kind, ref: None
    ward.pass_time(6)
    assert await ward.healing.work_on_events() == 1
    assert (await ward.healing.overview.report())["found"] == 1


async def test_an_event_whose_process_died_is_taken_up_by_another(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    await ward.healing.inbox.receive("kettle", [HostEvent("e1", "save_failed", ref)])
    looking = asyncio.Event()

    async def never(ref: str, parts: object = None) -> Any:
        looking.set()
        await asyncio.sleep(3600)

    state = ward.crowd.state
    ward.crowd.state = never  # type: ignore[method-assign]
    dying = asyncio.create_task(ward.healing.work_on_events())
    await looking.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    ward.crowd.state = state  # type: ignore[method-assign]
    ward.pass_time(61)
    assert await ward.another().service.work_on_events() == 1
    assert (await ward.healing.overview.report())["found"] == 1


async def test_a_scan_pages_through_everybody_and_goes_on_where_it_stopped(ward: Ward) -> None:
    ward.write(POLICY + "scan: {page_size: 10, concurrency: 3, every_seconds: 900}\n")
    ward.crowd.add(25)
    asked: list[str | None] = []
    users = ward.crowd.users

    async def paged(after: str | None = None, limit: int = 100) -> Any:
        asked.append(after)
        if len(asked) == 3:
            raise asyncio.CancelledError  # The process ends here.
        return await users(after, limit)

    ward.crowd.users = paged  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await ward.healing._scan_when_due()
    other = ward.another().service
    await other._scan_when_due()
    assert len(asked) == 3, "the scan is held by the dead process for a while"
    ward.pass_time(301)
    await other._scan_when_due()
    assert asked == [None, "usr_0009", "usr_0019", "usr_0019"]
    [scan] = (await other.overview.status()).scans
    assert (scan["users"], scan["drifts"], scan["unreadable"], scan["problem"]) == (25, 25, 0, None)
    await other._scan_when_due()
    assert len(asked) == 4, "not due again yet"


async def test_who_cannot_be_read_is_counted_and_an_application_that_is_down_is_named(ward: Ward) -> None:
    refs = ward.crowd.add(5)
    ward.crowd.fault = lambda kind, ref: "down" if ref == refs[2] else None
    [scanned] = await ward.healing.scan(dry_run=False)
    assert (scanned.users, scanned.unreadable, scanned.drifts) == (5, 1, 4)
    ward.crowd.fault = lambda kind, ref: "down"
    [scanned] = await ward.healing.scan(dry_run=False)
    assert (scanned.complete, scanned.problem) == (False, "host_unavailable")


async def test_notices_wait_for_users_who_have_no_conversation(
    ward: Ward, client: TestClient[Any, Any]
) -> None:
    refs = ward.crowd.add(2)
    await ward.heal()
    mine = {"X-User": refs[0]}
    [notice] = (await (await client.get("/api/v1/notices", headers=mine)).json())["notices"]
    assert "put that right" in notice["text"]
    assert notice["card"]["type"] == "resolution"
    seen = f"/api/v1/notices/{notice['id']}/seen"
    assert (await client.post(seen, headers={"X-User": refs[1]})).status == 404, "not theirs"
    assert (await client.post(seen, headers=mine)).status == 204
    assert (await (await client.get("/api/v1/notices", headers=mine)).json())["notices"] == []
    assert (await client.get("/api/v1/notices")).status == 401


async def test_staff_see_how_it_stands_and_only_an_admin_throws_the_switch(
    ward: Ward, client: TestClient[Any, Any]
) -> None:
    ward.crowd.add(2)
    await ward.heal()
    agent, admin = {"X-Role": "agent"}, {"X-Role": "admin"}
    assert (await client.get("/api/v1/healing")).status == 401
    shown = await (await client.get("/api/v1/healing", headers=agent)).json()
    assert (shown["active"], shown["counts"]["verified"], len(shown["runs"])) == (True, 2, 2)
    assert "before" not in shown["runs"][0]
    open_ones = await (await client.get("/api/v1/healing?status=open", headers=agent)).json()
    assert open_ones["runs"] == []
    assert (await client.get("/api/v1/healing?status=odd", headers=agent)).status == 400
    stop = {"stopped": True, "reason": "release"}
    assert (await client.post("/api/v1/healing/switch", headers=agent, json=stop)).status == 403
    answer = await client.post("/api/v1/healing/switch", headers=admin, json=stop)
    assert (answer.status, (await answer.json())["by"]) == (200, "Sam")
    assert (await (await client.get("/api/v1/healing", headers=agent)).json())["active"] is False
