"""A table of troubles: one for each workflow that acts, with the application's side of what mends it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.actions.conftest import Bench, FakeHost, Reply

INVOICE = {
    "number": "INV-3002",
    "date": "2026-02-25",
    "amount_cents": 1890,
    "status": "paid",
    "refundable_until": "2026-03-11",
}
LOST = {
    "number": "K-20433",
    "status": "lost",
    "expected_at": "2026-02-20",
    "items": ["Sencha", "Oolong"],
    "replaced_by": None,
}
PHONE = {"id": "ses_2", "device": "Safari on iPhone", "last_seen": "2026-02-20", "current": False}
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Trouble:
    """`says` starts it, and the workflow asks for consent at once. `changes` are laid over the state."""

    intent: str
    workflow: str
    changes: Mapping[str, Any]
    operation: str = ""
    says: str = "please help me with it"
    effect: Callable[[dict[str, Any], Parameters], None] | None = None
    undo: Mapping[str, Callable[[dict[str, Any], Parameters], None]] = field(default_factory=dict)

    @property
    def operation_name(self) -> str:
        """The operation that mends it."""
        return self.operation or self.workflow

    async def begin(self, bench: Bench) -> Reply:
        """Tell the assistant."""
        return await bench.chat.start(self.intent, self.says)

    def bring_about(self, bench: Bench) -> None:
        """Lay the trouble over the state, and teach the application what mends it."""
        lay_over(bench.host.parts, self.changes)
        if self.effect is not None:
            effect = self.effect
            bench.host.more[self.operation_name] = lambda given: effect(bench.host.parts, given)
        for name, act in self.undo.items():
            bench.host.more[name] = lambda given, act=act: act(bench.host.parts, given)  # type: ignore[misc]

    def mend(self, host: FakeHost) -> None:
        """Mend it without Firstline."""
        if self.operation_name in host.more:
            host.more[self.operation_name]({"number": "INV-3002"})
        else:
            getattr(host, f"_{self.operation_name}")()
        if self.workflow == "resend_verification":
            host.parts["account"]["email_verified"] = True


def lay_over(state: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Put values into a state; objects are merged, all else is replaced."""
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(state.get(name), dict):
            lay_over(state[name], value)
        else:
            state[name] = [dict(row) if isinstance(row, Mapping) else row for row in value] if isinstance(
                value, list
            ) else value  # fmt: skip


def _refund(parts: dict[str, Any], given: Parameters) -> None:
    for invoice in parts["billing"]["invoices"]:
        if invoice["number"] == given["number"]:
            invoice["status"] = "refunded"


def _send_invoice(parts: dict[str, Any], given: Parameters) -> None:
    parts["billing"]["invoice_sent"][given["number"]] = "2026-03-02T09:00:09+00:00"


def _replace(parts: dict[str, Any], given: Parameters) -> None:
    for order in list(parts["orders"]):
        if order["status"] == "lost" and given["number"] in (order["number"], "INV-3002"):
            order["replaced_by"] = "K-20499"
            parts["orders"].append(
                {**order, "number": "K-20499", "status": "processing", "replaced_by": None}
            )


def _pause(parts: dict[str, Any], given: Parameters) -> None:
    parts["subscription"].update(state="paused", paused_until="2026-03-16")


def _resume(parts: dict[str, Any], given: Parameters) -> None:
    parts["subscription"].update(state="active", paused_until=None)


def _skip(parts: dict[str, Any], given: Parameters) -> None:
    parts["subscription"]["next_delivery"]["skipped"] = True


def _unskip(parts: dict[str, Any], given: Parameters) -> None:
    parts["subscription"]["next_delivery"]["skipped"] = False


def _show(parts: dict[str, Any], given: Parameters) -> None:
    parts["subscription"]["shown_plan"] = parts["subscription"]["plan"]


def _finish(parts: dict[str, Any], given: Parameters) -> None:
    parts["subscription"]["migration"] = {"state": "done", "steps_done": 4, "steps": 4}


def _switch_on(parts: dict[str, Any], given: Parameters) -> None:
    parts["features"].update({name: True for name, entitled in parts["entitlements"].items() if entitled})


def _reactivate(parts: dict[str, Any], given: Parameters) -> None:
    parts["notifications"]["email"].update(state="ok", reason=None)


def _sign_out(parts: dict[str, Any], given: Parameters) -> None:
    parts["sessions"] = [row for row in parts["sessions"] if row["current"]]


_EXPORT = {
    "id": "exp_ada_2", "kind": "invoices", "state": "stuck", "requested_at": "2026-03-01T09:00:00+00:00"
}  # fmt: skip
_HERE = {"id": "ses_1", "device": "Firefox on Linux", "last_seen": "2026-03-02", "current": True}

TROUBLES = [
    Trouble("unlock_account", "unlock_account",
            {"account": {"locked": True, "lock_reason": "too_many_attempts", "failed_sign_ins": 6}}),
    Trouble("reset_password", "reset_password", {"account": {"password_expired": True}},
            "send_password_reset"),
    Trouble("resend_verification", "resend_verification", {"account": {"email_verified": False}}),
    Trouble("preferences_not_saved", "resync_preferences", {"preferences": {
        "applied": {"grind": "whole_bean", "delivery_day": "thursday"}, "sync": {"state": "failed"}}}),
    Trouble("payment_failed", "retry_payment", {"billing": {
        "status": "past_due", "amount_due_cents": 1890,
        "last_payment": {"id": "pay_1", "status": "failed", "failure_code": "issuer_timeout"}}}),
    Trouble("export_stuck", "restart_export", {"exports": [_EXPORT]}),
    Trouble("refund_invoice", "refund_invoice", {"billing": {"invoices": [INVOICE]}}, effect=_refund),
    Trouble("resend_invoice", "resend_invoice", {"billing": {"invoices": [INVOICE]}}, effect=_send_invoice),
    Trouble("order_missing", "replace_lost_order", {"orders": [LOST]}, "replace_order", effect=_replace),
    Trouble("sign_out_others", "sign_out_other_sessions", {"sessions": [_HERE, PHONE]}, effect=_sign_out),
    Trouble("feature_missing", "refresh_features", {"features": {"gift_boxes": False}}, effect=_switch_on),
    Trouble("plan_not_updated", "refresh_plan", {"subscription": {"plan": "Espresso Club"}}, "refresh_cache",
            effect=_show),
    Trouble("migration_unfinished", "finish_migration", {"subscription": {"migration": {
        "state": "half_applied", "steps_done": 2}}}, effect=_finish),
    Trouble("notifications_not_arriving", "reactivate_email", {"notifications": {"email": {
        "state": "suppressed", "reason": "temporary_failures"}}}, "reactivate_email_delivery",
        effect=_reactivate),
    Trouble("pause_now", "pause_subscription", {}, says="pause my subscription for two weeks", effect=_pause,
            undo={"resume_subscription": _resume}),
    Trouble("resume_subscription", "resume_subscription", {"subscription": {
        "state": "paused", "paused_until": "2026-04-01"}}, effect=_resume),
    Trouble("skip_next_box", "skip_delivery", {}, effect=_skip, undo={"unskip_delivery": _unskip}),
    Trouble("unskip_delivery", "unskip_delivery", {"subscription": {"next_delivery": {"skipped": True}}},
            effect=_unskip, undo={"skip_delivery": _skip}),
]  # fmt: skip
BY_WORKFLOW = {trouble.workflow: trouble for trouble in TROUBLES}
