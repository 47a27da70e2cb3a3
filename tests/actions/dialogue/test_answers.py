"""Answers, questions back, and the way to a person."""

from dataclasses import replace

import pytest

from tests.actions.conftest import Bench, article

UNCLEAR = [("payment_failed", 0.31), ("greet", 0.2), ("get_invoice", 0.17), ("refund_policy", 0.1)]


async def test_a_confident_answer_quotes_links_and_asks(bench: Bench) -> None:
    bench.knowledge.lay_out("invoice", ("find-invoices", 0.81), ("other", 0.5))
    reply = await bench.chat.ask("get_invoice", "where is my invoice")
    card = reply.card("article")
    assert (card["article_id"], card["version"], card["url"]) == ("find-invoices", 3, "/help/find-invoices")
    assert card["quote"] == "Quote of find-invoices."
    assert "Did this help?" in reply.text
    assert reply.payloads == ["/helped", "/not_helped"]
    [attempt] = await bench.attempts()
    assert (attempt.kind, attempt.outcome, attempt.article_id, attempt.article_version) == (
        "answer", "assumed", "find-invoices", 3
    )  # fmt: skip
    assert (attempt.intent, attempt.confidence, attempt.model_version) == ("get_invoice", 0.93, "model-7")


async def test_a_pressed_button_is_answered_by_what_it_asks_for(bench: Bench) -> None:
    bench.knowledge.lay_out("where do i find my invoices", ("find-invoices", 0.9))
    reply = await bench.chat.ask("get_invoice", None)
    assert reply.card("article")["article_id"] == "find-invoices"


async def test_odd_words_with_a_clear_intent_are_answered_by_the_intent(bench: Bench) -> None:
    bench.knowledge.lay_out("numbers", ("other", 0.31))
    bench.knowledge.lay_out("where do i find my invoices", ("find-your-invoices", 0.9))
    reply = await bench.chat.ask("get_invoice", "thing u sent me w the numbers for my boss")
    assert reply.card("article")["article_id"] == "find-your-invoices"


async def test_clear_words_outweigh_what_the_intent_usually_means(bench: Bench) -> None:
    bench.knowledge.lay_out("vat", ("price-and-taxes", 0.6), ("find-your-invoices", 0.35))
    reply = await bench.chat.ask("get_invoice", "how much is the vat")
    assert reply.card("article")["article_id"] == "price-and-taxes"


async def test_how_near_it_is_counts_for_what_the_calibration_makes_of_it(bench: Bench) -> None:
    near = article("bicycle-boxes", 0.6)
    bench.knowledge.by_word["bicycles"] = [replace(near, probability=0.05)]
    reply = await bench.chat.ask("how_to", "do you sell bicycles")
    assert "couldn't find anything" in reply.text
    bench.knowledge.by_word["bicycles"] = [replace(near, probability=0.2)]
    reply = await bench.chat.ask("how_to", "do you sell bicycles")
    assert reply.card("article")["article_id"] == "bicycle-boxes"
    assert (await bench.attempts())[-1].done["probability"] == 0.2


async def test_two_near_articles_are_both_shown(bench: Bench) -> None:
    bench.knowledge.lay_out("tea", ("tea-plans", 0.42), ("tea-brewing", 0.41), ("tea-gifts", 0.4))
    reply = await bench.chat.ask("how_to", "tea")
    shown = [m["custom"]["article_id"] for m in reply.messages if m["custom"].get("type") == "article"]
    assert shown == ["tea-plans", "tea-brewing"]
    assert reply.payloads == ["/helped", "/not_helped"]


async def test_nothing_found_says_so_and_offers_a_person(bench: Bench) -> None:
    reply = await bench.chat.ask("how_to", "do you sell bicycles")
    assert "couldn't find anything" in reply.text
    assert reply.slots["offered_person"] is True
    assert reply.slots["failed_attempts"] == 1
    handoff = (await bench.chat.yes()).card("handoff")
    assert handoff["reason"] == "no_answer"
    assert "do you sell bicycles" in handoff["summary"]


