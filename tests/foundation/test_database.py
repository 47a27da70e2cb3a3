"""Connections are kept apart by lane, and errors of the database are told apart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.conversation.storage import contacts
from foundation.database import Database, Lane, always_on_lane, is_away, is_passing, on_lane


@pytest.fixture
async def narrow(postgres_url: str) -> AsyncIterator[Database]:
    """A database with two connections for each lane, that does not wait for a third."""
    database = Database.open(postgres_url, pool_size=1, pool_timeout=0.05)
    yield database
    await database.close()


async def occupy(database: Database, lane: Lane, stack: AsyncExitStack) -> None:
    with on_lane(lane):
        for _ in range(2):
            await stack.enter_async_context(database.connect())


async def test_a_lane_that_is_full_leaves_the_others_free(narrow: Database) -> None:
    async with AsyncExitStack() as stack:
        for full in (Lane.REQUESTS, Lane.TURNS, Lane.FOLLOWERS):
            await occupy(narrow, full, stack)
            with on_lane(full), pytest.raises(PoolTimeout):
                await narrow.ping()
        await always_on_lane(Lane.RESERVED, narrow.ping)()
        with pytest.raises(PoolTimeout):
            await narrow.ping()


async def test_a_task_stays_on_the_lane_that_it_was_begun_on(narrow: Database) -> None:
    async with AsyncExitStack() as stack:
        await occupy(narrow, Lane.REQUESTS, stack)
        with on_lane(Lane.RESERVED):
            task = asyncio.create_task(narrow.ping())
        await task


async def error_of(work: Awaitable[None]) -> Exception:
    try:
        await work
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


async def run(database: Database, statement: sa.Executable) -> None:
    async with database.begin() as tx:
        await tx.execute(statement)


async def end_own_connection(database: Database) -> None:
    async with database.connect() as connection:
        pid = (await connection.execute(sa.text("select pg_backend_pid()"))).scalar_one()
        with on_lane(Lane.RESERVED):
            await run(database, sa.text(f"select pg_terminate_backend({pid})"))
        await connection.execute(sa.text("select 1"))


async def test_a_database_that_cannot_be_reached_is_away(narrow: Database) -> None:
    refused = Database.open("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    for error in (await error_of(refused.ping()), await error_of(end_own_connection(narrow))):
        assert is_away(error), repr(error)
        assert is_passing(error)


async def test_a_database_that_is_busy_is_not_away_but_will_pass(narrow: Database) -> None:
    async with AsyncExitStack() as stack:
        await occupy(narrow, Lane.REQUESTS, stack)
        full = await error_of(narrow.ping())
    slow = sa.text("select pg_sleep(5)")
    with on_lane(Lane.TURNS):
        await run(narrow, sa.text("select 1"))

    async def too_slow() -> None:
        async with narrow.begin() as tx:
            await tx.execute(sa.text("set local statement_timeout = 10"))
            await tx.execute(slow)

    for error in (full, await error_of(too_slow()), TimeoutError()):
        assert not is_away(error), repr(error)
        assert is_passing(error)


async def test_what_a_value_or_a_statement_did_wrong_does_not_pass(database: Database) -> None:
    values = {"id": "c", "host": "h", "ref": "r", "name": "n", "created_at": datetime.now(UTC)}
    await run(database, contacts.insert().values(values))
    wrong = (
        run(database, contacts.insert().values(values)),
        run(database, contacts.insert().values({**values, "id": "d", "name": "a \x00 b"})),
        run(database, sa.select(sa.literal(2**40, sa.Integer))),
        run(database, sa.text("select nothing from nowhere")),
    )
    for work in wrong:
        error = await error_of(work)
        assert not is_passing(error), repr(error)
        assert not is_away(error)
