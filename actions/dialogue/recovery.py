"""Finds the place in a dialogue again when what the assistant remembered of it is lost.

The dialogue's state is kept in a cache: that can die, fail to take the latest turn, or forget what is old.
What was offered is in the attempt log and in the transcript, so a "yes" still has its question. It is never
acted on for that: the question is put again, and only a yes to that counts.
"""

from dataclasses import replace

import structlog

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt
from actions.dialogue.turn import ActionTurn, Memory
from actions.framework.registry import Registry
from actions.ports import ConversationContext

log = structlog.get_logger(__name__)
LOST = "I lost my place for a moment, and nothing was changed. Let me ask you again. "
_BY_USERS = frozenset({"workflow", "answer", "fallback"})
_PERSON = {"/talk_to_person", "/deny"}
"""The choices under an offer of a person."""
_LOOKED_AT = 12


class Recovery:
    """Compares what the assistant remembers with what is on record."""

    def __init__(self, attempts: AttemptLog, registry: Registry, context: ConversationContext) -> None:
        self._log = attempts
        self._registry = registry
        self._context = context

    async def restore(self, turn: ActionTurn) -> ActionTurn:
        """Return the turn with its memory as the record has it, marked as `lost` when that differs."""
        before = await self._before(turn)
        if not before:
            return turn
        is_blank = turn.memory.attempt_id is None
        offer = next((one for one in before if self._waits(one, turn)), None)
        if offer is None and is_blank:
            offer = next((one for one in before[:1] if self._went_cold(one)), None)
        if offer is not None:
            return self._with(turn, offer)
        if not is_blank:
            return turn
        offered = await self._context.offered(turn.conversation_id, turn.context.turn_id)
        memory = replace(turn.memory, attempt_id=before[0].id, offered_person=offered >= _PERSON)
        return replace(turn, memory=memory)

    async def _before(self, turn: ActionTurn) -> list[Attempt]:
        """What users began before this turn, newest first, back to where a person last took over."""
        found: list[Attempt] = []
        for one in await self._log.recent(turn.conversation_id, _LOOKED_AT):
            if one.turn_id == turn.key:
                continue
            if one.outcome == "escalated":
                break
            if one.kind in _BY_USERS:
                found.append(one)
        return found

    def _waits(self, attempt: Attempt, turn: ActionTurn) -> bool:
        if attempt.outcome is not None or not self._offers(attempt):
            return False
        # A turn that runs again finds what it noted itself the first time.
        return attempt.done.get("offered_in") != turn.key

    def _went_cold(self, attempt: Attempt) -> bool:
        """Whether it was closed by nobody, but for want of an answer."""
        return attempt.outcome == "abandoned" and attempt.closed_in is None and self._offers(attempt)

    def _offers(self, attempt: Attempt) -> bool:
        known = attempt.kind == "workflow" and self._registry.get(attempt.name) is not None
        done = attempt.done
        return known and bool(done.get("consent") or done.get("asked") or done.get("confirmed_in"))

    def _with(self, turn: ActionTurn, offer: Attempt) -> ActionTurn:
        memory = turn.memory
        if memory.pending == offer.name and memory.attempt_id == offer.id:
            return turn
        if memory.asking:
            # The form that is open was opened by a dialogue that is known; it ends by itself.
            return turn
        log.warning("dialogue_lost", conversation=turn.conversation_id, workflow=offer.name)
        answers = offer.done.get("answers")
        found = Memory(
            pending=offer.name,
            attempt_id=offer.id,
            failures=memory.failures,
            answers={str(k): str(v) for k, v in answers.items()} if isinstance(answers, dict) else {},
        )
        return replace(turn, memory=found, lost=True)
