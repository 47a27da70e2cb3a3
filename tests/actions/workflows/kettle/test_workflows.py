"""Each workflow against an application that is honest, lies, hangs, refuses, or changes meanwhile."""

import copy
from typing import Any

import pytest

from actions.framework.registry import Registry
from tests.actions.conftest import Bench, healthy
from tests.actions.troubles import BY_WORKFLOW, TROUBLES, Trouble

WITHOUT_SINGLE_FIELDS = {
    "resync_preferences",
    "restart_export",
    "replace_lost_order",
    "sign_out_other_sessions",
    "refresh_features",
}
"""They read lists, which the summary for agents does not spell out."""
each = pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.workflow for trouble in TROUBLES])


def test_every_workflow_that_changes_something_is_in_the_table() -> None:
    acting = {w.meta.id: w.meta for w in Registry.load() if w.meta.changes_something}
    assert set(acting) == set(BY_WORKFLOW)
    for name, trouble in BY_WORKFLOW.items():
        assert trouble.intent in acting[name].intents
        assert trouble.operation_name in acting[name].operations
        assert bool(trouble.undo) == acting[name].reversible


@each
async def test_explains_and_asks_before_it_acts(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    reply = await trouble.begin(bench)
    assert bench.host.calls == []
    assert reply.payloads == ["/affirm", "/deny"]
    assert reply.slots["pending_workflow"] == trouble.workflow
    assert reply.text.endswith(("?", "."))
    [attempt] = await bench.attempts()
    assert (attempt.name, attempt.outcome, attempt.finished_at) == (trouble.workflow, None, None)


@each
async def test_acts_once_and_proves_it_by_a_second_look(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    await trouble.begin(bench)
    looks = len(bench.host.reads)
    reply = await bench.chat.yes()
    assert len(bench.host.calls) == bench.host.acts == 1
    further = len(bench.host.reads) - looks - 2
    assert further in (0, 1), "one look right before the act, one after it, one for what else may be wrong"
    card = reply.card("resolution")
    assert card["outcome"] == "verified"
    assert card["workflow"] == trouble.workflow
    assert all(fact["before"] != fact["after"] for fact in card["facts"])
    assert card["facts"]
    assert card["checked_at"]
    assert reply.slots["pending_workflow"] is None
    [attempt] = await bench.attempts()
    assert attempt.outcome == "verified"
    assert attempt.done["answer"]["status"] in ("done", "accepted")


@each
async def test_does_not_believe_an_application_that_lies(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.fault = "lie"
    await trouble.begin(bench)
    reply = await bench.chat.yes()
    assert reply.card("resolution")["outcome"] == "failed"
    assert "I won't call it fixed" in reply.text
    assert "/talk_to_person" in reply.payloads
    assert reply.slots["offered_person"] is True
    [attempt] = await bench.attempts()
    assert (attempt.outcome, attempt.error) == ("failed", "state_disagrees")


@each
async def test_hand_off_after_a_lie_tells_what_was_tried(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.fault = "lie"
    await trouble.begin(bench)
    await bench.chat.yes()
    handoff = (await bench.chat.yes()).card("handoff")
    assert handoff["reason"] == "workflow_failed"
    assert "did not help (state disagrees)" in handoff["summary"]
    assert "Seen:" in handoff["summary"] or trouble.workflow in WITHOUT_SINGLE_FIELDS


@each
@pytest.mark.parametrize("fault", ["refuse", "fail"])
async def test_explains_a_refusal_or_failure_and_offers_a_person(
    bench: Bench, trouble: Trouble, fault: str
) -> None:
    trouble.bring_about(bench)
    bench.host.fault = fault
    bench.knowledge.by_word = {"": [_hit()]}
    await trouble.begin(bench)
    reply = await bench.chat.yes()
    assert not reply.has("resolution")
    assert reply.card("article")["article_id"] == "some-article"
    assert reply.slots["offered_person"] is True
    [attempt] = await bench.attempts()
    assert (attempt.outcome, attempt.article_id) == ("failed", "some-article")


@each
async def test_an_operation_that_hangs_is_not_called_done(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.fault = "hang"
    await trouble.begin(bench)
    reply = await bench.chat.yes()
    assert "no answer in time" in reply.text
    assert reply.slots["offered_person"] is True
    [attempt] = await bench.attempts()
    assert (attempt.outcome, attempt.error) == ("failed", "host_unavailable")


@each
async def test_the_state_decides_when_the_answer_got_lost(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.fault = "hang_after"
    await trouble.begin(bench)
    reply = await bench.chat.yes()
    assert reply.card("resolution")["outcome"] == "verified"


@each
async def test_waits_a_moment_for_reads_that_lag_behind(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.fault = "slow"
    await trouble.begin(bench)
    assert (await bench.chat.yes()).card("resolution")["outcome"] == "verified"


@each
async def test_without_a_second_look_it_promises_nothing(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.fault = "no_second_look"
    await trouble.begin(bench)
    reply = await bench.chat.yes()
    assert "can't promise" in reply.text
    assert not reply.has("resolution")
    [attempt] = await bench.attempts()
    assert (attempt.outcome, attempt.error) == ("assumed", "second_look_failed")


@each
@pytest.mark.parametrize("fault", ["no_state", "state_hangs"])
async def test_says_so_when_it_cannot_look(bench: Bench, trouble: Trouble, fault: str) -> None:
    bench.host.fault = fault
    reply = await trouble.begin(bench)
    assert "can't reach your account" in reply.text
    assert reply.slots["offered_person"] is True
    [attempt] = await bench.attempts()
    assert (attempt.outcome, attempt.error) == ("failed", "host_unavailable")


@each
async def test_does_not_act_when_it_cannot_look_right_before(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    await trouble.begin(bench)
    bench.host.fault = "no_state"
    reply = await bench.chat.yes()
    assert bench.host.calls == []
    assert "can't reach your account" in reply.text


@each
async def test_says_beforehand_what_the_application_would_refuse(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    bench.host.forbidden[trouble.operation_name] = "needs_review"
    reply = await trouble.begin(bench)
    assert reply.slots["pending_workflow"] is None
    assert "needs a look by a person" in reply.text
    handoff = (await bench.chat.yes()).card("handoff")
    assert handoff["reason"] == "policy"
    assert bench.host.calls == []


WANTED_AGAIN = ("reset_password", "resend_invoice")
"""Mail that was sent meanwhile may still be wanted once more."""


@pytest.mark.parametrize(
    "trouble", [t for t in TROUBLES if t.workflow not in WANTED_AGAIN], ids=lambda t: t.workflow
)
async def test_mended_between_question_and_yes_it_is_left_alone(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    await trouble.begin(bench)
    trouble.mend(bench.host)
    reply = await bench.chat.yes()
    assert bench.host.calls == []
    assert "changed since I asked" in reply.text
    [attempt] = await bench.attempts()
    assert attempt.outcome == "assumed"


@each
async def test_a_no_leaves_everything_as_it_is(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    await trouble.begin(bench)
    reply = await bench.chat.no()
    assert bench.host.calls == []
    assert reply.slots["pending_workflow"] is None
    assert [attempt.outcome for attempt in await bench.attempts()] == ["abandoned"]
    await bench.chat.yes()
    assert bench.host.calls == [], "a late yes finds nothing to do"


@each
async def test_a_confirming_turn_that_runs_twice_acts_once(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    await trouble.begin(bench)
    before = dict(bench.chat.slots)
    latest = bench.chat.hear("affirm")
    first = await bench.chat.act("action_confirm_workflow", latest)
    bench.chat.slots = before  # Rasa's tracker is rewound to before the turn
    again = await bench.chat.act("action_confirm_workflow", latest)
    assert bench.host.acts == 1
    assert len({key for _, _, key in bench.host.calls}) == 1
    assert again.card("resolution")["facts"] == first.card("resolution")["facts"]
    assert [attempt.outcome for attempt in await bench.attempts()] == ["verified"]


@pytest.mark.parametrize("trouble", [t for t in TROUBLES if t.undo], ids=lambda t: t.workflow)
async def test_what_cannot_be_seen_is_taken_back_where_it_can_be(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    as_it_was = copy.deepcopy(bench.host.parts)
    await trouble.begin(bench)
    bench.host.fault = "no_second_look"
    reply = await bench.chat.yes()
    assert not reply.has("resolution")
    assert bench.host.parts == as_it_was
    assert [call[0] for call in bench.host.calls] == [trouble.operation_name, *trouble.undo]


@pytest.mark.parametrize("trouble", [t for t in TROUBLES if t.undo], ids=lambda t: t.workflow)
async def test_the_user_may_have_it_taken_back(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    as_it_was = copy.deepcopy(bench.host.parts)
    await trouble.begin(bench)
    await bench.chat.yes()
    assert bench.host.parts != as_it_was
    reply = await bench.chat.act("action_undo_last", bench.chat.hear("undo_last", "undo that"))
    assert "took it back" in reply.text
    assert bench.host.parts == as_it_was


@pytest.mark.parametrize("trouble", [t for t in TROUBLES if not t.undo], ids=lambda t: t.workflow)
async def test_a_turn_that_died_after_the_act_still_proves_it(bench: Bench, trouble: Trouble) -> None:
    trouble.bring_about(bench)
    await trouble.begin(bench)
    before = dict(bench.chat.slots)
    latest = bench.chat.hear("affirm")
    bench.host.fault = "no_second_look"
    await bench.chat.act("action_confirm_workflow", latest)
    bench.host.fault, bench.chat.slots = None, before
    again = await bench.chat.act("action_confirm_workflow", latest)
    assert bench.host.acts == 1
    assert again.card("resolution")["outcome"] == "verified"
    assert [attempt.outcome for attempt in await bench.attempts()] == ["verified"]


@each
async def test_two_requests_have_two_keys(bench: Bench, trouble: Trouble) -> None:
    for _ in range(2):
        bench.clock.advance(61)
        bench.host.parts = healthy()
        trouble.bring_about(bench)
        await trouble.begin(bench)
        await bench.chat.yes()
    assert len({key for _, _, key in bench.host.calls}) == 2


@pytest.mark.parametrize(
    ("intent", "seen"),
    [
        ("unlock_account", "it isn't locked"),
        ("resend_verification", "ada@kettle.example is confirmed already"),
        ("preferences_not_saved", "they are the same"),
        ("payment_failed", "nothing is due"),
        ("export_stuck", "none of them is stuck"),
    ],
)
async def test_already_fine_says_what_was_seen_and_asks(bench: Bench, intent: str, seen: str) -> None:
    reply = await bench.chat.start(intent)
    assert seen in reply.text
    assert "What do you see" in reply.text
    assert reply.slots["pending_workflow"] is None
    assert [attempt.outcome for attempt in await bench.attempts()] == ["assumed"]


async def test_not_locked_but_the_password_expired_goes_on_with_that(bench: Bench) -> None:
    bench.host.parts["account"]["password_expired"] = True
    reply = await bench.chat.start("unlock_account")
    assert "isn't locked" in reply.text
    assert "has expired" in reply.text
    assert reply.slots["pending_workflow"] == "reset_password"
    await bench.chat.yes()
    assert [call[0] for call in bench.host.calls] == ["send_password_reset"]


async def test_a_lock_by_the_team_is_not_lifted(bench: Bench) -> None:
    bench.host.parts["account"].update(locked=True, lock_reason="fraud_review")
    reply = await bench.chat.start("unlock_account")
    assert "set by our team" in reply.text
    assert "fraud" not in reply.text
    assert bench.host.calls == []
    assert (await bench.chat.yes()).card("handoff")["priority"] == "high"


async def test_an_expired_card_is_explained_with_what_to_do(bench: Bench) -> None:
    BY_WORKFLOW["retry_payment"].bring_about(bench)
    bench.host.fault, bench.host.refusal = "fail", ("card_expired", "The card has expired.")
    bench.knowledge.lay_out("card", ("update-your-card", 0.7))
    await bench.chat.start("payment_failed")
    reply = await bench.chat.yes()
    assert "has expired" in reply.text
    assert "add a card" in reply.text
    assert reply.card("article")["article_id"] == "update-your-card"


async def test_a_yes_to_one_amount_is_no_yes_to_another(bench: Bench) -> None:
    BY_WORKFLOW["retry_payment"].bring_about(bench)
    await bench.chat.start("payment_failed")
    bench.host.parts["billing"]["amount_due_cents"] = 9900
    reply = await bench.chat.yes()
    assert bench.host.calls == []
    assert "€99.00" in reply.text
    assert reply.slots["pending_workflow"] == "retry_payment"
    await bench.chat.yes()
    assert len(bench.host.calls) == 1


@pytest.mark.parametrize("typed", [True, False])
async def test_a_typed_yes_after_a_digression_is_asked_back(bench: Bench, typed: bool) -> None:
    BY_WORKFLOW["retry_payment"].bring_about(bench)
    await bench.chat.start("payment_failed")
    bench.chat.hear("bot_challenge", "are you a robot")
    bench.chat.events.append({"event": "action", "name": "utter_bot_challenge"})
    bench.chat.events.append({"event": "action", "name": "action_listen"})
    latest = bench.chat.hear("affirm", "yes" if typed else None)
    reply = await bench.chat.act("action_confirm_workflow", latest)
    assert len(bench.host.calls) == (0 if typed else 1)
    if typed:
        assert "Just to be sure" in reply.text
        assert (await bench.chat.act("action_confirm_workflow", bench.chat.hear("affirm", "yes"))).has(
            "resolution"
        )


async def test_a_yes_from_another_conversation_counts_for_nothing(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    other = bench.another_chat()
    other.slots.update(bench.chat.slots)
    reply = await other.yes()
    assert bench.host.calls == []
    assert reply.payloads == ["/affirm", "/deny"], "it asks in this conversation first"


async def test_a_yes_after_half_an_hour_is_asked_for_again(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    bench.clock.advance(1801)
    assert await bench.room.log.abandon_cold() == 1
    reply = await bench.chat.yes()
    assert bench.host.calls == []
    assert reply.payloads == ["/affirm", "/deny"]


async def test_moving_on_drops_what_waited(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    reply = await bench.chat.start("reset_password", "I need a new password")
    assert reply.slots["pending_workflow"] == "reset_password"
    outcomes = {attempt.name: attempt.outcome for attempt in await bench.attempts()}
    assert outcomes["unlock_account"] == "abandoned"


@pytest.mark.parametrize("found", [True, False])
async def test_a_question_on_the_way_is_answered_and_then_it_asks_again(bench: Bench, found: bool) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    if found:
        bench.knowledge.lay_out("invoice", ("find-your-invoices", 0.8))
    await bench.chat.start("unlock_account")
    reply = await bench.chat.ask("get_invoice", "where is my invoice")
    assert reply.has("article") is found
    assert "Shall I unlock it now?" in reply.text
    assert reply.payloads[-2:] == ["/affirm", "/deny"]
    assert "/helped" not in reply.payloads, "a yes would be to two questions"
    assert "/talk_to_person" in reply.payloads or found
    assert bench.host.calls == []
    done = await bench.chat.act("action_confirm_workflow", bench.chat.hear("affirm", "yes please"))
    assert done.card("resolution")["outcome"] == "verified"
    outcomes = {attempt.name: attempt.outcome for attempt in await bench.attempts()}
    assert outcomes["unlock_account"] == "verified"


async def test_what_is_told_at_once_leaves_the_question_open(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    reply = await bench.chat.start("order_status", "where is my order")
    assert "no orders" in reply.text
    assert "Shall I unlock it now?" in reply.text
    assert (await bench.chat.yes()).card("resolution")["outcome"] == "verified"


async def test_who_asks_for_a_moment_gets_it(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    reply = await bench.chat.act("action_decline_workflow", bench.chat.hear("cancel", "hold on a sec"))
    assert reply.slots["pending_workflow"] == "unlock_account"
    assert "take your time" in reply.text


@pytest.mark.parametrize(("said", "asks"), [("fine, unlock it then", True), ("ok", False)])
async def test_what_was_declined_can_be_asked_for_in_the_same_words(
    bench: Bench, said: str, asks: bool
) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    await bench.chat.no()
    reply = await bench.chat.act("action_clarify", bench.chat.hear("nlu_fallback", said))
    assert ("Yes, unlock it" in str(reply.messages)) is asks
    assert bench.host.calls == []


async def test_a_yes_and_another_request_are_both_taken(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    bench.host.parts["exports"] = [{"id": "exp_1", "kind": "orders", "state": "stuck", "requested_at": None}]
    await bench.chat.start("unlock_account")
    reply = await bench.chat.start("export_stuck", "yes do that and have a look at my export")
    assert [call[0] for call in bench.host.calls] == ["unlock_account"]
    assert reply.has("resolution")
    assert reply.slots["pending_workflow"] == "restart_export"


async def test_a_user_who_insists_is_offered_a_person(bench: Bench) -> None:
    reply = await bench.chat.start("unlock_account", "it is locked")
    assert not reply.slots["offered_person"]
    reply = await bench.chat.start("unlock_account", "but it is locked")
    assert reply.slots["offered_person"] is True


async def test_a_message_that_is_not_understood_leaves_the_question_open(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    reply = await bench.chat.misunderstood("flurble")
    assert "Shall I unlock it now?" in reply.text
    assert reply.slots["failed_attempts"] == 1
    reply = await bench.chat.misunderstood("wug")
    assert reply.slots["offered_person"] is True
    assert reply.slots["pending_workflow"] is None, "a yes is now to the person"


async def test_what_is_mended_by_then_is_not_asked_again(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    bench.host.parts["account"].update(locked=False, lock_reason=None)
    reply = await bench.chat.ask("get_invoice", "where is my invoice")
    assert "Shall I" not in reply.text
    assert reply.slots["pending_workflow"] is None
    assert (await bench.attempts())[0].outcome == "abandoned"


@pytest.mark.parametrize(
    ("said", "intent", "confidence", "acts"),
    [
        ("unlock it then", "sign_out_others", 0.5, True), ("let me back in", "affirm", 0.9, True),
        ("let me back in", "affirm", 0.6, False), ("yes unless it costs something", "affirm", 0.95, False),
        ("turn that off for me", "pause_now", 0.5, False),
    ],
)  # fmt: skip
async def test_only_a_clear_yes_acts(
    bench: Bench, said: str, intent: str, confidence: float, acts: bool
) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    action = "action_confirm_workflow" if intent == "affirm" else "action_start_workflow"
    reply = await bench.chat.act(action, bench.chat.hear(intent, said, confidence))
    assert len(bench.host.calls) == acts
    if not acts:
        assert "Just to be sure" in reply.text
        assert reply.payloads == ["/affirm", "/deny"]


@pytest.mark.parametrize("mended", [True, False])
async def test_another_try_begins_again_with_what_failed(bench: Bench, mended: bool) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    bench.host.fault = "fail"
    await bench.chat.start("unlock_account")
    assert (await bench.chat.yes()).slots["offered_person"] is True
    bench.host.fault = None if mended else "no_state"
    latest = bench.chat.hear("not_helped", "ok, try again")
    reply = await bench.chat.act("action_feedback_not_helped", latest)
    assert ("/affirm" in reply.payloads) is mended, "it asks first, as ever"
    assert len(bench.host.calls) == 1


async def test_another_try_of_what_worked_is_none(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    await bench.chat.yes()
    reply = await bench.chat.act("action_clarify", bench.chat.hear("nlu_fallback", "again please"))
    assert "/affirm" not in reply.payloads


async def test_later_is_a_no_whatever_it_is_read_as(bench: Bench) -> None:
    BY_WORKFLOW["retry_payment"].bring_about(bench)
    await bench.chat.start("payment_failed")
    reply = await bench.chat.act("action_confirm_workflow", bench.chat.hear("affirm", "later", 0.9))
    assert bench.host.calls == []
    assert reply.slots["pending_workflow"] is None
    assert (await bench.attempts())[0].outcome == "abandoned"


async def test_only_declared_fields_are_read_and_stored(bench: Bench) -> None:
    BY_WORKFLOW["unlock_account"].bring_about(bench)
    await bench.chat.start("unlock_account")
    assert {part for read in bench.host.reads for part in read} == {"account"}
    [attempt] = await bench.attempts()
    assert set(attempt.read) == {
        "account.locked", "account.lock_reason", "account.failed_sign_ins", "account.status"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "pending"),
    [
        ({"locked": True, "lock_reason": "too_many_attempts"}, "unlock_account"),
        ({"password_expired": True}, "reset_password"),
        ({"email_verified": False}, "resend_verification"),
        ({"locked": True, "password_expired": True, "email_verified": False}, "unlock_account"),
        ({}, None),
    ],
)
async def test_sign_in_trouble_is_found_by_one_look(
    bench: Bench, changes: dict[str, Any], pending: str | None
) -> None:
    bench.host.parts["account"].update(changes)
    reply = await bench.chat.act("action_diagnose_sign_in", bench.chat.hear("sign_in_trouble", "cant get in"))
    assert bench.host.reads == [("account",)]
    assert reply.slots["pending_workflow"] == pending
    assert len(await bench.attempts()) == 1
    if pending is None:
        assert "isn't locked" in reply.text
        assert "/reset_password" in reply.payloads


async def test_a_visitor_without_account_gets_an_honest_answer(bench: Bench) -> None:
    nobody = bench.another_chat("nobody-1")
    reply = await nobody.start("unlock_account")
    assert "can't reach your account" in reply.text
    assert bench.host.reads == []


def _hit() -> Any:
    from tests.actions.conftest import article

    return article("some-article", 0.6)
