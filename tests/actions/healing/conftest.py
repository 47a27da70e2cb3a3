"""Self-healing on a real PostgreSQL, over an application with many users that can misbehave."""

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.attempts.log import AttemptLog
from actions.dialogue.act import Actor
from actions.framework.executor import Procedure
from actions.framework.host_access import HostAccess
from actions.framework.registry import Registry
from actions.healing.assembly import HealingRoom, build_healing
from actions.healing.domain import Breaker, Run
from actions.healing.policy import HealingPolicyFile
from actions.healing.ports import SignedRequest
from actions.healing.service import Healing, Pace
from actions.host import HostUnavailable, Operation, OperationResult, UnknownUser, UserState
from actions.policy import AssistantPolicy
from foundation.clock import Clock, FixedClock, SystemClock
from foundation.database import Database
from security.privacy.masking import mask_json
from tests.actions.healing.workflows import Resync

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUICK = AssistantPolicy(state_timeout=0.3, operation_timeout=0.3, settle_pause=0.01)
POLICY = """
enabled: true
confirm_after_seconds: 20
cool_down_seconds: 3600
limits: {per_hour: 1000, per_user_per_hour: 10}
breaker: {window: 5, failures: 3, rest_seconds: 600}
workflows:
  resync_preferences:
    mode: apply
    notice: We noticed that your preferences had not reached the roastery, and put that right.
"""


@dataclass(frozen=True)
class Page:
    refs: tuple[str, ...]
    next: str | None


class Crowd:
    """An application with many users. `fault(kind, ref)` names what goes wrong with a call, if anything.

    down: no answer. hang_after: acts, answers never. lie: says done, does nothing. fail, refuse: says so.
    """

    def __init__(self) -> None:
        self.users_by_ref: dict[str, dict[str, Any]] = {}
        self.fault: Callable[[str, str], str | None] = lambda kind, ref: None
        self.forbidden: set[str] = set()
        self.calls: list[tuple[str, str, str]] = []
        self.acts: list[tuple[str, str]] = []
        self.reads = 0
        self._answers: dict[str, OperationResult] = {}
        self._now = START

    def add(self, number: int, *, drifting: bool = True, prefix: str = "usr") -> list[str]:
        """Add users; those that drift have saved preferences that are not in use."""
        refs = [f"{prefix}_{index:04d}" for index in range(number)]
        for ref in refs:
            applied = {"grind": "espresso" if drifting else "filter", "delivery_day": "saturday"}
            sync = {"state": "failed" if drifting else "in_sync", "error": None}
            saved = {"grind": "filter", "delivery_day": "saturday"}
            self.users_by_ref[ref] = {
                "preferences": {"saved": saved, "applied": applied, "sync": sync},
                "exports": [],
                "billing": {"plan": "Espresso" if int(ref[-1]) % 2 else "Filter"},
            }
        return refs

    def healed(self, ref: str) -> bool:
        preferences = self.users_by_ref[ref]["preferences"]
        return bool(
            preferences["saved"] == preferences["applied"] and preferences["sync"]["state"] == "in_sync"
        )

    async def users(self, after: str | None = None, limit: int = 100) -> Page:
        if self.fault("users", "") == "down":
            raise HostUnavailable
        later = [ref for ref in sorted(self.users_by_ref) if after is None or ref > after]
        return Page(tuple(later[:limit]), later[limit - 1] if len(later) > limit else None)

    async def state(self, ref: str, parts: Sequence[str] | None = None) -> UserState:
        self.reads += 1
        if self.fault("state", ref) == "down":
            raise HostUnavailable
        if ref not in self.users_by_ref:
            raise UnknownUser
        self._now += timedelta(seconds=1)
        found = self.users_by_ref[ref]
        return UserState(ref, self._now, copy.deepcopy({name: found[name] for name in parts or found}))

    async def operations(self, ref: str) -> list[Operation]:
        if self.fault("operations", ref) == "down":
            raise HostUnavailable
        names = ("resync_preferences", "restart_export", "unsync_preferences")
        return [
            Operation(name, name, name not in self.forbidden, "on_hold" if name in self.forbidden else None)
            for name in names
        ]

    async def run(
        self, ref: str, operation: str, parameters: Mapping[str, Any], *, idempotency_key: str
    ) -> OperationResult:
        self.calls.append((operation, ref, idempotency_key))
        fault = self.fault(operation, ref)
        if fault == "down":
            raise HostUnavailable
        if idempotency_key not in self._answers:
            self._answers[idempotency_key] = self._act(ref, operation, parameters, fault)
        if fault == "hang_after":
            await asyncio.sleep(60)
        return self._answers[idempotency_key]

    def _act(
        self, ref: str, operation: str, parameters: Mapping[str, Any], fault: str | None
    ) -> OperationResult:
        if fault == "lie":
            return OperationResult("done")
        if fault in ("fail", "refuse"):
            return OperationResult("failed" if fault == "fail" else "refused", "no_such_luck", None)
        self.acts.append((operation, ref))
        preferences = self.users_by_ref[ref]["preferences"]
        if operation == "resync_preferences":
            preferences["applied"] = dict(preferences["saved"])
            preferences["sync"] = {"state": "in_sync", "error": None}
        elif operation == "unsync_preferences":
            preferences["applied"] = dict(parameters["applied"])
            preferences["sync"] = {"state": "failed", "error": None}
        return OperationResult("done")

    async def lookup(self, email: str) -> str | None:
        return None


