"""Puts a user into any state, for demonstrations and tests; the state is written as `state` shows it.

Whatever follows from something else cannot be set (an account's status), and what Kettle could not get into
by itself is put right: who is past due has an open invoice and a failed payment.
"""

import json
import sqlite3
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.hosts.demo.context import Problem
from connectors.hosts.demo.sample import PRICES
from connectors.hosts.demo.state import find_user, read_state
from connectors.hosts.demo.store import now, stamp

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Moment = Annotated[str, Field(max_length=40, pattern=r"^20[0-9]{2}-[01][0-9]-[0-3][0-9]")]
Cents = Annotated[int, Field(ge=0, le=10_000_000)]
Rows = 50


class Part(BaseModel):
    """What may be said of a part; unknown names are refused, so that a slip of the pen is seen."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SecondFactor(Part):
    """`account.second_factor`."""

    enabled: bool | None = None
    method: Literal["email_code"] | None = None
    lost_device: bool | None = None


class Account(Part):
    """`account`."""

    name: Text | None = None
    email_verified: bool | None = None
    locked: bool | None = None
    lock_reason: Text | None = None
    failed_sign_ins: Annotated[int, Field(ge=0, le=1000)] | None = None
    password_expired: bool | None = None
    password_reset_sent_at: Moment | None = None
    verification_sent_at: Moment | None = None
    second_factor: SecondFactor | None = None


class LastPayment(Part):
    """`billing.last_payment`: changes the newest payment."""

    status: Literal["paid", "failed"] | None = None
    failure_code: Text | None = None
    at: Moment | None = None
    amount_cents: Cents | None = None


class PaymentMethod(Part):
    """`billing.payment_method`."""

    kind: Text | None = None
    last4: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    expires: Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] | None = None


class Invoice(Part):
    """A row of `billing.invoices`."""

    number: Text
    date: Moment
    amount_cents: Cents = 1890
    status: Literal["paid", "open", "refunded"] = "paid"
    refundable_until: Moment


class Payment(Part):
    """A row of `billing.payments`."""

    id: Text
    invoice: Text
    status: Literal["paid", "failed"] = "paid"
    failure_code: Text | None = None
    at: Moment
    amount_cents: Cents = 1890


class Billing(Part):
    """`billing`."""

    plan: Literal["Morning Coffee", "Tea Explorer", "Espresso Club"] | None = None
    status: Literal["active", "past_due"] | None = None
    amount_due_cents: Cents | None = None
    last_payment: LastPayment | None = None
    payment_method: PaymentMethod | None = None
    invoices: Annotated[list[Invoice], Field(max_length=Rows)] | None = None
    payments: Annotated[list[Payment], Field(max_length=Rows)] | None = None
    invoice_sent: dict[Text, Moment] | None = None


class Order(Part):
    """A row of `orders`."""

    number: Text
    status: Literal["processing", "shipped", "in_transit", "delayed", "delivered", "lost"]
    placed_at: Moment | None = None
    expected_at: Moment | None = None
    carrier: Text | None = None
    tracking: Text | None = None
    items: Annotated[list[Text], Field(max_length=20)] = ["Yirgacheffe, 250 g"]
    replaced_by: Text | None = None


class Sync(Part):
    """`preferences.sync`."""

    state: Literal["in_sync", "failed", "pending"] | None = None
    error: Text | None = None
    last_synced_at: Moment | None = None


class Preferences(Part):
    """`preferences`; `saved` and `applied` change the values that they name."""

    saved: dict[Text, Text | bool] | None = None
    applied: dict[Text, Text | bool] | None = None
    sync: Sync | None = None


class Export(Part):
    """A row of `exports`."""

    id: Text
    kind: Literal["orders", "invoices"] = "orders"
    state: Literal["ready", "running", "stuck"]
    requested_at: Moment | None = None


class Session(Part):
    """A row of `sessions`; the newest counts as the current one."""

    id: Text
    device: Text
    last_seen: Moment | None = None
    current: bool | None = None


class Email(Part):
    """`notifications.email`."""

    enabled: bool | None = None
    state: Literal["ok", "bounced", "suppressed"] | None = None
    reason: Text | None = None


class Sms(Part):
    """`notifications.sms`."""

    enabled: bool | None = None
    number: Text | None = None
    state: Literal["ok", "unverified"] | None = None


class Notifications(Part):
    """`notifications`."""

    email: Email | None = None
    sms: Sms | None = None
    last_sent_at: Moment | None = None


class Box(Part):
    """`subscription.next_delivery`."""

    number: Text | None = None
    date: Moment | None = None
    skipped: bool | None = None


class Migration(Part):
    """`subscription.migration`."""

    state: Literal["none", "done", "half_applied"] | None = None
    steps_done: Annotated[int, Field(ge=0, le=20)] | None = None
    steps: Annotated[int, Field(ge=0, le=20)] | None = None


class Subscription(Part):
    """`subscription`."""

    plan: Literal["Morning Coffee", "Tea Explorer", "Espresso Club"] | None = None
    shown_plan: Text | None = None
    state: Literal["active", "paused", "cancelled"] | None = None
    paused_until: Moment | None = None
    next_delivery: Box | None = None
    migration: Migration | None = None


class State(Part):
    """The parts that may be set, each in the words of the state."""

    account: Account | None = None
    billing: Billing | None = None
    orders: Annotated[list[Order], Field(max_length=Rows)] | None = None
    preferences: Preferences | None = None
    features: dict[Text, bool] | None = None
    entitlements: dict[Text, bool] | None = None
    exports: Annotated[list[Export], Field(max_length=Rows)] | None = None
    sessions: Annotated[list[Session], Field(max_length=Rows)] | None = None
    notifications: Notifications | None = None
    subscription: Subscription | None = None


def parse_state(content: Any) -> State:
    """Check what was sent.

    Raises:
        Problem: 400, naming the field that is not known or not right, and what would be.
    """
    try:
        return State.model_validate(content if content is not None else {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "state"
        raise Problem(400, "invalid_state", f"state.{where}: {first['msg']}.") from None


def arrange(db: sqlite3.Connection, ref: str, state: State) -> None:
    """Put the user into the state: what is not named stays as it is, and a list replaces the whole list."""
    for part in sorted(state.model_fields_set):
        value = getattr(state, part)
        if value is not None:
            _SETTERS[part](db, ref, value)
    _put_right(db, ref, state)


def _given(part: Part) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.model_fields_set}


def _update(db: sqlite3.Connection, ref: str, values: dict[str, Any]) -> None:
    for column, value in values.items():
        plain = json.dumps(value) if isinstance(value, dict | list) else value
        kept = int(plain) if isinstance(plain, bool) else plain
        db.execute(f"UPDATE users SET {column} = ? WHERE ref = ?", (kept, ref))  # noqa: S608 - our names


def _account(db: sqlite3.Connection, ref: str, account: Account) -> None:
    given = _given(account)
    factor = given.pop("second_factor", None)
    if given.get("locked") and "lock_reason" not in given:
        given["lock_reason"] = "too_many_attempts"
    if given.get("locked") is False:
        given.setdefault("lock_reason", None)
    _update(db, ref, given)
    if factor is not None:
        said = _given(factor)
        if "enabled" in said or "method" in said:
            on = said.get("enabled", True)
            _update(db, ref, {"second_factor": (said.get("method") or "email_code") if on else None})
        if said.get("lost_device") is not None:
            _update(db, ref, {"lost_device": said["lost_device"]})


def _billing(db: sqlite3.Connection, ref: str, billing: Billing) -> None:
    names = {"plan": "plan", "status": "billing_status", "amount_due_cents": "amount_due_cents"}
    given = _given(billing)
    _update(db, ref, {column: given[name] for name, column in names.items() if given.get(name) is not None})
    if billing.payment_method is not None:
        card = {f"card_{name}": value for name, value in _given(billing.payment_method).items()}
        _update(db, ref, card)
    if billing.invoice_sent is not None:
        _update(db, ref, {"invoice_sent": billing.invoice_sent})
    if billing.invoices is not None:
        _replace(db, ref, "invoices", [row.model_dump() for row in billing.invoices])
    if billing.payments is not None:
        _replace(db, ref, "payments", [row.model_dump() for row in billing.payments])
    if billing.last_payment is not None:
        for name, value in _given(billing.last_payment).items():
            db.execute(
                f"UPDATE payments SET {name} = ?1 WHERE ref = ?2 AND id = (SELECT id FROM payments "  # noqa: S608
                "WHERE ref = ?2 ORDER BY at DESC, id DESC LIMIT 1)",
                (value, ref),
            )


def _replace(db: sqlite3.Connection, ref: str, table: str, rows: list[dict[str, Any]]) -> None:
    db.execute(f"DELETE FROM {table} WHERE ref = ?", (ref,))  # noqa: S608 - our names
    for row in rows:
        values = {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()} | {"ref": ref}
        marks = ", ".join("?" * len(values))
        try:
            db.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 - our names
                tuple(values.values()),
            )
        except sqlite3.IntegrityError:
            raise Problem(400, "invalid_state", f"state: two {table} have the same name.") from None


def _orders(db: sqlite3.Connection, ref: str, orders: list[Order]) -> None:
    rows = [{**order.model_dump(), "placed_at": order.placed_at or stamp(now())} for order in orders]
    _replace(db, ref, "orders", rows)


def _exports(db: sqlite3.Connection, ref: str, exports: list[Export]) -> None:
    rows = [{**one.model_dump(), "requested_at": one.requested_at or stamp(now())} for one in exports]
    for row in rows:
        row["ready_at"] = row["requested_at"] if row["state"] == "ready" else None
    _replace(db, ref, "exports", rows)


def _sessions(db: sqlite3.Connection, ref: str, sessions: list[Session]) -> None:
    rows = [
        {
            "id": f"{one.id}_{ref}",
            "stage": "full",
            "csrf": "-",
            "device": one.device,
            "last_seen": one.last_seen or stamp(now()),
        }
        for one in sessions
    ]
    _replace(db, ref, "sessions", rows)


def _preferences(db: sqlite3.Connection, ref: str, preferences: Preferences) -> None:
    user = find_user(db, ref)
    assert user is not None
    for name in ("saved", "applied"):
        values = getattr(preferences, name)
        if values is not None:
            _update(db, ref, {name: {**json.loads(user[name]), **values}})
    if preferences.sync is not None:
        columns = {"state": "sync_state", "error": "sync_error", "last_synced_at": "synced_at"}
        _update(db, ref, {columns[name]: value for name, value in _given(preferences.sync).items()})


def _flags(column: str) -> Any:
    def put(db: sqlite3.Connection, ref: str, flags: dict[str, bool]) -> None:
        user = find_user(db, ref)
        assert user is not None
        _update(db, ref, {column: {**json.loads(user[column]), **flags}})

    return put


def _nested(column: str) -> Any:
    """A part that is kept as it is shown: what is named changes, down to the leaves."""

    def put(db: sqlite3.Connection, ref: str, part: Part) -> None:
        user = find_user(db, ref)
        assert user is not None
        given = part.model_dump(exclude_unset=True)
        plan = given.pop("plan", None)
        if plan is not None:
            _update(db, ref, {"plan": plan})
        _update(db, ref, {column: _merged(json.loads(user[column]), given)})

    return put


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}


def _put_right(db: sqlite3.Connection, ref: str, state: State) -> None:
    """Whoever is past due owes an invoice, by a payment that failed; an expired card is why."""
    user = find_user(db, ref)
    billing = state.billing
    if user is None or billing is None:
        return
    if billing.status == "active" and billing.amount_due_cents is None:
        _update(db, ref, {"amount_due_cents": 0})
        db.execute("UPDATE invoices SET status = 'paid' WHERE ref = ? AND status = 'open'", (ref,))
    if user["billing_status"] != "past_due":
        return
    newest = "(SELECT {0} FROM {1} WHERE ref = ?1 ORDER BY {2} DESC, {0} DESC LIMIT 1)"
    if not db.execute("SELECT 1 FROM invoices WHERE ref = ? AND status = 'open'", (ref,)).fetchone():
        which = newest.format("number", "invoices", "date")
        db.execute(f"UPDATE invoices SET status = 'open' WHERE ref = ?1 AND number = {which}", (ref,))  # noqa: S608
    which = newest.format("id", "payments", "at")
    cause = billing.last_payment.failure_code if billing.last_payment else None
    expired = user["card_expires"] < f"{now():%Y-%m}"
    db.execute(
        "UPDATE payments SET status = 'failed', failure_code = coalesce(?2, failure_code, ?3) "  # noqa: S608
        f"WHERE ref = ?1 AND id = {which}",
        (ref, cause, "card_expired" if expired else "issuer_timeout"),
    )
    if cause == "card_expired" and not expired and not (billing.payment_method or PaymentMethod()).expires:
        _update(db, ref, {"card_expires": "2024-01"})
    if not user["amount_due_cents"] and billing.amount_due_cents is None:
        _update(db, ref, {"amount_due_cents": PRICES.get(user["plan"], 1890)})


_SETTERS: dict[str, Any] = {
    "account": _account,
    "billing": _billing,
    "orders": _orders,
    "preferences": _preferences,
    "features": _flags("features"),
    "entitlements": _flags("entitlements"),
    "exports": _exports,
    "sessions": _sessions,
    "notifications": _nested("notifications"),
    "subscription": _nested("subscription"),
}


def changed_parts(state: State) -> list[str]:
    """Return the parts that were set."""
    return sorted(name for name in state.model_fields_set if getattr(state, name) is not None)


__all__ = ["State", "arrange", "changed_parts", "parse_state", "read_state"]
