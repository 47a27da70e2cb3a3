"""When a trigger is met: order, windows, duplicates, circles, and bounded memory."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.triggers.domain import BehaviourEvent, Condition, Offer, OfferLimits, Trigger, may_offer
from actions.triggers.evaluator import Evaluator

OFFER = Offer("person", "Would you like some help?")


def trigger(*conditions: Condition, count: int = 1, within: float = 60, name: str = "t") -> Trigger:
    return Trigger(name, conditions, count, within, 0.0, OFFER)


def event(
    at: float, kind: str = "action_failed", user: str = "u", key: str = "", **more: str
) -> BehaviourEvent:
    return BehaviourEvent(key, kind, user, at, **more)  # type: ignore[arg-type]


FAILS = Condition("action_failed", step="save")
VIEW_A, VIEW_B = Condition("page_view", page="/a"), Condition("page_view", page="/b")


def times(evaluator: Evaluator, events: list[BehaviourEvent]) -> int:
    return sum(len(evaluator.feed(one)) for one in events)


def test_it_fires_at_the_count_and_counts_anew() -> None:
    evaluator = Evaluator([trigger(FAILS, count=3)])
    fired = [bool(evaluator.feed(event(at, step="save"))) for at in range(1, 8)]
    assert fired == [False, False, True, False, False, True, False]


def test_what_is_too_long_ago_does_not_count() -> None:
    evaluator = Evaluator([trigger(FAILS, count=3, within=10)])
    assert times(evaluator, [event(at, step="save") for at in (0, 5, 11, 22, 33)]) == 0
    assert times(evaluator, [event(at, step="save") for at in (34, 35)]) == 1


@pytest.mark.parametrize(
    "other",
    [
        event(3, step="other"),
        event(3, kind="rage_click", step="save"),
        event(3),
        event(3, user="v", step="save"),
    ],
)
def test_other_events_and_other_users_do_not_count(other: BehaviourEvent) -> None:
    evaluator = Evaluator([trigger(FAILS, count=3)])
    assert times(evaluator, [event(1, step="save"), event(2, step="save"), other]) == 0


def test_the_same_event_twice_counts_once() -> None:
    evaluator = Evaluator([trigger(FAILS, count=2)])
    assert times(evaluator, [event(1, key="e1", step="save")] * 5) == 0
    assert times(evaluator, [event(2, key="e2", step="save")]) == 1


def test_a_sequence_needs_its_order_and_suffers_others_between() -> None:
    sequence = trigger(VIEW_A, FAILS)
    there = event(1, "page_view", page="/a")
    assert times(Evaluator([sequence]), [there, event(2, "page_view", page="/c"), event(3, step="save")]) == 1
    assert times(Evaluator([sequence]), [event(0.5, step="save"), there]) == 0


def test_a_loop_goes_round_so_often() -> None:
    loop = trigger(VIEW_A, VIEW_B, count=2)
    pages = [event(at, "page_view", page="/a" if at % 2 == 0 else "/b") for at in range(4)]
    assert times(Evaluator([loop]), pages) == 1
    assert times(Evaluator([loop]), pages[:3]) == 0


def test_a_page_may_be_a_family() -> None:
    family = trigger(Condition("page_view", page="/billing*"))
    assert times(Evaluator([family]), [event(1, "page_view", page="/billing/card")]) == 1
    assert times(Evaluator([family]), [event(1, "page_view", page="/other")]) == 0


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_late_arrivals_change_nothing(moments: list[float], chance: random.Random) -> None:
    """Whether a burst is seen does not hang on the order in which its events arrive."""
    events = [event(at, key=f"e{number}xx", step="save") for number, at in enumerate(moments)]
    count = len(events)
    in_order = times(Evaluator([trigger(FAILS, count=count, within=200)]), sorted(events, key=lambda e: e.at))
    chance.shuffle(events)
    assert times(Evaluator([trigger(FAILS, count=count, within=200)]), events) == in_order == 1


def test_one_event_is_one_step_of_a_sequence() -> None:
    anywhere = Condition("page_view", page="/*")
    sequence = trigger(anywhere, VIEW_A)
    assert times(Evaluator([sequence]), [event(1, "page_view", page="/a")]) == 0
    assert times(Evaluator([sequence]), [event(at, "page_view", page="/a") for at in (1, 2)]) == 1


PATTERNS = [
    trigger(FAILS, count=3, within=500, name="often"),
    trigger(VIEW_A, FAILS, within=500, name="then"),
    trigger(VIEW_A, VIEW_B, count=2, within=500, name="round"),
    trigger(Condition("page_view", page="/*"), VIEW_A, within=500, name="family"),
]
MADE = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from(["a", "b", "save"])),
    max_size=12,
    unique_by=lambda one: one[0],
)


@given(MADE, st.integers(1, 3), st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_change_whether_a_pattern_is_seen(
    stream: list[tuple[int, str]], copies: int, chance: random.Random
) -> None:
    events = [
        event(at, key=f"e{at}", step="save") if what == "save"
        else event(at, "page_view", key=f"e{at}", page=f"/{what}")
        for at, what in stream
    ]  # fmt: skip
    mixed = events * copies
    chance.shuffle(mixed)
    for pattern in PATTERNS:
        in_order = times(Evaluator([pattern]), sorted(events, key=lambda one: one.at))
        assert (times(Evaluator([pattern]), mixed) > 0) == (in_order > 0), pattern.id


@given(MADE)
def test_what_is_seen_is_what_a_look_at_all_events_finds(stream: list[tuple[int, str]]) -> None:
    """The incremental answer for a sequence is that of looking for the pair by hand."""
    evaluator = Evaluator([trigger(VIEW_A, FAILS, within=50)])
    fed = [
        event(at, step="save") if what == "save" else event(at, "page_view", page=f"/{what}")
        for at, what in sorted(stream)
    ]
    by_hand = any(
        one == "a" and other == "save" and 0 < later - at <= 50
        for at, one in stream
        for later, other in stream
    )
    assert (times(evaluator, fed) > 0) == by_hand


@given(st.lists(st.tuples(st.floats(0, 1000), st.sampled_from("abc"), st.booleans()), max_size=200))
def test_memory_is_bounded_whatever_comes(stream: list[tuple[float, str, bool]]) -> None:
    evaluator = Evaluator(
        [trigger(FAILS, count=30, within=5), trigger(VIEW_A, VIEW_B, count=3, name="l")], max_users=2
    )
    for at, user, view in stream:
        evaluator.feed(event(at, "page_view", user, page="/a") if view else event(at, user=user, step="save"))
    assert len(evaluator) <= 2
    assert all(len(kept) <= 64 for user in evaluator._users.values() for kept in user.matches.values())


def test_a_user_is_forgotten_on_request() -> None:
    evaluator = Evaluator([trigger(FAILS, count=2)])
    evaluator.feed(event(1, step="save"))
    evaluator.forget("u")
    assert times(evaluator, [event(2, step="save")]) == 0


LIMITS = OfferLimits(per_hour=2, dismissals=2, rest=7200, ignored_after=120)
RESTING = Trigger("t", (FAILS,), 1, 60, 600, OFFER)


@pytest.mark.parametrize(
    ("earlier", "may"),
    [
        ([], True),
        ([("t", -500, "accepted")], False),
        ([("t", -700, "accepted")], True),
        ([("x", -500, "accepted")], True),
        ([("x", -60, None)], False),
        ([("x", -200, None)], True),
        ([("x", -500, "accepted"), ("y", -900, "accepted")], False),
        ([("x", -4000, "dismissed"), ("y", -5000, "dismissed")], False),
        ([("x", -7300, "dismissed"), ("y", -8000, "dismissed")], True),
        ([("x", -4000, "dismissed"), ("y", -5000, "accepted")], True),
        ([("x", -4000, "dismissed"), ("y", -5000, "ignored"), ("x", -6000, "dismissed")], False),
        ([("x", -3700, "ignored"), ("y", -7300, "dismissed"), ("x", -8000, "dismissed")], True),
        ([("x", -7300, "dismissed"), ("y", -8000, "dismissed"), ("x", -9000, "dismissed")], False),
        ([("x", -14500, "dismissed"), ("y", -15000, "dismissed"), ("x", -16000, "dismissed")], True),
    ],
)
def test_how_much_a_user_is_offered(earlier: list, may: bool) -> None:
    assert may_offer(RESTING, LIMITS, [(n, 20_000 + at, o) for n, at, o in earlier], 20_000) is may
