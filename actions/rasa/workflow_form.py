"""The form in which a workflow asks for what it must know; one form serves all workflows."""

from typing import Any

import structlog
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import FormValidationAction

from actions.dialogue.turn import ActionTurn
from actions.dialogue.workflow_dialogue import Engine
from actions.rasa.tracker import ANSWER, FORM, NO_ANSWER, TurnReader, pressed_value
from foundation.errors import FirstlineError

log = structlog.get_logger(__name__)
_SHORT = 3
NOT_UNDERSTOOD = "I can't tell which one you mean."
_UNCLEAR = frozenset({"nlu_fallback", "out_of_scope", None})


class ValidateWorkflowForm(FormValidationAction):  # type: ignore[misc]
    """Takes what the workflow reads as an answer, and gives up after a few that it cannot.

    Nothing extracted means that the user speaks of something else: Rasa's rules answer that, and the form
    asks again.
    """

    def __init__(self, turns: TurnReader, engine: Engine, *, unknown_allowed: int) -> None:
        self._turns = turns
        self._engine = engine
        self._unknown_allowed = unknown_allowed

    def name(self) -> str:
        """The name by which the domain knows it."""
        return f"validate_{FORM}"

    def domain_slots(self, domain: Any) -> list[str]:
        """Return the form's slots, which are known here: Rasa need not send the domain."""
        return [ANSWER]

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> list[str]:
        """Require the answer."""
        return [ANSWER]

    async def next_requested_slot(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> dict[str, Any] | None:
        """Let Rasa ask on, or end the form, as it does when the answer is there."""
        return None

    async def extract_workflow_answer(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> dict[str, Any]:
        """Read the message as an answer to the open question."""
        if tracker.slots.get(ANSWER) is not None or tracker.slots.get("requested_slot") != ANSWER:
            return {}
        turn = await self._turns.read(tracker)
        pressed = pressed_value(tracker)
        if turn.text.startswith("/") and pressed is None:
            return {}
        try:
            value = await self._engine.read_answer(turn, pressed or turn.text)
        except FirstlineError as error:
            log.info("question_not_read", reason=error.code)
            return {ANSWER: NO_ANSWER}
        if value is not None:
            return {ANSWER: value}
        return await self._no_answer(turn, tracker, dispatcher)

    async def _no_answer(
        self, turn: ActionTurn, tracker: Tracker, dispatcher: CollectingDispatcher
    ) -> dict[str, Any]:
        if turn.intent not in _UNCLEAR and not self._engine.is_own(turn):
            return {}
        if turn.text.rstrip().endswith("?") and len(turn.text.split()) > _SHORT:
            return {}  # A question of theirs, if not one that is understood.
        if _asked_before(tracker) > self._unknown_allowed:
            return {ANSWER: NO_ANSWER}
        dispatcher.utter_message(text=NOT_UNDERSTOOD)
        return {ANSWER: None}

    async def validate_workflow_answer(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> dict[str, Any]:
        """Keep what was read; it was checked while reading."""
        return {ANSWER: value}


def _asked_before(tracker: Tracker) -> int:
    """How often the user has spoken since the form began."""
    spoken = 0
    for event in reversed(tracker.events):
        if event.get("event") == "active_loop" and event.get("name"):
            break
        if event.get("event") == "user":
            spoken += 1
    return spoken
