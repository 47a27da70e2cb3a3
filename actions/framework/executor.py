"""What is done to the application for a user, whoever wants it: look, act, look again, take back.

No words for users and no attempt rows here: a conversation puts those around it, and so does self-healing.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from actions.framework.host_access import HostAccess, idempotency_key
from actions.framework.workflow import Diagnosis, Seen, Step, Verification, Workflow
from actions.host import Operation, OperationResult, UserState
from actions.policy import AssistantPolicy
from actions.ports import TurnContext
from foundation.errors import FirstlineError

log = structlog.get_logger(__name__)
STEP_UP = "step_up_required"
"""The application's word for: the user has to confirm there that it is them."""
UNKNOWN = "permissions_unknown"
NOT_PERMITTED = "not_permitted"
_UNDO = "undo"


@dataclass(frozen=True)
class Look:
    """One look at the state, and what the application would do for the user (None: it did not tell)."""

    state: UserState
    operations: Mapping[str, Operation] | None


@dataclass(frozen=True)
class Done:
    """What came of an act.

    `result` is what the operation answered (None: nothing), `after` what the second look shows (None: it
    failed). `undone` tells whether a change that was not verified was taken back and seen to be (None: there
    was nothing to take back, or the workflow cannot).
    """

    result: OperationResult | None
    after: Seen | None
    verification: Verification | None
    undone: bool | None = None

    @property
    def verified(self) -> bool:
        """Whether the second look shows the repair."""
        return self.verification is not None and self.verification.ok


class Procedure:
    """Looks and acts for one user of one application."""

    def __init__(self, host: HostAccess, policy: AssistantPolicy) -> None:
        self._host = host
        self._policy = policy

    async def look(self, context: TurnContext, workflows: Iterable[Workflow]) -> Look:
        """Read once what all of `workflows` read, and what is permitted if one of them acts.

        Raises:
            HostUnavailable, HostRefused, UnknownUser: when the state cannot be read.
        """
        among = list(workflows)
        parts = tuple(dict.fromkeys(part for workflow in among for part in workflow.meta.parts))
        if not any(workflow.meta.changes_something for workflow in among):
            return Look(await self._host.state(context, parts), None)
        state, operations = await self._host.look(context, parts)
        return Look(state, operations)

    async def carry_out(self, context: TurnContext, workflow: Workflow, before: Seen, turn_key: str) -> Done:
        """Run the plan and look again; what is not verified is taken back where the workflow can.

        The same `turn_key` again acts once: each step has a key that follows from conversation, turn,
        workflow and step.
        """
        result = await self._run(context, workflow, workflow.plan(before), turn_key, workflow.meta.id)
        done = await self._look_again(context, workflow, before, result)
        if done.verified or not workflow.meta.reversible or not _may_have_changed(done, before):
            return done
        undone = await self.take_back(context, workflow, before, done.after, turn_key)
        return replace(done, undone=undone)

    async def take_back(
        self, context: TurnContext, workflow: Workflow, before: Seen, after: Seen | None, turn_key: str
    ) -> bool:
        """Undo, and look whether the state is as it was before. Returns whether it is seen to be."""
        steps = workflow.undo(before, after if after is not None else before)
        await self._run(context, workflow, steps, turn_key, f"{workflow.meta.id}/{_UNDO}")
        for pause in (0.0, self._policy.settle_pause):
            await asyncio.sleep(pause)
            try:
                state = await self._host.state(context, workflow.meta.parts)
            except FirstlineError as error:
                log.warning("host_look_after_undo_failed", reason=error.code)
                continue
            if workflow.restored(before, Seen.of(state, workflow.meta.reads, before.answers)):
                return True
        return False

    async def _run(
        self, context: TurnContext, workflow: Workflow, steps: Sequence[Step], turn_key: str, name: str
    ) -> OperationResult | None:
        result: OperationResult | None = None
        if any(step.operation not in workflow.meta.operations for step in steps):
            log.error("operation_not_declared", workflow=workflow.meta.id)
            return OperationResult("refused", NOT_PERMITTED)
        for number, step in enumerate(steps, 1):
            key = idempotency_key(context.conversation_id, turn_key, name, number)
            try:
                result = await self._host.run(context, step.operation, step.parameters, key)
            except FirstlineError as error:
                log.warning("host_operation_unknown", operation=step.operation, reason=error.code)
                return None
            if result.status not in ("done", "accepted"):
                return result
        return result

    async def _look_again(
        self, context: TurnContext, workflow: Workflow, before: Seen, result: OperationResult | None
    ) -> Done:
        expected = result is None or result.status in ("done", "accepted")
        after: Seen | None = None
        for pause in (0.0, self._policy.settle_pause) if expected else (0.0,):
            await asyncio.sleep(pause)
            try:
                state = await self._host.state(context, workflow.meta.parts)
            except FirstlineError as error:
                log.warning("host_second_look_failed", reason=error.code)
                continue
            if before.as_of is not None and state.as_of < before.as_of:
                continue  # An older reading, out of a cache somewhere, proves nothing.
            after = Seen.of(state, workflow.meta.reads, before.answers)
            verification = workflow.verify(before, after)
            if verification.ok:
                return Done(result, after, verification)
        return Done(result, after, workflow.verify(before, after) if after is not None else None)


def _may_have_changed(done: Done, before: Seen) -> bool:
    """A refusal changed nothing, and neither did an act after which all is as it was."""
    if done.result is not None and done.result.status == "refused":
        return False
    return done.after is None or dict(done.after.values) != dict(before.values)


def permitted(workflow: Workflow, seen: Seen, look: Look) -> Diagnosis:
    """Diagnose, and turn `applies` into `blocked` when the application would not do it for this user.

    Without its list of operations nothing is acted on.
    """
    diagnosis = workflow.diagnose(seen)
    if diagnosis.verdict != "applies":
        return diagnosis
    steps = workflow.plan(seen)
    if not steps:
        return diagnosis
    if look.operations is None:
        text = f"{diagnosis.text} But I can't check at the moment what may be done on your account."
        return Diagnosis("blocked", text, code=UNKNOWN)
    if may_run(workflow, steps, look):
        return diagnosis
    listed = [look.operations.get(step.operation) for step in steps]
    reason = next((one.reason for one in listed if one is not None and not one.allowed), None)
    if reason == STEP_UP:
        return replace(diagnosis, code=STEP_UP)
    text = f"{diagnosis.text} {workflow.refused_beforehand(reason)}"
    return Diagnosis("blocked", text, code=NOT_PERMITTED)


def may_run(workflow: Workflow, steps: Sequence[Step], look: Look) -> bool:
    """Tell whether the workflow declares the operations and the application would now do each of them."""
    listed = look.operations or {}
    names = {step.operation for step in steps}
    allowed = {name for name in names if name in listed and listed[name].allowed}
    return names == allowed and names <= set(workflow.meta.operations)
