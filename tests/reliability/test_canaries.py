"""Sixty secrets go in by every way; then everything that is kept anywhere is searched for them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from security.privacy.kept_words import KEPT
from tests.reliability.conftest import Note
from tests.support.canaries import CANARIES, Search, by_place
from tests.support.canary_places import (
    search_answers,
    search_cache,
    search_database,
    search_export,
    search_files,
)
from tests.support.canary_ways import (
    ADMIN,
    Person,
    Staff,
    attend,
    speak_badly,
    tell_of_events,
    try_to_sign_in,
)
from tests.support.product import Product

pytestmark = pytest.mark.integration
_AT_ONCE = 6
BEFORE = "768"
"""Counted by this test on the code as it was: in 17 places, among them the audit log's entries."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=60), cookie_jar=aiohttp.DummyCookieJar()
    ) as opened:
        yield opened


async def _made(session: aiohttp.ClientSession, product: Product) -> list[Person]:
    people = []
    likes = ("hana", "ben", "fay")
    for number, canary in enumerate(CANARIES):
        async with session.post(
            f"{product.demo_url}/demo/users", json={"like": likes[number % 3], "listed": False}
        ) as response:
            assert response.status == 201, await response.text()
            people.append(Person(product, session, canary, (await response.json())["ref"]))
    return people


async def _admin(product: Product) -> Staff:
    new = None if product.password_changed else secrets.token_urlsafe(16)
    jar = aiohttp.CookieJar(unsafe=True)
    staff = Staff(aiohttp.ClientSession(cookie_jar=jar), product.url)
    assert product.password is not None
    await staff.sign_in(ADMIN, product.password, new)
    if new is not None:
        product.password, product.password_changed = new, True
    return staff


async def test_what_is_told_in_confidence_is_kept_nowhere_else(
    product: Product, session: aiohttp.ClientSession, tmp_path: Path, figure: Note
) -> None:
    people, room = await _made(session, product), asyncio.Semaphore(_AT_ONCE)

    async def walk(person: Person) -> None:
        async with room:
            await person.walk()

    await asyncio.gather(*(walk(person) for person in people))
    admin = await _admin(product)
    try:
        for person in people:
            await attend(admin, person)
        await tell_of_events(session, product, people)
        await try_to_sign_in(session, product, people[::20])
        await speak_badly(product, people[::10])
        search = Search(CANARIES)
        await search_answers(search, admin)
        await search_cache(search, product)
        await search_database(search, product)
        assert await search_export(search, product, tmp_path) > len(CANARIES)
        assert "logs/firstline.log" in search_files(search, product.home)
    finally:
        await admin.session.close()
    kept = [one.place for one in KEPT]
    found = search.outside(kept)
    figure(fault="5", measure="60 secrets by 20 ways in: found where they have no business", before=BEFORE,
           after=len(found))  # fmt: skip
    seen = {one.place for one in search.sightings}
    assert "events.payload[message]" in seen, "the search finds what is there"
    told = "\n".join(f"{one.place}: {one.kind} {one.secret!r} ({one.form})" for one in found)
    assert found == [], "\n".join(by_place(found)) + f"\n\n{told}"
