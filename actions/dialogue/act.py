"""Acting in a conversation: what was agreed is done once, and the state decides what is said of it."""

from time import monotonic
from typing import Any

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt, Ending
from actions.dialogue.article_search import Library
from actions.dialogue.replies import OFFER, Result, Say
from actions.dialogue.turn import ActionTurn
from actions.framework.executor import Done, Procedure
from actions.framework.workflow import Seen, Workflow
from actions.host import HostUnavailable
from actions.ports import TurnContext
from foundation.outcomes import Outcome

OFFER_AFTER = "Shall I pass this to a person? They'll see what I tried and what I found."


class Actor:
    """Acts on the application, verifies, and tells the user what the state shows."""

    def __init__(self, procedure: Procedure, log: AttemptLog, library: Library) -> None:
        self._procedure = procedure
        self._log = log
        self._library = library

    async def carry_out(self, context: TurnContext, workflow: Workflow, before: Seen, turn_key: str) -> Done:
        """Act, look again, take back what is not verified; see `Procedure.carry_out`."""
        return await self._procedure.carry_out(context, workflow, before, turn_key)

    async def tell(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        done: Done,
        started: float,
        intro: str = "",
    ) -> Result:
        """Say what came of an act, and close its attempt."""
        outcome, error = judge(done)
        says, article = await self._words(workflow, done, outcome, intro)
        ending = Ending(
            turn.key,
            outcome,
            done=noted(workflow, done),
            error=error,
            duration_ms=attempt.duration_ms + int((monotonic() - started) * 1000),
            article_id=article[0] if article else None,
            article_version=article[1] if article else None,
        )
        await self._log.finish(attempt.id, ending)
        if outcome == "verified":
            return Result(says, attempt_id=attempt.id, tally="reset", verified=True)
        return Result(says, attempt_id=attempt.id, tally="count", offers_person=True)

    async def _words(
        self, workflow: Workflow, done: Done, outcome: Outcome, intro: str
    ) -> tuple[tuple[Say, ...], tuple[str, int] | None]:
        if outcome == "verified" and done.verification is not None:
            text = f"{intro}{done.verification.text} I checked your account again to be sure."
            return (Say(text, card=resolution_card(workflow, done, outcome)),), None
        text = f"{intro}{_what_went_wrong(workflow, done)}{_taken_back(done)}"
        tried = done.result is not None and done.result.status in ("failed", "refused")
        hit = await self._library.best(workflow.meta.help_query) if tried else None
        card = None if tried or done.verification is None else resolution_card(workflow, done, outcome)
        says = [Say(text, card=card)]
        if hit is not None:
            says.append(Say(f'The steps are in "{hit.title}".', card=self._library.card(hit)))
        says.append(Say(OFFER_AFTER, OFFER))
        return tuple(says), (hit.article_id, hit.version) if hit is not None else None


def judge(done: Done) -> tuple[Outcome, str | None]:
    """The state decides; the operation's answer only says why when the state does not show a repair."""
    if done.verified:
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


def _taken_back(done: Done) -> str:
    if done.undone is None:
        return ""
    if done.undone:
        return " I put everything back as it was before."
    return " I also tried to put it back as it was, and couldn't see that it is."


def resolution_card(workflow: Workflow, done: Done, outcome: Outcome) -> dict[str, Any]:
    """Return the card with the proof, line by line."""
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


def noted(workflow: Workflow, done: Done) -> dict[str, Any]:
    """Return what an attempt row holds of an act."""
    result = done.result
    return {
        "operation": workflow.meta.operations[0] if workflow.meta.operations else None,
        "answer": None
        if result is None
        else {"status": result.status, "code": result.code, "message": result.message},
        "seen_after": None if done.after is None else dict(done.after.values),
        **({} if done.undone is None else {"undone": done.undone}),
    }


__all__ = ["Actor", "Done", "judge", "noted", "resolution_card"]
