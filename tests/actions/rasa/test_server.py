"""The rasa-sdk protocol over HTTP."""

import json
import zlib
from typing import Any

import pytest

from actions.rasa.actions import ACTIONS
from actions.rasa.server import ActionServer
from tests.actions.conftest import Bench

CONTRACT = {
    "action_start_workflow", "action_confirm_workflow", "action_decline_workflow", "action_diagnose_sign_in",
    "action_answer_question", "action_clarify", "action_hand_off", "action_offer_person",
    "action_capabilities", "action_feedback_helped", "action_feedback_not_helped", "action_continue_workflow",
    "action_take_choice",
}  # fmt: skip


def call(action: str = "action_capabilities", **more: Any) -> dict[str, Any]:
    tracker = {"sender_id": "cnv_1:2", "slots": {}, "latest_message": {"text": "hi"}, "events": []}
    return {"next_action": action, "sender_id": "cnv_1:2", "tracker": tracker, "version": "3.6.21", **more}


async def post(bench: Bench, data: bytes, **headers: str) -> tuple[int, Any]:
    sent = {"Authorization": "Bearer inner", "Content-Type": "application/json", **headers}
    async with bench.client.post("/internal/rasa/actions", data=data, headers=sent) as response:
        return response.status, await response.json()


def test_every_action_of_the_contract_is_there() -> None:
    assert {action.action_name for action in ACTIONS} >= CONTRACT  # type: ignore[attr-defined]


async def test_answers_in_the_form_that_rasa_checks(bench: Bench) -> None:
    status, body = await post(bench, json.dumps(call()).encode())
    assert status == 200
    assert set(body) == {"events", "responses"}
    assert all(event["event"] == "slot" for event in body["events"])
    assert body["responses"][0]["text"]


@pytest.mark.parametrize("domain", [None, {}, {"intents": [], "slots": {}}])
async def test_the_domain_may_be_left_out(bench: Bench, domain: Any) -> None:
    extra = {} if domain is None else {"domain": domain}
    for action in ("action_capabilities", "validate_workflow_form"):
        status, _ = await post(bench, json.dumps(call(action, **extra)).encode())
        assert status == 200


async def test_a_call_with_every_null_that_rasa_sends_early_on(bench: Bench) -> None:
    body = call("action_clarify")
    body["tracker"].update(
        latest_message={"intent": {"name": None}, "intent_ranking": None, "metadata": None, "text": None},
        slots={"failed_attempts": None, "pending_workflow": None}, followup_action=None, active_loop=None,
    )  # fmt: skip
    status, answer = await post(bench, json.dumps(body).encode())
    assert status == 200
    assert answer["responses"]


async def test_unknown_action_is_404(bench: Bench) -> None:
    status, body = await post(bench, json.dumps(call("action_nothing")).encode())
    assert (status, body["action_name"]) == (404, "action_nothing")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"{}", b'{"next_action": 3}', b'{"next_action": "a"}', b"\xff"]
)
async def test_a_body_that_is_no_call_is_400(bench: Bench, raw: bytes) -> None:
    status, body = await post(bench, raw)
    assert status == 400
    assert set(body) == {"error", "action_name"}


async def test_a_compressed_call_is_read(bench: Bench) -> None:
    raw = json.dumps(call()).encode()
    status, _ = await post(bench, zlib.compress(raw), **{"Content-Encoding": "deflate"})
    assert status == 200
    status, _ = await post(bench, zlib.compress(raw))
    assert status == 200


async def test_a_crash_is_500_without_internals(bench: Bench) -> None:
    class Broken:
        async def run(self, body: Any) -> Any:
            raise RuntimeError("/srv/secret/path.py line 3")

    bench.room.server._executor = Broken()
    status, body = await post(bench, json.dumps(call()).encode())
    assert (status, body) == (500, {"error": "The action failed.", "action_name": "action_capabilities"})


async def test_only_our_own_processes_may_call(bench: Bench) -> None:
    async with bench.client.post("/internal/rasa/actions", json=call()) as response:
        assert response.status == 401
    assert [e.raw for e in ActionServer(None).endpoints()] == [True]


async def test_without_a_turn_the_message_id_tells_turns_apart(bench: Bench) -> None:
    chat = bench.chat
    for _ in range(2):
        latest = chat.hear("how_to", "do you sell bicycles")
        latest["metadata"] = {}
        await chat.act("action_answer_question", latest)
    turns = [attempt.turn_id for attempt in await bench.attempts()]
    assert len(set(turns)) == 2
    assert all(turn.startswith("msg_") for turn in turns)
