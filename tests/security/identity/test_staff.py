"""Accounts and sessions over HTTP, against real PostgreSQL and Valkey."""

import asyncio

import pytest
import redis.asyncio as redis
import sqlalchemy as sa
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from app.permissions import house_rules
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.errors import Conflict, RateLimited
from foundation.http.server import build_http
from foundation.ids import StaffId, new_id
from security.identity import storage
from security.identity.api import SecurityApi
from security.identity.authentication import COOKIE, CSRF_HEADER, HttpAuthenticator
from security.identity.directory import StaffDirectory
from security.identity.keyring import KeyRing
from security.identity.passwords import Passwords
from security.identity.rate_limit import SignInLimits
from security.identity.sessions import Sessions
from security.identity.user_tokens import UserTokens, mint
from tests.security.conftest import GOOD, NOW, Client, Room, sign_in

NEW = "nine quiet mountains"


async def test_sign_in_gives_a_session_and_sign_out_ends_it(client: Client, room: Room) -> None:
    email = await room.staff("ada", "agent", "editor")
    answer = await client.post("/api/v1/session", json={"email": email.upper(), "password": GOOD})
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (
        True,
        "Lax",
        "/",
        "",
    )
    body = await (await client.get("/api/v1/session")).json()
    assert body["staff"]["roles"] == ["agent", "editor"]
    assert body["password_change_required"] is False
    assert body["csrf"] == (await answer.json())["csrf"]
    assert (await client.get("/who/staff")).status == 200
    out = await client.delete("/api/v1/session", headers={CSRF_HEADER: body["csrf"]})
    assert out.status == 204
    assert (await client.get("/api/v1/session")).status == 401


async def test_the_cookie_secret_is_not_in_the_database(
    client: Client, room: Room, database: Database
) -> None:
    await sign_in(client, await room.staff("ada", "agent"))
    secret = next(cookie.value for cookie in client.session.cookie_jar if cookie.key == COOKIE)
    async with database.connect() as connection:
        stored = (await connection.execute(sa.select(storage.sessions))).all()
        accounts = (await connection.execute(sa.select(storage.staff))).all()
    assert stored
    assert secret not in str(stored)
    assert GOOD not in str(accounts)


@pytest.mark.parametrize("email", ["ada@desk.example", "nobody@desk.example"])
async def test_wrong_and_unknown_get_the_same_answer(client: Client, room: Room, email: str) -> None:
    await room.staff("ada", "agent")
    answer = await client.post("/api/v1/session", json={"email": email, "password": "not this one"})
    body = await answer.json()
    assert (answer.status, body["code"]) == (401, "wrong_credentials")
    assert COOKIE not in answer.cookies
    assert "not this one" not in str(body)


@pytest.mark.parametrize(
    "body",
    [{"email": "a@b.co"}, {"email": "", "password": "x"}, {"email": "a", "password": "secret-7", "x": 1}],
)
async def test_bad_bodies_are_refused_without_an_echo(client: Client, body: dict[str, str]) -> None:
    answer = await client.post("/api/v1/session", json=body)
    assert answer.status == 400
    assert "secret-7" not in await answer.text()


async def test_signing_in_takes_a_new_secret_and_ends_the_one_brought(client: Client, room: Room) -> None:
    """Session fixation: a cookie planted by somebody else never becomes a session."""
    email = await room.staff("ada", "agent")
    client.session.cookie_jar.update_cookies({COOKIE: "planted-by-an-attacker"}, client.make_url("/"))
    assert (await client.get("/who/staff")).status == 401
    await sign_in(client, email)
    first = next(cookie.value for cookie in client.session.cookie_jar if cookie.key == COOKIE)
    assert first != "planted-by-an-attacker"
    await sign_in(client, email)
    assert await room.sessions.find(first) is None
    assert await room.sessions.find("planted-by-an-attacker") is None


