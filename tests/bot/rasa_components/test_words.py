"""What a stored tracker holds of what was said: nothing."""

import json

from bot.rasa_components.history import before_turn, shortened, without_words

SECRET = "Quokka Lamp"


def _turn(name: str) -> list[dict]:
    parsed = {
        "text": SECRET, "intent": {"name": "ask", "confidence": 0.9}, "intent_ranking": [{"name": "ask"}],
        "entities": [{"entity": "workflow_answer", "value": SECRET, "start": 0, "extractor": SECRET}],
        "text_tokens": [[0, 5]], "response_selector": {"default": {"response": SECRET}},
    }  # fmt: skip
    return [
        {"event": "action", "name": "action_listen", "action_text": None},
        {
            "event": "user",
            "text": SECRET,
            "parse_data": parsed,
            "metadata": {"turn": name},
            "message_id": "m",
        },
        {"event": "slot", "name": "pending_workflow", "value": "unlock_account"},
        {"event": "action", "name": "action_x", "action_text": SECRET},
        {
            "event": "bot",
            "text": SECRET,
            "data": {"custom": {"summary": SECRET}, "buttons": [{"title": SECRET}]},
        },
    ]


def test_no_words_stay_and_everything_that_rules_look_at_does() -> None:
    events = _turn("t1") + _turn("t2")
    kept = without_words(events)
    assert SECRET not in json.dumps(kept)
    assert [event["event"] for event in kept] == [event["event"] for event in events]
    user = kept[1]
    assert user["parse_data"]["intent"] == {"name": "ask", "confidence": 0.9}
    assert [entity["entity"] for entity in user["parse_data"]["entities"]] == ["workflow_answer"]
    assert kept[2]["value"] == "unlock_account"
    assert len(before_turn(kept, "t2")) == 6, "a turn that comes again is still found"
    assert shortened(kept) == kept
    assert SECRET in json.dumps(events), "the tracker at work is left as it is"
