"""Runs workflows: read, explain, ask, read again, act, read again, and only then speak of a result.

The application's word is not taken for it. "Resolved" is said when the second look shows it, whatever the
operation answered; when it does not show it, the user is told so and is offered a person.
"""

import hashlib
from dataclasses import dataclass
from time import monotonic

import structlog

from actions.acting import Actor
from actions.attempt_log import AttemptLog
from actions.attempts import Attempt, Ending
from actions.host import HostRefused, HostUnavailable, Operation, UnknownUser, UserState
from actions.host_access import HostAccess
from actions.registry import Registry
from actions.replies import OFFER, PERSON, Button, Result, Say, confirm_buttons
from actions.turn import ActionTurn
from actions.workflow import Diagnosis, Seen, Workflow
from bot.foundation.errors import FirstlineError

log = structlog.get_logger(__name__)

CANNOT_LOOK = "I can't reach your account at the moment, so I can't see what's wrong."
NOT_ALLOWED_TO_LOOK = "I'm not allowed to look at your account, so I can't help with this one myself."
NO_ACCOUNT = "I can't find your account, so I can't look into this myself."
CHANGED = "Something on your account has changed since I asked, so let me ask again. "
TO_BE_SURE = "Just to be sure what the yes was for: "
OFFER_TEXT = "Shall I get a person to look at it? They'll see what I found."


@dataclass(frozen=True)
class Look:
    """One look at the state, and what the application would do for the user (None: it did not tell)."""

    state: UserState
    operations: "dict[str, Operation] | None"


