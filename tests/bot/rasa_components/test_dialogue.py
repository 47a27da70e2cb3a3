"""The rules of the dialogue, against the real Rasa server; actions say their names."""

from typing import Any

import pytest
import yaml

from actions.framework.registry import Registry

pytestmark = pytest.mark.integration

with open("data/policies/intents.yml", encoding="utf-8") as _file:
    INTENTS = sorted(yaml.safe_load(_file)["intents"])
STATES: dict[str, dict[str, Any]] = {
    "at the start": {},
    "a workflow waits for a yes": {"pending_workflow": "unlock_account"},
    "a person was offered": {"offered_person": True},
    "the offer was declined": {"offered_person": False},
    "both": {"pending_workflow": "unlock_account", "offered_person": True},
}


def _texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["messages"] if "text" in message]


def test_the_domain_knows_every_intent_of_the_policy_file() -> None:
    with open("domain.yml", encoding="utf-8") as file:
        domain = yaml.safe_load(file)
    of_workflows = {intent for workflow in Registry.load() for intent in workflow.meta.intents}
    assert {*domain["intents"], *of_workflows} == {*INTENTS, *of_workflows}


@pytest.mark.parametrize("state", STATES)
def test_every_intent_gets_an_answer_in_every_state(rasa: Any, talk: Any, state: str) -> None:
    talk.say("hello")
    for intent in INTENTS:
        if intent in ("nlu_fallback", "out_of_scope"):
            continue
        rasa.set_slots(talk.id, **{"pending_workflow": None, "offered_person": None, **STATES[state]})
        answer = talk.press(f"/{intent}")
        assert answer["status"] == "ok", (intent, answer)
        assert 1 <= len(answer["messages"]) <= 3, (intent, answer["messages"])
        talk.press("/cancel")


@pytest.mark.parametrize("intent", [name for name in INTENTS if name not in ("nlu_fallback", "out_of_scope")])
def test_every_intent_gets_an_answer_inside_the_form_and_the_form_can_be_left(
    rasa: Any, talk: Any, intent: str
) -> None:
    rasa.actions.ask_which_order()
    assert _texts(talk.say("where is my order")) == ["which order?"]
    answer = talk.press(f"/{intent}")
    assert answer["status"] == "ok", answer
    assert 1 <= len(answer["messages"]) <= 2
    if talk.tracker["active_loop"].get("name"):
        assert _texts(answer)[-1] == "which order?", "a question goes back to the form"
    assert _texts(talk.say("let me talk to a person")) == ["action_hand_off"]
    assert not talk.tracker["active_loop"].get("name")


@pytest.mark.parametrize(
    ("slots", "text", "expected"),
    [
        ({"pending_workflow": "unlock_account"}, "yes please", "action_confirm_workflow"),
        ({"pending_workflow": "unlock_account"}, "no", "action_decline_workflow"),
        ({"pending_workflow": "unlock_account"}, "never mind", "action_decline_workflow"),
        ({"pending_workflow": "unlock_account", "offered_person": True}, "yes", "action_confirm_workflow"),
        ({"offered_person": True}, "yes", "action_confirm_workflow"),
        ({"offered_person": True}, "no thanks", "action_decline_workflow"),
        ({}, "yes", "action_confirm_workflow"),
        ({"pending_workflow": "unlock_account"}, "how do refunds work?", "action_answer_question"),
        ({"pending_workflow": "unlock_account"}, "I want to talk to a person", "action_hand_off"),
    ],
)
def test_yes_and_no_mean_what_was_asked(
    rasa: Any, talk: Any, slots: dict[str, Any], text: str, expected: str
) -> None:
    talk.say("hello")
    rasa.set_slots(talk.id, **slots)
    assert _texts(talk.say(text)) == [expected]


def test_an_action_that_changes_slots_ends_the_turn(rasa: Any, talk: Any) -> None:
    rasa.actions.answers["action_confirm_workflow"] = {
        "events": [
            {"event": "slot", "name": "pending_workflow", "value": None},
            {"event": "slot", "name": "offered_person", "value": True},
        ],
        "responses": [{"text": "It did not work. Shall I get a person?"}],
    }
    talk.say("hello")
    rasa.set_slots(talk.id, pending_workflow="unlock_account")
    assert _texts(talk.say("yes")) == ["It did not work. Shall I get a person?"]
    assert _texts(talk.say("let me talk to a person")) == ["action_hand_off"]