@dataclass
class Desk:
    """Opens cases; `opened` holds them. Takes its time, so that those who race do race."""

    opened: list[tuple[str, str]] = field(default_factory=list)

    async def open(self, breaker: Breaker, title: str) -> str:
        await asyncio.sleep(0.05)
        self.opened.append((breaker.host, breaker.workflow))
        return f"cas_{len(self.opened)}"


@dataclass
class Mailbox:
    """Puts notices into the conversations of those who have one."""

    with_conversation: set[str] = field(default_factory=set)
    posted: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    async def post(self, host: str, user_ref: str, key: str, payload: Mapping[str, Any]) -> str | None:
        if user_ref not in self.with_conversation:
            return None
        self.posted.setdefault(key, (user_ref, dict(payload)))
        return f"cnv_{user_ref}"


class Trusting:
    """Takes everybody for whom they say they are."""

    def expect(self, host: str, headers: Mapping[str, str]) -> None:
        return None

    def check(self, host: str, request: SignedRequest) -> None:
        return None


@dataclass
class Ward:
    """All that self-healing is made of. `another()` is a second process on the same database."""

    database: Database
    policy: Path
    crowd: Crowd = field(default_factory=Crowd)
    desk: Desk = field(default_factory=Desk)
    mailbox: Mailbox = field(default_factory=Mailbox)
    clock: Clock = field(default_factory=lambda: FixedClock(START))

    def __post_init__(self) -> None:
        self.log = AttemptLog(self.database, self.clock, mask_json)
        self.room = self.another()

    @property
    def healing(self) -> Healing:
        return self.room.service

    def another(self, registry: Registry | None = None, lease: float = 30.0) -> HealingRoom:
        registry = registry or Registry([Resync()])
        access = HostAccess(lambda name: self.crowd if name == "kettle" else None, QUICK)
        return build_healing(
            database=self.database,
            clock=self.clock,
            mask=mask_json,
            policy=HealingPolicyFile(self.policy, registry),
            registry=registry,
            attempts=self.log,
            access=access,
            actor=Actor(Procedure(access, QUICK), self.log, None),  # type: ignore[arg-type]
            hosts=lambda name: self.crowd if name == "kettle" else None,
            names=lambda: ("kettle",),
            messenger=self.mailbox,
            cases=self.desk,
            signatures=Trusting(),
            pace=Pace(poll=0.02, scan_poll=0.05, at_a_time=8, retry=0.01),
            lease=timedelta(seconds=lease),
            backoff=timedelta(seconds=0 if isinstance(self.clock, SystemClock) else 5),
        )

    def write(self, content: str) -> None:
        """Change the policy file."""
        self.policy.write_text(content)

    def pass_time(self, seconds: float) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(seconds)

    async def work(self, healing: Healing | None = None) -> None:
        """Work until nothing is due, and nobody waits for a place."""
        healing = healing or self.healing
        while True:
            while await healing.work_on_runs():
                pass
            if not any(run.reason == "no_place" for run in await healing.overview.runs(100, "open")):
                return
            self.pass_time(1)
            await asyncio.sleep(0.01)

    async def scan(self, *, dry_run: bool = False) -> tuple[Run, ...]:
        """Scan now; returns the runs that are new."""
        scanned = await self.healing.scan(dry_run=dry_run)
        return tuple(run for one in scanned for run in one.new)

    async def heal(self) -> dict[str, Any]:
        """Scan, let the time for the second look pass, and work; returns the report."""
        await self.scan()
        self.pass_time(21)
        await self.work()
        return await self.healing.overview.report()


@pytest.fixture
def ward(database: Database, tmp_path: Path) -> Ward:
    """Self-healing with an empty application; time passes only when told to."""
    path = tmp_path / "self_healing.yml"
    path.write_text(POLICY)
    return Ward(database, path)
