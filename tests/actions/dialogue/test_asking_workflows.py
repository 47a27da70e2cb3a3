"""The workflows that ask, explain, or end with a person, in conversations."""

from typing import Any

import pytest

from tests.actions.conftest import Bench
from tests.actions.troubles import INVOICE, LOST, TROUBLES, lay_over

OLD = {**INVOICE, "number": "INV-3001", "date": "2026-01-20", "refundable_until": "2026-02-03"}
MIDDLE = {**INVOICE, "number": "INV-3003", "date": "2026-02-20", "refundable_until": "2026-03-06"}
BACK = {**INVOICE, "number": "INV-2990", "date": "2025-12-20", "status": "refunded"}
TROUBLE = {trouble.workflow: trouble for trouble in TROUBLES}


def invoices(bench: Bench, *rows: dict[str, Any]) -> None:
    TROUBLE["refund_invoice"].bring_about(bench)
    bench.host.parts["billing"]["invoices"] = [dict(row) for row in rows]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("INV-3002", "INV-3002"),
        ("3003", "INV-3003"),
        ("my last one please", "INV-3002"),
        ("the latest", "INV-3002"),
        ("the first one", "INV-3002"),
        ("the second", "INV-3003"),
    ],
)
async def test_a_refund_asks_which_invoice_and_takes_many_answers(
    bench: Bench, said: str, number: str
) -> None:
    invoices(bench, MIDDLE, OLD, INVOICE)
    reply = await bench.chat.start("refund_invoice", "I want my money back")
    assert "Which invoice" in reply.text
    assert bench.chat.loop == "workflow_form"
    reply = await bench.chat.answer(said)
    assert number in reply.text
    assert "€18.90" in reply.text
    assert reply.payloads == ["/affirm", "/deny"]
    reply = await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("refund_invoice", {"number": number})
    assert reply.card("resolution")["outcome"] == "verified"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("refund my last invoice", "INV-3002"),
        ("please refund INV-3003 now", "INV-3003"),
        ("money back for the january box", "INV-3001"),
    ],
)
async def test_a_request_that_names_the_invoice_is_not_asked(bench: Bench, said: str, number: str) -> None:
    invoices(bench, MIDDLE, OLD, INVOICE)
    reply = await bench.chat.start("refund_invoice", said)
    assert number in reply.text
    assert bench.chat.loop is None


async def test_outside_the_window_it_is_explained_with_the_day_and_a_person_decides(bench: Bench) -> None:
    invoices(bench, INVOICE, OLD)
    await bench.chat.start("refund_invoice", "refund please")
    reply = await bench.chat.answer("INV-3001")
    assert "Tuesday 3 February" in reply.text
    assert "window is closed" in reply.text
    assert bench.host.calls == []
    assert (await bench.attempts())[0].error == "refund_window_closed"
    assert (await bench.chat.yes()).has("handoff")


async def test_a_question_on_the_way_to_a_refund_is_answered_and_the_refund_goes_on(bench: Bench) -> None:
    bench.knowledge.lay_out("grind", ("which-grind", 0.9))
    invoices(bench, INVOICE, OLD)
    await bench.chat.start("refund_invoice", "refund please")
    reply = await bench.chat.answer("which grind do I need for a french press", intent="how_to")
    assert reply.has("article")
    reply = await bench.chat.answer("3002")
    assert reply.payloads == ["/affirm", "/deny"]


async def test_what_was_refunded_or_never_paid_is_said(bench: Bench) -> None:
    invoices(bench, BACK, {**INVOICE, "status": "open"}, OLD)
    reply = await bench.chat.start("refund_invoice", "refund INV-2990")
    assert "was refunded already" in reply.text
    reply = await bench.another_chat().start("refund_invoice", "refund INV-3002")
    assert "hasn't been paid yet" in reply.text
    assert bench.host.calls == []


