"""The breaker as a table of states, and the tally that has to add up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actions.healing.domain import STATUSES, Breaker, BreakerRules, Deferral, tally

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = BreakerRules(window=5, failures=3, rest=timedelta(minutes=10))
LEASE = timedelta(seconds=30)
CLOSED = Breaker("kettle", "resync_preferences")


def _failing(breaker: Breaker, times: int, now: datetime = NOW) -> Breaker:
    for _ in range(times):
        breaker = breaker.failed(now, RULES, "state_disagrees")
    return breaker


def test_it_opens_at_the_threshold_and_not_before() -> None:
    assert _failing(CLOSED, 2).state == "closed"
    opened = _failing(CLOSED, 3)
    assert (opened.state, opened.opened, opened.reason) == ("open", 1, "state_disagrees")
    assert opened.retry_at == NOW + RULES.rest


def test_old_failures_leave_the_window() -> None:
    breaker = _failing(CLOSED, 2)
    for _ in range(4):
        breaker = breaker.succeeded(RULES)
    assert _failing(breaker, 1).state == "closed"


def test_a_failed_undo_opens_at_once() -> None:
    assert CLOSED.failed(NOW, RULES, "undo_failed", at_once=True).state == "open"


def test_one_probe_at_a_time_after_the_rest() -> None:
    opened = _failing(CLOSED, 3)
    assert opened.admit("r1", NOW + timedelta(minutes=9), LEASE) == Deferral(NOW + RULES.rest, "breaker_open")
    later = NOW + RULES.rest
    probing = opened.admit("r1", later, LEASE)
    assert isinstance(probing, Breaker)
    assert (probing.state, probing.probe) == ("half_open", "r1")
    assert isinstance(probing.admit("r2", later, LEASE), Deferral)
    assert isinstance(probing.admit("r1", later, LEASE), Breaker)
    assert isinstance(probing.admit("r2", later + LEASE, LEASE), Breaker), "the probe's process has died"
    assert isinstance(probing.released("r1").admit("r2", later, LEASE), Breaker)


def test_a_good_probe_closes_it_and_a_bad_one_is_no_second_matter() -> None:
    opened = replace(_failing(CLOSED, 3), case_id="cas_1")
    probing = opened.admit("r1", NOW + RULES.rest, LEASE)
    assert isinstance(probing, Breaker)
    closed = probing.succeeded(RULES)
    assert (closed.state, closed.recent, closed.probe) == ("closed", (True,), None)
    again = probing.failed(NOW + RULES.rest, RULES, "state_disagrees")
    assert (again.state, again.opened, again.case_id) == ("open", 1, "cas_1")
    assert again.retry_at == NOW + 2 * RULES.rest
    anew = _failing(closed, 3)
    assert (anew.opened, anew.case_id) == (2, None), "another matter, another case"


def test_failures_of_runs_that_were_under_way_change_nothing_more() -> None:
    opened = _failing(CLOSED, 3)
    assert _failing(opened, 4, NOW + timedelta(minutes=5)).retry_at == opened.retry_at


def test_the_tally_adds_up() -> None:
    counts: dict[str, int] = {status: number for number, status in enumerate(STATUSES, 1)}
    figures = tally(counts)
    assert figures["open"] == counts["found"] + counts["applying"]
    assert figures.pop("found") == sum(figures.values()) == sum(counts.values())
