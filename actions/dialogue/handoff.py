"""Passing the user to a person, with a few lines on what was tried; the case itself holds everything."""

from collections.abc import Mapping
from typing import Any

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt, Ending
from actions.dialogue.replies import NO_THANKS, OFFER, PERSON, Handoff, Result, Say
from actions.dialogue.turn import ActionTurn
from actions.dialogue.words import Words
from actions.framework.formatting import humanise
from actions.framework.intents import IntentCatalogue
from actions.framework.registry import Registry
from bot.conversation.case_words import Priority, Reason
from foundation.outcomes import Outcome

PASSING_ON = "I'm passing you to a person now. They'll see our conversation and what I found."
_OUTCOMES: Mapping[Outcome | None, str] = {
    "verified": "done, and a second look showed it",
    "assumed": "help given, not proven",
    "escalated": "passed on",
    "abandoned": "not carried out, the user did not go on",
    "failed": "did not help",
    "reopened": "done and shown by a second look, but the user came back with the same problem",
    None: "explained, the user had not agreed yet",
}
_URGENT_TROUBLE = frozenset({"unlock_account", "reset_password", "diagnose_sign_in", "retry_payment"})
"""What keeps a user out, or stops their subscription."""
_HELPED = {"True": "it helped", "False": "it did not help"}
_LATEST = 5
_READ_FIELDS = 6
_QUOTE = 120


class Handovers:
    """Offers a person and hands over."""

    def __init__(self, log: AttemptLog, registry: Registry, intents: IntentCatalogue, words: Words) -> None:
        self._log = log
        self._words = words
        self._registry = registry
        self._intents = intents

    async def hand_off(
        self,
        turn: ActionTurn,
        reason: Reason | None = None,
        *,
        opening: str = "",
        card: Mapping[str, Any] | None = None,
    ) -> Result:
        """Hand over now. Without a `reason` it follows from what the person was offered for."""
        attempts = [a for a in await self._log.for_conversation(turn.conversation_id) if a.kind != "handoff"]
        why = reason or (reason_for(attempts) if turn.memory.offered_person else "user_asked")
        summary = await self.summary(turn, why, attempts)
        handoff = Handoff(why, priority_of(why, attempts, turn.intent), summary)
        attempt = await self._log.record(turn.attempt("handoff", why))
        await self._log.close_open(turn.conversation_id, "escalated", turn_id=turn.key, keep=attempt.id)
        # The summary quotes the user: the case has it, and the log of attempts needs no copy.
        await self._log.finish(attempt.id, Ending(turn.key, "escalated", done={"priority": handoff.priority}))
        text = f"{opening} {PASSING_ON}".strip()
        return Result((Say(text, card=card),), attempt_id=attempt.id, handoff=handoff, tally="reset")

    async def offer(self, turn: ActionTurn) -> Result:
        """Offer a person; to a user who complains with a word of regret first."""
        if turn.intent == "complain":
            text = (
                "I'm sorry, that's not how it should be. Tell me what went wrong and I'll try to fix it, "
                "or I get you a person who can."
            )
        else:
            text = "I can pass you to a person. They'll see our conversation, so you needn't repeat anything."
        return Result((Say(text, (PERSON, NO_THANKS)),), offers_person=True)

    async def declined(self, turn: ActionTurn) -> Result:
        """The user does not want a person, or said no to nothing in particular."""
        text = "All right. If you change your mind, just ask for a person. What else can I do for you?"
        return Result((Say(text if turn.memory.offered_person else "All right. What can I do for you?"),))

    async def summary(self, turn: ActionTurn, reason: Reason, attempts: list[Attempt]) -> str:
        """Tell the agent in a few lines what was asked and what was tried, masked."""
        asked = self._asked(turn, attempts)
        lines = [f"Asked about: {asked}."] if asked else []
        lines += [await self._line(attempt) for attempt in attempts[-_LATEST:]]
        if not attempts:
            lines.append("Nothing was tried before; the user asked for a person.")
        if reason == "repeated_failure":
            lines.append("The assistant did not understand several messages in a row.")
        return "\n".join(lines)

    def _asked(self, turn: ActionTurn, attempts: list[Attempt]) -> str:
        names = [attempt.intent for attempt in attempts[-_LATEST:]]
        labels = [label.label for name in names if (label := self._intents.get(name)) and label.kind in
                  ("workflow", "answer")]  # fmt: skip
        return ", ".join(dict.fromkeys(labels))

    async def _line(self, attempt: Attempt) -> str:
        workflow = self._registry.get(attempt.name) if attempt.kind == "workflow" else None
        what = workflow.meta.title if workflow else humanise(attempt.name).capitalize()
        if attempt.kind == "fallback":
            return f"Not understood: {await self._words.quoted(attempt, _QUOTE) or 'a message'}"
        if attempt.kind == "answer":
            what = f"Article {attempt.article_id}" if attempt.article_id else "No article found"
            question = await self._words.quoted(attempt, _QUOTE)
            helped = _HELPED.get(str(attempt.done.get("helped")), "")
            return ": ".join(part for part in (what, question) if part) + (f" ({helped})" if helped else "")
        error = f" ({humanise(attempt.error)})" if attempt.error else ""
        return f"{what}: {_OUTCOMES[attempt.outcome]}{error}.{_seen(attempt)}"


def reason_for(attempts: list[Attempt]) -> Reason:
    """Find the reason in what went before: what failed last is what the person was offered for."""
    for attempt in reversed(attempts):
        if attempt.kind == "workflow":
            return "policy" if attempt.error in ("not_permitted", "locked_by_team") else "workflow_failed"
        if attempt.kind == "answer":
            return "no_answer"
        if attempt.kind == "fallback":
            return "repeated_failure"
    return "user_asked"


def priority_of(reason: Reason, attempts: list[Attempt], intent: str | None) -> Priority:
    """Set the priority: high for users who are locked out, cannot pay, or complain; else normal."""
    unsolved = {a.name for a in attempts if a.kind == "workflow" and a.outcome not in ("verified", "assumed")}
    if intent == "complain" or unsolved & _URGENT_TROUBLE:
        return "high"
    return "high" if reason == "assistant_unavailable" else "normal"


def _seen(attempt: Attempt) -> str:
    values = attempt.done.get("seen_after") or attempt.read
    plain = [
        f"{humanise(path.replace('.', ' '))}: {value}"
        for path, value in values.items()
        if isinstance(value, str | int | bool) and value != ""
    ]
    return f" Seen: {'; '.join(plain[:_READ_FIELDS])}." if plain else ""


__all__ = ["OFFER", "Handovers", "priority_of", "reason_for"]