async def test_an_invoice_that_is_named_is_sent_after_a_yes_and_not_before(bench: Bench) -> None:
    def send(given: Any) -> None:
        bench.host.parts["billing"]["invoice_sent"][given["number"]] = "2026-03-02T09:00:09+00:00"

    invoices(bench, INVOICE, OLD)
    bench.host.more["resend_invoice"] = send
    reply = await bench.chat.start("resend_invoice", "send me an invoice again")
    assert "Which invoice" in reply.text
    reply = await bench.chat.answer("the january one")
    assert reply.payloads == ["/affirm", "/deny"]
    assert bench.host.calls == []
    reply = await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("resend_invoice", {"number": "INV-3001"})
    assert reply.card("resolution")["outcome"] == "verified"
    assert "ada@kettle.example" in reply.text


async def test_no_article_follows_what_was_done(bench: Bench) -> None:
    def send(given: Any) -> None:
        bench.host.parts["billing"]["invoice_sent"][given["number"]] = "2026-03-02T09:00:09+00:00"

    invoices(bench, INVOICE)
    bench.host.more["resend_invoice"] = send
    bench.knowledge.lay_out("", ("find-your-invoices", 0.9))
    await bench.chat.start("resend_invoice", "send me my invoice again")
    reply = await bench.chat.yes()
    assert reply.card("resolution")["outcome"] == "verified"
    assert not reply.has("article")


@pytest.mark.parametrize(
    "said",
    [
        "no need to send INV-3002",
        "why did you mail me INV-3002?",
        "how much was INV-3002?",
        "is INV-3002 paid",
    ],
)
async def test_mentioning_an_invoice_sends_nothing(bench: Bench, said: str) -> None:
    invoices(bench, INVOICE, OLD)
    await bench.chat.start("resend_invoice", said)
    assert bench.host.calls == []


async def test_an_application_that_lies_about_a_mail_is_not_believed(bench: Bench) -> None:
    invoices(bench, INVOICE)
    bench.host.more["resend_invoice"] = lambda given: None
    await bench.chat.start("resend_invoice", "send my invoice")
    reply = await bench.chat.yes()
    assert "I won't call it fixed" in reply.text


async def test_two_payments_for_one_invoice_go_to_a_person_with_what_was_found(bench: Bench) -> None:
    payment = {"id": "pay_1", "invoice": "INV-3002", "status": "paid", "amount_cents": 1890}
    bench.host.parts["billing"]["payments"] = [
        {**payment, "at": "2026-02-25T08:00:00+00:00"},
        {**payment, "id": "pay_2", "at": "2026-02-26T08:00:00+00:00"},
    ]
    reply = await bench.chat.start("charged_twice", "you charged me twice")
    assert "€18.90, taken twice on 25 February and 26 February" in reply.text
    handoff = reply.card("handoff")
    assert handoff["reason"] == "workflow_failed"
    assert "charged twice" in handoff["summary"].lower()
    assert "pay_" not in reply.text


async def test_one_payment_for_each_invoice_is_no_double_charge(bench: Bench) -> None:
    payment = {"id": "pay_1", "invoice": "INV-3002", "status": "paid", "amount_cents": 1890}
    failed = {**payment, "id": "pay_0", "status": "failed"}
    bench.host.parts["billing"]["payments"] = [failed, payment, {**payment, "id": "p", "invoice": "INV-3001"}]
    reply = await bench.chat.start("charged_twice", "you charged me twice")
    assert "taken only once" in reply.text
    assert "One try had failed" in reply.text
    assert not reply.has("handoff")


async def test_a_lost_second_factor_is_explained_and_handed_over(bench: Bench) -> None:
    bench.host.parts["account"]["second_factor"] = {"enabled": True, "method": "email_code"}
    reply = await bench.chat.start("lost_second_factor", "my phone is gone")
    assert "a code by e-mail" in reply.text
    assert "can't switch it off" in reply.text
    assert reply.has("handoff")


async def test_a_reported_device_explains_why_signing_in_fails(bench: Bench) -> None:
    bench.host.parts["account"]["second_factor"] = {"enabled": True, "method": "totp", "lost_device": True}
    reply = await bench.chat.act("action_diagnose_sign_in", bench.chat.hear("sign_in_trouble", "cant get in"))
    assert "an authenticator app" in reply.text
    assert reply.has("handoff")


