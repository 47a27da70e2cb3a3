"""What has to be looked at from time to time: schedules of all processes, and each one's checkpoints."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from actions.attempts.log import AttemptLog
from actions.healing.service import Healing
from actions.triggers.service import Triggers
from foundation.jobs import Job, Kind
from kb_index.articles.service import Articles
from security.audit.log import Checkpoints

log = structlog.get_logger(__name__)
SOON = timedelta(seconds=10)
"""How long what is due may wait: articles whose time has come, entries that the audit log lacks."""
SELDOM = timedelta(seconds=60)
HEALING_LEFTOVERS = timedelta(seconds=15)


def schedules(
    attempts: AttemptLog, checkpoints: Checkpoints, triggers: Triggers, articles: Articles, healing: Healing
) -> list[Kind]:
    """What one process of all does: publish articles whose time has come, enter what the audit log lacks,
    close attempts and offers whose user has gone, settle runs of self-healing that a dead process left."""
    return [
        _every(SOON, "articles.publish_due", articles.publish_due),
        _every(SOON, "audit.catch_up", checkpoints.catch_up),
        _every(SELDOM, "attempts.abandon_cold", attempts.abandon_cold),
        _every(SELDOM, "offers.ignore_old", triggers.ignore_old),
        _every(HEALING_LEFTOVERS, "healing.leftovers", healing.tidy),
    ]


def _every(period: timedelta, name: str, work: Callable[[], Awaitable[object]]) -> Kind:
    async def handler(job: Job) -> None:
        await work()

    return Kind(name, handler, tries=1, every=period, at_once=1)


class CheckpointNotes:
    """Notes signed heads of the audit log in a file of this process's own disk: no other one can."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        await self._checkpoints.begin()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, with a last checkpoint."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, self._checkpoints.note(), return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._checkpoints.note()
            except Exception as error:
                log.warning("checkpoint_not_noted", reason=type(error).__name__)
            await asyncio.sleep(SELDOM.total_seconds())
