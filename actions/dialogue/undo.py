"""Taking back what was done in this conversation, as long as nothing can rest on it yet."""

from datetime import timedelta
from time import monotonic

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt, Ending
from actions.dialogue.replies import OFFER, PERSON, Result, Say
from actions.dialogue.turn import ActionTurn
from actions.dialogue.workflow_outcomes import NO_RECORD, milliseconds
from actions.framework.executor import NOT_PERMITTED, Procedure, may_run
from actions.framework.registry import Registry
from actions.framework.workflow import Seen, Workflow
from actions.policy import AssistantPolicy
from foundation.clock import Clock
from foundation.errors import FirstlineError
from security.audit.chain import NotEntered

NOTHING = "There's nothing that I changed for you in this conversation and could take back."
FINAL = "That is something I can't take back."
TOO_LATE = "That was a while ago, so I'd rather not take it back without a person looking at it."
NOT_NOW = "I left it as it is: your account doesn't allow that at the moment, or I can't check that it does."
ASK_PERSON = "Shall I get a person?"


class Undo:
    """Runs the undo of a reversible workflow, and looks whether all is as it was."""

    def __init__(
        self, registry: Registry, procedure: Procedure, log: AttemptLog, clock: Clock, policy: AssistantPolicy
    ) -> None:
        self._registry = registry
        self._procedure = procedure
        self._log = log
        self._clock = clock
        self._policy = policy

    async def undo_last(self, turn: ActionTurn) -> Result:
        """Take back the latest change of this conversation that a second look had shown."""
        attempts = await self._log.for_conversation(turn.conversation_id)
        again = [a for a in attempts if a.turn_id == turn.key and a.name.startswith("undo_")]
        done = [a for a in attempts if a.kind == "workflow" and _acted(a)]
        taken = {str(a.done.get("undoes")) for a in attempts if a.name.startswith("undo_")} - {
            str(a.done.get("undoes")) for a in again
        }
        last = next((a for a in reversed(done) if a.id not in taken), None)
        workflow = self._registry.get(last.name) if last is not None else None
        if last is None or workflow is None:
            return Result((Say(NOTHING, (PERSON,)),))
        if not workflow.meta.reversible:
            return Result((Say(f"{FINAL} {ASK_PERSON}", OFFER),), offers_person=True)
        finished = last.finished_at or last.created_at
        if self._clock.now() - finished > timedelta(seconds=self._policy.undo_within):
            return Result((Say(f"{TOO_LATE} {ASK_PERSON}", OFFER),), offers_person=True)
        return await self._take_back(turn, workflow, last)

    async def _take_back(self, turn: ActionTurn, workflow: Workflow, last: Attempt) -> Result:
        started = monotonic()
        answers = {str(k): str(v) for k, v in (last.done.get("answers") or {}).items()}
        before = Seen(last.read, answers=answers)
        after = Seen(last.done.get("seen_after") or {}, answers=answers)
        attempt = await self._log.record(turn.attempt("workflow", f"undo_{workflow.meta.id}"))
        # A turn that ran before may have acted: it was checked then.
        if attempt.done.get("confirmed_in") != turn.key and not await self._may(
            turn, workflow, before, after
        ):
            ending = Ending(turn.key, "failed", error=NOT_PERMITTED, duration_ms=milliseconds(started))
            await self._log.finish(attempt.id, ending)
            say = Say(f"{NOT_NOW} {ASK_PERSON}", OFFER)
            return Result((say,), attempt_id=attempt.id, tally="count", offers_person=True)
        try:
            acting = {"confirmed_in": turn.key, "undoes": last.id}
            await self._log.note(attempt.id, turn.key, done=acting, evidence=True)
        except NotEntered as error:
            ending = Ending(turn.key, "failed", error=error.code, duration_ms=milliseconds(started))
            await self._log.finish(attempt.id, ending)
            say = Say(f"{NO_RECORD} {ASK_PERSON}", OFFER)
            return Result((say,), attempt_id=attempt.id, tally="count", offers_person=True)
        try:
            restored = await self._procedure.take_back(turn.context, workflow, before, after, turn.key)
        except FirstlineError as error:
            restored, reason = False, error.code
        else:
            reason = "state_disagrees"
        spent = milliseconds(started)
        if restored:
            await self._log.finish(attempt.id, Ending(turn.key, "verified", duration_ms=spent))
            text = "Done: I took it back, and I checked that everything is as it was before."
            card = {
                "type": "resolution",
                "workflow": workflow.meta.id,
                "title": f"{workflow.meta.title}: taken back",
                "outcome": "verified",
                "facts": [],
                "checked_at": self._clock.now().isoformat(),
            }
            return Result((Say(text, card=card),), attempt_id=attempt.id, tally="reset")
        await self._log.finish(attempt.id, Ending(turn.key, "failed", error=reason, duration_ms=spent))
        text = f"I tried to take it back, and I can't see that everything is as it was. {ASK_PERSON}"
        return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)

    async def _may(self, turn: ActionTurn, workflow: Workflow, before: Seen, after: Seen) -> bool:
        """Tell whether the application would take it back for this user now; no list of operations, no."""
        try:
            look = await self._procedure.look(turn.context, [workflow])
        except FirstlineError:
            return False
        return may_run(workflow, workflow.undo(before, after), look)


def _acted(attempt: Attempt) -> bool:
    undoing = attempt.name.startswith("undo_")
    return attempt.outcome == "verified" and "confirmed_in" in attempt.done and not undoing