@pytest.mark.parametrize(
    ("said", "weeks"),
    [
        ("two weeks", "2"), ("4", "4"), ("a week", "1"), ("2 months", "8"), ("for a month please", "4"),
        ("a fortnight", "2"), ("eight", "8"), ("1 week", "1"), ("just four", "4"),
    ],
)  # fmt: skip
async def test_a_pause_asks_for_how_long(bench: Bench, said: str, weeks: str) -> None:
    TROUBLE["pause_subscription"].bring_about(bench)
    reply = await bench.chat.start("pause_now", "pause my subscription")
    assert "For how long" in reply.text
    await bench.chat.answer(said)
    await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("pause_subscription", {"weeks": weeks})


@pytest.mark.parametrize("said", ["six weeks", "3", "three months"])
async def test_a_length_that_is_not_offered_is_said_and_asked_again(bench: Bench, said: str) -> None:
    TROUBLE["pause_subscription"].bring_about(bench)
    await bench.chat.start("pause_now", "pause my subscription")
    reply = await bench.chat.answer(said)
    assert "can't pause it for exactly" in reply.text
    assert "For how long" in reply.text
    reply = await bench.chat.answer("four weeks then")
    assert reply.payloads == ["/affirm", "/deny"]


async def test_a_pause_already_there_is_told_with_its_end(bench: Bench) -> None:
    lay_over(bench.host.parts, {"subscription": {"state": "paused", "paused_until": "2026-04-01"}})
    reply = await bench.chat.start("pause_now", "pause my subscription for a week")
    assert "paused already until Wednesday 1 April" in reply.text


async def test_of_two_lost_orders_it_asks_which(bench: Bench) -> None:
    TROUBLE["replace_lost_order"].bring_about(bench)
    other = {**LOST, "number": "K-20440", "items": ["House blend"]}
    bench.host.parts["orders"] = [dict(LOST), other]
    reply = await bench.chat.start("order_missing", "my parcel is lost")
    assert "lost 2 of your orders" in reply.text
    await bench.chat.answer("the house blend")
    await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("replace_order", {"number": "K-20440"})


async def test_a_late_order_is_not_sent_twice(bench: Bench) -> None:
    bench.host.parts["orders"] = [{**LOST, "status": "delayed"}]
    reply = await bench.chat.start("order_missing", "my parcel is lost")
    assert "delayed, but not lost" in reply.text
    assert bench.host.calls == []
    assert (await bench.chat.yes()).has("handoff")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"status": "in_transit"}, "on its way"),
        ({"status": "delivered"}, "No order of yours shows as late or lost"),
        ({"status": "lost", "replaced_by": "K-20499"}, "being sent again already"),
    ],
)
async def test_nothing_lost_says_what_is_so(bench: Bench, row: dict[str, Any], said: str) -> None:
    bench.host.parts["orders"] = [{**LOST, **row}]
    reply = await bench.chat.start("order_missing", "where did you lose it")
    assert said in reply.text
    assert bench.host.calls == []


async def test_other_devices_wait_for_the_step_up(bench: Bench) -> None:
    TROUBLE["sign_out_other_sessions"].bring_about(bench)
    bench.host.forbidden["sign_out_other_sessions"] = "step_up_required"
    bench.host.confirm_at = "/confirm"
    await bench.chat.start("sign_out_others", "sign out everywhere else")
    reply = await bench.chat.yes()
    if not reply.has("step_up"):
        reply = await bench.chat.yes()
    assert reply.card("step_up")["url"] == "/confirm"
    assert bench.host.calls == []
    del bench.host.forbidden["sign_out_other_sessions"]
    assert (await bench.chat.yes()).card("resolution")["outcome"] == "verified"


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ({"state": "bounced"}, "come back to us"),
        ({"state": "suppressed", "reason": "complaint"}, "reported as spam"),
        ({"enabled": False}, "switched off in your settings"),
        ({}, "aren't blocked on our side"),
    ],
)
async def test_mails_that_are_not_ours_to_start_are_explained(
    bench: Bench, email: dict[str, Any], said: str
) -> None:
    bench.host.parts["notifications"]["email"].update(email)
    reply = await bench.chat.start("notifications_not_arriving", "I get no mails")
    assert said in reply.text
    assert bench.host.calls == []
    assert "/affirm" not in reply.payloads or reply.slots["offered_person"]


