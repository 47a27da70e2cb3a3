"""What a message asked for besides: it is taken up when the first of it is settled."""

from dataclasses import replace

from actions.attempts.log import AttemptLog
from actions.dialogue.replies import Button, Result, Say
from actions.dialogue.turn import ActionTurn
from actions.dialogue.workflow_dialogue import Engine
from actions.framework.registry import Registry
from actions.framework.workflow import Workflow

IN_TURN = "I'll take one thing after the other."
NOW = "Now to the other thing you wrote. "
AND_THAT = "I haven't forgotten the other thing you wrote."
_KEPT = "besides"
_DIAGNOSES = {"sign_in_trouble": "sign_in"}


class Besides:
    """Keeps the other requests of a message with the attempt at the first, and begins them after it."""

    def __init__(self, engine: Engine, registry: Registry, attempts: AttemptLog) -> None:
        self._engine = engine
        self._registry = registry
        self._log = attempts

    async def follow(self, turn: ActionTurn, result: Result) -> Result:
        """Keep what else the message asks for, or go on with it when nothing waits any more."""
        if result.handoff is not None:
            return result
        others = self._others(turn, result) if turn.also else await self._kept(turn)
        if not others:
            return result
        if result.offers_person:
            return replace(result, says=(*result.says, Say(AND_THAT, self._buttons(others))))
        if result.pending is None:
            return await self.begin(turn, result, others)
        if not turn.also or result.attempt_id is None:
            return result
        await self._log.note(result.attempt_id, turn.key, done={_KEPT: others})
        return replace(result, says=(Say(IN_TURN), *result.says))

    def _others(self, turn: ActionTurn, result: Result) -> list[str]:
        """Requests for something of another kind; what is near is more likely the same thing told twice."""
        first = self._registry.get(result.pending) or self._registry.for_intent(turn.intent)
        return [intent for intent in turn.also if first is None or self._is_other(intent, first)]

    def _is_other(self, intent: str, first: Workflow) -> bool:
        if intent in _DIAGNOSES:
            return _DIAGNOSES[intent] not in first.meta.symptoms
        other = self._registry.for_intent(intent)
        if other is None or other.meta.area == first.meta.area:
            return False
        return not set(other.meta.symptoms) & set(first.meta.symptoms)

    async def _kept(self, turn: ActionTurn) -> list[str]:
        attempt = await self._log.get(turn.memory.attempt_id or "") if turn.memory.pending else None
        if attempt is None or attempt.conversation_id != turn.conversation_id:
            return []
        kept = attempt.done.get(_KEPT)
        return [str(intent) for intent in kept] if isinstance(kept, list) else []

    def _buttons(self, others: list[str]) -> tuple[Button, ...]:
        found = [(intent, self._registry.for_intent(intent)) for intent in others]
        return tuple(Button(workflow.meta.title, f"/{intent}") for intent, workflow in found if workflow)

    async def begin(self, turn: ActionTurn, result: Result, others: list[str]) -> Result:
        """Begin the first of the other requests behind what was said."""
        intent, *rest = others
        workflow = self._registry.for_intent(intent)
        asked = replace(turn, intent=intent, confidence=None, ranking=())
        if workflow is not None:
            second = await self._engine.start(asked, workflow, NOW)
        elif intent in _DIAGNOSES:
            second = await self._engine.diagnose(asked, _DIAGNOSES[intent])
        else:
            return result
        if rest and second.pending and second.attempt_id:
            await self._log.note(second.attempt_id, turn.key, done={_KEPT: rest})
        verified = result.verified or second.verified
        return replace(second, says=(*result.says, *second.says), verified=verified)
