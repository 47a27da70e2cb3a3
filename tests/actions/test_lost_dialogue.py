"""A dialogue whose memory is lost in the middle is found again on record; nothing is done on a guess."""

import pytest

from actions.dialogue.recovery import LOST
from tests.actions.conftest import Bench
from tests.actions.dialogue.test_asking_workflows import OLD, invoices
from tests.actions.troubles import INVOICE, TROUBLES, Trouble

ACTING = [trouble for trouble in TROUBLES if trouble.workflow != "refund_invoice"]


@pytest.mark.parametrize("trouble", ACTING, ids=lambda one: one.workflow)
async def test_a_yes_after_a_loss_is_asked_again_with_the_same_buttons_and_then_counts(
    bench: Bench, trouble: Trouble
) -> None:
    trouble.bring_about(bench)
    asked = await trouble.begin(bench)
    bench.chat.lose()
    again = await bench.chat.yes()
    assert again.text.startswith(LOST)
    assert bench.host.calls == []
    assert again.payloads == asked.payloads
    assert again.text.endswith(asked.text.rpartition(". ")[2])
    assert (await bench.chat.yes()).card("resolution")["outcome"] == "verified"
    assert len([call for call in bench.host.calls if call[0] == trouble.operation_name]) == 1
    [attempt] = [one for one in await bench.attempts() if one.name == trouble.workflow]
    assert attempt.outcome == "verified"


async def test_a_no_after_a_loss_is_a_no(bench: Bench) -> None:
    ACTING[0].bring_about(bench)
    await ACTING[0].begin(bench)
    bench.chat.lose()
    reply = await bench.chat.no()
    assert bench.host.calls == []
    assert not reply.text.startswith(LOST)
    assert [one.outcome for one in await bench.attempts()] == ["abandoned"]
    assert reply.slots["pending_workflow"] is None


async def test_a_yes_that_was_typed_is_asked_again_too(bench: Bench) -> None:
    ACTING[0].bring_about(bench)
    await ACTING[0].begin(bench)
    bench.chat.lose()
    reply = await bench.chat.misunderstood("yes do it")
    assert reply.text.startswith(LOST)
    assert bench.host.calls == []


async def test_a_yes_to_what_an_older_dialogue_holds_does_not_count(bench: Bench) -> None:
    """The latest turn was not kept: what is remembered is what was offered before."""
    first, second = ACTING[0], ACTING[1]
    first.bring_about(bench)
    second.bring_about(bench)
    await first.begin(bench)
    kept = dict(bench.chat.slots)
    await bench.chat.no()
    offered = await second.begin(bench)
    bench.chat.slots = kept
    reply = await bench.chat.yes()
    assert reply.text.startswith(LOST)
    assert reply.slots["pending_workflow"] == offered.slots["pending_workflow"]
    assert bench.host.calls == []


async def test_an_act_that_was_under_way_goes_on_with_the_same_key(bench: Bench) -> None:
    trouble = ACTING[0]
    trouble.bring_about(bench)
    await trouble.begin(bench)
    latest = bench.chat.hear("affirm", turn="trn_yes")
    bench.host.fault = "hang_after"
    await bench.chat.act("action_confirm_workflow", latest)
    before = [call[2] for call in bench.host.calls]
    bench.host.fault = None
    bench.chat.lose()
    await bench.chat.act("action_confirm_workflow", bench.chat.hear("affirm", turn="trn_yes"))
    assert {call[2] for call in bench.host.calls} == set(before)


async def test_what_went_cold_is_started_anew_and_not_acted_on(bench: Bench) -> None:
    trouble = ACTING[0]
    trouble.bring_about(bench)
    await trouble.begin(bench)
    bench.clock.advance(2 * 3600)
    await bench.room.log.abandon_cold()
    bench.chat.lose()
    reply = await bench.chat.yes()
    assert LOST in reply.text
    assert reply.payloads == ["/affirm", "/deny"]
    assert bench.host.calls == []
    assert (await bench.chat.yes()).card("resolution")["outcome"] == "verified"


async def test_after_a_person_had_the_conversation_nothing_comes_back(bench: Bench) -> None:
    ACTING[0].bring_about(bench)
    await ACTING[0].begin(bench)
    await bench.room.log.close_open(bench.chat.conversation, "escalated")
    bench.chat.lose()
    reply = await bench.chat.yes()
    assert not reply.text.startswith(LOST)
    assert bench.host.calls == []


@pytest.mark.parametrize(("said", "pressed"), [("INV-3002", None), ("/inform", "INV-3002")])
async def test_an_answer_in_the_middle_of_a_form_is_taken(
    bench: Bench, said: str, pressed: str | None
) -> None:
    invoices(bench, OLD, INVOICE)
    await bench.chat.start("refund_invoice", "I want my money back")
    bench.chat.lose()
    latest = bench.chat.hear("inform" if pressed else "nlu_fallback", said)
    if pressed:
        latest["entities"] = [{"entity": "workflow_answer", "value": pressed}]
    reply = await bench.chat.act("action_take_choice" if pressed else "action_clarify", latest)
    assert "INV-3002" in reply.text
    assert reply.payloads == ["/affirm", "/deny"]
    assert bench.host.calls == []
    bench.chat.lose()
    again = await bench.chat.yes()
    assert "INV-3002" in again.text, "the answer is on record too"
    await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("refund_invoice", {"number": "INV-3002"})


@pytest.mark.parametrize(
    ("action", "intent", "text"),
    [("action_clarify", "nlu_fallback", "blorp"), ("action_confirm_workflow", "affirm", None)],
)
async def test_what_is_no_answer_has_the_question_asked_again(
    bench: Bench, action: str, intent: str, text: str | None
) -> None:
    invoices(bench, OLD, INVOICE)
    await bench.chat.start("refund_invoice", "I want my money back")
    bench.chat.lose()
    reply = await bench.chat.act(action, bench.chat.hear(intent, text))
    assert bench.chat.loop == "workflow_form"
    assert any(payload.startswith("/inform") for payload in reply.payloads)
    assert "INV-3002" in (await bench.chat.answer("INV-3002")).text


async def test_an_offer_of_a_person_is_found_in_the_transcript(bench: Bench) -> None:
    await bench.chat.misunderstood("blorp")
    bench.chat.lose()
    bench.context.last_offered = frozenset({"/talk_to_person", "/deny"})
    assert (await bench.chat.yes()).has("handoff")


async def test_a_choice_of_a_question_that_is_closed_says_so(bench: Bench) -> None:
    reply = await bench.chat.act("action_take_choice", bench.chat.hear("inform"))
    assert reply.text
    assert bench.host.calls == []
