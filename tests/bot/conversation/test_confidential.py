"""What clients send beside messages: kept without what may open something or name somebody."""

import pytest
import sqlalchemy as sa

from bot.conversation.confidential import ClientKeys
from tests.bot.conversation.test_api import ADA, API, begin, client  # noqa: F401 - the fixture

TOKEN = "Hy6Gt5Fr4De3Sw2Aq1Zx"
UUID = "9f1c2e6a-6a1e-4b53-8a3b-0d6a1c2b3d4e"
SSN = "536-90-4271"


async def _stored(room, statement: str) -> str:
    async with room.database.connect() as connection:
        return "\n".join(str(row) for row in await connection.execute(sa.text(statement)))


async def test_a_page_is_kept_without_tokens_and_what_the_client_tells_is_masked(room, client) -> None:  # noqa: F811
    page = {
        "url": f"https://shop.example/account/reset/{TOKEN}?token={TOKEN}#k={TOKEN}",
        "title": f"Reset {TOKEN}",
    }
    body = {"page": page, "client": {"language": "en", "width": 1200, "note": f"my SSN is {SSN}"}}
    response = await client.post(API, json={"client": {SSN: True}}, headers=ADA)
    assert response.status == 400
    assert SSN not in await response.text()
    response = await client.post(API, json=body, headers=ADA)
    assert response.status == 201
    kept = await _stored(room, "select page, client from conversations")
    assert TOKEN not in kept
    assert SSN not in kept
    for useful in ("https://shop.example/account/reset/", "'language': 'en'", "1200"):
        assert useful in kept


async def test_a_key_that_may_say_something_is_kept_as_a_hash_and_still_counts_once(room, client) -> None:  # noqa: F811
    conversation = await begin(client)
    answers = []
    for key in (f"order-{SSN}", f"order-{SSN}", "order-2", UUID):
        response = await client.post(
            f"{API}/{conversation}/messages", json={"text": "hi"}, headers={**ADA, "Idempotency-Key": key}
        )
        answers.append((response.status, await response.json()))
    assert [status for status, _ in answers] == [201, 200, 201, 201]
    first, again, other, plain = (body for _, body in answers)
    assert first == again
    assert first["client_key"] != other["client_key"]
    assert plain["client_key"] == UUID
    assert SSN not in await _stored(room, "select client_key from events")


async def test_a_comment_is_masked_and_the_same_comment_again_is_the_same(room, client) -> None:  # noqa: F811
    conversation = await begin(client)
    headers = {**ADA, "Idempotency-Key": UUID}
    await client.post(f"{API}/{conversation}/messages", json={"text": "hi"}, headers=ADA)
    async with client.get(f"{API}/{conversation}/events?after=1&wait=10", headers=ADA) as response:
        [answer] = (await response.json())["events"]
    body = {"about_seq": answer["seq"], "helpful": False, "comment": f"no, and my SSN is {SSN}"}
    first = await client.post(f"{API}/{conversation}/feedback", json=body, headers=headers)
    again = await client.post(f"{API}/{conversation}/feedback", json=body, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    kept = await _stored(room, "select payload from events where type = 'feedback'")
    assert SSN not in kept
    assert "no, and my SSN" in kept


@pytest.mark.parametrize(
    "key",
    [UUID, "01J9ZQ4X8T6V2N5R7W3Y1K0M4C", "key_01J9ZQ4X8T6V2N5R7W3Y1K0M4C", "auto-0123456789abcdef01234567"],
)
def test_a_key_that_was_chosen_at_random_stays(key: str) -> None:
    assert ClientKeys("secret").kept(key) == key


def test_a_hash_depends_on_the_installation() -> None:
    one, other = ClientKeys("secret").kept("me@shop.example"), ClientKeys("another").kept("me@shop.example")
    assert one != other
    assert one == ClientKeys("secret").kept("me@shop.example")
