"""Order status: which order is meant, and what is told of it."""

from typing import Any

import pytest

from actions.workflows.order_status import match
from tests.actions.conftest import Bench, Reply

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


async def fill(bench: Bench, value: str | None, *, loop: bool = True) -> Reply:
    """Play the form: Rasa sets what it extracted and asks for validation."""
    chat = bench.chat
    latest = chat.hear("order_status", value or "where is my order")
    if not loop:
        chat.events.append({"event": "active_loop", "name": "order_form"})
    if value is not None:
        chat.slots["order_number"] = value
        chat.events.append({"event": "slot", "name": "order_number", "value": value})
    return await chat.act("validate_order_form", latest)


async def test_one_order_needs_no_question(bench: Bench) -> None:
    bench.host.parts["orders"] = [ORDERS[1]]
    bench.chat.slots["requested_slot"] = "order_number"
    assert (await fill(bench, None, loop=False)).slots["requested_slot"] is None
    reply = await bench.chat.act("action_order_status", bench.chat.hear("order_status"))
    assert "on its way with Postbode" in reply.text
    assert "Wednesday 4 March" in reply.text
    assert reply.card("orders")["orders"][0]["number"] == "K-20451"
    [attempt] = await bench.attempts()
    assert (attempt.name, attempt.outcome) == ("order_status", "assumed")
    assert bench.host.calls == []


async def test_several_orders_are_shown_and_asked_about(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    chat.slots["requested_slot"] = "order_number"
    assert (await fill(bench_with_orders, None, loop=False)).slots["requested_slot"] == "order_number"
    reply = await chat.act("action_ask_order_number", chat.hear("order_status"))
    assert [o["number"] for o in reply.card("orders")["orders"]] == ["K-20452", "K-20451", "K-20450"]
    assert reply.payloads[0] == '/order_status{"order_number":"K-20452"}'


async def test_a_late_order_is_explained_and_offered_to_a_person(bench_with_orders: Bench) -> None:
    reply = await fill(bench_with_orders, "k 20452")
    assert reply.slots["order_number"] == "K-20452"
    chat = bench_with_orders.chat
    told = await chat.act("action_order_status", chat.hear("order_status"))
    assert "is delayed" in told.text
    assert told.slots["offered_person"] is True
    assert told.slots["order_number"] is None
    handoff = (await chat.yes()).card("handoff")
    assert "(delayed)" in handoff["summary"]


async def test_an_unknown_number_is_asked_again_then_given_up(bench_with_orders: Bench) -> None:
    await fill(bench_with_orders, None, loop=False)
    first = await fill(bench_with_orders, "K-99999")
    assert "can't find that one" in first.text
    assert first.slots["order_number"] is None
    second = await fill(bench_with_orders, "K-99998")
    assert second.slots["order_number"] == "none"
    chat = bench_with_orders.chat
    told = await chat.act("action_order_status", chat.hear("order_status"))
    assert "couldn't tell which order" in told.text
    assert told.slots["offered_person"] is True
    assert told.slots["order_number"] is None


async def test_somebody_elses_order_is_not_found(bench_with_orders: Bench) -> None:
    chat = bench_with_orders.chat
    chat.slots["order_number"] = "K-11111"
    reply = await chat.act("action_order_status", chat.hear("order_status"))
    assert "K-11111" not in reply.text


async def test_no_orders_at_all(bench: Bench) -> None:
    reply = await bench.chat.act("action_order_status", bench.chat.hear("order_status"))
    assert "no orders" in reply.text


async def test_an_application_that_is_away_ends_the_form(bench_with_orders: Bench) -> None:
    bench_with_orders.host.fault = "no_state"
    bench_with_orders.chat.slots["requested_slot"] = "order_number"
    reply = await fill(bench_with_orders, "K-20452")
    assert reply.slots["order_number"] == "none"
    chat = bench_with_orders.chat
    told = await chat.act("action_order_status", chat.hear("order_status"))
    assert "can't reach your account" in told.text
    assert told.slots["offered_person"] is True


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
    ("text", "asked", "number"),
    [
        ("K-20451", True, "K-20451"), ("k20451 pls", True, "K-20451"), ("the delayed one", True, "K-20452"),
        ("the lapsangs", True, "K-20451"), ("where is my order K-20452?", False, "K-20452"),
        ("when is it delivered", False, None), ("KT-1001", True, None),
        ("how do i pay by paypal", True, None),
        ("my parcel is late and nobody answers me", True, None),
    ],
)  # fmt: skip
async def test_free_words_name_an_order_only_where_they_do(
    bench_with_orders: Bench, text: str, asked: bool, number: str | None
) -> None:
    chat = bench_with_orders.chat
    chat.slots["requested_slot"] = "order_number" if asked else None
    reply = await chat.act("validate_order_form", chat.hear("nlu_fallback", text))
    assert reply.slots["order_number"] == number
