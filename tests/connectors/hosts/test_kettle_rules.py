"""Kettle's rules for operations, on its store alone."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.hosts.demo import mail
from connectors.hosts.demo.auth import MAX_FAILED, begin, note_failure
from connectors.hosts.demo.reasons import Outcome
from connectors.hosts.demo.rules import RULES, perform, save_preferences, update_card
from connectors.hosts.demo.sample import SAMPLES, restore
from connectors.hosts.demo.state import find_user, read_state
from connectors.hosts.demo.store import SCHEMA, now, stamp
from connectors.hosts.demo.troubles import TROUBLES, troubles_of


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA)
    restore(connection)
    yield connection
    connection.close()


def run(db: sqlite3.Connection, ref: str, name: str, **parameters: Any) -> Outcome:
    user = find_user(db, ref)
    assert user is not None
    return perform(db, user, name, parameters)


def state(db: sqlite3.Connection, ref: str) -> dict[str, Any]:
    found = read_state(db, ref)
    assert found is not None
    return found


def codes(db: sqlite3.Connection, ref: str) -> list[str]:
    return [trouble.code for trouble in troubles_of(state(db, ref))]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.key)
def test_each_sample_user_is_in_the_trouble_that_is_told(db: sqlite3.Connection, sample: Any) -> None:
    assert codes(db, sample.ref) == ([sample.code] if sample.code else [])


def test_every_trouble_has_its_own_text() -> None:
    assert len({trouble.title for trouble in TROUBLES.values()}) == len(TROUBLES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.key)
@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not rule.parameters])
def test_what_is_listed_as_not_allowed_is_refused_with_that_reason(
    db: sqlite3.Connection, sample: Any, name: str
) -> None:
    user = find_user(db, sample.ref)
    assert user is not None
    reason = RULES[name].check(db, user)
    outcome = perform(db, user, name, {})
    if reason is None:
        assert outcome.status != "refused"
    else:
        assert (outcome.status, outcome.code) == ("refused", reason)


def test_unlock_clears_failed_sign_ins(db: sqlite3.Connection) -> None:
    assert run(db, "usr_ada", "unlock_account").status == "done"
    account = state(db, "usr_ada")["account"]
    assert (account["locked"], account["lock_reason"], account["failed_sign_ins"]) == (False, None, 0)
    assert codes(db, "usr_ada") == []


def test_a_lock_put_by_a_person_stays(db: sqlite3.Connection) -> None:
    db.execute("UPDATE users SET lock_reason = 'fraud_review' WHERE ref = 'usr_ada'")
    assert run(db, "usr_ada", "unlock_account").code == "needs_review"
    assert state(db, "usr_ada")["account"]["locked"]


def test_five_wrong_passwords_lock(db: sqlite3.Connection) -> None:
    for _ in range(MAX_FAILED):
        assert not state(db, "usr_hana")["account"]["locked"]
        user = find_user(db, "usr_hana")
        assert user is not None
        note_failure(db, user)
    assert codes(db, "usr_hana") == ["KT-1001"]


def test_retry_goes_through_for_dev(db: sqlite3.Connection) -> None:
    before = state(db, "usr_dev")["billing"]
    assert (before["status"], before["amount_due_cents"], before["last_payment"]["status"]) == (
        "past_due", 1890, "failed",
    )  # fmt: skip
    assert run(db, "usr_dev", "retry_payment").status == "done"
    after = state(db, "usr_dev")["billing"]
    assert (after["status"], after["amount_due_cents"], after["last_payment"]["status"]) == (
        "active",
        0,
        "paid",
    )
    assert after["last_payment"]["id"] != before["last_payment"]["id"]
    assert all(invoice["status"] == "paid" for invoice in after["invoices"])
    assert run(db, "usr_dev", "retry_payment").code == "nothing_due"


def test_retry_fails_again_for_eli_until_the_card_is_new(db: sqlite3.Connection) -> None:
    for _ in range(2):
        outcome = run(db, "usr_eli", "retry_payment")
        assert (outcome.status, outcome.code) == ("failed", "card_expired")
    assert codes(db, "usr_eli") == ["KT-1006"]
    user = find_user(db, "usr_eli")
    assert user is not None
    update_card(db, user, "Visa", "4242", "2099-12")
    assert run(db, "usr_eli", "retry_payment").status == "done"
    assert codes(db, "usr_eli") == []


def test_resync_copies_saved_to_applied(db: sqlite3.Connection) -> None:
    before = state(db, "usr_cleo")["preferences"]
    assert before["saved"] != before["applied"]
    assert run(db, "usr_cleo", "resync_preferences").status == "done"
    after = state(db, "usr_cleo")["preferences"]
    assert after["saved"] == after["applied"] == before["saved"]
    assert (after["sync"]["state"], after["sync"]["error"]) == ("in_sync", None)


def test_saving_again_does_not_get_past_the_failure(db: sqlite3.Connection) -> None:
    user = find_user(db, "usr_cleo")
    assert user is not None
    save_preferences(db, user, {**state(db, "usr_cleo")["preferences"]["saved"], "roast": "dark"})
    content = state(db, "usr_cleo")["preferences"]
    assert content["saved"]["roast"] == "dark"
    assert content["applied"]["roast"] == "medium"


def test_verification_is_sent_at_most_once_a_minute(db: sqlite3.Connection) -> None:
    before = state(db, "usr_ben")["account"]["verification_sent_at"]
    assert run(db, "usr_ben", "resend_verification").status == "done"
    assert state(db, "usr_ben")["account"]["verification_sent_at"] > before
    assert run(db, "usr_ben", "resend_verification").code == "rate_limited"
    old = stamp(now() - timedelta(seconds=61))
    db.execute("UPDATE users SET verification_sent_at = ? WHERE ref = 'usr_ben'", (old,))
    assert run(db, "usr_ben", "resend_verification").status == "done"
    assert run(db, "usr_hana", "resend_verification").code == "already_verified"


def test_only_the_newest_link_works(db: sqlite3.Connection) -> None:
    user = find_user(db, "usr_ben")
    assert user is not None
    mail.send(db, user, "verify")
    mail.send(db, user, "verify")
    links = [row["link"].partition("token=")[2] for row in db.execute("SELECT link FROM mails ORDER BY id")]
    assert mail.use_link(db, "verify", links[0]) is None
    assert mail.use_link(db, "reset", links[1]) is None
    assert mail.use_link(db, "verify", links[1]) == "usr_ben"
    assert mail.use_link(db, "verify", links[1]) is None


def test_a_code_dies_after_five_wrong_ones(db: sqlite3.Connection) -> None:
    user = find_user(db, "usr_jon")
    assert user is not None
    mail.send(db, user, "code")
    body = db.execute("SELECT body FROM mails ORDER BY id DESC").fetchone()["body"]
    right = body.partition("code is ")[2][:6]
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(mail.CODE_TRIES):
        assert not mail.use_code(db, "usr_jon", wrong)
    assert not mail.use_code(db, "usr_jon", right)


def test_refunds_follow_the_window(db: sqlite3.Connection) -> None:
    new, old, older = state(db, "usr_hana")["billing"]["invoices"]
    assert run(db, "usr_hana", "refund_invoice", number=new["number"]).status == "done"
    assert run(db, "usr_hana", "refund_invoice", number=new["number"]).code == "already_refunded"
    for invoice in (old, older):
        assert run(db, "usr_hana", "refund_invoice", number=invoice["number"]).code == "refund_window_closed"
    other = state(db, "usr_ada")["billing"]["invoices"][0]["number"]
    assert run(db, "usr_hana", "refund_invoice", number=other).code == "unknown_invoice"
    assert run(db, "usr_hana", "refund_invoice").code == "unknown_invoice"
    due = state(db, "usr_dev")["billing"]["invoices"][0]["number"]
    assert run(db, "usr_dev", "refund_invoice", number=due).code == "not_paid"


@pytest.mark.parametrize(
    "parameters", [{"number": 7}, {"number": None}, {"number": "x", "more": "y"}, {"a": "b"}]
)
def test_unknown_parameters_are_refused(db: sqlite3.Connection, parameters: dict[str, Any]) -> None:
    assert run(db, "usr_hana", "refund_invoice", **parameters).code == "unknown_parameter"


def test_a_stuck_export_runs_and_gets_ready(db: sqlite3.Connection) -> None:
    outcome = run(db, "usr_ivy", "restart_export")
    assert (outcome.status, outcome.result) == ("accepted", {"exports": ["exp_ivy_2"]})
    assert state(db, "usr_ivy")["exports"][0]["state"] == "running"
    db.execute("UPDATE exports SET ready_at = ? WHERE id = 'exp_ivy_2'", (stamp(now()),))
    assert state(db, "usr_ivy")["exports"][0]["state"] == "ready"


def test_other_sessions_end_only_after_a_fresh_second_factor(db: sqlite3.Connection) -> None:
    outcome = run(db, "usr_jon", "sign_out_other_sessions")
    assert (outcome.code, outcome.result) == ("step_up_required", {"confirm_at": "/confirm"})
    later = stamp(now() + timedelta(minutes=5))
    db.execute("UPDATE users SET confirmed_until = ? WHERE ref = 'usr_jon'", (later,))
    assert run(db, "usr_jon", "sign_out_other_sessions").result == {"signed_out": 2}
    left = state(db, "usr_jon")["sessions"]
    assert [(session["device"], session["current"]) for session in left] == [("Firefox on Windows", True)]
    assert run(db, "usr_jon", "sign_out_other_sessions").code == "no_other_session"


def test_signing_in_again_on_one_device_is_no_trouble(db: sqlite3.Connection) -> None:
    user = find_user(db, "usr_hana")
    assert user is not None
    for _ in range(5):
        begin(db, user, "Chrome on Linux")
    assert codes(db, "usr_hana") == []
    for device in ("Firefox on Windows", "Safari on iPhone"):
        begin(db, user, device)
    assert codes(db, "usr_hana") == ["KT-1009"]


def test_without_a_second_factor_no_confirmation_is_needed(db: sqlite3.Connection) -> None:
    user = find_user(db, "usr_hana")
    assert user is not None
    begin(db, user, "One")
    begin(db, user, "Two")
    assert run(db, "usr_hana", "sign_out_other_sessions").status == "done"
    assert len(state(db, "usr_hana")["sessions"]) == 1


def test_restoring_one_user_leaves_the_others(db: sqlite3.Connection) -> None:
    run(db, "usr_ada", "unlock_account")
    run(db, "usr_dev", "retry_payment")
    assert restore(db, "ada") == ["usr_ada"]
    assert codes(db, "usr_ada") == ["KT-1001"]
    assert codes(db, "usr_dev") == []


def test_a_payment_without_an_open_invoice_is_refused(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM invoices WHERE ref = 'usr_dev'")
    outcome = run(db, "usr_dev", "retry_payment")
    assert (outcome.status, outcome.code) == ("refused", "nothing_due")