class Engine:
    """Starts workflows and carries out what the user agreed to."""

    def __init__(self, registry: Registry, host: HostAccess, log: AttemptLog, actor: Actor) -> None:
        self._registry = registry
        self._host = host
        self._log = log
        self._actor = actor

    async def start(self, turn: ActionTurn, workflow: Workflow) -> Result:
        """Look, explain, and ask for consent where the workflow changes something."""
        return await self._begin(turn, workflow, await self._attempt(turn, workflow.meta.id))

    async def diagnose(self, turn: ActionTurn, symptom: str) -> Result:
        """Look once, find which workflow explains the complaint, and start that one."""
        candidates = self._registry.for_symptom(symptom)
        started = monotonic()
        try:
            look = await self._look(turn, candidates)
        except FirstlineError as error:
            attempt = await self._attempt(turn, f"diagnose_{symptom}")
            return await self._cannot_look(turn, attempt, error, started)
        found = self._explaining(candidates, symptom, look.state)
        if found is None:
            return await self._unexplained(turn, symptom, look.state, candidates, started)
        attempt = await self._attempt(turn, found.meta.id)
        return await self._conclude(turn, found, attempt, look, started, intro="I looked at your account. ")

    async def confirm(self, turn: ActionTurn) -> Result | None:
        """Carry out what the user said yes to; None when nothing waits for a yes."""
        workflow = self._registry.get(turn.memory.pending)
        if workflow is None:
            return None
        attempt = await self._log.get(turn.memory.attempt_id or "")
        if attempt is None or attempt.conversation_id != turn.conversation_id:
            return await self.start(turn, workflow)
        started = monotonic()
        if attempt.done.get("confirmed_in") == turn.key:
            # This turn ran before and may have acted: the same key makes the application act once.
            return await self._actor.act(turn, workflow, attempt, Seen(attempt.read), started)
        if attempt.outcome is not None:
            return await self.start(turn, workflow)
        return await self._confirm_afresh(turn, workflow, attempt, started)

    async def _confirm_afresh(
        self, turn: ActionTurn, workflow: Workflow, attempt: Attempt, started: float
    ) -> Result:
        try:
            look = await self._look(turn, [workflow])
        except FirstlineError as error:
            return await self._cannot_look(turn, attempt, error, started)
        seen = Seen.of(look.state, workflow.meta.reads)
        diagnosis = _permitted(workflow, seen, look)
        if diagnosis.verdict == "fine":
            return await self._mended_meanwhile(turn, attempt, diagnosis, seen, started)
        if diagnosis.verdict == "blocked":
            return await self._blocked(turn, attempt, diagnosis, seen, started, "")
        changed = attempt.done.get("consent") != consent_mark(diagnosis)
        if changed or (turn.digressed and turn.typed):
            intro = CHANGED if changed else TO_BE_SURE
            return await self._ask(turn, workflow, attempt, diagnosis, seen, started, intro)
        noted = await self._log.note(
            attempt.id, turn.key, read=seen.values, done={"confirmed_in": turn.key, "consent": None}
        )
        if noted is None:
            return await self.start(turn, workflow)
        return await self._actor.act(turn, workflow, noted, seen, started)

    async def decline(self, turn: ActionTurn) -> Result | None:
        """Drop what waits for a yes; None when nothing does."""
        if self._registry.get(turn.memory.pending) is None:
            return None
        await self._log.close_open(turn.conversation_id, "abandoned", turn_id=turn.key)
        text = "All right, I've left everything as it is. Is there something else I can do?"
        return Result((Say(text, (PERSON,)),))

    async def _begin(self, turn: ActionTurn, workflow: Workflow, attempt: Attempt) -> Result:
        started = monotonic()
        related = [
            other for symptom in workflow.meta.symptoms for other in self._registry.for_symptom(symptom)
        ]
        try:
            look = await self._look(turn, [workflow, *related])
        except FirstlineError as error:
            return await self._cannot_look(turn, attempt, error, started)
        return await self._conclude(turn, workflow, attempt, look, started)

    async def _conclude(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        look: Look,
        started: float,
        intro: str = "",
    ) -> Result:
        seen = Seen.of(look.state, workflow.meta.reads)
        diagnosis = _permitted(workflow, seen, look)
        if diagnosis.verdict == "blocked":
            return await self._blocked(turn, attempt, diagnosis, seen, started, intro)
        if diagnosis.verdict == "fine":
            return await self._fine(turn, workflow, attempt, diagnosis, look, started)
        return await self._ask(turn, workflow, attempt, diagnosis, seen, started, intro)

    async def _ask(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        diagnosis: Diagnosis,
        seen: Seen,
        started: float,
        intro: str,
    ) -> Result:
        done = {"consent": consent_mark(diagnosis)}
        spent = attempt.duration_ms + milliseconds(started)
        noted = await self._log.note(attempt.id, turn.key, read=seen.values, done=done, duration_ms=spent)
        if noted is not None and not workflow.meta.needs_consent:
            return await self._actor.act(turn, workflow, noted, seen, started, intro)
        text = f"{intro}{diagnosis.text} {diagnosis.question}"
        say = Say(text, confirm_buttons(diagnosis.yes))
        return Result((say,), pending=workflow.meta.id, attempt_id=attempt.id)

    async def _fine(
        self,
        turn: ActionTurn,
        workflow: Workflow,
        attempt: Attempt,
        diagnosis: Diagnosis,
        look: Look,
        started: float,
    ) -> Result:
        other = self._other_cause(workflow, look.state)
        done = {"found": "nothing wrong", **({"instead": other.meta.id} if other else {})}
        await self._log.note(
            attempt.id, turn.key, read=Seen.of(look.state, workflow.meta.reads).values, done={}
        )
        ending = Ending(turn.key, "assumed", done=done, duration_ms=milliseconds(started))
        await self._log.finish(attempt.id, ending)
        if other is not None:
            next_attempt = await self._attempt(turn, other.meta.id)
            return await self._conclude(
                turn,
                other,
                next_attempt,
                look,
                monotonic(),
                intro=f"{diagnosis.text} But I did find this: ",
            )
        text = f"{diagnosis.text} What do you see on your side? If there is a message, tell me its words."
        return Result((Say(text, (PERSON,)),), attempt_id=attempt.id)

    def _other_cause(self, workflow: Workflow, state: UserState) -> Workflow | None:
        for symptom in workflow.meta.symptoms:
            others = [other for other in self._registry.for_symptom(symptom) if other is not workflow]
            if found := self._explaining(others, symptom, state):
                return found
        return None

    @staticmethod
    def _explaining(candidates: list[Workflow], symptom: str, state: UserState) -> Workflow | None:
        for workflow in candidates:
            if workflow.explains(symptom, Seen.of(state, workflow.meta.reads)):
                return workflow
        return None

    async def _unexplained(
        self, turn: ActionTurn, symptom: str, state: UserState, candidates: list[Workflow], started: float
    ) -> Result:
        attempt = await self._attempt(turn, f"diagnose_{symptom}")
        read = {k: v for w in candidates for k, v in Seen.of(state, w.meta.reads).values.items()}
        await self._log.note(attempt.id, turn.key, read=read, done={})
        ending = Ending(
            turn.key, "assumed", done={"found": "nothing wrong"}, duration_ms=milliseconds(started)
        )
        await self._log.finish(attempt.id, ending)
        text = (
            "I looked at your account: it isn't locked, your password hasn't expired and your e-mail address "
            "is confirmed. What happens when you try to sign in?"
        )
        buttons = (
            Button("I forgot my password", "/reset_password"),
            Button("The sign-in code", "/second_factor_help"),
            PERSON,
        )
        return Result((Say(text, buttons),), attempt_id=attempt.id)

    async def _mended_meanwhile(
        self, turn: ActionTurn, attempt: Attempt, diagnosis: Diagnosis, seen: Seen, started: float
    ) -> Result:
        await self._log.note(attempt.id, turn.key, read=seen.values, done={})
        done = {"found": "mended meanwhile"}
        spent = attempt.duration_ms + milliseconds(started)
        await self._log.finish(attempt.id, Ending(turn.key, "assumed", done=done, duration_ms=spent))
        text = f"{diagnosis.text} That has changed since I asked, so I left it alone. Does it work now?"
        return Result((Say(text, (PERSON,)),), attempt_id=attempt.id, tally="reset")

    async def _blocked(
        self, turn: ActionTurn, attempt: Attempt, diagnosis: Diagnosis, seen: Seen, started: float, intro: str
    ) -> Result:
        await self._log.note(attempt.id, turn.key, read=seen.values, done={})
        spent = attempt.duration_ms + milliseconds(started)
        ending = Ending(turn.key, "failed", error=diagnosis.code, duration_ms=spent)
        await self._log.finish(attempt.id, ending)
        text = f"{intro}{diagnosis.text} {OFFER_TEXT}"
        return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)

    async def _cannot_look(
        self, turn: ActionTurn, attempt: Attempt, error: FirstlineError, started: float
    ) -> Result:
        log.warning("host_state_unread", host=turn.context.host, reason=getattr(error, "reason", error.code))
        spent = attempt.duration_ms + milliseconds(started)
        await self._log.finish(attempt.id, Ending(turn.key, "failed", error=error.code, duration_ms=spent))
        why = {UnknownUser: NO_ACCOUNT, HostRefused: NOT_ALLOWED_TO_LOOK}.get(type(error), CANNOT_LOOK)
        hint = " You can try again in a minute, or I can get a person." if why is CANNOT_LOOK else ""
        text = f"{why}{hint}" if hint else f"{why} {OFFER_TEXT}"
        return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)

    async def _attempt(self, turn: ActionTurn, name: str) -> Attempt:
        return await self._log.record(turn.attempt("workflow", name))

    async def _look(self, turn: ActionTurn, workflows: list[Workflow]) -> Look:
        parts = tuple(dict.fromkeys(part for workflow in workflows for part in workflow.meta.parts))
        if not any(workflow.meta.changes_something for workflow in workflows):
            return Look(await self._host.state(turn.context, parts), None)
        state, operations = await self._host.look(turn.context, parts)
        return Look(state, None if operations is None else dict(operations))


