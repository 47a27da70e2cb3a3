"""What self-healing is about: a drift that was found, the run that deals with it, and the circuit breaker.

A *drift* is a workflow with the trigger `drift` whose diagnosis says that it applies although nobody has
complained. Each drift that is found becomes one *run*, and every run ends in exactly one status:

    found -> applying -> verified | rolled_back | failed | refused
       \\-> dry_run | skipped | refused

`found` and `applying` are open. A user has at most one open run for a workflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeGuard, get_args

Mode = Literal["off", "dry_run", "apply"]
Source = Literal["event", "scan", "command"]
Closed = Literal["dry_run", "verified", "rolled_back", "failed", "refused", "skipped"]
Status = Literal["found", "applying", Closed]
STATUSES: tuple[Status, ...] = get_args(Status)
OPEN: tuple[Status, ...] = ("found", "applying")
CLOSED: tuple[Closed, ...] = get_args(Closed)
BreakerState = Literal["closed", "open", "half_open"]
DRIFT = "drift"
"""The trigger of a workflow that self-healing may run."""


@dataclass(frozen=True)
class Drift:
    """Something that is not as the user set it. `digest` tells whether two looks saw the same."""

    host: str
    user_ref: str
    workflow: str
    seen: Mapping[str, Any]
    digest: str


@dataclass(frozen=True)
class Run:
    """One drift and what became of it.

    `due_at` is when it is looked at next; `sightings` how often it was found; `looks` how often it was looked
    at again; `tries` how often something had to be tried again. `before` is what was seen before the act: in
    full while the run is open, since the act is verified against it, and masked once it is closed.
    `policy` names the policy it was judged by. `settled` once the log and the user know how it ended.
    """

    id: str
    host: str
    user_ref: str
    workflow: str
    source: Source
    mode: Mode
    status: Status
    reason: str | None
    before: dict[str, Any]
    before_at: datetime | None
    digest: str
    policy: str
    sightings: int
    looks: int
    tries: int
    result: dict[str, Any]
    found_at: datetime
    seen_at: datetime
    due_at: datetime
    applied_at: datetime | None
    closed_at: datetime | None
    again_at: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    settled: bool

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN


@dataclass(frozen=True)
class Closing:
    """How a run ends; `rest` is how long the same drift is left alone, `notice` what the user is told."""

    status: Status
    reason: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    rest: timedelta = timedelta(0)
    notice: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Deferral:
    """A run that has to wait, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class BreakerRules:
    """Opens when `failures` of the last `window` acts failed; one act is tried again after `rest`."""

    window: int = 10
    failures: int = 4
    rest: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class Breaker:
    """Keeps a broken fix from being applied to everybody; one for each application and workflow.

    `recent` holds how the last acts ended, latest last. `probe` is the run that may act while half open.
    `opened` counts how often it went from closed to open: each time is one matter for one case.
    """

    host: str
    workflow: str
    state: BreakerState = "closed"
    recent: tuple[bool, ...] = ()
    opened: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    probe: str | None = None
    probe_until: datetime | None = None
    case_id: str | None = None
    reason: str | None = None

    def places(self, rules: BreakerRules) -> int:
        """How many runs may act at the same time: all of them may fail without going past the threshold."""
        return max(1, rules.failures - self.recent[-rules.window :].count(False))

    def admit(self, run_id: str, now: datetime, lease: timedelta) -> "Breaker | Deferral":
        """Let a run act (with the state after that), or say until when it has to wait."""
        if self.state == "closed":
            return self
        if self.state == "open" and self.retry_at is not None and now < self.retry_at:
            return Deferral(self.retry_at, "breaker_open")
        taken = self.state == "half_open" and self.probe not in (None, run_id)
        if taken and self.probe_until is not None and now < self.probe_until:
            return Deferral(self.probe_until, "breaker_probing")
        return replace(self, state="half_open", probe=run_id, probe_until=now + lease)

    def succeeded(self, rules: BreakerRules) -> "Breaker":
        """Note an act that helped: a half-open breaker closes."""
        if self.state == "half_open":
            return replace(
                self, state="closed", recent=(True,), retry_at=None, probe=None, probe_until=None, reason=None
            )
        return replace(self, recent=(*self.recent, True)[-rules.window :])

    def failed(self, now: datetime, rules: BreakerRules, reason: str, *, at_once: bool = False) -> "Breaker":
        """Note an act that did not help; `at_once` opens whatever the rules say."""
        recent = (*self.recent, False)[-rules.window :]
        if self.state == "open":
            return replace(self, recent=recent)
        again = self.state == "half_open"
        if not (again or at_once or recent.count(False) >= rules.failures):
            return replace(self, recent=recent)
        return replace(
            self,
            state="open",
            recent=recent,
            opened=self.opened if again else self.opened + 1,
            opened_at=self.opened_at if again else now,
            retry_at=now + rules.rest,
            probe=None,
            probe_until=None,
            case_id=self.case_id if again else None,
            reason=reason,
        )

    def released(self, run_id: str) -> "Breaker":
        """Note a probe that ended without an act: the next run may be the probe."""
        return replace(self, probe=None, probe_until=None) if self.probe == run_id else self


def tally(counts: Mapping[str, int]) -> dict[str, int]:
    """Sum up runs by status: `found` is all of them, and the other figures add up to it."""
    figures: dict[str, int] = {status: counts.get(status, 0) for status in CLOSED}
    return {"found": sum(counts.values()), **figures, "open": sum(counts.get(status, 0) for status in OPEN)}


def is_closed(status: Status) -> TypeGuard[Closed]:
    """Tell whether a run with this status is over."""
    return status in CLOSED
