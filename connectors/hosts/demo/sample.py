"""The sample users, each in a trouble of their own, and the state they start with."""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.hosts.demo.passwords import hash_password_now
from connectors.hosts.demo.store import now, stamp

PASSWORD = "kettle-demo"  # noqa: S105 - shown on the sign-in page
_PREFERENCES = {
    "grind": "whole_bean",
    "roast": "medium",
    "delivery_day": "thursday",
    "delivery_reminder": True,
    "newsletter": False,
}
_FEATURES = {"brew_guides": True, "gift_boxes": True, "roast_radar": False, "swap_in_app": False}
_ENTITLEMENTS = {"brew_guides": True, "gift_boxes": True}
"""What every plan includes; the other features are for trying out."""
_STEPS = 4


def _notifications(**email: Any) -> dict[str, Any]:
    return {
        "email": {"enabled": True, "state": "ok", "reason": None, **email},
        "sms": {"enabled": False, "number": None, "state": "ok"},
        "last_sent_at": stamp(now() - timedelta(days=2)),
    }


def _subscription(plan: str, key: str, **changed: Any) -> dict[str, Any]:
    box = {"number": f"BOX-{700 + ord(key[0])}", "skipped": False}
    due = (now() + timedelta(days=6)).date().isoformat()
    return {
        "shown_plan": plan, "state": "active", "paused_until": None, "next_delivery": {**box, "date": due},
        "migration": {"state": "done", "steps_done": _STEPS, "steps": _STEPS}, **changed,
    }  # fmt: skip


_TABLES = (
    "payments",
    "invoices",
    "orders",
    "exports",
    "sessions",
    "mails",
    "secrets",
    "support_actions",
    "answers",
)
_hash: list[str] = []