def test_the_form_takes_an_answer_and_the_workflow_goes_on(rasa: Any, talk: Any) -> None:
    rasa.actions.ask_which_order()
    assert _texts(talk.say("where is my order")) == ["which order?"]
    assert _texts(talk.say("20452 please")) == ["continued"]
    assert not talk.tracker["active_loop"].get("name")


def test_a_button_is_an_answer(rasa: Any, talk: Any) -> None:
    rasa.actions.ask_which_order()
    talk.say("where is my order")
    assert _texts(talk.press('/inform{"workflow_answer": "20452"}')) == ["continued"]


def test_a_button_of_a_closed_question_says_so(talk: Any) -> None:
    talk.say("hello")
    assert _texts(talk.press('/inform{"workflow_answer": "20452"}')) == ["action_take_choice"]


def test_a_workflow_may_ask_twice(rasa: Any, talk: Any) -> None:
    rasa.actions.ask_which_order()
    talk.say("where is my order")
    again = [
        {"event": "slot", "name": "workflow_answer", "value": None},
        {"event": "active_loop", "name": "workflow_form"},
    ]
    rasa.actions.answers["action_continue_workflow"] = {"events": again, "responses": []}
    assert _texts(talk.say("20452")) == ["which order?"]
    rasa.actions.ask_which_order()
    assert _texts(talk.say("20453")) == ["continued"]


def test_the_form_asks_again_when_the_answer_is_not_known(rasa: Any, talk: Any) -> None:
    rasa.actions.ask_which_order()
    talk.say("where is my order")
    unknown = {"event": "slot", "name": "workflow_answer", "value": None}
    rasa.actions.answers["validate_workflow_form"] = {
        "events": [unknown],
        "responses": [{"text": "not found"}],
    }
    assert _texts(talk.say("KT-99999")) == ["not found", "which order?"]
    rasa.actions.ask_which_order()
    assert _texts(talk.say("K-20451")) == ["continued"]


def test_an_error_code_is_no_order_number(talk: Any) -> None:
    answer = talk.say("the page says KT-1001")
    assert answer["nlu"]["entities"] == []
    assert _texts(answer) == ["action_start_workflow"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("stop", "All right, I have stopped. Tell me if there is something else."),
        ("my account is locked", "action_start_workflow"),
        ("I can't sign in", "action_diagnose_sign_in"),
        ("this is ridiculous", "action_offer_person"),
    ],
)
def test_what_leaves_the_form(rasa: Any, talk: Any, said: str, expected: str) -> None:
    rasa.actions.ask_which_order()
    talk.say("where is my order")
    assert _texts(talk.say(said)) == [expected]
    assert not talk.tracker["active_loop"].get("name")


def test_a_question_inside_the_form_is_answered_and_the_form_goes_on(rasa: Any, talk: Any) -> None:
    rasa.actions.ask_which_order()
    talk.say("where is my order")
    answer = talk.say("what is your refund policy?")
    assert _texts(answer) == ["action_answer_question", "which order?"]
    assert _texts(talk.say("K-20451")) == ["continued"]


@pytest.mark.parametrize(
    "text", ["what's the weather in Paris?", "qwpoeiru asldkfj", "🙂", "?", "who won the election"]
)
def test_what_is_out_of_scope_is_clarified(talk: Any, text: str) -> None:
    answer = talk.say(text)
    assert answer["nlu"]["intent"]["name"] == "nlu_fallback"
    assert _texts(answer) == ["action_clarify"]
    assert {item["name"] for item in answer["nlu"]["ranking"]}.isdisjoint({"nlu_fallback", "out_of_scope"})


def test_a_long_message_is_read_and_answered(talk: Any) -> None:
    answer = talk.say("My account is locked, please help me. " * 500)
    assert answer["status"] == "ok"
    assert _texts(answer) == ["action_start_workflow"]
