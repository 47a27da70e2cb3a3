"""What a delivery is, what a destination has to offer, and how it says that it did not work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

Status = Literal["queued", "waiting", "working", "delivered", "dead"]
"""`queued` stands behind another of its key, `waiting` is the first of its key."""


@dataclass(frozen=True)
class Delivery:
    """Something to be delivered. Its `id` is ours and stays the same however often it is tried.

    `attempts` counts how often it was taken up, the present time included; `tries` those failures that tell
    against it, because the destination answered others.
    """

    id: str
    number: int
    destination: str
    key: str
    once: str | None
    payload: Mapping[str, Any]
    status: Status
    tries: int
    attempts: int
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    remote_id: str | None
    problem: str | None
    lease_owner: str | None
    lease_until: datetime | None


class Refused(Exception):
    """The destination will not take this delivery, however often it is tried: it is a dead letter."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Busy(Exception):
    """The destination asks to be left alone for `seconds` (HTTP 429 or 503 with Retry-After). No failure."""

    def __init__(self, seconds: float, problem: str = "busy") -> None:
        super().__init__(problem)
        self.seconds = seconds
        self.problem = problem


class Unanswered(Exception):
    """No usable answer: no connection, a time-out, a broken answer, an error of the destination's own.

    Whether it was delivered is not known; the next try looks first. Any other exception counts the same.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Deliver(Protocol):
    """A destination: what a channel or a desk implements."""

    async def find(self, delivery: Delivery) -> str | None:
        """Return what the destination calls this delivery if it has it already, known by our id.

        Asked before each attempt but the first. A destination that drops a second delivery of the same id by
        itself returns None.

        Raises:
            Busy, Unanswered: when it cannot be told now.
        """
        ...

    async def deliver(self, delivery: Delivery) -> str | None:
        """Deliver it under our id; returns what the destination calls it, if anything.

        Raises:
            Busy, Refused, Unanswered: when it was not, or may not have been, delivered.
        """
        ...


@dataclass(frozen=True)
class Limits:
    """How a destination is treated.

    `at_once` deliveries are under way in one process; an attempt may last `timeout` seconds. After `tries`
    failures of its own, or unsent for `keep_trying`, a delivery is a dead letter. After `failures` in a row
    the circuit is open: nothing is sent for `first_pause` seconds, then one delivery is tried, then twice as
    long is waited, up to `longest_pause`. A destination's own wish (Retry-After) is followed up to
    `longest_wish` seconds.
    """

    at_once: int = 16
    timeout: float = 15.0
    tries: int = 10
    keep_trying: timedelta = timedelta(days=3)
    first_delay: float = 1.0
    longest_delay: float = 300.0
    failures: int = 5
    first_pause: float = 2.0
    longest_pause: float = 120.0
    longest_wish: float = 3600.0


LARGEST_PAYLOAD = 256 * 1024
"""Bytes of JSON; what is larger belongs into a file that the payload names."""
