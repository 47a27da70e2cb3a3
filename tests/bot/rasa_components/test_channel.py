"""The `firstline` channel against the real Rasa server."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def _turns(tracker: dict[str, Any]) -> list[str]:
    """The turns whose messages a stored tracker holds; it holds no words."""
    return [event["metadata"]["turn"] for event in tracker["events"] if event["event"] == "user"]


def _texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["messages"] if "text" in message]


def test_an_answer_has_messages_the_reading_and_the_model(talk: Any, trained_model: Any) -> None:
    answer = talk.say("where is order K-20451?")
    assert (answer["status"], answer["reason"]) == ("ok", None)
    assert _texts(answer) == ["action_start_workflow"]
    assert answer["nlu"]["intent"]["name"] == "order_status"
    assert 0.5 < answer["nlu"]["intent"]["confidence"] <= 1
    assert answer["nlu"]["ranking"][0]["name"] == "order_status"
    assert len(answer["nlu"]["ranking"]) == 5
    assert answer["nlu"]["entities"] == [
        {"entity": "order_number", "value": "K-20451", "start": 15, "end": 22}
    ]
    assert answer["model"] == trained_model.name.removesuffix(".tar.gz")


def test_messages_keep_buttons_and_custom_parts_and_nothing_of_rasas(rasa: Any, talk: Any) -> None:
    card = {"type": "article", "text": "See this.", "article_id": "art_1"}
    buttons = [{"title": "Yes", "payload": "/affirm"}]
    rasa.actions.answers["action_answer_question"] = {
        "events": [],
        "responses": [{"text": "Shall I?", "buttons": buttons}, {"custom": card}],
    }
    answer = talk.say("how do refunds work")
    assert answer["messages"] == [{"text": "Shall I?", "buttons": buttons}, {"custom": card}]


def test_actions_get_the_turn_and_no_token_in_the_tracker(rasa: Any, talk: Any, trained_model: Any) -> None:
    talk.say("my account is locked", turn="trn_first")
    call = rasa.actions.calls[-1]
    assert call["next_action"] == "action_start_workflow"
    assert call["sender_id"] == talk.id
    assert call["tracker"]["latest_message"]["metadata"] == {
        "turn": "trn_first",
        "model": trained_model.name.removesuffix(".tar.gz"),
    }
    assert call["tracker"]["latest_input_channel"] == "firstline"
    assert "service-token" not in json.dumps(call)


@pytest.mark.parametrize(
    "text", ["/unlock_account", "  /talk_to_person{}", "/restart", "//affirm", "/", "\\"]
)
def test_text_is_never_an_intent_trigger(talk: Any, text: str) -> None:
    answer = talk.say(text)
    assert answer["status"] == "ok"
    assert answer["messages"]
    # A trigger would have been taken at its word, with full confidence.
    if answer["nlu"]["intent"]["name"] != "nlu_fallback":
        assert answer["nlu"]["intent"]["confidence"] < 1


def test_a_payload_is_an_intent_with_its_entities(rasa: Any, talk: Any) -> None:
    answer = talk.press('/inform{"workflow_answer": "K-20452"}')
    assert answer["nlu"]["intent"] == {"name": "inform", "confidence": 1.0}
    assert [item["value"] for item in answer["nlu"]["entities"]] == ["K-20452"]


@pytest.mark.parametrize(
    "payload", ["/of_another_model", "/restart", "/session_start", "/back", "yes", "/affirm{"]
)
def test_a_payload_that_means_nothing_is_not_silent_and_changes_nothing(talk: Any, payload: str) -> None:
    talk.say("hello")
    before = len(talk.tracker["events"])
    answer = talk.press(payload)
    assert answer["status"] == "ok"
    assert _texts(answer) == ["action_clarify"]
    assert answer["nlu"]["intent"]["name"] == "nlu_fallback"
    assert len(talk.tracker["events"]) > before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 5000,
        b"[]",
        {"conversation": "c", "turn": "t"},
        {"conversation": "c", "turn": "t", "text": " "},
        {"conversation": "c", "turn": "t", "text": "a", "payload": "/greet"},
        {"conversation": "", "turn": "t", "text": "a"},
        {"conversation": "c", "turn": 1, "text": "a"},
        {"conversation": "c", "turn": "t", "text": "a" * 70_000},
    ],
)
def test_a_malformed_request_is_refused_with_a_reason(rasa: Any, body: Any) -> None:
    status, answer = rasa.post(body)
    assert status == 400
    assert answer["detail"].startswith("This is no turn: ")


@pytest.mark.parametrize("token", [None, "", "wrong", "service-token-of-the-tes"])
def test_nothing_is_done_without_the_service_token(rasa: Any, token: str | None) -> None:
    status, answer = rasa.post(
        {"conversation": "cnv_1", "turn": "t", "text": "my account is locked"}, token=token
    )
    assert status == 401
    assert "token" in answer["detail"]
    assert not rasa.actions.calls


def test_the_action_server_down_is_said_and_the_next_turn_works(rasa: Any, talk: Any) -> None:
    rasa.actions.stop()
    answer = talk.say("my account is locked", turn="trn_1")
    assert (answer["status"], answer["reason"]) == ("failed", "action_failed")
    assert answer["messages"] == []
    rasa.actions.start()
    assert _texts(talk.say("my account is locked", turn="trn_1")) == ["action_start_workflow"]
    assert _turns(talk.tracker) == ["trn_1"]


def test_an_action_that_breaks_is_said(rasa: Any, talk: Any) -> None:
    rasa.actions.broken.add("action_answer_question")
    answer = talk.say("how do refunds work")
    assert (answer["status"], answer["reason"]) == ("failed", "action_failed")


def test_an_answer_of_the_action_server_that_makes_no_sense_is_said(rasa: Any, talk: Any) -> None:
    rasa.actions.answers["action_answer_question"] = {"events": [{"event": "no such event"}], "responses": []}
    answer = talk.say("how do refunds work")
    assert (answer["status"], answer["reason"]) == ("failed", "action_failed")


def test_an_action_that_says_nothing_is_no_response(rasa: Any, talk: Any) -> None:
    rasa.actions.answers["action_answer_question"] = {"events": [], "responses": []}
    answer = talk.say("how do refunds work")
    assert (answer["status"], answer["reason"]) == ("failed", "no_response")


def test_a_paused_conversation_is_said(rasa: Any, talk: Any) -> None:
    rasa.actions.answers["action_answer_question"] = {
        "events": [{"event": "pause"}],
        "responses": [{"text": "ok"}],
    }
    assert talk.say("how do refunds work")["status"] == "ok"
    answer = talk.say("hello")
    assert (answer["status"], answer["reason"]) == ("failed", "paused")


def test_the_same_turn_again_starts_from_before_it(rasa: Any, talk: Any) -> None:
    rasa.actions.answers["action_start_workflow"] = {
        "events": [{"event": "slot", "name": "pending_workflow", "value": "unlock_account"}],
        "responses": [{"text": "Shall I?"}],
    }
    talk.say("hello", turn="trn_1")
    talk.say("my account is locked", turn="trn_2")
    first = talk.say("yes", turn="trn_3")
    assert _texts(first) == ["action_confirm_workflow"]
    events = len(talk.tracker["events"])
    again = talk.say("yes", turn="trn_3")
    assert again["messages"] == first["messages"]
    assert len(talk.tracker["events"]) == events

    talk.say("no", turn="trn_2")
    tracker = talk.tracker
    assert _turns(tracker) == ["trn_1", "trn_2"]
    assert tracker["slots"]["pending_workflow"] is None


def test_the_first_turn_again_and_a_turn_within_the_form_again(rasa: Any, talk: Any) -> None:
    rasa.actions.ask_which_order()
    first = talk.say("where is my order", turn="trn_1")
    assert talk.say("where is my order", turn="trn_1")["messages"] == first["messages"]
    inside = talk.say("how long does green tea steep?", turn="trn_2")
    assert talk.say("how long does green tea steep?", turn="trn_2")["messages"] == inside["messages"]
    assert talk.tracker["active_loop"]["name"] == "workflow_form"
    assert _texts(talk.say("K-20451", turn="trn_3")) == ["continued"]
    assert _texts(talk.say("K-20451", turn="trn_3")) == ["continued"]


def test_a_failed_turn_leaves_the_state_of_the_turn_before_for_a_retry(rasa: Any, talk: Any) -> None:
    talk.say("hello", turn="trn_1")
    rasa.actions.broken.add("action_start_workflow")
    assert talk.say("my account is locked", turn="trn_2")["reason"] == "action_failed"
    rasa.actions.broken.clear()
    assert _texts(talk.say("my account is locked", turn="trn_2")) == ["action_start_workflow"]
    assert _turns(talk.tracker) == ["trn_1", "trn_2"]


def test_a_very_long_conversation_stays_short_in_memory_and_keeps_what_it_knows(rasa: Any, talk: Any) -> None:
    pending = {"event": "slot", "name": "pending_workflow", "value": "unlock_account"}
    rasa.actions.answers["action_start_workflow"] = {"events": [pending], "responses": [{"text": "Shall I?"}]}
    talk.say("my account is locked")
    for _ in range(60):
        assert talk.say("hello")["status"] == "ok"
    tracker = talk.tracker
    assert len([event for event in tracker["events"] if event["event"] == "user"]) <= 41
    assert tracker["slots"]["pending_workflow"] == "unlock_account"
    assert _texts(talk.say("how do refunds work", turn="trn_x")) == ["action_answer_question"]
    assert _texts(talk.say("yes", turn="trn_x")) == ["action_confirm_workflow"]


def test_two_conversations_do_not_know_of_each_other(rasa: Any) -> None:
    from tests.bot.rasa_components.conftest import Talk

    rasa.actions.ask_which_order()
    one, other = Talk(rasa), Talk(rasa)
    one.say("where is my order")
    other.say("hello")
    assert one.tracker["active_loop"].get("name") == "workflow_form"
    assert not other.tracker["active_loop"].get("name")


def test_a_model_can_be_swapped_in_the_middle_of_a_conversation(
    rasa: Any, talk: Any, trained_model: Any, tmp_path: Any
) -> None:
    import shutil
    import urllib.request

    rasa.actions.ask_which_order()
    other = shutil.copy(trained_model, tmp_path / "another.tar.gz")
    assert talk.say("where is my order")["model"] == trained_model.name.removesuffix(".tar.gz")
    for model, name in (
        (str(other), "another"),
        (str(trained_model), trained_model.name.removesuffix(".tar.gz")),
    ):
        request = urllib.request.Request(
            f"http://127.0.0.1:{rasa.port}/model?token={rasa.token}",
            json.dumps({"model_file": model}).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 204
        answer = talk.say("what is your refund policy?")
        assert answer["model"] == name
        heard = rasa.actions.calls[-1]["tracker"]["latest_message"]["metadata"]
        assert heard["model"] == name, "the action hears which model read the message"
        assert _texts(answer)[0] == "action_answer_question"
    assert _texts(talk.say("K-20451")) == ["continued"]


def test_the_plain_rest_channel_is_there_as_a_yardstick(rasa: Any) -> None:
    import urllib.request

    body = json.dumps({"sender": "rest-user", "message": "hello"}).encode()
    url = f"http://127.0.0.1:{rasa.port}/webhooks/rest/webhook"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert json.load(response)[0]["text"].startswith("Hello!")


def test_rasas_own_api_asks_for_the_token(rasa: Any) -> None:
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{rasa.port}/conversations/x/tracker", timeout=30)
    caught.value.close()
    assert caught.value.code == 401
