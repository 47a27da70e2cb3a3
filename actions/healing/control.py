"""What people ask self-healing, and the switch they stop it with; works beside a running one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from actions.healing import run_storage, storage
from actions.healing.domain import Breaker, Run, tally
from actions.healing.policy import HealingPolicyFile
from actions.healing.storage import Switch
from foundation.clock import Clock
from foundation.database import Database

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class HealingStatus:
    """How self-healing stands. `problem` says why the policy cannot be used."""

    enabled: bool
    problem: str | None
    policy: str | None
    workflows: dict[str, str]
    switch: Switch
    counts: dict[str, int]
    breakers: list[Breaker]
    scans: list[dict[str, Any]]
    events_waiting: int

    @property
    def active(self) -> bool:
        """Whether anything would be applied now."""
        return self.enabled and not self.switch.stopped


class HealingControl:
    """Tells how self-healing stands, accounts for it, and holds the kill switch."""

    def __init__(self, database: Database, clock: Clock, policy: HealingPolicyFile) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy

    async def runs(self, limit: int, status: str | None = None) -> list[Run]:
        """Return the newest runs; `open` stands for those that have not ended."""
        async with self._database.connect() as connection:
            return await run_storage.latest(connection, limit, status=status)

    async def set_switch(self, *, stopped: bool, by: str, reason: str | None = None) -> Switch:
        """Stop, or start again, everything in every process: no act begins after this returns."""
        value = Switch(stopped, by, reason, self._clock.now())
        async with self._database.begin() as tx:
            # Waits for decisions that are being made: none that was made before is begun after.
            await run_storage.lock_acts(tx)
            await storage.write_switch(tx, value)
        log.warning("healing_switch", stopped=stopped, by=by)
        return value

    async def status(self) -> HealingStatus:
        """Tell how it stands."""
        policy = self._policy.current()
        async with self._database.connect() as connection:
            switch = await storage.read_switch(connection)
            breakers = await storage.all_breakers(connection)
            scans = [dict(row._mapping) for row in await storage.all_scans(connection)]
            waiting = await storage.count_waiting(connection)
            counted = await run_storage.count(connection, None, None)
        modes: dict[str, str] = (
            {key: rules.mode for key, rules in policy.file.workflows.items()} if policy else {}
        )
        return HealingStatus(
            enabled=policy is not None and policy.enabled,
            problem=self._policy.problem,
            policy=policy.digest if policy else None,
            workflows=modes,
            switch=switch,
            counts=tally(_sums(counted)),
            breakers=breakers,
            scans=scans,
            events_waiting=waiting,
        )

    async def report(self, since: datetime | None = None, until: datetime | None = None) -> dict[str, Any]:
        """Account for every drift found in a span of time: `found` is the sum of the other figures."""
        async with self._database.connect() as connection:
            counted = await run_storage.count(connection, since, until)
            events = await storage.count_events(connection)
            breakers = await storage.all_breakers(connection)
        workflows: dict[str, dict[str, int]] = {}
        reasons: dict[str, int] = {}
        for workflow, status, reason, number in counted:
            by_status = workflows.setdefault(workflow, {})
            by_status[status] = by_status.get(status, 0) + number
            if reason is not None:
                key = f"{status}: {reason}"
                reasons[key] = reasons.get(key, 0) + number
        return {
            **tally(_sums(counted)),
            "workflows": {name: tally(counts) for name, counts in workflows.items()},
            "reasons": reasons,
            "events": _events(events),
            "breakers": [
                {"host": one.host, "workflow": one.workflow, "state": one.state, "opened": one.opened,
                 "case": one.case_id}
                for one in breakers
            ],
        }  # fmt: skip


def _sums(counted: Sequence[tuple[str, str, str | None, int]]) -> Mapping[str, int]:
    sums: dict[str, int] = {}
    for _, status, _, number in counted:
        sums[status] = sums.get(status, 0) + number
    return sums


def _events(counted: Sequence[tuple[str, str | None, int]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for kind, note, number in counted:
        found.setdefault(kind, {})[note or "waiting"] = number
    return found
