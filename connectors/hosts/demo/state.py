"""What Kettle knows about a user, in the parts that both its pages and the host contract show."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from connectors.hosts.demo.store import now, stamp

CURRENCY = "EUR"


def find_user(db: sqlite3.Connection, ref: str) -> sqlite3.Row | None:
    """Return the row of a user, or None."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM users WHERE ref = ?", (ref,)).fetchone()
    return row


def find_by_email(db: sqlite3.Connection, email: str) -> sqlite3.Row | None:
    """Return the row of the user with this address in any case, or None."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM users WHERE email = ?", (email.strip().lower(),)
    ).fetchone()
    return row


def _status(user: sqlite3.Row) -> str:
    if user["locked"]:
        return "locked"
    if user["password_expired"]:
        return "password_expired"
    return "active" if user["email_verified"] else "unverified"


def _account(_: sqlite3.Connection, user: sqlite3.Row) -> dict[str, Any]:
    return {
        "email": user["email"],
        "name": user["name"],
        "status": _status(user),
        "email_verified": bool(user["email_verified"]),
        "locked": bool(user["locked"]),
        "lock_reason": user["lock_reason"],
        "failed_sign_ins": user["failed_sign_ins"],
        "password_expired": bool(user["password_expired"]),
        "password_reset_sent_at": user["password_reset_sent_at"],
        "verification_sent_at": user["verification_sent_at"],
        "second_factor": {
            "enabled": user["second_factor"] is not None,
            "method": user["second_factor"],
            "lost_device": bool(user["lost_device"]),
        },
    }


def _billing(db: sqlite3.Connection, user: sqlite3.Row) -> dict[str, Any]:
    invoices = db.execute(
        "SELECT * FROM invoices WHERE ref = ? ORDER BY date DESC, number DESC", (user["ref"],)
    )
    payments = db.execute(
        "SELECT * FROM payments WHERE ref = ? ORDER BY at DESC, id DESC LIMIT 12", (user["ref"],)
    ).fetchall()
    last = payments[0] if payments else None
    return {
        "plan": user["plan"],
        "status": user["billing_status"],
        "currency": CURRENCY,
        "amount_due_cents": user["amount_due_cents"],
        "last_payment": None
        if last is None
        else {name: last[name] for name in ("id", "status", "failure_code", "at", "amount_cents")},
        "payments": [
            {name: row[name] for name in ("id", "invoice", "status", "at", "amount_cents")}
            for row in payments
        ],
        "invoice_sent": json.loads(user["invoice_sent"]),
        "payment_method": {
            "kind": user["card_kind"],
            "last4": user["card_last4"],
            "expires": user["card_expires"],
        },
        "invoices": [
            {name: row[name] for name in ("number", "date", "amount_cents", "status", "refundable_until")}
            for row in invoices
        ],
    }


def _orders(db: sqlite3.Connection, user: sqlite3.Row) -> list[dict[str, Any]]:
    rows = db.execute("SELECT * FROM orders WHERE ref = ? ORDER BY number DESC", (user["ref"],))
    names = ("number", "status", "placed_at", "expected_at", "carrier", "tracking", "replaced_by")
    return [{**{name: row[name] for name in names}, "items": json.loads(row["items"])} for row in rows]


def _preferences(_: sqlite3.Connection, user: sqlite3.Row) -> dict[str, Any]:
    return {
        "saved": json.loads(user["saved"]),
        "applied": json.loads(user["applied"]),
        "sync": {
            "state": user["sync_state"],
            "error": user["sync_error"],
            "last_synced_at": user["synced_at"],
        },
    }


def _features(_: sqlite3.Connection, user: sqlite3.Row) -> dict[str, bool]:
    flags: dict[str, bool] = json.loads(user["features"])
    return flags


def _stored(column: str) -> Callable[[sqlite3.Connection, sqlite3.Row], Any]:
    """A part that is kept as it is shown."""
    return lambda _, user: json.loads(user[column])


def _subscription(_: sqlite3.Connection, user: sqlite3.Row) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(user["subscription"])
    return {"plan": user["plan"], **kept}


def _exports(db: sqlite3.Connection, user: sqlite3.Row) -> list[dict[str, Any]]:
    db.execute(
        "UPDATE exports SET state = 'ready' WHERE ref = ? AND state = 'running' AND ready_at <= ?",
        (user["ref"], stamp(now())),
    )
    rows = db.execute("SELECT * FROM exports WHERE ref = ? ORDER BY requested_at DESC", (user["ref"],))
    return [{name: row[name] for name in ("id", "kind", "state", "requested_at")} for row in rows]


def _sessions(db: sqlite3.Connection, user: sqlite3.Row) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT * FROM sessions WHERE ref = ? AND stage <> 'code' ORDER BY last_seen DESC", (user["ref"],)
    ).fetchall()
    return [
        {"id": row["id"], "device": row["device"], "last_seen": row["last_seen"], "current": position == 0}
        for position, row in enumerate(rows)
    ]


PARTS: dict[str, Callable[[sqlite3.Connection, sqlite3.Row], Any]] = {
    "account": _account,
    "billing": _billing,
    "orders": _orders,
    "preferences": _preferences,
    "features": _features,
    "entitlements": _stored("entitlements"),
    "notifications": _stored("notifications"),
    "subscription": _subscription,
    "exports": _exports,
    "sessions": _sessions,
}


def read_state(db: sqlite3.Connection, ref: str, parts: Iterable[str] = ()) -> dict[str, Any] | None:
    """Return `{part: content}` (all parts when none is named), or None for an unknown user.

    The session used last counts as the current one: the host contract has no browser to ask.
    """
    user = find_user(db, ref)
    if user is None:
        return None
    return {name: PARTS[name](db, user) for name in (tuple(parts) or PARTS)}


def first_of_next_month(text: str) -> datetime:
    """Return the moment a card with `YYYY-MM` on it stops being valid."""
    year, month = (int(piece) for piece in text.split("-"))
    return now().replace(
        year=year + month // 12, month=month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )
