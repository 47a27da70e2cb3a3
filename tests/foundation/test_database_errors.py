"""What each kind of database error means for a caller, on a real PostgreSQL."""

import asyncio
from datetime import datetime

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy import text

from foundation.database import Database, UtcDateTime
from foundation.database_errors import explain
from foundation.errors import Conflict, FirstlineError, InvalidInput, Unavailable
from foundation.ids import new_id

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(5), nullable=False, unique=True),
    sa.Column("at", UtcDateTime),
    sa.Column("data", sa.JSON),
)


@pytest.fixture
async def store(postgres_url: str):
    """A database with one table, in a schema of its own."""
    schema = new_id("things").lower()
    admin = Database.open(postgres_url, pool_size=1)
    async with admin.begin() as tx:
        await tx.execute(text(f'create schema "{schema}"'))
    opened = Database.open(postgres_url, schema=schema, pool_size=2)
    async with opened.begin() as tx:
        await tx.run_sync(things.create)
        await tx.execute(things.insert().values(id=1, name="one"))
    yield opened
    await opened.close()
    async with admin.begin() as tx:
        await tx.execute(text(f'drop schema "{schema}" cascade'))
    await admin.close()


async def told(store: Database, statement: sa.Executable) -> FirstlineError | None:
    with pytest.raises(sa.exc.StatementError) as raised:
        async with store.begin() as tx:
            await tx.execute(statement)
    return explain(raised.value)


@pytest.mark.parametrize(
    "statement",
    [
        sa.select(things).where(things.c.id == 2_147_483_648),
        things.insert().values(id=2, name="longer than five"),
        things.insert().values(id=2, name="a\x00b"),
        things.insert().values(id=2, name="a\ud800"),
        text(r"""select '{"a": "\u0000"}'::jsonb"""),
        things.insert().values(id=2, name="two", at=datetime(2026, 1, 1)),  # noqa: DTZ001
        sa.select(text("'x'::int")),
        sa.select(text("1 / 0")),
    ],
)
async def test_a_value_that_does_not_fit_is_the_callers(store: Database, statement: sa.Executable) -> None:
    assert isinstance(await told(store, statement), InvalidInput)


@pytest.mark.parametrize(
    "statement",
    [things.insert().values(id=1, name="two"), things.insert().values(id=2, name="one"),
     text("insert into things (id) values (3)")],
)  # fmt: skip
async def test_what_clashes_with_what_is_stored_is_a_conflict(store: Database, statement) -> None:
    assert isinstance(await told(store, statement), Conflict)


async def test_a_deadlock_asks_to_try_again_in_a_moment(store: Database) -> None:
    async with store.begin() as tx:
        await tx.execute(things.insert().values(id=2, name="two"))
    first_has, second_has = asyncio.Event(), asyncio.Event()

    async def lock(mine: int, other: int, have: asyncio.Event, wait: asyncio.Event) -> None:
        async with store.begin() as tx:
            await tx.execute(things.update().where(things.c.id == mine).values(data=1))
            have.set()
            await wait.wait()
            await tx.execute(things.update().where(things.c.id == other).values(data=1))

    results = await asyncio.gather(
        lock(1, 2, first_has, second_has), lock(2, 1, second_has, first_has), return_exceptions=True
    )
    (failed,) = [one for one in results if isinstance(one, Exception)]
    error = explain(failed)
    assert isinstance(error, Unavailable)
    assert (error.code, error.retry_after) == ("busy", 1)


async def test_a_connection_that_is_ended_is_an_outage(store: Database) -> None:
    error = await told(store, text("select pg_terminate_backend(pg_backend_pid())"))
    assert isinstance(error, Unavailable)
    assert error.code == "unavailable"


async def test_a_statement_that_is_cancelled_is_an_outage_and_no_fault_of_the_value(store: Database) -> None:
    statement = text("set local statement_timeout = 10; ")
    async with store.begin() as tx:
        await tx.execute(statement)
        with pytest.raises(sa.exc.DBAPIError) as raised:
            await tx.execute(text("select pg_sleep(5)"))
    assert isinstance(explain(raised.value), Unavailable)


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    nowhere = Database.open("postgresql+asyncpg://nobody@127.0.0.1:9/none")
    with pytest.raises((OSError, sa.exc.SQLAlchemyError)) as raised:
        await nowhere.ping()
    await nowhere.close()
    error = raised.value
    assert isinstance(error, OSError) or isinstance(explain(error), Unavailable)


async def test_a_mistake_of_our_own_is_neither(store: Database) -> None:
    assert await told(store, text("select * from there_is_no_such_table")) is None


def test_errors_of_the_driver_itself_are_understood_too() -> None:
    assert isinstance(explain(asyncpg.exceptions.DataError("x")), InvalidInput)
    assert isinstance(explain(asyncpg.exceptions.InterfaceError("closed")), Unavailable)
    assert isinstance(explain(asyncpg.exceptions.ConnectionDoesNotExistError("gone")), Unavailable)
    assert isinstance(explain(asyncpg.exceptions.TooManyConnectionsError("full")), Unavailable)
    assert explain(ValueError("not of a database")) is None
