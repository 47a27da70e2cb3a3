"""A person can be called while everything else has used up its database connections."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from aiohttp.test_utils import TestClient
from sqlalchemy import text

from app.bootstrap import Firstline
from foundation.database import Lane, on_lane
from tests.support.client import UserClient

CROWDED = (Lane.REQUESTS, Lane.TURNS, Lane.FOLLOWERS)


async def occupy(firstline: Firstline, lane: Lane, stack: AsyncExitStack) -> None:
    """Take connections until there are none left for half a second."""
    with on_lane(lane):
        while True:
            try:
                async with asyncio.timeout(0.5):
                    connection = await stack.enter_async_context(firstline.database.connect())
                    await connection.execute(text("select 1"))
            except TimeoutError:
                return


async def test_a_person_can_be_called_while_requests_turns_and_sockets_hold_all_connections(
    app_client: TestClient[Any, Any], firstline: Firstline
) -> None:
    base = str(app_client.make_url("")).rstrip("/")
    user = await UserClient(app_client.session, base, firstline.settings.home, "usr_ada").begin()
    async with AsyncExitStack() as stack:
        for lane in CROWDED:
            await occupy(firstline, lane, stack)
        wanted = {"text": "a person, please"}
        async with app_client.session.post(
            user.url("/handoff"), json=wanted, headers=user.headers
        ) as response:
            assert response.status == 201, await response.text()
            assert (await response.json())["position"] == 1
