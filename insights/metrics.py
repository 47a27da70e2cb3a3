"""Prometheus metrics of this process."""

from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.exposition import generate_latest

_TURN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20)


class Metrics:
    """Counts requests, turns and cases; `render` gives the exposition text."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "firstline_http_requests_total",
            "Answered HTTP requests",
            ["method", "path", "status"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "firstline_http_request_seconds",
            "Time to answer an HTTP request",
            ["path"],
            registry=self._registry,
        )
        self._turns = Counter(
            "firstline_turns_total",
            "Finished turns of the assistant",
            ["status", "intent"],
            registry=self._registry,
        )
        self._turn_seconds = Histogram(
            "firstline_turn_seconds",
            "Time from taking up a turn to its end",
            ["status"],
            buckets=_TURN_SECONDS,
            registry=self._registry,
        )
        self._jobs_ended = Counter(
            "firstline_jobs_ended_total", "Ends of tries of jobs", ["kind", "end"], registry=self._registry
        )
        self._deliveries_ended = Counter(
            "firstline_deliveries_ended_total",
            "Ends of attempts of deliveries",
            ["destination", "end"],
            registry=self._registry,
        )
        self._backlog = Gauge(
            "firstline_backlog",
            "Unfinished and dead jobs and deliveries",
            ["queue", "name", "status"],
            registry=self._registry,
        )
        self._oldest = Gauge(
            "firstline_backlog_oldest_seconds",
            "How long the oldest one is overdue",
            ["queue", "name"],
            registry=self._registry,
        )
        self._part_up = Gauge(
            "firstline_part_up", "Whether a part is ready", ["part"], registry=self._registry
        )

    def request_answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count an HTTP answer; `path` is the route's template, never what the client sent."""
        self._requests.labels(method, path, str(status)).inc()
        self._request_seconds.labels(path).observe(seconds)

    def turn_finished(self, status: str, intent: str | None, seconds: float) -> None:
        """Count a finished turn."""
        self._turns.labels(status, intent or "none").inc()
        self._turn_seconds.labels(status).observe(seconds)

    def job_ended(self, kind: str, end: str) -> None:
        """Count the end of a job's try: done, retried or dead."""
        self._jobs_ended.labels(kind, end).inc()

    def delivery_ended(self, destination: str, end: str) -> None:
        """Count the end of a delivery's attempt: delivered, retried, busy or dead."""
        self._deliveries_ended.labels(destination, end).inc()

    def forget_backlog(self) -> None:
        """Drop what was told of backlogs, so that what is no more is told no more."""
        self._backlog.clear()
        self._oldest.clear()

    def backlog_is(self, queue: str, name: str, counts: Mapping[str, int], oldest_seconds: float) -> None:
        """Note how many of `queue` (jobs, deliveries) stand how, and for how long the oldest is overdue."""
        for status, count in counts.items():
            self._backlog.labels(queue, name, status).set(count)
        self._oldest.labels(queue, name).set(oldest_seconds)

    def part_is(self, part: str, up: bool) -> None:
        """Note whether a part is ready."""
        self._part_up.labels(part).set(1 if up else 0)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self._registry)
