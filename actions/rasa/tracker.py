"""From a Rasa tracker to a turn, and from a result back to messages and slots."""

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.dialogue.replies import Button, Result, Say
from actions.dialogue.turn import ActionTurn, Memory
from actions.framework.intents import IntentReading
from actions.ports import ConversationContext, TurnContext
from foundation.ids import new_id

Event = dict[str, Any]
FORM = "workflow_form"
"""The form in which a workflow asks for what is missing."""
ANSWER = "workflow_answer"
NO_ANSWER = "(none)"
"""The value of the answer when asking led nowhere."""
_RASAS_OWN = frozenset(
    {"action_listen", "action_extract_slots", "action_session_start", "action_deactivate_loop"}
)


class TurnReader:
    """Makes turns of trackers. Who the user is comes from the conversation, never from the tracker."""

    def __init__(self, context: ConversationContext) -> None:
        self._context = context

    async def read(self, tracker: Tracker) -> ActionTurn:
        """Return the turn that Rasa is working on."""
        message: dict[str, Any] = tracker.latest_message
        # The sender id is the conversation's id, with the owner's epoch after a colon.
        conversation_id = str(tracker.sender_id).partition(":")[0]
        turn_id = _turn_id(message)
        context = await self._context.find(conversation_id, turn_id)
        if context is None:
            context = TurnContext(conversation_id, turn_id, user_ref="", host="", user_name="")
        intent = message.get("intent") or {}
        return ActionTurn(
            context=context,
            key=_key(message, turn_id, context),
            text=str(message.get("text") or ""),
            intent=intent.get("name"),
            confidence=_number(intent.get("confidence")),
            ranking=tuple(_readings(message)),
            model=_model(tracker),
            memory=_memory(tracker),
            also=_also(message),
            digressed=_digressed(tracker.events),
        )


def emit(result: Result, turn: ActionTurn, dispatcher: CollectingDispatcher) -> list[Event]:
    """Say what is to be said and return the slots to set; all of them, so that none is left over."""
    for say in result.says:
        _utter(say, dispatcher)
    if result.handoff is not None:
        handoff = result.handoff
        dispatcher.utter_message(
            json_message={
                "type": "handoff",
                "reason": handoff.reason,
                "priority": handoff.priority,
                "summary": handoff.summary,
            }
        )
    failures = {"keep": turn.memory.failures, "reset": 0, "count": turn.memory.failures + 1}[result.tally]
    # Inside the form another message is a digression: what is asked for stays asked.
    stays = turn.memory.asking and result.handoff is None and result.pending is None
    memory = turn.memory
    slots: list[Event] = [
        SlotSet("pending_workflow", memory.pending if stays else result.pending),
        SlotSet("workflow_answers", dict(memory.answers if stays else result.answers)),
        SlotSet("offered_person", result.offers_person),
        SlotSet("failed_attempts", float(failures)),
        SlotSet("last_attempt", memory.attempt_id if stays else result.attempt_id or memory.attempt_id),
    ]
    if result.asking:
        return [*slots, SlotSet(ANSWER, None), ActiveLoop(FORM)]
    leaves = memory.asking and not stays
    return [*slots, ActiveLoop(None), SlotSet("requested_slot", None)] if leaves else slots


def pressed_value(tracker: Tracker) -> str | None:
    """Return the value of the choice that was pressed, or None."""
    for entity in tracker.latest_message.get("entities") or []:
        if entity.get("entity") == ANSWER:
            return str(entity.get("value"))[:200]
    return None


def _utter(say: Say, dispatcher: CollectingDispatcher) -> None:
    buttons = [_button(button) for button in say.buttons]
    if say.card is None:
        dispatcher.utter_message(text=say.text, buttons=buttons)
        return
    card = {**say.card, "text": say.text, **({"buttons": buttons} if buttons else {})}
    dispatcher.utter_message(json_message=card)


def _button(button: Button) -> dict[str, str]:
    return {"title": button.title, "payload": button.payload}


def _turn_id(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata")
    turn = metadata.get("turn") if isinstance(metadata, dict) else None
    return turn if isinstance(turn, str) and turn else None


def _also(message: dict[str, Any]) -> tuple[str, ...]:
    metadata = message.get("metadata")
    named = metadata.get("also") if isinstance(metadata, dict) else None
    return tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else ()


def _key(message: dict[str, Any], turn_id: str | None, context: TurnContext) -> str:
    if turn_id:
        return turn_id
    # Rasa's own channels know no turns; their message id tells messages apart as well.
    message_id = message.get("message_id")
    return f"msg_{message_id}" if message_id else context.turn_id or new_id("trn")


def _readings(message: dict[str, Any]) -> list[IntentReading]:
    ranking = message.get("intent_ranking") or []
    return [
        IntentReading(str(item.get("name")), _number(item.get("confidence")) or 0.0)
        for item in ranking
        if isinstance(item, dict)
    ]


def _memory(tracker: Tracker) -> Memory:
    slots: dict[str, Any] = tracker.slots
    answers, given = slots.get("workflow_answers"), slots.get(ANSWER) or None
    return Memory(
        pending=slots.get("pending_workflow") or None,
        attempt_id=slots.get("last_attempt") or None,
        failures=int(_number(slots.get("failed_attempts")) or 0),
        offered_person=slots.get("offered_person") is True,
        asking=(tracker.active_loop or {}).get("name") == FORM,
        answers={str(k): str(v) for k, v in answers.items()} if isinstance(answers, dict) else {},
        answer=given if given != NO_ANSWER else None,
    )


def _digressed(events: list[Event]) -> bool:
    """Tell whether none of our actions ran for the message before the latest one, only fixed responses."""
    users = 0
    for event in reversed(events):
        if event.get("event") == "user":
            users += 1
            if users == 2:
                return True
        elif users == 1 and event.get("event") == "action":
            name = str(event.get("name"))
            if name.startswith("action_") and name not in _RASAS_OWN:
                return False
    return False


def _model(tracker: Tracker) -> str | None:
    """The model that read the message, as our channel says; on Rasa's own channels the one that acts."""
    metadata = tracker.latest_message.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("model"), str):
        return str(metadata["model"])
    for event in reversed(tracker.events):
        metadata = event.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("model_id"), str):
            return str(metadata["model_id"])
    return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
