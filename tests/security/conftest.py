"""A small application with only the security room in it, over real PostgreSQL and Valkey."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
import redis.asyncio as redis
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from argon2 import PasswordHasher
from pydantic import BaseModel

from foundation.authorization import Rulebook
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.http import Call, Endpoint
from foundation.http.peers import TrustedProxies
from foundation.http.server import build_http
from foundation.ids import new_id
from security.identity import permissions
from security.identity.api import SecurityApi
from security.identity.authentication import HttpAuthenticator
from security.identity.directory import StaffDirectory
from security.identity.keyring import HostKeys, KeyRing
from security.identity.passwords import Passwords
from security.identity.rate_limit import SignInLimits
from security.identity.sessions import Sessions
from security.identity.user_tokens import UserTokens
from tests.support.made_up import RULES, MadeUp

Client = TestClient[Request, Application]
NOW = datetime(2025, 11, 23, 8, 0, tzinfo=UTC)
GOOD = "seven green kettles"


class Who(BaseModel):
    """Who the application thinks is calling."""

    kind: str
    id: str
    name: str


async def _who(call: Call) -> Who:
    return Who(kind=call.caller.kind, id=call.caller.id, name=call.caller.name)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def ring(tmp_path: Path, clock: FixedClock) -> KeyRing:
    return KeyRing.create(tmp_path / "hosts" / "kettle.json", "kettle", clock)


@pytest.fixture
def tokens(ring: KeyRing, clock: FixedClock) -> UserTokens:
    return UserTokens(HostKeys(ring.path.parent, clock), clock)


@pytest.fixture
def passwords() -> Passwords:
    """Real argon2 with parameters that cost nothing."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class Room:
    """The wired room."""

    sessions: Sessions
    directory: StaffDirectory
    authenticator: HttpAuthenticator
    app: Application
    clock: FixedClock

    async def staff(self, name: str, *roles: str) -> str:
        """Make an account whose password is `GOOD`; returns its e-mail."""
        email = f"{name}@desk.example"
        _, once = await self.directory.create(
            email=email, name=name.title(), roles=frozenset(roles), by="test"
        )
        first = await self.sessions.sign_in(email, once.password, address="test")
        await self.sessions.change_password(first.session, once.password, GOOD, address="test")
        return email


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator["redis.Redis"]:
    """A client of the real Valkey."""
    opened = redis.Redis.from_url(valkey_url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def room(
    database: Database, valkey: "redis.Redis", passwords: Passwords, tokens: UserTokens, clock: FixedClock
) -> Room:
    sessions = Sessions(database, passwords, SignInLimits(valkey, prefix=new_id("test")), clock)
    directory = StaffDirectory(database, passwords, clock)
    authenticator = HttpAuthenticator(tokens, sessions, service_token="internal-service-token")
    endpoints = [
        *SecurityApi(sessions, directory, authenticator).endpoints(),
        Endpoint("GET", "/who/user", _who, MadeUp.USER, "user", response=Who),
        Endpoint("GET", "/who/staff", _who, MadeUp.STAFF, "staff", response=Who),
        Endpoint("POST", "/who/agent", _who, MadeUp.AGENT, "agent", response=Who),
        Endpoint("GET", "/who/service", _who, MadeUp.SERVICE, "service", response=Who),
    ]
    app = build_http(
        endpoints,
        authenticator,
        Rulebook(RULES, permissions.RULES),
        allowed_origins=lambda: frozenset(),
        trusted_proxies=TrustedProxies((ip_network("127.0.0.1"),)),
    )
    return Room(sessions, directory, authenticator, app, clock)


@pytest.fixture
async def client(room: Room) -> AsyncIterator[Client]:
    """A browser: it keeps cookies."""
    async with TestClient(TestServer(room.app), cookie_jar=CookieJar(unsafe=True)) as opened:
        yield opened


async def sign_in(client: Client, email: str, password: str = GOOD) -> str:
    """Sign in and return the CSRF token."""
    answer = await client.post("/api/v1/session", json={"email": email, "password": password})
    body = await answer.json()
    assert answer.status == 200, body
    return str(body["csrf"])
