"""What users wrote stays in the transcript: an attempt only says in which turn it was asked."""

from collections.abc import Callable, Mapping
from typing import Any

from actions.attempts.model import ASKED_IN, QUESTION, Attempt
from actions.dialogue.turn import ActionTurn
from actions.ports import ConversationContext


class Words:
    """Finds the question of an attempt. `mask` takes what must not be passed on out of a text."""

    def __init__(self, context: ConversationContext, mask: Callable[[Any], Any]) -> None:
        self._context = context
        self._mask = mask

    def reference(self, turn: ActionTurn, question: str) -> dict[str, str]:
        """Return what an attempt of this turn keeps of the question that it is about."""
        if not turn.typed:
            return {QUESTION: question} if question else {}
        return {ASKED_IN: turn.key} if turn.context.turn_id == turn.key else {}

    async def of(self, attempt: Attempt) -> str:
        """Return the question as it was asked; empty when it is not there any more."""
        turn_id = attempt.read.get(ASKED_IN)
        if not isinstance(turn_id, str):
            return str(attempt.read.get(QUESTION) or "")
        found = await self._context.find(attempt.conversation_id, turn_id)
        return found.text if found is not None else ""

    async def quoted(self, attempt: Attempt, length: int) -> str:
        """Return the question for somebody else to read: masked, and only then cut short."""
        return str(self._mask(await self.of(attempt)))[:length]


def same_question(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell from what two attempts have read whether they are about the same question."""
    return all(one.get(name) == other.get(name) for name in (ASKED_IN, QUESTION))
