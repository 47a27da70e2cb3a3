"""What can be done for a user, when, and how: the same rules whether the user or support asks.

A rule's `check` gives the code of the reason why it cannot be done now, or None. Its `act` changes the state
and says how it went. Both run inside the caller's transaction.
"""

import json
import sqlite3
from datetime import timedelta
from typing import Any

from connectors.hosts.demo import mail
from connectors.hosts.demo.reasons import REASONS, Outcome, Rule, refused
from connectors.hosts.demo.state import first_of_next_month
from connectors.hosts.demo.store import now, stamp
from connectors.hosts.demo.subscription_rules import SUBSCRIPTION_RULES


def perform(db: sqlite3.Connection, user: sqlite3.Row, name: str, parameters: dict[str, Any]) -> Outcome:
    """Check and act; `name` must be in `RULES`."""
    rule = RULES[name]
    if set(parameters) - rule.parameters or not all(isinstance(v, str) for v in parameters.values()):
        return refused("unknown_parameter")
    # Where a parameter decides, `act` knows the better reason; `check` is then for the list only.
    reason = None if rule.parameters else rule.check(db, user)
    if reason is not None:
        return refused(reason, **({"confirm_at": "/confirm"} if reason == "step_up_required" else {}))
    return rule.act(db, user, parameters)


def _set(db: sqlite3.Connection, user: sqlite3.Row, **values: Any) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    db.execute(f"UPDATE users SET {assignments} WHERE ref = ?", (*values.values(), user["ref"]))  # noqa: S608


