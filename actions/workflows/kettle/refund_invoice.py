"""Gives the money for an invoice back, within the window that the application sets."""

from typing import Any, ClassVar

from actions.framework.formatting import day, money, parse_moment
from actions.framework.workflow import Diagnosis, Fact, Metadata, Question, Seen, Step, Verification, Workflow
from actions.workflows.kettle import _invoices as invoices

_NOT_PAID = {
    "open": "hasn't been paid yet, so there is nothing to give back",
    "failed": "was never paid, so there is nothing to give back",
    "cancelled": "was cancelled, and nothing was taken for it",
}


class RefundInvoice(Workflow):
    """Refunds one paid invoice; after the window it explains, and leaves the decision to a person."""

    meta: ClassVar[Metadata] = Metadata(
        id="refund_invoice",
        title="Refund an invoice",
        done_title="Invoice refunded",
        area="billing",
        intents=("refund_invoice",),
        reads=("billing.invoices", "billing.currency"),
        operations=("refund_invoice",),
        risk="high",
        help_query="when can I get a refund",
        label="Refund an invoice",
        retry_limit=2,
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Ask which invoice, then: inside the window applies, outside it is blocked."""
        rows = [row for row in invoices.newest_first(seen) if row.get("status") in ("paid", "refunded")]
        if not rows:
            return Diagnosis("fine", "I looked at your billing, and there is no paid invoice to refund.")
        row = invoices.chosen(rows, seen) or _other(seen)
        if row is None:
            ask = invoices.question(rows, "Which invoice should be refunded?", seen["billing.currency"])
            return Diagnosis("asks", "I can look at a refund for you.", ask=ask)
        return _judged(row, seen)

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        """One invoice, by its number."""
        row = _meant(seen)
        number = row["number"] if row is not None else ""
        return (Step("refund_invoice", {"number": number}),)

    def read_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Take a number, a month, an amount, or "my last one"."""
        return invoices.named(invoices.newest_first(seen), question, text, answer=True)

    def find_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """ "Refund my last invoice" names it already."""
        return invoices.named(invoices.newest_first(seen), question, text, answer=False)

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the invoice is seen to be refunded."""
        row, old = _meant(after), _meant(before)
        ok = row is not None and old is not None and row.get("status") == "refunded" != old.get("status")
        amount = money(row.get("amount_cents") if row else None, after["billing.currency"])
        return Verification(
            ok,
            (Fact("Invoice", "paid", "refunded" if ok else "paid"),),
            f"{amount} goes back to the card you paid with, within five working days."
            if ok
            else "The invoice doesn't show as refunded.",
        )

    def refused_beforehand(self, reason: str | None) -> str:
        """The application lists what it would do by the whole account, not by invoice."""
        if reason == "nothing_refundable":
            return "No invoice of yours is inside its refund window any more."
        return super().refused_beforehand(reason)


def _judged(row: dict[str, Any], seen: Seen) -> Diagnosis:
    called = invoices.described(row, seen["billing.currency"])
    status = str(row.get("status"))
    if status == "refunded":
        return Diagnosis(
            "fine",
            f"{called[0].upper()}{called[1:]} was refunded already. The money reaches the card within five "
            "working days.",
        )
    if status != "paid":
        why = _NOT_PAID.get(status, "isn't paid, so there is nothing to give back")
        return Diagnosis("blocked", f"{called[0].upper()}{called[1:]} {why}.", code="not_paid")
    until = parse_moment(row.get("refundable_until"))
    if until is not None and seen.as_of is not None and seen.as_of.date() > until.date():
        last = day(row.get("refundable_until"))
        return Diagnosis(
            "blocked",
            f"{called[0].upper()}{called[1:]} could be refunded until {last}. That refund window is closed, "
            "so I can't give the money back by myself. If something was wrong with what you got, a person "
            "can decide otherwise.",
            code="refund_window_closed",
        )
    amount = money(row.get("amount_cents"), seen["billing.currency"])
    return Diagnosis(
        "applies",
        f"{called[0].upper()}{called[1:]} can be refunded.",
        question=f"Shall I send {amount} back to the card you paid with?",
        yes=f"Yes, refund {amount}",
    )


def _meant(seen: Seen) -> dict[str, Any] | None:
    rows = [row for row in invoices.newest_first(seen) if row.get("status") in ("paid", "refunded")]
    return invoices.chosen(rows, seen) or _other(seen)


def _other(seen: Seen) -> dict[str, Any] | None:
    """The invoice that was named, though it is neither paid nor refunded."""
    wanted = seen.answers.get(invoices.NUMBER)
    return next((row for row in invoices.newest_first(seen) if row["number"] == wanted), None)
