"""Real servers for tests: PostgreSQL and Valkey, started once a session from their wheels."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import URL, create_mock_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.schema.tables import metadata
from foundation.database import Database
from foundation.ids import new_id
from tests.support.product import Product


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, and what needs the whole product on the same one.

    What takes long comes last. With several workers the product's tests come first, so that one worker is
    not left alone with them.
    """
    several = bool(config.getoption("numprocesses", None))

    def needs_product(item: pytest.Item) -> bool:
        return "product" in getattr(item, "fixturenames", ())

    def place(item: pytest.Item) -> int:
        if needs_product(item):
            return 0 if several else 3
        return 2 if item.get_closest_marker("slow") else 1

    items.sort(key=place)
    for item in items:
        group = "product" if needs_product(item) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


def _held(manager: AbstractAsyncContextManager[str]) -> Iterator[str]:
    with asyncio.Runner() as runner:
        value = runner.run(manager.__aenter__())
        try:
            yield value
        finally:
            runner.run(manager.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server: TEST_DATABASE_URL, or one of this session's own."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    from app.ops.children.postgres import embedded_postgres

    for url in _held(embedded_postgres(tmp_path_factory.mktemp("postgres"))):
        asyncio.run(_without_durability(url))
        yield url


async def _without_durability(url: str) -> None:
    """Nobody reads this server's data after a crash; what is killed in tests has a server of its own."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            await connection.execute(text(f"alter system set {name} = off"))
        await connection.execute(text("select pg_reload_conf()"))
    await engine.dispose()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Valkey server: TEST_REDIS_URL, or one of this session's own."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    from app.ops.children.valkey import embedded_valkey

    yield from _held(embedded_valkey(tmp_path_factory.mktemp("valkey")))


@pytest.fixture(scope="session")
def all_tables() -> str:
    """What makes all tables, as one script: sent at once it takes a quarter of the time, for each test."""
    statements: list[str] = []

    def note(statement: Any, *_: Any, **__: Any) -> None:
        statements.append(str(statement.compile(dialect=engine.dialect)))

    engine = create_mock_engine("postgresql+asyncpg://", note)
    metadata.create_all(engine, checkfirst=False)
    return ";\n".join(statements)


@pytest.fixture(scope="session")
def schema_with_tables(postgres_url: str, all_tables: str) -> Iterator["SharedSchema"]:
    """A schema with all tables, made once a worker."""
    shared = SharedSchema(postgres_url, all_tables)
    asyncio.run(shared.make())
    yield shared
    asyncio.run(shared.drop())


class SharedSchema:
    """One schema for many tests; it is emptied between them, and made anew when it cannot be."""

    def __init__(self, url: str, tables: str) -> None:
        self.name = ""
        self._url = url
        self._tables = tables
        self._emptying = "".join(f'delete from "{table.name}";' for table in reversed(metadata.sorted_tables))

    async def make(self) -> None:
        """Make the schema and its tables."""
        self.name = new_id("test").lower()
        async with self._raw() as connection:
            await connection.execute(f'create schema "{self.name}"; set search_path = "{self.name}", public;')
            await connection.execute(self._tables)

    async def empty(self) -> None:
        """Delete all rows and what a test made besides the tables."""
        known = ",".join(f"'{table.name}'" for table in metadata.sorted_tables)
        besides = (
            f"select tablename from pg_tables where schemaname = '{self.name}' and tablename not in ({known})"
        )
        try:
            async with self._raw() as connection:
                await connection.execute(
                    f"set search_path = \"{self.name}\", public; set lock_timeout = '2s';"
                )
                for row in await connection.fetch(besides):
                    await connection.execute(f'drop table "{row[0]}" cascade')
                await connection.execute(self._emptying)
        except asyncpg.PostgresError:
            # A process that a test killed may still hold a lock, or the test changed a table.
            await self.make()

    async def drop(self) -> None:
        """Drop the schema."""
        async with self._raw() as connection:
            await connection.execute(f'drop schema if exists "{self.name}" cascade')

    @asynccontextmanager
    async def _raw(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self._url.replace("+asyncpg", ""))
        try:
            yield connection
        finally:
            await connection.close()


@pytest.fixture
async def database(postgres_url: str, schema_with_tables: SharedSchema) -> AsyncIterator[Database]:
    """A database with all tables, empty."""
    opened = Database.open(postgres_url, schema=schema_with_tables.name)
    yield opened
    await opened.close()
    await schema_with_tables.empty()


@pytest.fixture(scope="session")
def encoder_dir() -> Path:
    """The exported encoder; `make test` exports it and names it in FIRSTLINE_ENCODER_DIR."""
    folder = Path(os.environ.get("FIRSTLINE_ENCODER_DIR") or ".firstline/encoder")
    if not (folder / "model.onnx").exists():
        pytest.fail(f"no encoder in {folder}: run `make test`, which exports it first")
    return folder


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Wait until a condition holds; fails after 15 seconds."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(15):
            while not await condition():
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, started once; tests that kill a part leave it ready again."""
    built = Path(os.environ.get("FIRSTLINE_HOME") or ".firstline").resolve()
    running = Product.make(tmp_path_factory.mktemp("product") / "home", built)
    asyncio.run(running.start())
    yield running
    assert asyncio.run(running.stop()) == 0


@pytest.fixture
async def fresh_database_url(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an empty database of the test's own, for an account that owns it and is no superuser."""
    name, password = new_id("test").lower(), secrets.token_hex(16)
    admin = create_async_engine(postgres_url, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"create role \"{name}\" login password '{password}'"))
        await connection.execute(text(f'create database "{name}" owner "{name}"'))
    await _with_vectors(make_url(postgres_url).set(database=name))
    owner = make_url(postgres_url).set(database=name, username=name, password=password)
    yield owner.render_as_string(hide_password=False)
    async with admin.connect() as connection:
        await connection.execute(text(f'drop database "{name}" with (force)'))
        await connection.execute(text(f'drop role "{name}"'))
    await admin.dispose()


async def _with_vectors(url: URL) -> None:
    """Make the extension, which takes a superuser, as the start of the product does."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("create extension if not exists vector with schema public"))
    await engine.dispose()
