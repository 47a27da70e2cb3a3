"""What waits for a yes, while the user speaks of something else: their answer is read, the question kept."""

from dataclasses import replace

import structlog

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt
from actions.dialogue.consent import (
    SURE_OF_REQUEST,
    SURE_OF_YES,
    agrees,
    as_offered,
    begins_with_yes,
    points_back,
    refuses,
    restates,
    takes_back,
    wants_it_again,
    wants_time,
)
from actions.dialogue.queued_requests import Besides
from actions.dialogue.recovery import LOST
from actions.dialogue.replies import Result, Say, confirm_buttons
from actions.dialogue.turn import ActionTurn
from actions.dialogue.workflow_dialogue import CONFIRMED, STEP_UP_TEXT, Engine
from actions.framework.executor import Procedure, permitted
from actions.framework.registry import Registry
from actions.framework.workflow import Seen
from foundation.errors import FirstlineError

log = structlog.get_logger(__name__)
TAKE_YOUR_TIME = "Of course, take your time."
BACK = "Back to what I asked: "
_LONGEST = 8
"""Words of a correction; longer messages tell of something else."""
UNREAD = frozenset({"nlu_fallback", "out_of_scope"})
"""Intents of messages that were not understood."""
CLEAR = frozenset({"deny", "cancel", "talk_to_person", "complain", "undo_last", "helped"})
"""What is no answer to the question, however few the words."""


class OpenOffers:
    """Reads answers to what was offered, and offers it again after a question on the way."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        procedure: Procedure,
        attempts: AttemptLog,
        besides: Besides,
    ) -> None:
        self._besides = besides
        self._engine = engine
        self._registry = registry
        self._procedure = procedure
        self._log = attempts

    async def answered(self, turn: ActionTurn) -> Result | None:
        """Go on when the message answers the open question; None when it is for others to read."""
        if turn.typed and not turn.memory.pending:
            return await self._once_more(turn)
        if not turn.waits or not turn.typed:
            return None
        attempt = await self._found(turn)
        offered = str(attempt.done.get("offered") or "") if attempt else ""
        corrected = await self._corrected(turn)
        if corrected is not None:
            return corrected
        if refuses(turn.typed, offered):
            return await self._engine.decline(turn)
        if agrees(turn.typed, offered):
            return await self._engine.confirm(turn)
        if wants_time(turn.typed):
            return await self.ask_again(turn, Result((Say(TAKE_YOUR_TIME),)))
        if turn.intent != "affirm" and begins_with_yes(turn.typed, offered):
            result = await self._engine.confirm(turn)
            other = result is not None and result.pending is None and result.handoff is None
            return await self._besides.begin(turn, result, [str(turn.intent)]) if result and other else result
        confidence = turn.confidence or 0.0
        if turn.intent == "affirm":
            doubtful = confidence < SURE_OF_YES or takes_back(turn.typed)
            return await self._engine.confirm(turn, doubtful=doubtful)
        vague = turn.intent in UNREAD or (confidence < SURE_OF_REQUEST and turn.intent not in CLEAR)
        if vague and points_back(turn.typed):
            return await self._engine.confirm(turn, doubtful=True)
        return None

    async def resumed(self, turn: ActionTurn, said: str) -> Result | None:
        """Take what was `said` as the answer to a question whose dialogue was lost; None when it is none."""
        workflow, attempt = self._registry.get(turn.memory.pending), await self._found(turn)
        if not said or workflow is None or attempt is None or attempt.done.get("consent"):
            return None
        asking = replace(turn, memory=replace(turn.memory, asking=True))
        try:
            value = await self._engine.read_answer(asking, said)
        except FirstlineError as error:
            log.info("question_not_read", reason=error.code)
            return None
        if value is None:
            return None
        if attempt.outcome is not None:
            return await self._engine.start(turn, workflow, LOST)
        return await self._engine.answered(replace(turn, memory=replace(turn.memory, answer=value)))

    async def ask_again(self, turn: ActionTurn, result: Result) -> Result | None:
        """Put the open question behind what was just answered; None when it is closed or holds no more."""
        workflow = self._registry.get(turn.memory.pending)
        attempt = await self._found(turn)
        if workflow is None or attempt is None or attempt.outcome is not None:
            return None
        try:
            look = await self._procedure.look(turn.context, [workflow])
        except FirstlineError as error:
            log.info("question_not_repeated", reason=error.code)
            return None
        diagnosis = permitted(workflow, Seen.of(look.state, workflow.meta.reads, turn.memory.answers), look)
        if diagnosis.verdict == "asks" and turn.lost:
            return replace(
                result, pending=workflow.meta.id, attempt_id=attempt.id, asking=True,
                answers=turn.memory.answers,
            )  # fmt: skip
        if diagnosis.verdict != "applies":
            return None
        if "confirmation_asked" in attempt.done:
            say = Say(f"{BACK}{STEP_UP_TEXT}", confirm_buttons(CONFIRMED))
        else:
            if await self._log.note(attempt.id, turn.key, done=as_offered(diagnosis, turn.key)) is None:
                return None
            say = Say(f"{BACK}{diagnosis.question}", confirm_buttons(diagnosis.yes))
        return replace(
            result,
            says=(*result.says, say),
            pending=workflow.meta.id,
            attempt_id=attempt.id,
            answers=turn.memory.answers,
        )

    async def _corrected(self, turn: ActionTurn) -> Result | None:
        """Take back an answer for another one ("no, two weeks"), and ask for a yes to that."""
        workflow, answers = self._registry.get(turn.memory.pending), turn.memory.answers
        if workflow is None or not answers or len(turn.typed.split()) > _LONGEST or "?" in turn.typed:
            return None
        try:
            look = await self._procedure.look(turn.context, [workflow])
        except FirstlineError:
            return None
        for name, given in answers.items():
            others = {key: value for key, value in answers.items() if key != name}
            seen = Seen.of(look.state, workflow.meta.reads, others)
            asked = workflow.diagnose(seen).ask
            if asked is None or asked.name != name:
                continue
            said = workflow.find_answer(asked, turn.typed, seen) or workflow.read_answer(
                asked, turn.typed, seen
            )
            if said is not None and said != given:
                memory = replace(turn.memory, answers=others, answer=said)
                return await self._engine.answered(replace(turn, memory=memory))
        return None

    async def _once_more(self, turn: ActionTurn) -> Result | None:
        """Begin again with what failed, or was declined, when that is asked for; a yes is asked for anew."""
        attempt = await self._found(turn)
        if attempt is None or attempt.kind != "workflow":
            return None
        failed, declined = attempt.outcome == "failed", attempt.outcome == "abandoned"
        again = failed and wants_it_again(turn.typed)
        if not again and not (declined and restates(turn.typed, str(attempt.done.get("offered") or ""))):
            return None
        workflow = self._registry.get(attempt.name)
        return None if workflow is None else await self._engine.start(turn, workflow)

    async def _found(self, turn: ActionTurn) -> Attempt | None:
        attempt = await self._log.get(turn.memory.attempt_id or "")
        return attempt if attempt is not None and attempt.conversation_id == turn.conversation_id else None
