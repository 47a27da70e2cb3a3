"""Jobs and deliveries in figures, read from PostgreSQL when the metrics are asked for."""

import asyncio
from datetime import datetime

import structlog

from foundation.clock import Clock
from foundation.database import Database
from foundation.jobs import storage as job_storage
from foundation.outbox import dead_letters
from insights.metrics import Metrics

log = structlog.get_logger(__name__)
_DEADLINE = 2.0


class BacklogFigures:
    """Puts backlog, age of the oldest and dead ones into the metrics."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics

    async def __call__(self) -> None:
        """Look; when the database does not answer in two seconds nothing is told of backlogs."""
        self._metrics.forget_backlog()
        try:
            async with asyncio.timeout(_DEADLINE), self._database.connect() as connection:
                jobs = await job_storage.figures(connection)
                deliveries = await dead_letters.figures(connection)
        except Exception as error:
            log.warning("backlog_not_read", reason=type(error).__name__)
            return
        for job in jobs:
            counts = {"waiting": job.waiting, "working": job.working, "dead": job.dead}
            self._metrics.backlog_is("jobs", job.kind, counts, self._age(job.oldest_due))
        for one in deliveries:
            counts = {"waiting": one.backlog, "dead": one.dead}
            self._metrics.backlog_is("deliveries", one.destination, counts, self._age(one.oldest))

    def _age(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self._clock.now() - since).total_seconds())