def _permitted(workflow: Workflow, seen: Seen, look: Look) -> Diagnosis:
    """Turn `applies` into `blocked` when the application says beforehand that it would not do it."""
    diagnosis = workflow.diagnose(seen)
    if diagnosis.verdict != "applies":
        return diagnosis
    names = dict.fromkeys(step.operation for step in workflow.plan(seen))
    if not names or look.operations is None:
        return diagnosis
    listed = [look.operations.get(name) for name in names]
    if all(operation is not None and operation.allowed for operation in listed):
        return diagnosis
    reason = next((one.reason for one in listed if one is not None and not one.allowed), None)
    return Diagnosis(
        "blocked", f"{diagnosis.text} {workflow.refused_beforehand(reason)}", code="not_permitted"
    )


def consent_mark(diagnosis: Diagnosis) -> str:
    """A mark of what exactly was asked, so that a yes counts for that and nothing else.

    Letters only: no masking rule takes them for a number.
    """
    digest = hashlib.sha256(diagnosis.question.encode()).hexdigest()[:12]
    return digest.translate(str.maketrans("0123456789", "ghijklmnop"))


def milliseconds(started: float) -> int:
    """Milliseconds since a reading of the monotonic clock."""
    return int((monotonic() - started) * 1000)


__all__ = ["CANNOT_LOOK", "Engine", "HostUnavailable", "Look", "consent_mark", "milliseconds"]
