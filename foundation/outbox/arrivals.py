"""Notes what has arrived, all that came meanwhile in one transaction: each commit waits for the disk."""

import asyncio
from datetime import datetime, timedelta

from foundation.clock import Clock
from foundation.database import Database
from foundation.outbox import storage
from foundation.outbox.model import Delivery

_SUCCESS_NOTED_EVERY = timedelta(seconds=1)


class Arrivals:
    """While one transaction is under way, those who come wait for the next."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[tuple[Delivery, str | None, asyncio.Future[None]]] = []
        self._noting = asyncio.Lock()
        self._succeeded: dict[str, datetime] = {}

    async def note(self, one: Delivery, remote_id: str | None) -> None:
        """Return once it is in the database that this has arrived; raises what the database raises."""
        noted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, remote_id, noted))
        async with self._noting:
            if not noted.done():
                await self._note_all()
        await noted

    def failed(self, destination: str) -> None:
        """Note the next success of a destination, which has just failed, at once."""
        self._succeeded.pop(destination, None)

    async def _note_all(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            now = self._clock.now()
            async with self._database.begin() as tx:
                await storage.delivered(tx, [(one, remote_id) for one, remote_id, _ in batch], now)
                fresh = sorted({one.destination for one, _, _ in batch if self._is_news(one, now)})
                for destination in fresh:
                    await storage.succeeded(tx, destination, now)
        except BaseException as error:
            for _, _, noted in batch:
                if not noted.done():
                    noted.set_exception(_NotNotedError(type(error).__name__))
                    noted.exception()  # a waiter that was cancelled fetches it no more
            raise
        self._succeeded |= dict.fromkeys(fresh, now)
        for _, _, noted in batch:
            if not noted.done():
                noted.set_result(None)

    def _is_news(self, one: Delivery, now: datetime) -> bool:
        last = self._succeeded.get(one.destination)
        return last is None or now - last >= _SUCCESS_NOTED_EVERY


class _NotNotedError(Exception):
    """The transaction of the batch failed."""
