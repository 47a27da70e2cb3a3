"""What a job is, and what its kind says about how it is worked on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Status = Literal["waiting", "working", "dead"]


@dataclass(frozen=True)
class Job:
    """One piece of work. `tries` counts those that have begun, the present one included."""

    id: str
    kind: str
    key: str | None
    once: str | None
    payload: Mapping[str, Any]
    status: Status
    tries: int
    created_at: datetime
    due_at: datetime
    problem: str | None
    cancelled: bool
    lease_owner: str | None
    lease_until: datetime | None


Handler = Callable[[Job], Awaitable[None]]


class RetryLater(Exception):
    """Raised by a handler: try again after `seconds`. It counts as a try."""

    def __init__(self, seconds: float, problem: str) -> None:
        super().__init__(problem)
        self.seconds = seconds
        self.problem = problem


class GiveUp(Exception):
    """Raised by a handler: trying again is of no use. The job is dead, which staff see."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Kind:
    """How jobs of a kind are worked on.

    A try may last `timeout` seconds; the next one comes after `first_delay` seconds, then twice that, up to
    `longest_delay`. After `tries` the job is dead. `at_once` jobs of the kind are at work in one process.
    `every` makes it a schedule: one job, begun again so many seconds after its end; it is never dead, and
    after its last try it waits for its next time.
    A handler may be run twice for the same job, so it must be harmless to repeat.
    """

    name: str
    handler: Handler = field(repr=False)
    tries: int = 8
    timeout: float = 60.0
    first_delay: float = 1.0
    longest_delay: float = 300.0
    at_once: int = 4
    every: timedelta | None = None
