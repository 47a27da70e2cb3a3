"""Runs workflows in a conversation: read, explain, ask, read again, act, read again, and only then speak.

The application's word is not taken for it. "Resolved" is said when the second look shows it, whatever the
operation answered; when it does not show it, the user is told so and is offered a person.
"""

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic

import structlog

from actions.attempts.act_limits import ActLimits
from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt
from actions.dialogue.act import Actor
from actions.dialogue.consent import CHANGED, TO_BE_SURE, as_offered, consent_mark
from actions.dialogue.handoff import Handovers
from actions.dialogue.recovery import LOST
from actions.dialogue.replies import PERSON, Result, Say, confirm_buttons
from actions.dialogue.turn import ActionTurn
from actions.dialogue.workflow_outcomes import Endings, milliseconds
from actions.dialogue.workflow_stage import Stage, all_told, causes, listed_place, place_in, unknown_reference
from actions.framework.executor import STEP_UP, Procedure, permitted
from actions.framework.registry import Registry
from actions.framework.workflow import Diagnosis, Question, Seen, Workflow
from foundation.errors import FirstlineError
from security.audit.chain import NotEntered

log = structlog.get_logger(__name__)
LOOKED = "I looked at your account. "
NOT_SEEN = "I can't see the confirmation yet. "
CONFIRMED = "I've confirmed it"
STEP_UP_TEXT = "Before I do that, please confirm in your account that it's you. Then come back and tell me."


