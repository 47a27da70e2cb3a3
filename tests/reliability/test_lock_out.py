"""A stranger guesses an account's password from many addresses, for an hour; its owner comes meanwhile."""

from typing import Any

import pytest

from foundation.database import Database
from foundation.errors import RateLimited, Unauthenticated
from foundation.ids import new_id
from security.identity.directory import StaffDirectory
from security.identity.passwords import Passwords
from security.identity.rate_limit import SignInLimits
from security.identity.sessions import Sessions
from tests.reliability.conftest import Note

GOOD = "seven green kettles"
EMAIL = "ada@desk.example"


@pytest.fixture
async def sessions(database: Database, valkey_url: str) -> Any:
    import redis.asyncio as redis
    from argon2 import PasswordHasher

    from foundation.clock import SystemClock

    clock = SystemClock()
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    cache = redis.Redis.from_url(valkey_url)
    opened = Sessions(database, passwords, SignInLimits(cache, prefix=new_id("test")), clock)
    directory = StaffDirectory(database, passwords, clock)
    _, once = await directory.create(email=EMAIL, name="Ada", roles=frozenset({"agent"}), by="test")
    first = await opened.sign_in(EMAIL, once.password, address="192.0.2.1")
    await opened.change_password(first.session, once.password, GOOD, address="192.0.2.1")
    yield opened
    await cache.aclose()


async def guess(sessions: Sessions, attempts: int, addresses: int) -> int:
    """Guess in turn from so many networks; returns how many guesses were looked at."""
    looked_at = 0
    for n in range(attempts):
        try:
            await sessions.sign_in(EMAIL, "wrong one", address=f"198.18.{n % addresses}.9")
        except Unauthenticated:
            looked_at += 1
        except RateLimited:
            continue
    return looked_at


async def admitted(sessions: Sessions, address: str, device: str | None = None) -> bool:
    try:
        await sessions.sign_in(EMAIL, GOOD, address=address, device=device)
    except RateLimited:
        return False
    return True


async def test_the_right_person_is_admitted(sessions: Sessions, figure: Note) -> None:
    device = (await sessions.sign_in(EMAIL, GOOD, address="203.0.113.7")).device
    looked_at = await guess(sessions, 600, 40)
    clean = [await admitted(sessions, f"192.0.2.{n}") for n in range(10, 30)]
    # Their own office is where the stranger sits, and is used up.
    for _ in range(70):
        with pytest.raises((Unauthenticated, RateLimited)):
            await sessions.sign_in(EMAIL, "wrong one", address="203.0.113.7")
    known = await admitted(sessions, "203.0.113.7", device)
    figure(
        fault="16.7 lock-out", measure="right password from 20 clean addresses while guessed, admitted",
        before="0 of 20", after=f"{sum(clean)} of 20",
    )  # fmt: skip
    figure(
        fault="16.7 lock-out", measure="known device at the stranger's own address, admitted",
        before="no", after="yes" if known else "no",
    )  # fmt: skip
    figure(
        fault="16.7 lock-out", measure="of 600 guesses from 40 addresses, looked at",
        before="100", after=looked_at,
    )  # fmt: skip
    assert all(clean)
    assert known
    assert looked_at <= 100 + 40 * 5
