"""How a workflow ends without an act: nothing wrong, cannot be mended, cannot be seen. One method each."""

from time import monotonic

import structlog

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt, Ending
from actions.dialogue.handoff import Handovers
from actions.dialogue.replies import OFFER, PERSON, Button, Result, Say
from actions.dialogue.turn import ActionTurn
from actions.framework.executor import NOT_PERMITTED, Look
from actions.framework.workflow import Diagnosis, Seen, Workflow
from actions.host import HostRefused, UnknownUser
from bot.conversation.case_words import Reason
from foundation.errors import FirstlineError
from security.audit.chain import NotEntered

log = structlog.get_logger(__name__)

CANNOT_LOOK = "I can't reach your account at the moment, so I can't see what's wrong."
NOT_ALLOWED_TO_LOOK = "I'm not allowed to look at your account, so I can't help with this one myself."
NO_ACCOUNT = "I can't find your account, so I can't look into this myself."
NO_RECORD = "I can't write down at the moment what I do, and I don't change anything without that."
OFFER_TEXT = "Shall I get a person to look at it? They'll see what I found."
_UNEXPLAINED = {
    "sign_in": (
        "I looked at your account: it isn't locked, your password hasn't expired and your e-mail address "
        "is confirmed. What happens when you try to sign in?",
        (
            Button("I forgot my password", "/reset_password"),
            Button("The sign-in code", "/second_factor_help"),
        ),
    )
}
_NOTHING_FOUND = "I looked, and everything I can see is as it should be. What do you see on your side?"