class Engine:
    """Starts workflows and carries out what the user agreed to."""

    def __init__(
        self,
        registry: Registry,
        procedure: Procedure,
        log: AttemptLog,
        actor: Actor,
        limits: ActLimits,
        handovers: Handovers,
    ) -> None:
        self._registry = registry
        self._procedure = procedure
        self._log = log
        self._actor = actor
        self._limits = limits
        self._endings = Endings(log, handovers)

    async def start(self, turn: ActionTurn, workflow: Workflow, intro: str = "") -> Result:
        """Look, explain, and ask for what is missing or for consent where the workflow changes something."""
        attempt = await self._attempt(turn, workflow.meta.id)
        return await self._examine(turn, workflow, attempt, intro, {})

    async def diagnose(self, turn: ActionTurn, symptom: str) -> Result:
        """Look once, tell every cause that explains the complaint, likeliest first, and start with that."""
        candidates = self._registry.for_symptom(symptom)
        started = monotonic()
        try:
            look = await self._procedure.look(turn.context, candidates)
        except FirstlineError as error:
            attempt = await self._attempt(turn, f"diagnose_{symptom}")
            return await self._endings.cannot_look(turn, attempt, error, started)
        found = causes(candidates, symptom, look)
        if not found:
            attempt = await self._attempt(turn, f"diagnose_{symptom}")
            return await self._endings.unexplained(turn, symptom, look, candidates, attempt, started)
        attempt = await self._attempt(turn, found[0].meta.id)
        intro = LOOKED + all_told(found, look)
        return await self._conclude(Stage(turn, found[0], attempt, look, started, intro))

    async def question(self, turn: ActionTurn) -> Question | None:
        """Return what the pending workflow still has to be told, by a new look; None when nothing is open."""
        found = await self._open_question(turn)
        return None if found is None else found[1]

    async def read_answer(self, turn: ActionTurn, text: str) -> str | None:
        """Return the value that the words mean as an answer to the open question; None when they are none."""
        found = await self._open_question(turn)
        if found is None:
            return None
        stage, question = found
        return stage.workflow.read_answer(question, text, stage.seen)

    def is_own(self, turn: ActionTurn) -> bool:
        """Tell whether the message asks again for the very workflow that is at work."""
        workflow = self._registry.get(turn.memory.pending)
        return workflow is not None and turn.intent in workflow.meta.intents

    async def answered(self, turn: ActionTurn) -> Result | None:
        """Go on with the answer that was just given; None when no workflow waits for one."""
        workflow = self._registry.get(turn.memory.pending)
        if workflow is None:
            return None
        attempt = await self._waiting(turn)
        if attempt is None:
            return await self.start(turn, workflow)
        if turn.memory.answer is None:
            return await self._endings.no_answer(turn, attempt)
        try:
            look = await self._procedure.look(turn.context, [workflow])
        except FirstlineError as error:
            return await self._endings.cannot_look(turn, attempt, error, monotonic())
        stage = Stage(turn, workflow, attempt, look, monotonic(), answers=turn.memory.answers)
        asked = workflow.diagnose(stage.seen).ask
        if asked is not None:
            stage = replace(stage, answers={**turn.memory.answers, asked.name: turn.memory.answer})
        return await self._conclude(stage)

    async def confirm(self, turn: ActionTurn, *, doubtful: bool = False) -> Result | None:
        """Carry out what the user said yes to, or ask again when `doubtful`; None when nothing waits."""
        workflow = self._registry.get(turn.memory.pending)
        if workflow is None or turn.memory.asking:
            return None
        attempt = await self._log.get(turn.memory.attempt_id or "")
        if attempt is None or attempt.conversation_id != turn.conversation_id:
            return await self.start(turn, workflow)
        started = monotonic()
        if attempt.done.get("confirmed_in") == turn.key:
            # This turn ran before and may have acted: the same key makes the application act once.
            before = Seen(attempt.read, answers=turn.memory.answers)
            return await self._act(turn, workflow, attempt, before, started)
        intro = LOST if turn.lost else ""
        if attempt.outcome is not None:
            return await self.start(turn, workflow, intro)
        try:
            look = await self._procedure.look(turn.context, [workflow])
        except FirstlineError as error:
            return await self._endings.cannot_look(turn, attempt, error, started)
        stage = Stage(turn, workflow, attempt, look, started, intro, answers=turn.memory.answers)
        return await self._confirm_afresh(stage, doubtful=doubtful)

    async def decline(self, turn: ActionTurn) -> Result | None:
        """Drop what waits for a yes or an answer; None when nothing does."""
        if self._registry.get(turn.memory.pending) is None:
            return None
        await self._log.close_open(turn.conversation_id, "abandoned", turn_id=turn.key)
        text = "All right, I've left everything as it is. Is there something else I can do?"
        return Result((Say(text, (PERSON,)),))

    async def _confirm_afresh(self, stage: Stage, *, doubtful: bool) -> Result:
        turn, workflow, attempt = stage.turn, stage.workflow, stage.attempt
        diagnosis = permitted(workflow, stage.seen, stage.look)
        if diagnosis.verdict == "fine":
            return await self._endings.mended_meanwhile(turn, attempt, diagnosis, stage.seen, stage.started)
        if diagnosis.verdict != "applies":
            return await self._conclude(stage)
        changed = attempt.done.get("consent") != consent_mark(diagnosis)
        unsure = (doubtful or (turn.digressed and turn.typed)) and "confirmation_asked" not in attempt.done
        if turn.lost:
            return await self._ask_consent(stage, diagnosis)
        if changed or unsure:
            return await self._ask_consent(
                replace(stage, intro=CHANGED if changed else TO_BE_SURE), diagnosis
            )
        if diagnosis.code == STEP_UP:
            return await self._step_up(turn, workflow, attempt, stage.seen, listed_place(stage))
        return await self._go_ahead(stage)

    async def _go_ahead(self, stage: Stage) -> Result:
        """Act, unless it was done too often; noted before the act, so that a turn that dies can go on."""
        turn, workflow = stage.turn, stage.workflow
        context = turn.context
        refusal = await self._limits.refusal(context.host, context.user_ref, workflow.meta)
        if refusal is not None:
            blocked = Diagnosis("blocked", refusal, code="rate_limited")
            return await self._endings.blocked(
                turn, stage.attempt, blocked, stage.seen, stage.started, stage.intro
            )
        answers = dict(stage.answers or {})
        done = {"confirmed_in": turn.key, "consent": None, **({"answers": answers} if answers else {})}
        try:
            noted = await self._log.note(
                stage.attempt.id, turn.key, read=stage.seen.values, done=done, evidence=True
            )
        except NotEntered:
            spent = stage.attempt.duration_ms + milliseconds(stage.started)
            return await self._endings.no_record(turn, stage.attempt, spent, stage.intro)
        if noted is None:
            return await self.start(turn, workflow)
        return await self._act(turn, workflow, noted, stage.seen, stage.started, stage.intro)

    async def _act(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        before: Seen,
        started: float,
        intro: str = "",
    ) -> Result:
        done = await self._actor.carry_out(turn.context, workflow, before, turn.key)
        refused = done.result if done.result is not None and done.result.status == "refused" else None
        if refused is not None and refused.code == STEP_UP:
            return await self._step_up(turn, workflow, attempt, before, place_in(refused.result))
        result = await self._actor.tell(turn, workflow, attempt, done, started, intro)
        return await self._next_cause(turn, workflow, result) if result.verified else result

    async def _next_cause(self, turn: ActionTurn, fixed: Workflow, result: Result) -> Result:
        """After a repair, go on with what else explains the same complaint."""
        others = self._related(fixed)
        if not others:
            return result
        started = monotonic()
        try:
            look = await self._procedure.look(turn.context, others)
        except FirstlineError as error:
            log.info("no_look_for_further_causes", reason=error.code)
            return result
        cause = next((c for s in fixed.meta.symptoms for c in causes(others, s, look)), None)
        if cause is None:
            return result
        attempt = await self._attempt(turn, cause.meta.id)
        more = await self._conclude(Stage(turn, cause, attempt, look, started, "There is one more thing. "))
        return replace(more, says=(*result.says, *more.says))

    async def _examine(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        intro: str,
        answers: Mapping[str, str],
    ) -> Result:
        started = monotonic()
        try:
            look = await self._procedure.look(turn.context, [workflow, *self._related(workflow)])
        except FirstlineError as error:
            return await self._endings.cannot_look(turn, attempt, error, started)
        stage = Stage(turn, workflow, attempt, look, started, intro, answers)
        asked = workflow.diagnose(stage.seen).ask
        if asked is not None:
            said = workflow.find_answer(asked, turn.typed, stage.seen)
            unknown = unknown_reference(turn.typed, asked) if said is None else ""
            answers = answers if said is None else {**answers, asked.name: said}
            stage = replace(stage, answers=answers, intro=f"{intro}{unknown}")
        return await self._conclude(stage)

    async def _conclude(self, stage: Stage) -> Result:
        turn, workflow, attempt = stage.turn, stage.workflow, stage.attempt
        diagnosis = permitted(workflow, stage.seen, stage.look)
        if diagnosis.verdict == "asks" and diagnosis.ask is not None:
            return await self._ask_what_is_missing(stage, diagnosis, diagnosis.ask)
        if diagnosis.verdict == "blocked":
            return await self._endings.blocked(
                turn, attempt, diagnosis, stage.seen, stage.started, stage.intro
            )
        if diagnosis.verdict == "fine":
            return await self._fine(stage, diagnosis)
        if not workflow.meta.changes_something:
            return await self._endings.told(turn, attempt, diagnosis, stage.seen, stage.started, stage.intro)
        return await self._ask_consent(stage, diagnosis)

    async def _ask_what_is_missing(self, stage: Stage, diagnosis: Diagnosis, ask: Question) -> Result:
        spent = stage.attempt.duration_ms + milliseconds(stage.started)
        await self._log.note(
            stage.attempt.id,
            stage.turn.key,
            read=stage.seen.values,
            done={"asked": ask.name, "answers": dict(stage.answers or {})},
            duration_ms=spent,
        )
        text = f"{stage.intro}{diagnosis.text}".strip()
        return Result(
            (Say(text),) if text else (),
            pending=stage.workflow.meta.id,
            attempt_id=stage.attempt.id,
            asking=True,
            answers=dict(stage.answers or {}),
        )

    async def _ask_consent(self, stage: Stage, diagnosis: Diagnosis) -> Result:
        """Ask for a yes to exactly what was found."""
        turn, workflow = stage.turn, stage.workflow
        context = turn.context
        refusal = await self._limits.refusal(context.host, context.user_ref, workflow.meta)
        if refusal is not None:
            blocked = Diagnosis("blocked", f"{diagnosis.text} {refusal}", code="rate_limited")
            return await self._endings.blocked(
                turn, stage.attempt, blocked, stage.seen, stage.started, stage.intro
            )
        spent = stage.attempt.duration_ms + milliseconds(stage.started)
        answers = dict(stage.answers or {})
        done = {**as_offered(diagnosis, turn.key), "answers": answers}
        await self._log.note(stage.attempt.id, turn.key, read=stage.seen.values, done=done, duration_ms=spent)
        say = Say(
            f"{stage.intro}{diagnosis.text} {diagnosis.question}",
            confirm_buttons(diagnosis.yes),
            card=diagnosis.card,
        )
        return Result((say,), pending=workflow.meta.id, attempt_id=stage.attempt.id, answers=answers)

    async def _step_up(
        self, turn: ActionTurn, workflow: Workflow, attempt: Attempt, seen: Seen, where: str | None
    ) -> Result:
        """Send the user to where they confirm; who says that they did, and did not, is told so."""
        intro = NOT_SEEN if "confirmation_asked" in attempt.done else ""
        mark = consent_mark(workflow.diagnose(seen))
        done = {"confirmation_asked": True, "consent": mark, "offered": CONFIRMED}
        if "confirmed_in" in attempt.done:
            done["confirmed_in"] = None  # The application refused, so nothing was done.
        await self._log.note(attempt.id, turn.key, done=done)
        card = {"type": "step_up", "title": "Confirm that it's you", "url": where}
        say = Say(f"{intro}{STEP_UP_TEXT}", confirm_buttons(CONFIRMED), card=card)
        answers = dict(seen.answers)
        return Result((say,), pending=workflow.meta.id, attempt_id=attempt.id, answers=answers)

    async def _fine(self, stage: Stage, diagnosis: Diagnosis) -> Result:
        turn, workflow = stage.turn, stage.workflow
        other = next(
            (c for s in workflow.meta.symptoms for c in causes(self._related(workflow), s, stage.look)), None
        )
        if other is None:
            return await self._endings.fine(turn, stage.attempt, diagnosis, stage.seen, stage.started, None)
        await self._endings.fine(turn, stage.attempt, diagnosis, stage.seen, stage.started, other.meta.id)
        attempt = await self._attempt(turn, other.meta.id)
        intro = f"{stage.intro}{diagnosis.text} But I did find this: "
        return await self._conclude(Stage(turn, other, attempt, stage.look, monotonic(), intro))

    async def _open_question(self, turn: ActionTurn) -> tuple[Stage, Question] | None:
        workflow = self._registry.get(turn.memory.pending)
        if workflow is None or not turn.memory.asking:
            return None
        attempt = await self._waiting(turn)
        if attempt is None:
            return None
        look = await self._procedure.look(turn.context, [workflow])
        stage = Stage(turn, workflow, attempt, look, monotonic(), answers=turn.memory.answers)
        ask = workflow.diagnose(stage.seen).ask
        return None if ask is None else (stage, ask)

    async def _waiting(self, turn: ActionTurn) -> Attempt | None:
        attempt = await self._log.get(turn.memory.attempt_id or "")
        if attempt is None or attempt.conversation_id != turn.conversation_id:
            return None
        return attempt

    def _related(self, workflow: Workflow) -> list[Workflow]:
        """Other workflows that may explain the same complaints."""
        found = [other for s in workflow.meta.symptoms for other in self._registry.for_symptom(s)]
        return [other for other in dict.fromkeys(found) if other is not workflow]

    async def _attempt(self, turn: ActionTurn, name: str) -> Attempt:
        return await self._log.record(turn.attempt("workflow", name))
