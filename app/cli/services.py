"""Opens the services for a command: on the running servers, or on ours, started for as long as it takes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy.exc
import structlog

from app.ops import home_lock
from app.settings import Settings
from foundation.database import Database
from foundation.errors import FirstlineError, Unavailable

if TYPE_CHECKING:
    from app.bootstrap import Firstline
    from app.ops.supervisor import Supervisor


class Silent:
    """Progress that nobody watches."""

    def begins(self, part: str) -> None:
        """Say nothing."""

    def ready(self, part: str, note: str = "") -> None:
        """Say nothing."""


@asynccontextmanager
async def opened(settings: Settings) -> "AsyncIterator[Firstline]":
    """Open all services; unless `firstline serve` runs, PostgreSQL and Valkey run as long as the block.

    Raises:
        FirstlineError: when a server does not answer or the encoder has not been exported.
    """
    from app.bootstrap import open_firstline

    async with _stores(settings) as supervisor, open_firstline(settings, supervisor.parts) as firstline:
        yield firstline


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database alone, as `opened` does."""
    async with _stores(settings) as supervisor:
        database = Database.open(supervisor.database_url, pool_size=1)
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def _stores(settings: Settings) -> "AsyncIterator[Supervisor]":
    from app.ops.supervisor import Supervisor

    supervisor = Supervisor(settings, Silent())
    async with AsyncExitStack() as stack:
        if home_lock.running(settings.home) is None:
            stack.enter_context(home_lock.hold(settings.home, "a firstline command"))
            stack.push_async_callback(supervisor.stop)
            await supervisor.start_stores()
        try:
            yield supervisor
        except (OSError, TimeoutError, sqlalchemy.exc.SQLAlchemyError) as error:
            raise Unavailable(
                f"A server did not answer ({type(error).__name__}).", hint="Run `firstline doctor`."
            ) from error


def run(work: Coroutine[Any, Any, int | None]) -> int:
    """Run a command to its end; returns the exit code."""
    logging.basicConfig(level=logging.ERROR)
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return asyncio.run(_first_error(work)) or 0
    finally:
        structlog.configure(**before)


async def _first_error(work: Awaitable[int | None]) -> int | None:
    try:
        return await work
    except BaseExceptionGroup as group:
        ours, _ = group.split(FirstlineError)
        found: BaseException = ours or group
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        raise found from group
