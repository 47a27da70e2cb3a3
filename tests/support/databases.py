"""Databases of a test's own on the session's server, for tests that block."""

import asyncio
import contextlib
from collections.abc import Iterator

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from foundation.ids import new_id


@contextlib.contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Make an empty database and drop it when the block ends; gives its URL."""
    name = new_id("test").lower()
    asyncio.run(_run(server_url, f'create database "{name}"'))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        asyncio.run(_run(server_url, f'drop database "{name}" with (force)'))


async def _run(server_url: str, statement: str) -> None:
    engine = create_async_engine(server_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
