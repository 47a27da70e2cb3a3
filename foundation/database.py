"""PostgreSQL through SQLAlchemy Core: one metadata for all rooms, explicit transactions."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import asyncpg
from sqlalchemy import DateTime, MetaData, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
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

Transaction = AsyncConnection
"""An open transaction, as one room hands it to another: ports name it without knowing SQLAlchemy."""


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


class Lane(Enum):
    """What connections are kept apart for, so that a crowd in one does not use up those of another."""

    REQUESTS = "requests"
    """Whatever says nothing else: requests, the command line."""
    TURNS = "turns"
    """The assistant's turns, what Rasa's actions do in them, and upkeep in the background."""
    FOLLOWERS = "followers"
    """Open sockets and streams, which look again whenever they are woken."""
    RESERVED = "reserved"
    """Calling a person, and keeping leases: what must work when all else is full."""


_SIZES = {Lane.REQUESTS: (10, 4), Lane.TURNS: (8, 4), Lane.FOLLOWERS: (4, 2), Lane.RESERVED: (4, 2)}
"""Connections that are kept, and further ones under load; at most 38 in all."""
_lane: ContextVar[Lane] = ContextVar("lane", default=Lane.REQUESTS)
P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def on_lane(lane: Lane) -> Iterator[None]:
    """Use the connections of `lane` in this block, and in the tasks that begin in it."""
    token = _lane.set(lane)
    try:
        yield
    finally:
        _lane.reset(token)


def always_on_lane(lane: Lane, call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Return `call` so that it uses the connections of `lane`, wherever it is called from."""

    @wraps(call)
    async def on_its_lane(*args: P.args, **kwargs: P.kwargs) -> T:
        with on_lane(lane):
            return await call(*args, **kwargs)

    return on_its_lane


class Database:
    """A pool of connections for each lane, and the two ways to use a connection."""

    def __init__(self, make_engine: Callable[[Lane], AsyncEngine]) -> None:
        self._engines = {lane: make_engine(lane) for lane in Lane}
        # Single statements need no transaction; without one a read is one round trip instead of three.
        self._reading = {
            lane: engine.execution_options(isolation_level="AUTOCOMMIT")
            for lane, engine in self._engines.items()
        }
        for engine in self._engines.values():
            event.listen(engine.sync_engine, "checkin", _note_use)
            event.listen(engine.sync_engine, "checkout", _check_when_stale)

    @classmethod
    def open(
        cls, url: str, *, pool_size: int | None = None, schema: str | None = None, pool_timeout: float = 10
    ) -> "Database":
        """Make the pools for `url` (`postgresql+asyncpg://...`); no connection is opened yet.

        `pool_size` is for tests and tools that need fewer connections, in each lane; `pool_timeout` is how
        many seconds is waited for a free one. `schema` sets the search path: tests share one server.
        """
        settings = {"search_path": f"{schema},public"} if schema else {}

        def make_engine(lane: Lane) -> AsyncEngine:
            kept, further = _SIZES[lane] if pool_size is None else (pool_size, pool_size)
            return create_async_engine(
                url,
                pool_size=kept,
                max_overflow=further,
                pool_timeout=pool_timeout,
                # The text of an error goes into logs; what people wrote does not.
                hide_parameters=True,
                connect_args={"timeout": 5, "command_timeout": 30, "server_settings": settings},
            )

        return cls(make_engine)

    @property
    def engine(self) -> AsyncEngine:
        """The connections of the present lane."""
        return self._engines[_lane.get()]

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends and rolls back when it raises."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading; each statement sees what is committed when it runs."""
        async with self._reading[_lane.get()].connect() as connection:
            yield connection

    async def ping(self) -> None:
        """Run one trivial statement; raises what the driver raises."""
        async with self.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Close all connections."""
        for engine in self._engines.values():
            await engine.dispose()


_AWAY_CLASSES = ("08", "57P")
"""SQLSTATE: no connection; the server is starting, stopping or has crashed."""
_PASSING_CLASSES = (*_AWAY_CLASSES, "40", "53", "55P03", "57014")
"""Also: rolled back for another's sake, out of something, a lock or the statement took too long."""


def is_away(error: BaseException) -> bool:
    """Tell whether an error means that the database could not be reached."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = _cause(error)
    if _has_state(cause, _AWAY_CLASSES):
        return True
    # asyncpg calls a value that it cannot encode an InterfaceError too.
    gone = isinstance(cause, (OSError, asyncpg.InterfaceError))
    return gone and not isinstance(cause, (TimeoutError, ValueError))


def is_passing(error: BaseException) -> bool:
    """Tell whether the same may succeed later: the database is away, busy, or has to choose between two."""
    cause = _cause(error)
    return (
        is_away(error)
        or isinstance(cause, (TimeoutError, PoolTimeout, DisconnectionError))
        or _has_state(cause, _PASSING_CLASSES)
    )


def _cause(error: BaseException) -> BaseException:
    """The driver's own error: SQLAlchemy wraps it twice."""
    while isinstance(error, DBAPIError) or type(error).__module__.startswith("sqlalchemy.dialects"):
        inner = getattr(error, "orig", None) or error.__cause__
        if inner is None:
            break
        error = inner
    return error


def _has_state(error: BaseException, classes: tuple[str, ...]) -> bool:
    return str(getattr(error, "sqlstate", None) or "").startswith(classes)


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
