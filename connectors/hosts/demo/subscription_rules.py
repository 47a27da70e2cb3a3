"""Rules on the subscription, its features, mails, invoices and lost orders."""

import json
import sqlite3
from datetime import timedelta
from typing import Any

from connectors.hosts.demo.reasons import Outcome, Rule, refused
from connectors.hosts.demo.store import now, stamp

WEEKS = ("1", "2", "4", "8")
Db = sqlite3.Connection
Row = sqlite3.Row


def _keep(db: Db, user: Row, column: str, content: dict[str, Any]) -> None:
    db.execute(
        f"UPDATE users SET {column} = ? WHERE ref = ?",  # noqa: S608 - names from this file
        (json.dumps(content), user["ref"]),
    )


def _subscription(user: Row) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(user["subscription"])
    return kept


def _check_mails(_: Db, user: Row) -> str | None:
    email = json.loads(user["notifications"])["email"]
    if email["state"] == "bounced":
        return "address_bounces"
    if email["state"] != "suppressed":
        return "not_suppressed"
    return "complaint" if email["reason"] == "complaint" else None


def _reactivate(db: Db, user: Row, _: dict[str, Any]) -> Outcome:
    notifications = json.loads(user["notifications"])
    notifications["email"].update(state="ok", reason=None)
    _keep(db, user, "notifications", notifications)
    return Outcome("done")


def _check_cache(_: Db, user: Row) -> str | None:
    subscription = _subscription(user)
    if subscription["migration"]["state"] == "half_applied":
        return "migration_unfinished"
    return "not_stale" if subscription["shown_plan"] == user["plan"] else None


def _refresh_cache(db: Db, user: Row, _: dict[str, Any]) -> Outcome:
    _keep(db, user, "subscription", {**_subscription(user), "shown_plan": user["plan"]})
    return Outcome("done")


def _check_migration(_: Db, user: Row) -> str | None:
    return None if _subscription(user)["migration"]["state"] == "half_applied" else "no_migration"


def _finish_migration(db: Db, user: Row, _: dict[str, Any]) -> Outcome:
    subscription = _subscription(user)
    steps = subscription["migration"]["steps"]
    subscription["migration"] = {"state": "done", "steps_done": steps, "steps": steps}
    _keep(db, user, "subscription", {**subscription, "shown_plan": user["plan"]})
    return Outcome("done")


def _check_pause(_: Db, user: Row) -> str | None:
    return None if _subscription(user)["state"] == "active" else "not_active"


def _pause(db: Db, user: Row, parameters: dict[str, Any]) -> Outcome:
    weeks = parameters.get("weeks")
    if weeks not in WEEKS:
        return refused("bad_weeks")
    if (reason := _check_pause(db, user)) is not None:
        return refused(reason)
    until = (now() + timedelta(weeks=int(weeks))).date().isoformat()
    _keep(db, user, "subscription", {**_subscription(user), "state": "paused", "paused_until": until})
    return Outcome("done", result={"paused_until": until})


def _check_resume(_: Db, user: Row) -> str | None:
    return None if _subscription(user)["state"] == "paused" else "not_paused"


def _resume(db: Db, user: Row, _: dict[str, Any]) -> Outcome:
    _keep(db, user, "subscription", {**_subscription(user), "state": "active", "paused_until": None})
    return Outcome("done")


def _check_skip(_: Db, user: Row) -> str | None:
    subscription = _subscription(user)
    if subscription["state"] != "active" or not subscription["next_delivery"]:
        return "not_active"
    return "already_skipped" if subscription["next_delivery"]["skipped"] else None


def _check_unskip(_: Db, user: Row) -> str | None:
    box = _subscription(user)["next_delivery"]
    return None if box and box["skipped"] else "not_skipped"


def _set_skipped(db: Db, user: Row, skipped: bool) -> Outcome:
    subscription = _subscription(user)
    subscription["next_delivery"]["skipped"] = skipped
    _keep(db, user, "subscription", subscription)
    return Outcome("done")


