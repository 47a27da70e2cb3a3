"""What is kept of a long conversation."""

from typing import Any

from bot.rasa_components.history import KEPT_TURNS, SLACK, before_turn, shortened

Event = dict[str, Any]
LISTEN: Event = {"event": "action", "name": "action_listen"}


def _turn(number: int, *more: Event) -> list[Event]:
    said = {"event": "user", "text": str(number), "metadata": {"turn": f"trn_{number}"}}
    return [said, {"event": "action", "name": "utter_greet"}, *more, LISTEN]


def _slot(name: str, value: Any) -> Event:
    return {"event": "slot", "name": name, "value": value}


def _talk(turns: int, **more: Event) -> list[Event]:
    events = [{"event": "action", "name": "action_session_start"}, {"event": "session_started"}, LISTEN]
    for number in range(turns):
        events += _turn(number, *[event for name, event in more.items() if name == f"at_{number}"])
    return events


def _turns(events: list[Event]) -> list[str]:
    return [event["text"] for event in events if event["event"] == "user"]


def _slots(events: list[Event]) -> dict[str, Any]:
    return {event["name"]: event["value"] for event in events if event["event"] == "slot"}


def test_a_conversation_of_usual_length_is_kept_whole() -> None:
    events = _talk(KEPT_TURNS + SLACK)
    assert shortened(events) is events


def test_a_long_one_keeps_the_latest_turns_and_all_slots() -> None:
    events = _talk(
        100, at_3=_slot("pending_workflow", "a"), at_5=_slot("pending_workflow", None), at_9=_slot("b", 2)
    )
    short = shortened(events)
    assert _turns(short) == _turns(events)[-KEPT_TURNS:]
    assert _slots(short) == _slots(events)
    first_turn = next(i for i, event in enumerate(short) if event["event"] == "user")
    assert short[first_turn - 1] == LISTEN
    assert shortened(short) is short


def test_it_is_not_cut_inside_a_form() -> None:
    begins, ends = {"event": "active_loop", "name": "workflow_form"}, {"event": "active_loop", "name": None}
    short = shortened(_talk(100, at_60=begins, at_80=ends))
    assert _turns(short)[0] == "60"
    assert begins in short
    assert ends in short


def test_nothing_is_forgotten_where_an_event_reaches_back() -> None:
    events = _talk(100, at_3={"event": "rewind"})
    assert shortened(events) is events


def test_a_turn_is_found_by_its_id() -> None:
    events = _talk(4)
    assert _turns(before_turn(events, "trn_2")) == ["0", "1"]
    assert before_turn(events, "trn_9") is events
    assert before_turn(events, None) is events
