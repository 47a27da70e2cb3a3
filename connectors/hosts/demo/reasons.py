"""What a rule is, how an operation can go, and the sentences for why it cannot be done now."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

REASONS = {
    "not_locked": "The account is not locked.",
    "needs_review": "The account was locked by a person. A person has to look at it.",
    "already_verified": "The e-mail address is confirmed already.",
    "rate_limited": "A mail was sent less than a minute ago.",
    "already_in_sync": "The preferences have arrived already.",
    "nothing_due": "There is no payment due.",
    "no_stuck_export": "No export is stuck.",
    "no_other_session": "There is no other session.",
    "step_up_required": "This needs a fresh second-factor confirmation by the user, at /confirm in Kettle.",
    "nothing_refundable": "No invoice is inside its refund window.",
    "unknown_invoice": "There is no such invoice on this account.",
    "refund_window_closed": "The refund window of this invoice has closed.",
    "already_refunded": "The invoice was refunded already.",
    "not_paid": "The invoice is not paid.",
    "card_expired": "The card has expired. A valid card is needed first.",
    "not_suppressed": "E-mails to this account are not on hold.",
    "address_bounces": "Mails to this address come back. Only the user can change the address.",
    "complaint": "A mail was reported as spam from this mailbox. A person has to look at it.",
    "not_stale": "The plan that is shown is the right one.",
    "migration_unfinished": "The change of plan is not finished.",
    "no_migration": "No change of plan is half-way.",
    "not_active": "The subscription is not active.",
    "not_paused": "The subscription is not paused.",
    "bad_weeks": "A pause takes 1, 2, 4 or 8 weeks.",
    "already_skipped": "The next box is skipped already.",
    "not_skipped": "The next box is not skipped.",
    "in_order": "Everything that the plan includes is on.",
    "nothing_lost": "No order is lost.",
    "unknown_order": "There is no such order on this account.",
    "not_lost": "The order is not lost.",
    "already_replaced": "The order has been sent again already.",
    "no_invoice": "There is no invoice.",
    "bank_declined": "The bank declined the payment again.",
    "unknown_parameter": "This operation does not take such a parameter.",
}


@dataclass(frozen=True)
class Outcome:
    """How an operation went: status "done", "accepted", "refused" or "failed"."""

    status: str
    code: str | None = None
    message: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """An operation that support may ask for."""

    title: str
    check: Callable[[sqlite3.Connection, sqlite3.Row], str | None]
    act: Callable[[sqlite3.Connection, sqlite3.Row, dict[str, Any]], Outcome]
    parameters: frozenset[str] = frozenset()


def refused(code: str, **result: Any) -> Outcome:
    """Return a refusal with the sentence for `code`."""
    return Outcome("refused", code, REASONS[code], result)