async def test_changing_calls_need_the_token_of_this_session(client: Client, room: Room) -> None:
    csrf = await sign_in(client, await room.staff("ada", "agent"))
    async with TestClient(TestServer(room.app), cookie_jar=CookieJar(unsafe=True)) as second:
        other = await sign_in(second, "ada@desk.example")
    for headers in (
        {},
        {CSRF_HEADER: ""},
        {CSRF_HEADER: "x"},
        {CSRF_HEADER: other},
        {CSRF_HEADER: csrf[:-1]},
    ):
        answer = await client.post("/who/agent", headers=headers)
        assert (answer.status, (await answer.json())["code"]) == (403, "csrf")
    assert (await client.post("/who/agent", headers={CSRF_HEADER: csrf})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_is_refused_even_with_the_token(
    client: Client, room: Room, headers: dict[str, str]
) -> None:
    email = await room.staff("ada", "agent")
    csrf = await sign_in(client, email)
    answer = await client.post("/who/agent", headers={CSRF_HEADER: csrf, **headers})
    assert (answer.status, (await answer.json())["code"]) == (403, "cross_site")
    login = await client.post("/api/v1/session", json={"email": email, "password": GOOD}, headers=headers)
    assert login.status == 403


async def test_our_own_page_is_let_in(client: Client, room: Room) -> None:
    csrf = await sign_in(client, await room.staff("ada", "agent"))
    headers = {
        CSRF_HEADER: csrf,
        "Origin": str(client.make_url("")).rstrip("/"),
        "Sec-Fetch-Site": "same-origin",
    }
    assert (await client.post("/who/agent", headers=headers)).status == 200


async def test_roles_decide_and_admin_may_everything(client: Client, room: Room) -> None:
    csrf = await sign_in(client, await room.staff("eve", "editor"))
    assert (await client.post("/who/agent", headers={CSRF_HEADER: csrf})).status == 403
    assert (await client.get("/api/v1/staff")).status == 403
    csrf = await sign_in(client, await room.staff("root", "admin"))
    assert (await client.post("/who/agent", headers={CSRF_HEADER: csrf})).status == 200


@pytest.mark.parametrize("seconds", [8 * 3600 + 1])
async def test_a_session_ends_when_it_is_not_used(client: Client, room: Room, seconds: int) -> None:
    await sign_in(client, await room.staff("ada", "agent"))
    room.clock.advance(seconds)
    answer = await client.get("/who/staff")
    assert (answer.status, (await answer.json())["code"]) == (401, "session_ended")


async def test_a_session_ends_after_a_week_however_much_it_is_used(client: Client, room: Room) -> None:
    await sign_in(client, await room.staff("ada", "agent"))
    for _ in range(24):
        room.clock.advance(7 * 3600 - 1)
        assert (await client.get("/who/staff")).status == 200
    room.clock.advance(24)
    assert (await client.get("/who/staff")).status == 401


async def test_disabling_ends_the_session_and_bars_the_account(client: Client, room: Room) -> None:
    email = await room.staff("ada", "agent")
    await sign_in(client, email)
    found = await room.directory.find_by_email(email)
    assert found is not None
    await room.directory.change(found.id, by="test", disabled=True)
    assert (await client.get("/who/staff")).status == 401
    answer = await client.post("/api/v1/session", json={"email": email, "password": GOOD})
    assert (answer.status, (await answer.json())["code"]) == (401, "wrong_credentials")
    await room.directory.change(found.id, by="test", disabled=False)
    await sign_in(client, email)


async def test_losing_a_role_takes_effect_at_once(client: Client, room: Room) -> None:
    csrf = await sign_in(client, await room.staff("ada", "agent"))
    found = await room.directory.find_by_email("ada@desk.example")
    assert found is not None
    await room.directory.change(found.id, by="test", roles=frozenset({"editor"}))
    assert (await client.post("/who/agent", headers={CSRF_HEADER: csrf})).status == 403


async def test_guessing_is_limited_per_account_and_the_right_password_forgives(
    client: Client, room: Room
) -> None:
    email = await room.staff("ada", "agent")
    await room.staff("ben", "agent")
    wrong = {"email": email, "password": "wrong one"}
    for _ in range(9):
        assert (await client.post("/api/v1/session", json=wrong)).status == 401
    await sign_in(client, email)
    client.session.cookie_jar.clear()
    for _ in range(10):
        assert (await client.post("/api/v1/session", json=wrong)).status == 401
    answer = await client.post("/api/v1/session", json={"email": email, "password": GOOD})
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    await sign_in(client, "ben@desk.example")


async def _use_up(limits: SignInLimits) -> None:
    for _ in range(10):
        await limits.count("203.0.113.9", "ada@desk.example")
    with pytest.raises(RateLimited) as caught:
        await limits.count("203.0.113.9", "ada@desk.example")
    assert caught.value.retry_after > 0
    await limits.count("203.0.113.10", "ada@desk.example")


async def test_limits_hold_without_redis_too() -> None:
    await _use_up(SignInLimits(None))


async def test_limits_hold_while_redis_is_down() -> None:
    down = redis.Redis(host="127.0.0.1", port=1)
    await _use_up(SignInLimits(down))
    await down.aclose()


async def test_limits_are_shared_between_processes(valkey: "redis.Redis") -> None:
    prefix = new_id("test")
    first, second = (SignInLimits(valkey, prefix=prefix) for _ in range(2))
    for limits in (first, second) * 5:
        await limits.count("203.0.113.9", "ada@desk.example")
    with pytest.raises(RateLimited):
        await second.count("203.0.113.9", "ada@desk.example")


async def test_the_first_start_makes_one_admin_once(room: Room) -> None:
    made = await asyncio.gather(*(room.directory.bootstrap_admin() for _ in range(5)))
    passwords = [once for once in made if once is not None]
    assert len(passwords) == 1
    assert passwords[0].email == "admin@firstline.local"
    assert await room.directory.bootstrap_admin() is None
    assert len(await room.directory.list()) == 1


async def test_a_one_time_password_must_be_changed_before_anything_else(client: Client, room: Room) -> None:
    once = await room.directory.bootstrap_admin()
    assert once is not None
    csrf = await sign_in(client, once.email, once.password)
    shown = await (await client.get("/api/v1/session")).json()
    assert shown["password_change_required"] is True
    for path in ("/who/staff", "/api/v1/staff"):
        answer = await client.get(path)
        assert (answer.status, (await answer.json())["code"]) == (403, "password_change_required")
    headers = {CSRF_HEADER: csrf}
    changed = await client.post(
        "/api/v1/session/password", json={"current": once.password, "new": NEW}, headers=headers
    )
    assert changed.status == 200
    after = await changed.json()
    assert after["password_change_required"] is False
    assert after["csrf"] != csrf
    assert (await client.get("/api/v1/staff")).status == 200
    refused = await client.post("/api/v1/session", json={"email": once.email, "password": once.password})
    assert refused.status == 401


@pytest.mark.parametrize(
    ("new", "status"),
    [
        ("short", 422),
        ("password1234", 422),
        ("aaaaaaaaaaaaaaaa", 422),
        ("ada@desk.example", 422),
        (GOOD, 422),
    ],
)
async def test_weak_passwords_are_refused(client: Client, room: Room, new: str, status: int) -> None:
    csrf = await sign_in(client, await room.staff("ada", "agent"))
    answer = await client.post(
        "/api/v1/session/password", json={"current": GOOD, "new": new}, headers={CSRF_HEADER: csrf}
    )
    assert answer.status == status
    assert (await answer.json())["hint"] or new == GOOD


async def test_changing_the_password_needs_the_present_one_and_ends_other_sessions(
    client: Client, room: Room
) -> None:
    email = await room.staff("ada", "agent")
    csrf = await sign_in(client, email)
    elsewhere = await room.sessions.sign_in(email, GOOD, address="other")
    answer = await client.post(
        "/api/v1/session/password", json={"current": "wrong", "new": NEW}, headers={CSRF_HEADER: csrf}
    )
    assert answer.status == 403
    assert await room.sessions.find(elsewhere.secret) is not None
    answer = await client.post(
        "/api/v1/session/password", json={"current": GOOD, "new": NEW}, headers={CSRF_HEADER: csrf}
    )
    assert answer.status == 200
    assert await room.sessions.find(elsewhere.secret) is None
    assert (await client.get("/who/staff")).status == 200


async def test_an_admin_makes_changes_and_resets_accounts(client: Client, room: Room) -> None:
    csrf = {CSRF_HEADER: await sign_in(client, await room.staff("root", "admin"))}
    new = {"email": "Fay@Desk.Example", "name": "Fay", "roles": ["agent"]}
    made = await client.post("/api/v1/staff", json=new, headers=csrf)
    body = await made.json()
    assert made.status == 201
    assert body["staff"]["email"] == "fay@desk.example"
    assert (await client.post("/api/v1/staff", json=new, headers=csrf)).status == 409
    path = f"/api/v1/staff/{body['staff']['id']}"
    changed = await (await client.patch(path, json={"roles": ["editor", "agent"]}, headers=csrf)).json()
    assert changed["staff"]["roles"] == ["agent", "editor"]
    assert changed["one_time_password"] is None
    reset = await (await client.patch(path, json={"reset_password": True}, headers=csrf)).json()
    assert reset["staff"]["password_change_required"] is True
    signed_in = await room.sessions.sign_in("fay@desk.example", reset["one_time_password"], address="x")
    assert signed_in.session.staff.must_change
    listed = await (await client.get("/api/v1/staff")).json()
    assert [person["name"] for person in listed["staff"]] == ["Root", "Fay"]
    assert "password_hash" not in str(listed)
    assert (await client.patch("/api/v1/staff/nobody", json={}, headers=csrf)).status == 404
    assert (await client.post("/api/v1/staff", json={**new, "roles": ["king"]}, headers=csrf)).status == 400


@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": frozenset({"agent"})}])
async def test_the_last_admin_stays_even_in_a_race(
    room: Room, change: dict[str, bool | frozenset[str]]
) -> None:
    ids = []
    for name in ("one", "two", "three"):
        found = await room.directory.find_by_email(await room.staff(name, "admin"))
        assert found is not None
        ids.append(found.id)

    async def remove(staff_id: StaffId) -> bool:
        try:
            await room.directory.change(staff_id, by="test", **change)  # type: ignore[arg-type]
        except Conflict as error:
            return error.code != "last_admin"
        return True

    results = await asyncio.gather(*(remove(staff_id) for staff_id in ids))
    assert results.count(True) == 2
    left = [staff for staff in await room.directory.list() if "admin" in staff.roles and not staff.disabled]
    assert len(left) == 1


async def test_a_hash_with_old_parameters_is_renewed_at_sign_in(
    database: Database, clock: FixedClock
) -> None:
    old = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    new = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    once = await StaffDirectory(database, old, clock).bootstrap_admin()
    assert once is not None
    sessions = Sessions(database, new, SignInLimits(None), clock)
    await sessions.sign_in(once.email, once.password, address="x")
    async with database.connect() as connection:
        found = await storage.find_credentials(connection, once.email)
    assert found is not None
    assert not new.is_outdated(found[1])
    await sessions.sign_in(once.email, once.password, address="x")


async def test_bearer_callers(client: Client, ring: KeyRing, tokens: UserTokens) -> None:
    token = mint(ring, sub="usr_ada", name="Ada", now=NOW)
    answer = await client.get("/who/user", headers={"Authorization": f"Bearer {token}"})
    assert await answer.json() == {"kind": "user", "id": "kettle:usr_ada", "name": "Ada"}
    for path, header in [
        ("/who/user", f"Bearer {token}x"),
        ("/who/user", "Bearer "),
        ("/who/user", "Basic abc"),
        ("/who/staff", f"Bearer {token}"),
        ("/who/service", f"Bearer {token}"),
        ("/who/service", "Bearer internal-service-tokem"),
        ("/who/user", "Bearer internal-service-token"),
    ]:
        refused = await client.get(path, headers={"Authorization": header})
        assert refused.status == 401, (path, header)
        assert refused.headers["WWW-Authenticate"]
        assert token not in await refused.text()
    right = await client.get("/who/service", headers={"Authorization": "Bearer internal-service-token"})
    assert right.status == 200


async def test_behind_https_the_cookie_is_bound_to_it(room: Room, tokens: UserTokens) -> None:
    email = await room.staff("ada", "agent")
    behind = HttpAuthenticator(
        tokens, room.sessions, service_token="internal-service-token", public_url="https://help.example/x"
    )
    app = build_http(
        SecurityApi(room.sessions, room.directory, behind).endpoints(),
        behind,
        house_rules(),
        allowed_origins=lambda: frozenset(),
    )
    async with TestClient(TestServer(app)) as client:
        answer = await client.post(
            "/api/v1/session",
            json={"email": email, "password": GOOD},
            headers={"Origin": "https://help.example"},
        )
        assert answer.status == 200
        assert answer.cookies[COOKIE]["secure"]