async def test_a_dead_knowledge_base_is_admitted(bench: Bench) -> None:
    bench.knowledge.down = True
    reply = await bench.chat.ask("get_invoice", "invoice?")
    assert "can't look into our help articles" in reply.text
    assert [a.error for a in await bench.attempts()] == ["knowledge_base_unavailable"]


async def test_not_helped_gives_the_next_best_once_then_a_person(bench: Bench) -> None:
    bench.knowledge.lay_out("invoice", ("first", 0.8), ("second", 0.7), ("third", 0.6))
    await bench.chat.ask("get_invoice", "where is my invoice")
    second = await bench.chat.act("action_feedback_not_helped", bench.chat.hear("not_helped"))
    assert second.card("article")["article_id"] == "second"
    third = await bench.chat.act("action_feedback_not_helped", bench.chat.hear("not_helped"))
    assert not third.has("article")
    assert third.slots["offered_person"] is True
    assert [(a.article_id, a.outcome) for a in await bench.attempts()] == [
        ("first", "failed"), ("second", "failed")
    ]  # fmt: skip


async def test_helped_is_noted_and_clears_the_count(bench: Bench) -> None:
    bench.knowledge.lay_out("invoice", ("first", 0.8))
    await bench.chat.misunderstood()
    await bench.chat.ask("get_invoice", "where is my invoice")
    reply = await bench.chat.act("action_feedback_helped", bench.chat.hear("helped"))
    assert reply.slots["failed_attempts"] == 0
    answer = (await bench.attempts())[-1]
    assert (answer.outcome, answer.done["helped"]) == ("assumed", True)


async def test_words_that_sound_like_helped_but_follow_no_answer_are_not_taken_so(bench: Bench) -> None:
    reply = await bench.chat.act(
        "action_feedback_helped", bench.chat.hear("helped", "ugh nothing works", 0.59)
    )
    assert "glad" not in reply.text
    assert reply.slots["failed_attempts"] == 1


@pytest.mark.parametrize(("answer", "outcome"), [("yes", "assumed"), ("no", "failed")])
async def test_typed_yes_and_no_answer_did_this_help(bench: Bench, answer: str, outcome: str) -> None:
    bench.knowledge.lay_out("invoice", ("first", 0.8))
    await bench.chat.ask("get_invoice", "where is my invoice")
    await getattr(bench.chat, answer)()
    [attempt] = await bench.attempts()
    assert (attempt.outcome, attempt.done["helped"]) == (outcome, answer == "yes")


async def test_unclear_offers_the_two_best_readings_in_words(bench: Bench) -> None:
    reply = await bench.chat.misunderstood("mny stuff", UNCLEAR)
    assert reply.payloads == ["/payment_failed", "/get_invoice", "/ask_capabilities", "/talk_to_person"]
    titles = [button["title"] for message in reply.messages for button in message["buttons"]]
    assert titles[0] == "My payment failed"
    assert reply.slots["failed_attempts"] == 1


async def test_unlikely_readings_are_not_offered(bench: Bench) -> None:
    reply = await bench.chat.misunderstood("weather", [("payment_failed", 0.04), ("get_invoice", 0.03)])
    assert reply.payloads == ["/ask_capabilities", "/talk_to_person"]


async def test_second_failure_offers_a_person_and_a_yes_hands_over(bench: Bench) -> None:
    await bench.chat.misunderstood("blorp", UNCLEAR)
    second = await bench.chat.misunderstood("blorp blorp", UNCLEAR)
    assert second.slots["offered_person"] is True
    assert second.payloads[0] == "/talk_to_person"
    handoff = (await bench.chat.yes()).card("handoff")
    assert handoff["reason"] == "repeated_failure"
    assert "blorp blorp" in handoff["summary"]


