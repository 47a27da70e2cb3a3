"""Prometheus metrics of this process."""

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

    def part_is(self, part: str, up: bool) -> None:
        """Note whether a part is ready."""
        self._part_up.labels(part).set(1 if up else 0)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self._registry)