async def test_an_unconfirmed_number_is_explained(bench: Bench) -> None:
    bench.host.parts["notifications"]["sms"] = {
        "enabled": True, "number": "+353 86 5550142", "state": "unverified"
    }  # fmt: skip
    reply = await bench.chat.start("texts_not_arriving", "no texts")
    assert "ending in 42 isn't confirmed" in reply.text
    assert "5550142" not in reply.text


async def test_no_mails_because_the_address_is_unconfirmed_goes_on_with_that(bench: Bench) -> None:
    bench.host.parts["account"]["email_verified"] = False
    reply = await bench.chat.start("notifications_not_arriving", "I get no mails")
    assert "isn't confirmed yet" in reply.text
    assert reply.slots["pending_workflow"] == "resend_verification"


async def test_a_wrong_plan_may_be_a_change_that_stopped(bench: Bench) -> None:
    TROUBLE["finish_migration"].bring_about(bench)
    reply = await bench.chat.start("plan_not_updated", "it shows the wrong plan")
    assert "stopped half way, after 2 of 4 steps" in reply.text
    assert reply.slots["pending_workflow"] == "finish_migration"


async def test_a_stale_plan_waits_for_the_change_that_is_unfinished(bench: Bench) -> None:
    TROUBLE["refresh_plan"].bring_about(bench)
    TROUBLE["finish_migration"].bring_about(bench)
    reply = await bench.chat.start("plan_not_updated", "it shows the wrong plan")
    assert "isn't complete" in reply.text
    assert reply.slots["pending_workflow"] == "finish_migration"
    reply = await bench.chat.yes()
    assert reply.card("resolution")["workflow"] == "finish_migration"
    assert reply.slots["pending_workflow"] == "refresh_plan", "the old copy is still shown here"
    assert (await bench.chat.yes()).card("resolution")["workflow"] == "refresh_plan"


async def test_what_the_plan_does_not_include_is_said(bench: Bench) -> None:
    reply = await bench.chat.start("feature_missing", "where is the roast radar")
    assert "doesn't include roast radar" in reply.text


@pytest.mark.parametrize(
    ("said", "intent", "weeks"),
    [
        ("no, eight weeks", "deny", "8"), ("make that one week", "affirm", "1"),
        ("a month is better", "how_to", "4"), ("ok but 1 week", "affirm", "1"),
    ],
)  # fmt: skip
async def test_an_answer_can_be_corrected_when_it_asks_for_the_yes(
    bench: Bench, said: str, intent: str, weeks: str
) -> None:
    TROUBLE["pause_subscription"].bring_about(bench)
    await bench.chat.start("pause_now", "pause it for two weeks")
    action = {"deny": "action_decline_workflow", "affirm": "action_confirm_workflow"}.get(intent)
    reply = await bench.chat.act(action or "action_answer_question", bench.chat.hear(intent, said))
    assert bench.host.calls == []
    assert reply.payloads == ["/affirm", "/deny"]
    await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("pause_subscription", {"weeks": weeks})


async def test_a_yes_with_another_invoice_is_no_yes_to_this_one(bench: Bench) -> None:
    invoices(bench, MIDDLE, OLD, INVOICE)
    await bench.chat.start("refund_invoice", "refund my last invoice")
    reply = await bench.chat.act("action_confirm_workflow", bench.chat.hear("affirm", "yes, INV-3003"))
    assert bench.host.calls == []
    assert "INV-3003" in reply.text
    await bench.chat.yes()
    assert bench.host.calls[0][:2] == ("refund_invoice", {"number": "INV-3003"})
