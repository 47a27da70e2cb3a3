"""Opens the services for a command: on the running servers, or on ours, started for as long as it takes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy.exc
import structlog

from bot.foundation.errors import FirstlineError, Unavailable
from bot.process import home_lock
from bot.process.settings import Settings

if TYPE_CHECKING:
    from bot.process.bootstrap import Firstline


class Silent:
    """Progress that nobody watches."""

    def begins(self, part: str) -> None:
        """Say nothing."""

    def ready(self, part: str, note: str = "") -> None:
        """Say nothing."""


@asynccontextmanager
async def opened(settings: Settings) -> "AsyncIterator[Firstline]":
    """Open the services; unless `firstline serve` runs, PostgreSQL and Valkey run as long as the block.

    Raises:
        FirstlineError: when a server does not answer or the encoder has not been exported.
    """
    from bot.process.bootstrap import open_firstline
    from bot.process.supervisor import Supervisor

    supervisor = Supervisor(settings, Silent())
    with ExitStack() as stack:
        serving = home_lock.running(settings.home) is not None
        if not serving:
            stack.enter_context(home_lock.hold(settings.home, "a firstline command"))
        try:
            if not serving:
                await supervisor.start_stores()
            async with open_firstline(settings, supervisor.parts) as firstline:
                yield firstline
        except (OSError, TimeoutError, sqlalchemy.exc.SQLAlchemyError) as error:
            raise Unavailable(
                f"A server did not answer ({type(error).__name__}).", hint="Run `firstline doctor`."
            ) from error
        finally:
            if not serving:
                await supervisor.stop()


def run(work: Coroutine[Any, Any, int | None]) -> int:
    """Run a command to its end; returns the exit code."""
    logging.basicConfig(level=logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(_first_error(work)) or 0


async def _first_error(work: Awaitable[int | None]) -> int | None:
    try:
        return await work
    except BaseExceptionGroup as group:
        ours, _ = group.split(FirstlineError)
        found: BaseException = ours or group
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        raise found from group
