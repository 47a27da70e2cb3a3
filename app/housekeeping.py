"""What has to be looked at from time to time, whoever is there."""

import asyncio
from itertools import count

import structlog

from actions.attempts.log import AttemptLog
from actions.triggers.service import Triggers
from kb_index.articles.service import Articles
from security.audit.log import Checkpoints

log = structlog.get_logger(__name__)
EVERY = 10.0
"""Seconds between looks at what is due."""
_SELDOM = 6
"""The rest is done at every sixth."""


class Housekeeping:
    """Closes attempts and offers that wait for a user who has gone; notes checkpoints of the audit log;
    publishes articles whose time has come."""

    def __init__(
        self, attempts: AttemptLog, checkpoints: Checkpoints, triggers: Triggers, articles: Articles
    ) -> None:
        self._articles = articles
        self._attempts = attempts
        self._triggers = triggers
        self._checkpoints = checkpoints
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        await self._checkpoints.begin()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, self._checkpoints.note(), return_exceptions=True)

    async def _run(self) -> None:
        for at in count():
            try:
                await self._checkpoints.catch_up()
                await self._articles.publish_due()
                if at % _SELDOM == 0:
                    await self._attempts.abandon_cold()
                    await self._triggers.ignore_old()
                    await self._checkpoints.note()
            except Exception as error:
                log.debug("housekeeping_failed", reason=type(error).__name__)
            await asyncio.sleep(EVERY)