def _check_features(_: Db, user: Row) -> str | None:
    features, entitled = json.loads(user["features"]), json.loads(user["entitlements"])
    return None if any(on and features.get(name) is not True for name, on in entitled.items()) else "in_order"


def _refresh_features(db: Db, user: Row, _: dict[str, Any]) -> Outcome:
    features, entitled = json.loads(user["features"]), json.loads(user["entitlements"])
    _keep(db, user, "features", {**features, **{name: True for name, on in entitled.items() if on}})
    return Outcome("done")


def _check_lost(db: Db, user: Row) -> str | None:
    sql = "SELECT 1 FROM orders WHERE ref = ? AND status = 'lost' AND replaced_by IS NULL"
    return None if db.execute(sql, (user["ref"],)).fetchone() else "nothing_lost"


def _replace(db: Db, user: Row, parameters: dict[str, Any]) -> Outcome:
    sql = "SELECT * FROM orders WHERE ref = ? AND number = ?"
    order = db.execute(sql, (user["ref"], parameters.get("number", ""))).fetchone()
    if order is None:
        return refused("unknown_order")
    if order["status"] != "lost":
        return refused("not_lost")
    if order["replaced_by"] is not None:
        return refused("already_replaced")
    numbers = db.execute("SELECT number FROM orders WHERE ref = ?", (user["ref"],)).fetchall()
    digits = [int(text) for row in numbers if (text := row["number"].rpartition("-")[2]).isdigit()]
    new = f"K-{max(digits, default=20000) + 1}"
    at = now()
    db.execute(
        "INSERT INTO orders (number, ref, status, placed_at, expected_at, items) VALUES (?,?,?,?,?,?)",
        (new, user["ref"], "processing", stamp(at), (at + timedelta(days=4)).date().isoformat(),
         order["items"]),
    )  # fmt: skip
    db.execute(
        "UPDATE orders SET replaced_by = ? WHERE ref = ? AND number = ?", (new, user["ref"], order["number"])
    )
    return Outcome("done", result={"number": new})


def _check_invoice(db: Db, user: Row) -> str | None:
    found = db.execute("SELECT 1 FROM invoices WHERE ref = ?", (user["ref"],)).fetchone()
    return None if found else "no_invoice"


def _resend_invoice(db: Db, user: Row, parameters: dict[str, Any]) -> Outcome:
    number = parameters.get("number", "")
    sql = "SELECT 1 FROM invoices WHERE ref = ? AND number = ?"
    if db.execute(sql, (user["ref"], number)).fetchone() is None:
        return refused("unknown_invoice")
    _keep(db, user, "invoice_sent", {**json.loads(user["invoice_sent"]), number: stamp(now())})
    return Outcome("done", result={"sent_to": user["email"]})


SUBSCRIPTION_RULES: dict[str, Rule] = {
    "reactivate_email_delivery": Rule("Send e-mails again", _check_mails, _reactivate),
    "refresh_cache": Rule("Show the right plan", _check_cache, _refresh_cache),
    "finish_migration": Rule("Finish the change of plan", _check_migration, _finish_migration),
    "pause_subscription": Rule("Pause the subscription", _check_pause, _pause, frozenset({"weeks"})),
    "resume_subscription": Rule("Resume the subscription", _check_resume, _resume),
    "skip_delivery": Rule("Skip the next box", _check_skip, lambda db, user, _: _set_skipped(db, user, True)),
    "unskip_delivery": Rule(
        "Send the next box after all", _check_unskip, lambda db, user, _: _set_skipped(db, user, False)
    ),
    "refresh_features": Rule("Switch on what the plan includes", _check_features, _refresh_features),
    "replace_order": Rule("Send a lost order again", _check_lost, _replace, frozenset({"number"})),
    "resend_invoice": Rule("Send an invoice again", _check_invoice, _resend_invoice, frozenset({"number"})),
}