async def test_third_failure_hands_over_by_itself(bench: Bench) -> None:
    for _ in range(2):
        await bench.chat.misunderstood()
    third = await bench.chat.misunderstood()
    assert third.card("handoff")["reason"] == "repeated_failure"
    assert [a.outcome for a in await bench.attempts()] == ["failed", "failed", "escalated", "escalated"]


async def test_something_that_helped_clears_the_count(bench: Bench) -> None:
    bench.knowledge.lay_out("invoice", ("find-invoices", 0.8))
    await bench.chat.misunderstood()
    await bench.chat.ask("get_invoice", "invoice")
    reply = await bench.chat.misunderstood()
    assert reply.slots["failed_attempts"] == 1
    assert reply.slots["offered_person"] is False


async def test_not_understood_but_an_article_fits_well(bench: Bench) -> None:
    bench.knowledge.lay_out("descal", ("descale", 0.8))
    reply = await bench.chat.misunderstood("how often must i descale the machine")
    assert reply.card("article")["article_id"] == "descale"
    assert reply.slots["failed_attempts"] == 0


async def test_not_understood_and_an_article_that_hardly_fits_is_no_answer(bench: Bench) -> None:
    bench.knowledge.lay_out("weather", ("delivery-days", 0.38))
    reply = await bench.chat.misunderstood("what is the weather")
    assert not reply.has("article")
    assert reply.slots["failed_attempts"] == 1


async def test_talk_to_a_person_always_works(bench: Bench) -> None:
    bench.host.fault, bench.knowledge.down = "no_state", True
    reply = await bench.chat.act("action_hand_off", bench.chat.hear("talk_to_person", "human pls"))
    handoff = reply.card("handoff")
    assert (handoff["reason"], handoff["priority"]) == ("user_asked", "normal")
    assert handoff["summary"]
    assert "passing you to a person" in reply.text
    [attempt] = await bench.attempts()
    assert (attempt.kind, attempt.outcome) == ("handoff", "escalated")


async def test_asking_for_a_person_in_the_middle_escalates_what_waited(bench: Bench) -> None:
    bench.host.parts["account"].update(locked=True, lock_reason="too_many_attempts")
    await bench.chat.start("unlock_account")
    reply = await bench.chat.act("action_hand_off", bench.chat.hear("talk_to_person"))
    assert reply.slots["pending_workflow"] is None
    handoff = reply.card("handoff")
    assert handoff["reason"] == "user_asked"
    assert "Unlock account" in handoff["summary"]
    assert "account locked: True" in handoff["summary"]
    assert [a.outcome for a in await bench.attempts()] == ["escalated", "escalated"]


async def test_a_complaint_is_met_with_regret_and_high_priority(bench: Bench) -> None:
    reply = await bench.chat.act("action_offer_person", bench.chat.hear("complain", "this is a joke"))
    assert "sorry" in reply.text
    assert reply.payloads == ["/talk_to_person", "/deny"]
    assert (await bench.chat.no()).slots["offered_person"] is False


async def test_capabilities_are_told_with_examples(bench: Bench) -> None:
    reply = await bench.chat.act("action_capabilities", bench.chat.hear("ask_capabilities"))
    assert "/talk_to_person" in reply.payloads
    assert "unlock" in reply.text


async def test_an_intent_pressed_without_words_to_search_for_is_asked_about(bench: Bench) -> None:
    reply = await bench.chat.ask("how_to", None)
    assert "What would you like to know" in reply.text
    assert await bench.attempts() == []


async def test_stuck_export_question_finds_nothing_stuck_and_gives_the_article(bench: Bench) -> None:
    bench.knowledge.lay_out("export", ("exports", 0.7))
    reply = await bench.chat.ask("export_stuck", "my export hangs")
    assert "none of them is stuck" in reply.text
    assert reply.card("article")["article_id"] == "exports"


async def test_thanks_after_a_repair_are_taken_at_their_word(bench: Bench) -> None:
    heard = bench.chat.hear("helped", "thanks, that fixed it", 0.97)
    said = await bench.chat.act("action_feedback_helped", heard)
    assert "glad" in said.text.lower()
