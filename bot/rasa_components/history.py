"""What of a conversation's stored events the dialogue still needs. Pure functions on Rasa's event dicts."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

TURN = "turn"
KEPT_TURNS = 30
SLACK = 10
# Events whose meaning reaches back further than slots do; where one occurs nothing is forgotten.
REACHING_BACK = frozenset({"rewind", "undo", "restart", "reset_slots"})

Events = List[Dict[str, Any]]


def before_turn(events: Events, turn: Optional[str]) -> Events:
    """The events before `turn`; all of them where there is no such turn."""
    for position, event in enumerate(events):
        if turn and event.get("event") == "user" and (event.get("metadata") or {}).get(TURN) == turn:
            return events[:position]
    return events


def shortened(events: Events, kept: int = KEPT_TURNS) -> Events:
    """The latest turns, with the slots as they were before them.

    Rasa's work grows with each event (0.5 ms a turn here), and the rules look back one turn.
    Nothing is cut before `kept` + SLACK turns, inside a form, or where an event reaches back.
    """
    turns = [position for position, event in enumerate(events) if event.get("event") == "user"]
    if len(turns) <= kept + SLACK:
        return events
    slots: Dict[str, Dict[str, Any]] = {}
    loop: Optional[str] = None
    cut = 0
    before_cut: Events = []
    last = turns[-kept]
    for position, event in enumerate(events[:last]):
        kind = event.get("event")
        if kind in REACHING_BACK:
            return events
        if kind == "active_loop":
            loop = event.get("name")
        if kind == "slot":
            slots[str(event.get("name"))] = event
        listening = kind == "action" and event.get("name") == "action_listen"
        if listening and loop is None:
            cut, before_cut = position, list(slots.values())
    return [*before_cut, *events[cut:]]


def without_words(events: Events) -> Events:
    """The events without what anybody wrote: intents, slots and actions are all that later turns look at.

    The transcript has the words. Of what a button carried only the entities stay, which are values of ours.
    """
    return [_wordless(event) for event in events]


def _wordless(event: Dict[str, Any]) -> Dict[str, Any]:
    kind = event.get("event")
    if kind == "user":
        parsed = event.get("parse_data") or {}
        kept = {name: parsed[name] for name in ("intent", "intent_ranking") if name in parsed}
        entities = [_valued(entity) for entity in parsed.get("entities") or [] if entity.get("entity")]
        return {**event, "text": "", "parse_data": {**kept, "entities": entities, "text": ""}}
    if kind == "bot":
        return {**event, "text": "", "data": {}}
    if kind == "action" and event.get("action_text"):
        return {**event, "action_text": None}
    return event


def _valued(entity: Dict[str, Any]) -> Dict[str, Any]:
    # Rules look at which entities there are; the values were read when the message came.
    return {"entity": entity["entity"], "value": None}
