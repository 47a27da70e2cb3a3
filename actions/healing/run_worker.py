"""Works off runs: looks again, acts when allowed, verifies, takes back, closes.

Whoever works on a run holds its lease and prolongs it; when a process dies, another takes the run up after
that and acts with the same idempotency key, so that the application acts once.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from actions.dialogue.act import Actor, Done
from actions.framework.workflow import Seen, Workflow
from actions.healing import run_storage
from actions.healing.admission import WAIT_WHILE_STOPPED, Admission, Admitted
from actions.healing.detector import Detector, SecondLook, healing_context, stored
from actions.healing.domain import Closing, Deferral, Run
from actions.healing.policy import HealingPolicy, HealingPolicyFile
from actions.healing.settlement import Settlement
from actions.host import HostUnavailable, UnknownUser
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import FirstlineError
from security.audit.chain import NotEntered

log = structlog.get_logger(__name__)
T = TypeVar("T")

MAX_TRIES = 4
"""Tries of something that the application did not answer, before a run is given up."""
NOT_MEANT = timedelta(days=30)
"""How long a drift of a user whom the policy does not mean is no new one, unless the policy changes."""
TOLD_ONCE = timedelta(days=1)
"""How long what a dry run has told is no news."""
GIVEN_UP = 12
"""Tries, those that ended with the death of the process included, after which a run is not begun again."""
MAX_LOOKS = 5
"""Looks at something that changes all the time."""


class RunWorker:
    """Takes one run a step further. `mask` takes what must not be stored out of a JSON value."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        looker: Detector,
        gate: Admission,
        actor: Actor,
        record: Settlement,
        policy: HealingPolicyFile,
        mask: Callable[[Any], Any],
        *,
        owner: str,
        lease: timedelta,
        backoff: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._looker = looker
        self._gate = gate
        self._actor = actor
        self._record = record
        self._policy = policy
        self._mask = mask
        self._owner = owner
        self._lease = lease
        self._backoff = backoff

    async def take(self, limit: int) -> list[Run]:
        """Take up to `limit` runs that are due."""
        async with self._database.begin() as tx:
            return await run_storage.lease_due(tx, self._owner, self._clock.now(), self._lease, limit)

    async def work(self, run: Run) -> Run | None:
        """Take a run that is held a step further; returns it when it has ended by that."""
        async with self._kept(run):
            policy = self._policy.current()
            if policy is None:
                await self._defer(run, Deferral(self._clock.now() + WAIT_WHILE_STOPPED, "policy_unusable"))
                return None
            step = await self._guarded(run, self._step(run, policy))
            if isinstance(step, Closing):
                return await self._close(run, step, policy)
            if isinstance(step, Run):
                done = await self._guarded(step, self._act(step, policy))
                if isinstance(done, Closing):
                    return await self._close(step, done, policy)
                if done is not None:
                    await self._defer(step, done)
            elif step is not None:
                await self._defer(run, step)
        return None

    async def _guarded(self, run: Run, step: Awaitable[T]) -> T | Closing | Deferral:
        """A fault of ours in one run must not stop the others, nor go on for ever."""
        try:
            return await step
        except (SQLAlchemyError, OSError):
            raise
        except Exception as error:
            log.error("healing_run_stumbled", run=run.id, workflow=run.workflow, reason=type(error).__name__)
            return self._again(run, Closing("failed", "internal_error"), "internal_error")

    async def _step(self, run: Run, policy: HealingPolicy) -> Run | Closing | Deferral | None:
        workflow = self._looker.get(run.workflow)
        if workflow is None:
            return Closing("skipped", "unknown_workflow")
        if run.tries > GIVEN_UP:
            return Closing("failed", "given_up", rest=policy.rest(run.workflow))
        if run.status == "applying":
            if await self._gate.may_go_on(run):
                return run
            return Deferral(self._clock.now() + WAIT_WHILE_STOPPED, "stopped")
        if run.mode == "off":
            return Closing("skipped", run.reason, rest=NOT_MEANT)
        if self._clock.now() - run.found_at > policy.give_up_after:
            return Closing("skipped", "waited_too_long")
        if run.mode == "apply" and policy.rules(run.workflow).mode == "apply":
            hindrance = await self._gate.foresee(run, workflow, policy)
            if hindrance is not None:
                return hindrance
        try:
            look = await self._looker.second_look(run, workflow, policy)
        except UnknownUser:
            return Closing("skipped", "unknown_user", rest=policy.rest(run.workflow))
        except FirstlineError as error:
            return self._again(run, Closing("skipped", "unreadable"), error.code)
        return await self._judge(run, workflow, look, policy)

    async def _judge(
        self, run: Run, workflow: Workflow, look: SecondLook, policy: HealingPolicy
    ) -> Run | Closing | Deferral | None:
        verdict, rest = look.diagnosis.verdict, policy.rest(run.workflow)
        if verdict == "fine":
            return Closing("skipped", "gone")
        if verdict != "applies":
            code = look.diagnosis.code or "needs_the_user"
            return Closing("skipped", f"{verdict}:{code}"[:100], rest=rest)
        if look.digest != run.digest:
            return await self._moving(run, look, policy)
        excluded = policy.excluded(run.workflow, run.host, run.user_ref, look.plan)
        if excluded is not None:
            return Closing("skipped", excluded, rest=NOT_MEANT)
        steps = [step.operation for step in workflow.plan(look.seen)]
        if run.mode == "dry_run" or policy.rules(run.workflow).mode == "dry_run":
            # What somebody asked to be tried dry must not keep the real thing from being done.
            asked = run.source == "command"
            return Closing(
                "dry_run", None, {"would_run": steps}, timedelta(0) if asked else max(rest, TOLD_ONCE)
            )
        if look.operations is None:
            return self._again(run, Closing("skipped", "operations_unknown"), "operations_unknown")
        for name in steps:
            offered = look.operations.get(name)
            if offered is None or not offered.allowed:
                reason = (offered.reason if offered else None) or "not_offered"
                return Closing("refused", str(self._mask(reason))[:100], rest=rest)
        admitted = await self._gate.admit(run, self._owner, workflow, look.seen, look.digest, policy)
        return admitted.run if isinstance(admitted, Admitted) else admitted

    async def _moving(self, run: Run, look: SecondLook, policy: HealingPolicy) -> Closing | None:
        """The user is at it right now: wait until two looks show the same."""
        if run.looks + 1 >= MAX_LOOKS:
            return Closing("skipped", "unsettled")
        values = {"before": dict(look.seen.values), "digest": look.digest, "looks": run.looks + 1}
        await self._let_go(run, {**values, "due_at": self._clock.now() + policy.confirm_after})
        return None

    async def _act(self, run: Run, policy: HealingPolicy) -> Closing | Deferral | None:
        workflow = self._looker.get(run.workflow)
        assert workflow is not None, "it was there a step ago"
        before = stored(run, workflow)
        context = healing_context(run.host, run.user_ref, run.id)
        try:
            await self._record.begun(run, evidence=True)
        except NotEntered as error:
            return Deferral(self._clock.now() + WAIT_WHILE_STOPPED, error.code)
        try:
            done = await self._actor.carry_out(context, workflow, before, run.id)
        except FirstlineError as error:
            return self._again(run, Closing("failed", error.code), error.code)
        return self._outcome(run, workflow, done, policy)

    def _outcome(self, run: Run, workflow: Workflow, done: Done, policy: HealingPolicy) -> Closing | Deferral:
        result, rest = self._noted(done), policy.rest(run.workflow)
        if done.verification is not None and done.verification.ok:
            own = timedelta(seconds=workflow.meta.cool_down)
            notice = notice_of(workflow, done, policy.rules(run.workflow).notice)
            return Closing("verified", None, result, max(rest, own), notice)
        if done.undone is True:
            return Closing("rolled_back", "not_verified", result, rest)
        if done.undone is False:
            # The same keys again: what was taken back already is not taken back twice.
            return self._again(run, Closing("failed", "undo_failed", result, rest), "undo_failed")
        if done.result is not None and done.result.status == "refused":
            reason = str(self._mask(done.result.code or "refused"))[:100]
            return Closing("refused", reason, result, rest)
        if done.result is not None and done.result.status == "failed":
            reason = str(self._mask(done.result.code or "operation_failed"))[:100]
            return Closing("failed", reason, result, rest)
        if done.result is None:
            code = HostUnavailable.code
        else:
            code = "state_disagrees" if done.verification is not None else "second_look_failed"
        return self._again(run, Closing("failed", code, result, rest), code)

    def _noted(self, done: Done) -> dict[str, Any]:
        answer = done.result
        noted: Mapping[str, Any] = {
            "answer": None if answer is None else {"status": answer.status, "code": answer.code},
            "seen_after": None if done.after is None else dict(done.after.values),
            "undone": done.undone,
        }
        masked: dict[str, Any] = self._mask(dict(noted))
        return masked

    def _again(self, run: Run, last: Closing, reason: str) -> Closing | Deferral:
        """Try again later, with the same key; `last` is how the run ends when that was the last try."""
        if run.tries + 1 >= MAX_TRIES:
            return last
        return Deferral(self._clock.now() + self._backoff * 2**run.tries, reason)

    async def _defer(self, run: Run, deferral: Deferral) -> None:
        tried = deferral.reason not in WAITING
        values = {"due_at": deferral.until, "reason": deferral.reason, "tries": run.tries + int(tried)}
        await self._let_go(run, values)

    async def _let_go(self, run: Run, values: Mapping[str, Any]) -> None:
        async with self._database.begin() as tx:
            free = {**values, "lease_owner": None, "lease_until": None}
            await run_storage.change(tx, run.id, self._owner, free)

    async def _close(self, run: Run, closing: Closing, policy: HealingPolicy) -> Run | None:
        now = self._clock.now()
        masked = self._mask(dict(run.before))
        async with self._database.begin() as tx:
            closed = await run_storage.close(tx, run, self._owner, closing, now=now, masked=masked)
            if closed is None:
                return None
            opened = await self._gate.note(tx, run, closing, policy, now)
        log.info(
            "healing_run_ended", run=run.id, workflow=run.workflow, status=closing.status, why=closing.reason
        )
        if opened is not None:
            log.error("healing_breaker_opened", host=run.host, workflow=run.workflow, reason=opened.reason)
        return closed

    @asynccontextmanager
    async def _kept(self, run: Run) -> AsyncIterator[None]:
        """Prolong the lease while the block runs."""

        async def prolong() -> None:
            while True:
                await asyncio.sleep(self._lease.total_seconds() / 3)
                with contextlib.suppress(Exception):
                    async with self._database.begin() as tx:
                        until = self._clock.now() + self._lease
                        await run_storage.keep_lease(tx, run.id, self._owner, until)

        task = asyncio.create_task(prolong())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


WAITING = (
    "stopped",
    "policy_unusable",
    "hour_limit",
    "no_place",
    "breaker_open",
    "breaker_probing",
    NotEntered.code,
)
"""Reasons for waiting that are no fault of a try."""


def notice_of(workflow: Workflow, done: Done, sentence: str | None) -> dict[str, Any] | None:
    """Say to the user what was noticed and put right, with the proof."""
    if done.verification is None:
        return None
    said = (
        sentence or "We noticed that something on your account was not as it should be, and put that right."
    )
    after = done.after or Seen({})
    card = {
        "type": "resolution",
        "workflow": workflow.meta.id,
        "title": workflow.meta.done_title,
        "outcome": "verified",
        "facts": [
            {"label": fact.label, "before": fact.before, "after": fact.after}
            for fact in done.verification.facts
        ],
        "checked_at": after.as_of.isoformat() if after.as_of else None,
    }
    return {"text": f"{said} {done.verification.text}".strip(), "card": card}
