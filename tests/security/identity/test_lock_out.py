"""A stranger who guesses does not keep the right person out, and does not get far."""

import logging

import pytest
import redis.asyncio as redis
import sqlalchemy as sa
import structlog
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from app.ops.log_file import set_up
from foundation.database import Database
from foundation.errors import RateLimited
from foundation.ids import new_id
from security.identity.authentication import CSRF_HEADER, DEVICE_COOKIE
from security.identity.devices import MOST, devices
from security.identity.rate_limit import SignInLimits
from tests.security.conftest import GOOD, Client, Room, sign_in

ADA = "ada@desk.example"
NEW = "nine quiet mountains"


async def attempt(client: Client, password: str, address: str, email: str = ADA) -> int:
    """Try to sign in from an address; returns the status."""
    answer = await client.post(
        "/api/v1/session",
        json={"email": email, "password": password},
        headers={"X-Forwarded-For": address},
    )
    return answer.status


def stranger(room: Room) -> Client:
    """A browser of somebody else."""
    return TestClient(TestServer(room.app), cookie_jar=CookieJar(unsafe=True))


def device_of(client: Client) -> str:
    """The secret in the browser's device cookie."""
    return next(one.value for one in client.session.cookie_jar if one.key == DEVICE_COOKIE)


async def guess(room: Room, attempts: int, *, per_address: int = 5) -> list[int]:
    """Guess wrongly from many addresses, each in a network of its own."""
    async with stranger(room) as opened:
        return [
            await attempt(
                opened, "wrong one", f"198.{18 + n // per_address // 250}.{n // per_address % 250}.9"
            )
            for n in range(attempts)
        ]