class Endings:
    """Closes the attempt and says so."""

    def __init__(self, attempts: AttemptLog, handovers: Handovers) -> None:
        self._log = attempts
        self._handovers = handovers

    async def cannot_look(
        self, turn: ActionTurn, attempt: Attempt, error: FirstlineError, started: float
    ) -> Result:
        """The state cannot be read."""
        log.warning("host_state_unread", host=turn.context.host, reason=getattr(error, "reason", error.code))
        spent = attempt.duration_ms + milliseconds(started)
        await self._log.finish(attempt.id, Ending(turn.key, "failed", error=error.code, duration_ms=spent))
        why = {UnknownUser: NO_ACCOUNT, HostRefused: NOT_ALLOWED_TO_LOOK}.get(type(error), CANNOT_LOOK)
        hint = " You can try again in a minute, or I can get a person." if why is CANNOT_LOOK else ""
        text = f"{why}{hint}" if hint else f"{why} {OFFER_TEXT}"
        return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)

    async def blocked(
        self,
        turn: ActionTurn,
        attempt: Attempt,
        diagnosis: Diagnosis,
        seen: Seen,
        started: float,
        intro: str,
    ) -> Result:
        """It cannot be mended automatically: say why, and offer a person or hand over at once."""
        await self._log.note(attempt.id, turn.key, read=seen.values, done={})
        spent = attempt.duration_ms + milliseconds(started)
        ending = Ending(turn.key, "failed", error=diagnosis.code, duration_ms=spent)
        await self._log.finish(attempt.id, ending)
        if diagnosis.hand_off:
            reason: Reason = "policy" if diagnosis.code == NOT_PERMITTED else "workflow_failed"
            opening = f"{intro}{diagnosis.text}"
            return await self._handovers.hand_off(turn, reason, opening=opening, card=diagnosis.card)
        text = f"{intro}{diagnosis.text} {OFFER_TEXT}"
        say = Say(text, OFFER, card=diagnosis.card)
        return Result((say,), attempt_id=attempt.id, tally="count", offers_person=True)

    async def told(
        self,
        turn: ActionTurn,
        attempt: Attempt,
        diagnosis: Diagnosis,
        seen: Seen,
        started: float,
        intro: str,
    ) -> Result:
        """A workflow that only reads has told what it found."""
        await self._log.note(attempt.id, turn.key, read=seen.values, done={})
        spent = attempt.duration_ms + milliseconds(started)
        await self._log.finish(attempt.id, Ending(turn.key, "assumed", duration_ms=spent))
        say = Say(f"{intro}{diagnosis.text} Is there anything else?", card=diagnosis.card)
        return Result((say,), attempt_id=attempt.id, tally="reset")

    async def fine(
        self,
        turn: ActionTurn,
        attempt: Attempt,
        diagnosis: Diagnosis,
        seen: Seen,
        started: float,
        instead: str | None,
    ) -> Result:
        """Nothing is wrong as far as it can see; `instead` is the workflow that found something."""
        await self._log.note(attempt.id, turn.key, read=seen.values, done={})
        done = {"found": "nothing wrong", **({"instead": instead} if instead else {})}
        spent = attempt.duration_ms + milliseconds(started)
        await self._log.finish(attempt.id, Ending(turn.key, "assumed", done=done, duration_ms=spent))
        before = await self._log.for_conversation(turn.conversation_id)
        if any(a.name == attempt.name and a.id != attempt.id and a.done.get("found") for a in before):
            text = f"{diagnosis.text} You see something that I don't. {OFFER_TEXT}"
            say = Say(text, OFFER, card=diagnosis.card)
            return Result((say,), attempt_id=attempt.id, tally="count", offers_person=True)
        text = f"{diagnosis.text} What do you see on your side? If there is a message, tell me its words."
        return Result((Say(text, (PERSON,), card=diagnosis.card),), attempt_id=attempt.id)

    async def unexplained(
        self,
        turn: ActionTurn,
        symptom: str,
        look: Look,
        candidates: list[Workflow],
        attempt: Attempt,
        started: float,
    ) -> Result:
        """No cause explains the complaint."""
        read = {k: v for w in candidates for k, v in Seen.of(look.state, w.meta.reads).values.items()}
        await self._log.note(attempt.id, turn.key, read=read, done={})
        done = {"found": "nothing wrong"}
        ending = Ending(turn.key, "assumed", done=done, duration_ms=milliseconds(started))
        await self._log.finish(attempt.id, ending)
        text, buttons = _UNEXPLAINED.get(symptom, (_NOTHING_FOUND, ()))
        return Result((Say(text, (*buttons, PERSON)),), attempt_id=attempt.id)

    async def mended_meanwhile(
        self, turn: ActionTurn, attempt: Attempt, diagnosis: Diagnosis, seen: Seen, started: float
    ) -> Result:
        """What was to be mended is fine by now."""
        await self._log.note(attempt.id, turn.key, read=seen.values, done={})
        done = {"found": "mended meanwhile"}
        spent = attempt.duration_ms + milliseconds(started)
        await self._log.finish(attempt.id, Ending(turn.key, "assumed", done=done, duration_ms=spent))
        text = f"{diagnosis.text} That has changed since I asked, so I left it alone. Does it work now?"
        return Result((Say(text, (PERSON,)),), attempt_id=attempt.id, tally="reset")

    async def no_record(self, turn: ActionTurn, attempt: Attempt, spent: int, intro: str) -> Result:
        """What was agreed is not done, since there would be no evidence of it; a person takes over."""
        ending = Ending(turn.key, "failed", error=NotEntered.code, duration_ms=spent)
        await self._log.finish(attempt.id, ending)
        return await self._handovers.hand_off(turn, "workflow_failed", opening=f"{intro}{NO_RECORD}")

    async def no_answer(self, turn: ActionTurn, attempt: Attempt) -> Result:
        """The question could not be answered in a way that is understood."""
        await self._log.finish(attempt.id, Ending(turn.key, "failed", error="unknown_answer"))
        text = "I couldn't tell which one you mean, so I'll stop asking. Shall I get a person?"
        return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)


def milliseconds(started: float) -> int:
    """Milliseconds since a reading of the monotonic clock."""
    return int((monotonic() - started) * 1000)
