"""Order status: which order is meant, and what is told of it."""

from typing import Any

import pytest

from actions.framework.choices import Choice, choose
from actions.workflows.kettle.order_status import match
from tests.actions.conftest import Bench

ORDERS: list[dict[str, Any]] = [
    {"number": "K-20450", "status": "delivered", "expected_at": "2026-02-10", "items": ["Tasting box"]},
    {"number": "K-20451", "status": "in_transit", "expected_at": "2026-03-04", "carrier": "Postbode",
     "items": ["Smoky lapsang, 100 g"]},
    {"number": "K-20452", "status": "delayed", "expected_at": "2026-02-28", "carrier": "Postbode",
     "items": ["Jade sencha, 75 g"]},
]  # fmt: skip


@pytest.fixture
def bench_with_orders(bench: Bench) -> Bench:
    bench.host.parts["orders"] = [dict(order) for order in ORDERS]
    return bench


async def test_one_order_needs_no_question(bench: Bench) -> None:
    bench.host.parts["orders"] = [ORDERS[1]]
    reply = await bench.chat.start("order_status", "where is my order")
    assert bench.chat.loop is None
    assert "on its way with Postbode" in reply.text
    assert "Wednesday 4 March" in reply.text
    assert reply.card("orders")["orders"][0]["number"] == "K-20451"
    [attempt] = await bench.attempts()
    assert (attempt.name, attempt.outcome) == ("order_status", "assumed")
    assert bench.host.calls == []


async def test_several_orders_are_shown_and_asked_about(bench_with_orders: Bench) -> None:
    reply = await bench_with_orders.chat.start("order_status", "where is my order")
    assert bench_with_orders.chat.loop == "workflow_form"
    assert [o["number"] for o in reply.card("orders")["orders"]] == ["K-20452", "K-20451", "K-20450"]
    assert reply.payloads[0] == '/inform{"workflow_answer": "K-20452"}'
    [attempt] = await bench_with_orders.attempts()
    assert attempt.outcome is None, "it waits for the answer"


async def test_a_late_order_is_explained_and_offered_to_a_person(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    told = await chat.answer("k 20452", intent="order_status")
    assert "is delayed" in told.text
    assert told.slots["offered_person"] is True
    assert told.slots["workflow_answer"] is None
    assert told.slots["pending_workflow"] is None
    handoff = (await chat.yes()).card("handoff")
    assert "(delayed)" in handoff["summary"]


async def test_a_button_names_the_order(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    told = await chat.answer("/inform", intent="inform", pressed="K-20451")
    assert "on its way" in told.text


async def test_an_unknown_number_is_asked_again_then_given_up(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    for number in ("K-99999", "K-99998"):
        again = await chat.answer(number, intent="order_status")
        assert "can't tell which one" in again.text
        assert "Which order do you mean?" in again.text
        assert number not in again.text
    told = await chat.answer("K-99997")
    assert "I'll stop asking" in told.text
    assert told.slots["offered_person"] is True
    assert chat.loop is None
    [attempt] = await bench_with_orders.attempts()
    assert (attempt.outcome, attempt.error) == ("failed", "unknown_answer")


async def test_somebody_elses_order_is_not_found(bench_with_orders: Bench) -> None:
    reply = await bench_with_orders.chat.start("order_status", "where is order K-11111")
    assert "Which order do you mean?" in reply.text
    assert "K-11111" not in reply.text


async def test_a_number_in_the_request_answers_the_question(bench_with_orders: Bench) -> None:
    reply = await bench_with_orders.chat.start("order_status", "where is my order K-20452?")
    assert "is delayed" in reply.text
    assert bench_with_orders.chat.loop is None


async def test_no_orders_at_all(bench: Bench) -> None:
    assert "no orders" in (await bench.chat.start("order_status")).text


async def test_an_application_that_goes_away_ends_the_form(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    bench_with_orders.host.fault = "no_state"
    told = await chat.answer("K-20452")
    assert chat.loop is None
    assert told.slots["offered_person"] is True
    assert told.slots["pending_workflow"] is None


async def test_a_question_in_between_keeps_what_was_asked(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    aside = await chat.answer("how do i pay by paypal", intent="update_payment_method")
    assert "Which order do you mean?" in aside.text, "it comes back to the question"
    assert aside.slots["pending_workflow"] == "order_status"
    assert "on its way" in (await chat.answer("the lapsang")).text


async def test_a_person_asked_for_in_between_leaves_nothing_open(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    chat.loop = None  # Rasa's rule leaves the form first.
    reply = await chat.act("action_hand_off", chat.hear("talk_to_person", "a human please"))
    assert reply.has("handoff")
    assert reply.slots["pending_workflow"] is None
    assert {a.outcome for a in await bench_with_orders.attempts()} == {"escalated"}


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ("K-20451", "K-20451"), ("k20451", "K-20451"), ("20451", "K-20451"),
        ("order #20451 please", "K-20451"),
        ("the delayed one", "K-20452"), ("the one that is late", "K-20452"), ("my lapsang", "K-20451"),
        ("the first", None), ("", None), ("204", None), ("1", None),
    ],
)  # fmt: skip
def test_an_order_is_meant_by_number_status_or_item(wanted: str, number: str | None) -> None:
    found = match(ORDERS, wanted)
    assert (found or {}).get("number") == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("K-20451", "K-20451"), ("k20451 pls", "K-20451"), ("the delayed one", "K-20452"),
        ("the lapsangs", "K-20451"), ("the second one", "K-20451"), ("last", "K-20450"),
    ],
)  # fmt: skip
async def test_free_words_name_an_order(bench_with_orders: Bench, text: str, number: str) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    told = await chat.answer(text)
    assert told.card("orders")["orders"][-1]["number"] == number


@pytest.mark.parametrize("text", ["my parcel is late and nobody answers me", "KT-1001", "what a nice day"])
async def test_other_words_name_none(bench_with_orders: Bench, text: str) -> None:
    chat = bench_with_orders.chat
    await chat.start("order_status", "where is my order")
    assert "Which order do you mean?" in (await chat.answer(text)).text


@pytest.mark.parametrize(("said", "value"), [
    ("one", "a"), ("number one", "a"), ("the first one", "a"), ("the second one", "b"), ("the last one", "c"),
    ("the purple one", None), ("yes that one", None),
    ("the one from my sister", None), ("the beta one", "b"),
])  # fmt: skip
def test_one_is_a_number_only_where_it_counts(said: str, value: str | None) -> None:
    choices = [Choice("a", "Alpha"), Choice("b", "Beta"), Choice("c", "Gamma")]
    assert choose(choices, said) == value


def test_an_item_is_found_by_its_name_with_a_colon() -> None:
    orders = [{**ORDERS[0], "items": ["Sampler: four rooibos"]}, *ORDERS[1:]]
    found = match(orders, "the rooibos one")
    assert found is not None
    assert found["number"] == "K-20450"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("where is K-99999", True),
        ("where is k-20451", False),
        ("KT-1007 for my order", False),
        ("my order", False),
    ],
)
async def test_an_order_that_is_not_there_is_said(bench_with_orders: Bench, said: str, told: bool) -> None:
    reply = await bench_with_orders.chat.start("order_status", said)
    assert ("can't find that number" in reply.text) is told
