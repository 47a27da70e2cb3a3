"""PostgreSQL through SQLAlchemy Core: one metadata for all rooms, explicit transactions."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, MetaData, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every room's `storage` module defines its tables on this."""


class UtcDateTime(TypeDecorator[datetime]):
    """`timestamptz` that takes and gives only aware datetimes, in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime before it reaches the database."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the stored moment in UTC."""
        return None if value is None else value.astimezone(UTC)


class Database:
    """A pool of connections and the two ways to use one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # Single statements need no transaction; without one a read is one round trip instead of three.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(engine.sync_engine, "checkin", _note_use)
        event.listen(engine.sync_engine, "checkout", _check_when_stale)

    @classmethod
    def open(cls, url: str, *, pool_size: int = 10, schema: str | None = None) -> "Database":
        """Make a pool for `url` (`postgresql+asyncpg://...`); no connection is opened yet.

        `schema` sets the search path, which tests use to share one server.
        """
        settings = {"search_path": f"{schema},public"} if schema else {}
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            # The text of an error goes into logs; what people wrote does not.
            hide_parameters=True,
            connect_args={"timeout": 5, "command_timeout": 30, "server_settings": settings},
        )
        return cls(engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends and rolls back when it raises."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading; each statement sees what is committed when it runs."""
        async with self._reading.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Run one trivial statement; raises what the driver raises."""
        async with self.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


_STALE = 1.0
"""Seconds unused after which a pooled connection is tried before it is given out."""


def _note_use(_: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _check_when_stale(connection: Any, record: Any, _: Any) -> None:
    # The pool's own pre-ping costs a round trip at every use, under load as well.
    if time.monotonic() - record.info.get("used", time.monotonic()) < _STALE:
        return
    try:
        connection.ping()
    except Exception as error:
        raise DisconnectionError from error