async def test_a_guessed_account_admits_its_owner_from_a_clean_address(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    await guess(room, 150)
    assert await attempt(client, GOOD, "203.0.113.7") == 200


async def test_a_guessed_account_lets_each_address_try_little(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    await guess(room, 101)
    statuses = [await attempt(client, "wrong one", "203.0.113.7") for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert await attempt(client, GOOD, "203.0.113.8") == 200


async def test_a_known_device_is_admitted_from_an_address_that_is_used_up(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    assert await attempt(client, GOOD, "203.0.113.7") == 200
    async with stranger(room) as opened:
        for _ in range(12):
            last = await attempt(opened, "wrong one", "203.0.113.7")
        assert last == 429
        assert await attempt(opened, GOOD, "203.0.113.7") == 429
    await guess(room, 110)
    assert await attempt(client, GOOD, "203.0.113.7") == 200


async def test_a_known_device_has_a_budget_of_its_own(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    await sign_in(client, ADA)
    statuses = [await attempt(client, "wrong one", f"198.51.{n}.1") for n in range(22)]
    assert statuses == [401] * 20 + [429] * 2


async def test_a_device_is_known_to_the_account_that_used_it_only(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    await room.staff("mallory", "agent")
    await sign_in(client, "mallory@desk.example")
    statuses = [await attempt(client, "wrong one", "203.0.113.7") for _ in range(11)]
    assert statuses[-1] == 429


async def test_colleagues_at_one_browser_are_both_known_and_the_old_secret_is_worthless(
    client: Client, room: Room, database: Database
) -> None:
    await room.staff("ada", "agent")
    await room.staff("ben", "agent")
    await sign_in(client, ADA)
    planted = device_of(client)
    await sign_in(client, "ben@desk.example")
    assert device_of(client) != planted
    async with database.connect() as connection:
        rows = (await connection.execute(sa.select(devices))).all()
    assert planted not in str(rows)
    assert device_of(client) not in str(rows)
    by_id: dict[str, set[str]] = {}
    for row in rows:
        by_id.setdefault(row.id, set()).add(row.staff_id)
    assert max(map(len, by_id.values())) == 2
    async with stranger(room) as opened:
        opened.session.cookie_jar.update_cookies({DEVICE_COOKIE: planted}, opened.make_url("/api/v1/session"))
        assert [await attempt(opened, "wrong one", "203.0.113.7") for _ in range(11)][-1] == 429


async def test_the_device_cookie_is_out_of_reach(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    answer = await client.post("/api/v1/session", json={"email": ADA, "password": GOOD})
    cookie = answer.cookies[DEVICE_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/api/v1/session")
    assert int(cookie["max-age"]) == 180 * 86400


async def test_a_device_is_forgotten_by_a_change_a_reset_disabling_and_time(
    client: Client, room: Room, database: Database
) -> None:
    async def known() -> int:
        async with database.connect() as connection:
            return (await connection.execute(sa.select(sa.func.count()).select_from(devices))).scalar_one()

    email = await room.staff("ada", "agent")
    await room.sessions.sign_in(email, GOOD, address="203.0.113.9")
    csrf = await sign_in(client, email)
    ada = await room.directory.find_by_email(email)
    assert ada is not None
    before = device_of(client)
    assert await known() > 1
    changed = await client.post(
        "/api/v1/session/password", json={"current": GOOD, "new": NEW}, headers={CSRF_HEADER: csrf}
    )
    assert changed.status == 200
    assert await known() == 1
    assert device_of(client) != before
    await room.directory.reset_password(ada.id, by="test")
    assert await known() == 0
    once = await room.directory.reset_password(ada.id, by="test")
    await room.sessions.sign_in(email, once.password, address="203.0.113.9")
    await room.directory.change(ada.id, by="test", disabled=True)
    assert await known() == 0


async def test_a_device_not_used_for_long_is_not_known(client: Client, room: Room) -> None:
    await room.staff("ada", "agent")
    await sign_in(client, ADA)
    room.clock.advance(180 * 86400 + 1)
    assert [await attempt(client, "wrong one", "203.0.113.7") for _ in range(11)][-1] == 429


async def test_devices_do_not_pile_up(room: Room, database: Database) -> None:
    email = await room.staff("ada", "agent")
    for _ in range(MOST + 5):
        room.clock.advance(60)
        await room.sessions.sign_in(email, GOOD, address="203.0.113.9")
    async with database.connect() as connection:
        count = (await connection.execute(sa.select(sa.func.count()).select_from(devices))).scalar_one()
    assert count == MOST


async def test_guessing_does_not_keep_somebody_from_changing_their_password(
    client: Client, room: Room
) -> None:
    email = await room.staff("ada", "agent")
    csrf = await sign_in(client, email)
    async with stranger(room) as opened:
        for _ in range(12):
            await attempt(opened, "wrong one", "127.0.0.1")
    answer = await client.post(
        "/api/v1/session/password", json={"current": GOOD, "new": NEW}, headers={CSRF_HEADER: csrf}
    )
    assert answer.status == 200


async def test_addresses_of_one_ipv6_network_count_as_one(valkey: "redis.Redis") -> None:
    limits = SignInLimits(valkey, prefix=new_id("test"))
    for n in range(10):
        await limits.count(f"2001:db8:1:2::{n:x}", ADA)
    with pytest.raises(RateLimited):
        await limits.count("2001:db8:1:2:ffff::1", ADA)
    await limits.count("2001:db8:1:3::1", ADA)


async def test_a_network_has_a_budget_too(valkey: "redis.Redis") -> None:
    limits = SignInLimits(valkey, prefix=new_id("test"))
    for n in range(300):
        await limits.count(f"198.51.100.{n % 250}", f"{n}@desk.example")
    with pytest.raises(RateLimited):
        await limits.count("198.51.100.251", ADA)
    await limits.count("203.0.113.7", ADA)


@pytest.fixture
def own_log(tmp_path):
    """Our own log in a file, as in production; what was set up before comes back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    path = set_up(tmp_path, "info")
    yield path
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


async def test_the_log_keeps_from_where_somebody_signs_in_and_no_other_address(
    own_log, client: Client, room: Room
) -> None:
    await room.staff("ada", "agent")
    for password in ("wrong one", GOOD, *["wrong one"] * 21):
        await attempt(client, password, "203.0.113.7")
    structlog.get_logger("x").warning("something_else", address="203.0.113.7")
    structlog.get_logger("x").warning("sign_in_refused", address="a@b.co", more="203.0.113.7")
    lines = own_log.read_text().splitlines()

    def of(event: str) -> list[str]:
        return [line for line in lines if f'"event": "{event}"' in line]

    for event in ("sign_in_refused", "signed_in", "sign_in_limited"):
        assert any('"address": "203.0.113.7"' in line for line in of(event)), event
    assert all("203.0.113.7" not in line for line in (*of("something_else"), of("sign_in_refused")[-1]))
    assert "a@b.co" not in of("sign_in_refused")[-1]
    assert GOOD not in "".join(lines)