def _check_lock(_: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    if not user["locked"]:
        return "not_locked"
    return None if user["lock_reason"] == "too_many_attempts" else "needs_review"


def _unlock(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    _set(db, user, locked=0, lock_reason=None, failed_sign_ins=0)
    return Outcome("done")


def _check_reset(_: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    return "rate_limited" if mail.seconds_to_wait(user["password_reset_sent_at"]) else None


def _send_reset(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    mail.send(db, user, "reset")
    _set(db, user, password_reset_sent_at=stamp(now()))
    return Outcome("done", result={"sent_to": user["email"]})


def _check_verification(_: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    if user["email_verified"]:
        return "already_verified"
    return "rate_limited" if mail.seconds_to_wait(user["verification_sent_at"]) else None


def _send_verification(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    mail.send(db, user, "verify")
    _set(db, user, verification_sent_at=stamp(now()))
    return Outcome("done", result={"sent_to": user["email"]})


def _check_sync(_: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    same = json.loads(user["saved"]) == json.loads(user["applied"])
    return "already_in_sync" if same and user["sync_state"] == "in_sync" else None


def _resync(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    _set(db, user, applied=user["saved"], sync_state="in_sync", sync_error=None, synced_at=stamp(now()))
    return Outcome("done")


def save_preferences(db: sqlite3.Connection, user: sqlite3.Row, saved: dict[str, Any]) -> None:
    """Save; they arrive at once, unless an earlier failure blocks them (a re-synchronisation clears it)."""
    _set(db, user, saved=json.dumps(saved))
    if user["sync_state"] == "in_sync":
        _set(db, user, applied=json.dumps(saved), synced_at=stamp(now()))


def _check_payment(_: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    return None if user["billing_status"] == "past_due" else "nothing_due"


def _retry_payment(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    invoice = db.execute(
        "SELECT * FROM invoices WHERE ref = ? AND status = 'open' ORDER BY date LIMIT 1", (user["ref"],)
    ).fetchone()
    if invoice is None:
        return refused("nothing_due")
    number = db.execute("SELECT count(*) FROM payments").fetchone()[0]
    payment = f"pay_{invoice['number'][4:]}_{number}"
    expired = first_of_next_month(user["card_expires"]) <= now()
    last = db.execute(
        "SELECT failure_code FROM payments WHERE ref = ? ORDER BY at DESC, id DESC LIMIT 1", (user["ref"],)
    ).fetchone()
    stays = last["failure_code"] if last and last["failure_code"] in _LASTING else None
    failure = "card_expired" if expired else stays
    db.execute(
        "INSERT INTO payments (id, ref, invoice, status, failure_code, at, amount_cents) VALUES "
        "(?,?,?,?,?,?,?)",
        (payment, user["ref"], invoice["number"], "failed" if failure else "paid",
         failure, stamp(now()), invoice["amount_cents"]),
    )  # fmt: skip
    if failure:
        why = REASONS["card_expired" if expired else "bank_declined"]
        return Outcome("failed", failure, why, {"payment": payment})
    until = (now() + timedelta(days=14)).date().isoformat()
    db.execute(
        "UPDATE invoices SET status = 'paid', refundable_until = ? WHERE ref = ? AND number = ?",
        (until, user["ref"], invoice["number"]),
    )
    _set(db, user, billing_status="active", amount_due_cents=0)
    return Outcome("done", result={"payment": payment, "invoice": invoice["number"]})


def update_card(db: sqlite3.Connection, user: sqlite3.Row, kind: str, last4: str, expires: str) -> None:
    """Put another card on the account; only its kind, last four digits and month are kept."""
    _set(db, user, card_kind=kind, card_last4=last4, card_expires=expires)


_LASTING = frozenset({"card_declined", "insufficient_funds", "authentication_required"})
"""What the bank says again when it is asked again."""


def _check_export(db: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    found = db.execute("SELECT 1 FROM exports WHERE ref = ? AND state = 'stuck'", (user["ref"],)).fetchone()
    return None if found else "no_stuck_export"


def _restart_export(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    rows = db.execute("SELECT id FROM exports WHERE ref = ? AND state = 'stuck'", (user["ref"],)).fetchall()
    db.execute(
        "UPDATE exports SET state = 'running', ready_at = ? WHERE ref = ? AND state = 'stuck'",
        (stamp(now() + timedelta(seconds=3)), user["ref"]),
    )
    return Outcome("accepted", result={"exports": [row["id"] for row in rows]})


def _check_sessions(db: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    count = db.execute(
        "SELECT count(*) FROM sessions WHERE ref = ? AND stage <> 'code'", (user["ref"],)
    ).fetchone()[0]
    if count < 2:
        return "no_other_session"
    fresh = (user["confirmed_until"] or "") > stamp(now())
    return None if user["second_factor"] is None or fresh else "step_up_required"


def _sign_out_others(db: sqlite3.Connection, user: sqlite3.Row, _: dict[str, Any]) -> Outcome:
    done = db.execute(
        "DELETE FROM sessions WHERE ref = ?1 AND id <> (SELECT id FROM sessions WHERE ref = ?1 AND "
        "stage <> 'code' "
        "ORDER BY last_seen DESC LIMIT 1)",
        (user["ref"],),
    )
    return Outcome("done", result={"signed_out": done.rowcount})


def _check_refund(db: sqlite3.Connection, user: sqlite3.Row) -> str | None:
    found = db.execute(
        "SELECT 1 FROM invoices WHERE ref = ? AND status = 'paid' AND refundable_until >= ?",
        (user["ref"], now().date().isoformat()),
    ).fetchone()
    return None if found else "nothing_refundable"


def _refund(db: sqlite3.Connection, user: sqlite3.Row, parameters: dict[str, Any]) -> Outcome:
    row = db.execute(
        "SELECT * FROM invoices WHERE number = ? AND ref = ?", (parameters.get("number", ""), user["ref"])
    ).fetchone()
    if row is None:
        return refused("unknown_invoice")
    if row["status"] != "paid":
        return refused("already_refunded" if row["status"] == "refunded" else "not_paid")
    if row["refundable_until"] < now().date().isoformat():
        return refused("refund_window_closed", refundable_until=row["refundable_until"])
    db.execute(
        "UPDATE invoices SET status = 'refunded' WHERE ref = ? AND number = ?", (user["ref"], row["number"])
    )
    return Outcome("done", result={"invoice": row["number"], "amount_cents": row["amount_cents"]})


RULES: dict[str, Rule] = {
    "unlock_account": Rule("Unlock the account", _check_lock, _unlock),
    "send_password_reset": Rule("Send a link to set a new password", _check_reset, _send_reset),
    "resend_verification": Rule(
        "Send the confirmation e-mail again", _check_verification, _send_verification
    ),
    "resync_preferences": Rule("Bring saved preferences to the roastery", _check_sync, _resync),
    "retry_payment": Rule("Try the failed payment again", _check_payment, _retry_payment),
    "restart_export": Rule("Start a stuck export again", _check_export, _restart_export),
    "sign_out_other_sessions": Rule("Sign out all other devices", _check_sessions, _sign_out_others),
    "refund_invoice": Rule("Refund an invoice", _check_refund, _refund, frozenset({"number"})),
    **SUBSCRIPTION_RULES,
}
