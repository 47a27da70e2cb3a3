"""Looks at users and notes the drifts: what a workflow would mend although nobody has complained."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from actions.framework.host_access import HostAccess
from actions.framework.registry import Registry
from actions.framework.workflow import Diagnosis, Seen, Workflow
from actions.healing import run_storage
from actions.healing.domain import DRIFT, Drift, Mode, Run, Source
from actions.healing.policy import HealingPolicy
from actions.host import Operation, UserState
from actions.ports import TurnContext
from foundation.clock import Clock
from foundation.database import Database

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class DetectedDrifts:
    """What one look at a user brought: runs that are new, and drifts that were known."""

    new: tuple[Run, ...] = ()
    known: tuple[Run, ...] = ()

    @property
    def drifts(self) -> int:
        """How many drifts there are."""
        return len(self.new) + len(self.known)


@dataclass(frozen=True)
class SecondLook:
    """What a look at one run's user shows; `operations` is None when the application did not tell."""

    seen: Seen
    diagnosis: Diagnosis
    digest: str
    operations: "dict[str, Operation] | None"
    plan: object


def healing_context(host: str, ref: str, run_id: str | None = None) -> TurnContext:
    """Say for whom self-healing reads and acts: a user, outside any conversation."""
    return TurnContext(conversation_id="", turn_id=run_id, user_ref=ref, host=host, user_name="")


def digest_of(workflow: Workflow, seen: Seen) -> str:
    """Name what was seen, so that two looks can be compared."""
    content = json.dumps([workflow.meta.id, dict(seen.values)], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


class Detector:
    """Reads users' states and makes runs of what it finds."""

    def __init__(self, database: Database, clock: Clock, host: HostAccess, registry: Registry) -> None:
        self._database = database
        self._clock = clock
        self._host = host
        self._workflows = tuple(one for one in registry if DRIFT in one.meta.triggers)

    @property
    def workflows(self) -> tuple[Workflow, ...]:
        """The workflows that a drift may call for."""
        return self._workflows

    def get(self, workflow_id: str) -> Workflow | None:
        """Return a workflow that a drift may call for, or None."""
        return next((one for one in self._workflows if one.meta.id == workflow_id), None)

    def parts(self, policy: HealingPolicy) -> tuple[str, ...]:
        """The parts of the state that finding drifts takes."""
        wanted: list[str] = [part for one in self._workflows for part in one.meta.parts]
        if policy.needs_plan:
            wanted.append(policy.plan_at.partition(".")[0])
        return tuple(dict.fromkeys(wanted))

    async def look(
        self, host: str, ref: str, policy: HealingPolicy, source: Source, *, dry_run: bool = False
    ) -> DetectedDrifts:
        """Read a user's state once and note every drift; `dry_run` only says what would be done.

        Raises:
            HostUnavailable, HostRefused, UnknownUser: as the host's port says.
        """
        state = await self._host.state(healing_context(host, ref), self.parts(policy))
        plan = Seen.of(state, (policy.plan_at,))[policy.plan_at]
        new: list[Run] = []
        known: list[Run] = []
        for workflow, drift in self._drifts(host, ref, state):
            excluded = policy.excluded(workflow.meta.id, host, ref, plan)
            mode: Mode = "off" if excluded else policy.rules(workflow.meta.id).mode
            mode = "dry_run" if dry_run and mode == "apply" else mode
            run, is_new = await self._note(drift, policy, source, mode, excluded)
            (new if is_new else known).append(run)
        return DetectedDrifts(tuple(new), tuple(known))

    def _drifts(self, host: str, ref: str, state: UserState) -> Iterable[tuple[Workflow, Drift]]:
        for workflow in self._workflows:
            seen = Seen.of(state, workflow.meta.reads)
            try:
                diagnosis = workflow.diagnose(seen)
            except Exception as error:
                # One workflow that stumbles over a state must not hide the drifts that others see.
                log.error("diagnosis_failed", workflow=workflow.meta.id, reason=type(error).__name__)
                continue
            if diagnosis.verdict == "applies":
                found = Drift(host, ref, workflow.meta.id, dict(seen.values), digest_of(workflow, seen))
                yield workflow, found

    async def _note(
        self, drift: Drift, policy: HealingPolicy, source: Source, mode: Mode, excluded: str | None
    ) -> tuple[Run, bool]:
        now = self._clock.now()
        async with self._database.begin() as tx:
            await run_storage.lock_user(tx, drift.host, drift.user_ref)
            again = await run_storage.seen_again(tx, drift, policy.digest, now)
            if again is not None:
                return again, False
            # What is left alone needs no second look; who asks for a dry run wants to know now.
            soon = excluded or source == "command"
            due = now if soon else now + policy.confirm_after
            run = await run_storage.insert(
                tx,
                drift,
                source=source,
                mode=mode,
                reason=excluded,
                policy=policy.digest,
                now=now,
                due_at=due,
            )
        log.info("drift_found", run=run.id, workflow=drift.workflow, host=drift.host, mode=mode)
        return run, True

    async def second_look(self, run: Run, workflow: Workflow, policy: HealingPolicy) -> SecondLook:
        """Look at the user of a run again, and at what the application would do for them now.

        Raises:
            HostUnavailable, HostRefused, UnknownUser: as the host's port says.
        """
        context = healing_context(run.host, run.user_ref, run.id)
        also = (policy.plan_at.partition(".")[0],) if policy.needs_plan else ()
        parts = tuple(dict.fromkeys((*workflow.meta.parts, *also)))
        state, operations = await self._host.look(context, parts)
        seen = Seen.of(state, workflow.meta.reads)
        diagnosis = workflow.diagnose(seen)
        told = None if operations is None else dict(operations)
        plan = Seen.of(state, (policy.plan_at,))[policy.plan_at]
        return SecondLook(seen, diagnosis, digest_of(workflow, seen), told, plan)


def stored(run: Run, workflow: Workflow) -> Seen:
    """Make what was seen before an act out of what a run holds of it."""
    return Seen({path: run.before.get(path) for path in workflow.meta.reads}, run.before_at)