@dataclass(frozen=True)
class Sample:
    """A sample user: `trouble` is for the sign-in page; `columns` differ from a user without trouble."""

    key: str
    name: str
    trouble: str
    code: str | None
    plan: str = "Morning Coffee"
    columns: dict[str, Any] = field(default_factory=dict)
    email_delivery: dict[str, Any] = field(default_factory=dict)
    subscription: dict[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """Kettle's id of the user."""
        return f"usr_{self.key}"

    @property
    def email(self) -> str:
        """Where the user gets mail."""
        return f"{self.key}@kettle.example"


def _locked() -> dict[str, Any]:
    return {"locked": 1, "lock_reason": "too_many_attempts", "failed_sign_ins": 6}


SAMPLES: tuple[Sample, ...] = (
    Sample("ada", "Ada Lindqvist", "The account is locked", "KT-1001", columns=_locked()),
    Sample("ben", "Ben Okafor", "The e-mail address is not confirmed", "KT-1003", "Tea Explorer",
           {"email_verified": 0}),
    Sample("cleo", "Cleo Marchetti", "Preferences are saved and do not arrive", "KT-1004", columns={
        "saved": {**_PREFERENCES, "grind": "filter", "delivery_day": "saturday"},
        "sync_state": "failed", "sync_error": "profile_version_conflict"}),
    Sample("dev", "Dev Raman", "A payment failed; trying again works", "KT-1005",
           columns={"billing_status": "past_due"}),
    Sample("eli", "Eli Brandt", "A payment failed; the card has expired", "KT-1006", "Espresso Club",
           {"billing_status": "past_due"}),
    Sample("fay", "Fay Duarte", "Three orders, one of them late", "KT-1007", "Tea Explorer"),
    Sample("gus", "Gus Petrov", "The password has expired", "KT-1002", columns={"password_expired": 1}),
    Sample("hana", "Hana Sato", "All is well", None, "Espresso Club"),
    Sample("ivy", "Ivy Novak", "An export is stuck", "KT-1008"),
    Sample("jon", "Jon Abara", "Second factor on, signed in on several devices", "KT-1009", "Espresso Club",
           {"second_factor": "email_code"}),
    Sample("kim", "Kim Halloran", "The same invoice was paid twice", "KT-1015", "Tea Explorer"),
    Sample("lea", "Lea Fontaine", "An order was lost by the carrier", "KT-1014"),
    Sample("mia", "Mia Castell", "E-mails are on hold", "KT-1016",
           email_delivery={"state": "suppressed", "reason": "temporary_failures"}),
    Sample("noa", "Noa Berger", "The change of plan stopped half-way", "KT-1020", "Espresso Club",
           subscription={"shown_plan": "Morning Coffee",
                         "migration": {"state": "half_applied", "steps_done": 2, "steps": _STEPS}}),
    Sample("oli", "Oli Grant", "A feature of the plan is missing", "KT-1021",
           columns={"features": {**_FEATURES, "gift_boxes": False}}),
)  # fmt: skip
BY_KEY = {sample.key: sample for sample in SAMPLES}
_KEYS = list(BY_KEY)
PRICES = {"Morning Coffee": 1890, "Tea Explorer": 1650, "Espresso Club": 2490}


def restore(db: sqlite3.Connection, key: str | None = None) -> list[str]:
    """Put one sample user, or all, back to the start; their sessions and mails are gone. Returns the refs.

    All means that throw-away users are gone.
    """
    chosen = SAMPLES if key is None else (BY_KEY[key],)
    for sample in chosen:
        forget(db, sample.ref)
        insert(db, sample)
    if key is None:
        for row in db.execute("SELECT ref FROM users WHERE temporary > 0").fetchall():
            forget(db, row["ref"])
    return [sample.ref for sample in chosen]


def insert(db: sqlite3.Connection, sample: Sample, like: str | None = None) -> None:
    """Make a user as `sample` says; `like` is the key of the sample that a throw-away user takes after."""
    if not _hash:
        _hash.append(hash_password_now(PASSWORD))
    key = like or sample.key
    _insert_user(db, sample, key)
    _insert_billing(db, sample, key, now())
    _insert_orders(db, sample, key, now())
    _insert_rest(db, sample, key, now())


def restore_if_empty(db: sqlite3.Connection) -> None:
    """Fill a new store; leave one in use alone."""
    if db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None:
        restore(db)


def forget(db: sqlite3.Connection, ref: str) -> None:
    """Remove a user and all that belongs to them."""
    for table in (*_TABLES, "users"):
        db.execute(f"DELETE FROM {table} WHERE ref = ?", (ref,))  # noqa: S608 - names from this file


def _add(db: sqlite3.Connection, table: str, **values: Any) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    plain = [json.dumps(v) if isinstance(v, dict | list) else v for v in values.values()]
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", plain)  # noqa: S608 - names from this file


def _insert_user(db: sqlite3.Connection, sample: Sample, key: str) -> None:
    at = now()
    expires = at + timedelta(days=700)
    if key == "eli":
        expires = at - timedelta(days=40)
    values: dict[str, Any] = {
        "ref": sample.ref, "email": sample.email, "name": sample.name, "password": _hash[0],
        "plan": sample.plan, "billing_status": "active",
        "card_kind": "Visa" if key in "adfhj" else "Mastercard",
        "card_last4": str(4200 + 7 * ord(key[0])), "card_expires": expires.strftime("%Y-%m"),
        "saved": _PREFERENCES, "applied": _PREFERENCES, "sync_state": "in_sync",
        "synced_at": stamp(at - timedelta(days=4)), "features": _FEATURES,
        "entitlements": _ENTITLEMENTS,
        "notifications": _notifications(**sample.email_delivery),
        "subscription": _subscription(sample.plan, key, **sample.subscription),
        **sample.columns,
    }  # fmt: skip
    if key == "ben":
        values["verification_sent_at"] = stamp(at - timedelta(days=3))
    if values["billing_status"] == "past_due":
        values["amount_due_cents"] = PRICES[sample.plan]
    _add(db, "users", **values)


def _insert_billing(db: sqlite3.Connection, sample: Sample, key: str, at: datetime) -> None:
    base = 3000 + 10 * _KEYS.index(key)
    failed = sample.columns.get("billing_status") == "past_due"
    for step, days in enumerate((62, 32, 2)):
        latest_failed = failed and days == 2
        number, date, price = f"INV-{base + step}", at - timedelta(days=days), PRICES[sample.plan]
        _add(db, "invoices", number=number, ref=sample.ref, date=date.date().isoformat(), amount_cents=price,
             status="open" if latest_failed else "paid",
             refundable_until=(date + timedelta(days=14)).date().isoformat())  # fmt: skip
        code = "card_expired" if key == "eli" else "issuer_timeout"
        _add(db, "payments", id=f"pay_{base + step}", ref=sample.ref, invoice=number, at=stamp(date),
             amount_cents=price, status="failed" if latest_failed else "paid",
             failure_code=code if latest_failed else None)  # fmt: skip
        if key == "kim" and days == 2:
            _add(db, "payments", id=f"pay_{base + step}_2", ref=sample.ref, invoice=number,
                 at=stamp(date + timedelta(minutes=3)), amount_cents=price, status="paid")  # fmt: skip


def _insert_orders(db: sqlite3.Connection, sample: Sample, key: str, at: datetime) -> None:
    tea = sample.plan == "Tea Explorer"
    first = ["Darjeeling first flush, 100 g", "Jade sencha, 75 g"] if tea else ["Huila Espresso, 500 g"]
    second = ["Smoky lapsang, 100 g"] if tea else ["Yirgacheffe, 250 g", "Paper filters, 100"]
    third = ["Tasting box: six oolongs"] if tea else ["Decaf Sierra, 250 g"]
    rows = [("in_transit", 2, 1, second)]
    if key == "fay":
        rows = [("delivered", 21, -15, third), ("in_transit", 3, 1, second), ("delayed", 8, -2, first)]
    elif key == "lea":
        rows = [("lost", 14, -8, second), ("in_transit", 2, 1, first)]
    elif key in ("hana", "jon"):
        rows = [("delivered", 16, -12, first), ("processing", 0, 4, second)]
    base = 20400 + 10 * _KEYS.index(key)
    for step, (status, placed, expected, items) in enumerate(rows):
        sent = status != "processing"
        _add(db, "orders", number=f"K-{base + step}", ref=sample.ref, status=status,
             placed_at=stamp(at - timedelta(days=placed, hours=3)),
             expected_at=(at + timedelta(days=expected)).date().isoformat(),
             carrier="Postbode" if sent else None, tracking=f"PB{base + step}88NL" if sent else None,
             items=items)  # fmt: skip


def _insert_rest(db: sqlite3.Connection, sample: Sample, key: str, at: datetime) -> None:
    def ago(**span: float) -> str:
        return stamp(at - timedelta(**span))

    _add(db, "exports", id=f"exp_{key}_1", ref=sample.ref, kind="orders", state="ready",
         requested_at=ago(days=40), ready_at=ago(days=40))  # fmt: skip
    if key == "ivy":
        _add(db, "exports", id="exp_ivy_2", ref=sample.ref, kind="invoices", state="stuck",
             requested_at=ago(hours=9))  # fmt: skip
    if key == "jon":
        devices = (
            ("Firefox on Windows", 3.0),
            ("Safari on iPhone", 26.0),
            ("Chrome on Android tablet", 310.0),
        )
        for step, (device, hours) in enumerate(devices):
            _add(db, "sessions", id=f"ses_{sample.key}_{step + 1}", ref=sample.ref, stage="full", csrf="-",
                 device=device, last_seen=ago(hours=hours))  # fmt: skip
