"""The act and the second look: what was agreed is done once, and the state decides what is said of it."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

from actions.attempt_log import AttemptLog
from actions.attempts import Attempt, Ending, Outcome
from actions.host import HostUnavailable, OperationResult
from actions.host_access import HostAccess, idempotency_key
from actions.library import Library
from actions.policy import AssistantPolicy
from actions.replies import OFFER, Result, Say
from actions.turn import ActionTurn
from actions.workflow import Seen, Verification, Workflow
from bot.foundation.errors import FirstlineError

log = structlog.get_logger(__name__)

OFFER_AFTER = "Shall I pass this to a person? They'll see what I tried and what I found."


@dataclass(frozen=True)
class Done:
    """What the operation answered (None: it did not) and what the second look shows (None: it failed)."""

    result: OperationResult | None
    after: Seen | None
    verification: Verification | None


class Actor:
    """Acts on the application and verifies."""

    def __init__(self, host: HostAccess, log: AttemptLog, library: Library, policy: AssistantPolicy) -> None:
        self._host = host
        self._log = log
        self._library = library
        self._policy = policy

    async def act(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        before: Seen,
        started: float,
        intro: str = "",
    ) -> Result:
        """Run the workflow's operations and look again. `before` is what was seen right before."""
        result = await self._run(turn, workflow, before)
        after, verification = await self._look_again(turn, workflow, before, result)
        done = Done(result, after, verification)
        outcome, error = _judge(done)
        says, article = await self._words(workflow, done, outcome, intro)
        ending = Ending(
            turn.key,
            outcome,
            done=_noted(workflow, done),
            error=error,
            duration_ms=attempt.duration_ms + int((monotonic() - started) * 1000),
            article_id=article[0] if article else None,
            article_version=article[1] if article else None,
        )
        await self._log.finish(attempt.id, ending)
        if outcome == "verified":
            return Result(says, attempt_id=attempt.id, tally="reset")
        return Result(says, attempt_id=attempt.id, tally="count", offers_person=True)

    async def _run(self, turn: ActionTurn, workflow: Workflow, before: Seen) -> OperationResult | None:
        result: OperationResult | None = None
        for number, step in enumerate(workflow.plan(before), 1):
            key = idempotency_key(turn.conversation_id, turn.key, workflow.meta.id, number)
            try:
                result = await self._host.run(turn.context, step.operation, step.parameters, key)
            except FirstlineError as error:
                log.warning("host_operation_unknown", operation=step.operation, reason=error.code)
                return None
            if result.status not in ("done", "accepted"):
                return result
        return result

    async def _look_again(
        self, turn: ActionTurn, workflow: Workflow, before: Seen, result: OperationResult | None
    ) -> tuple[Seen | None, Verification | None]:
        expected = result is None or result.status in ("done", "accepted")
        after: Seen | None = None
        for pause in (0.0, self._policy.settle_pause) if expected else (0.0,):
            await asyncio.sleep(pause)
            try:
                state = await self._host.state(turn.context, workflow.meta.parts)
            except FirstlineError as error:
                log.warning("host_second_look_failed", reason=error.code)
                continue
            if before.as_of is not None and state.as_of < before.as_of:
                continue  # An older reading, out of a cache somewhere, proves nothing.
            after = Seen.of(state, workflow.meta.reads)
            verification = workflow.verify(before, after)
            if verification.ok:
                return after, verification
        return (after, workflow.verify(before, after)) if after is not None else (None, None)

    async def _words(
        self, workflow: Workflow, done: Done, outcome: Outcome, intro: str
    ) -> tuple[tuple[Say, ...], tuple[str, int] | None]:
        if outcome == "verified" and done.verification is not None:
            text = f"{intro}{done.verification.text} I checked your account again to be sure."
            return (Say(text, card=_card(workflow, done, outcome)),), None
        text = f"{intro}{_what_went_wrong(workflow, done)}"
        tried = done.result is not None and done.result.status in ("failed", "refused")
        hit = await self._library.best(workflow.meta.help_query) if tried else None
        card = None if tried or done.verification is None else _card(workflow, done, outcome)
        says = [Say(text, card=card)]
        if hit is not None:
            says.append(Say(f'The steps are in "{hit.title}".', card=self._library.card(hit)))
        says.append(Say(OFFER_AFTER, OFFER))
        return tuple(says), (hit.article_id, hit.version) if hit is not None else None


def _judge(done: Done) -> tuple[Outcome, str | None]:
    """The state decides; the operation's answer only says why when the state does not show a repair."""
    if done.verification is not None and done.verification.ok:
        return "verified", None
    if done.result is None:
        return "failed", HostUnavailable.code
    if done.result.status in ("refused", "failed"):
        return "failed", done.result.code or done.result.status
    if done.verification is None:
        return "assumed", "second_look_failed"
    return "failed", "state_disagrees"


def _what_went_wrong(workflow: Workflow, done: Done) -> str:
    result, verification = done.result, done.verification
    if result is None:
        seen = f" {verification.text}" if verification else " I can't reach your account right now either."
        return f"I asked for it, but I got no answer in time.{seen} So I can't call it done."
    if result.status == "refused":
        return f"That was refused. {workflow.explain_refusal(result)}"
    if result.status == "failed":
        return workflow.explain_failure(done.after or Seen({}), result)
    if verification is None:
        return (
            "It was reported as done, but I couldn't look at your account again to check. "
            "So I can't promise that it worked."
        )
    return (
        "It was reported as done, but when I looked at your account again I didn't see it. "
        f"{verification.text} So I won't call it fixed."
    )


def _card(workflow: Workflow, done: Done, outcome: Outcome) -> dict[str, Any]:
    facts = done.verification.facts if done.verification else ()
    checked = done.after.as_of if done.after else None
    return {
        "type": "resolution",
        "workflow": workflow.meta.id,
        "title": workflow.meta.done_title if outcome == "verified" else workflow.meta.title,
        "outcome": outcome,
        "facts": [{"label": fact.label, "before": fact.before, "after": fact.after} for fact in facts],
        "checked_at": checked.isoformat() if checked else None,
    }


def _noted(workflow: Workflow, done: Done) -> dict[str, Any]:
    result = done.result
    return {
        "operation": workflow.meta.operations[0] if workflow.meta.operations else None,
        "answer": None
        if result is None
        else {"status": result.status, "code": result.code, "message": result.message},
        "seen_after": None if done.after is None else dict(done.after.values),
    }
