"""Mails an invoice to the user once more."""

from typing import Any, ClassVar

from actions.framework.formatting import moment, own_address
from actions.framework.workflow import Diagnosis, Fact, Metadata, Question, Seen, Step, Verification, Workflow
from actions.workflows.kettle import _invoices as invoices


class ResendInvoice(Workflow):
    """Has an invoice sent to the account's own address."""

    meta: ClassVar[Metadata] = Metadata(
        id="resend_invoice",
        title="Send an invoice again",
        done_title="Invoice sent",
        area="billing",
        intents=("resend_invoice",),
        reads=("billing.invoices", "billing.invoice_sent", "billing.currency", "account.email"),
        operations=("resend_invoice",),
        risk="low",
        help_query="where do I find my invoices and receipts",
        label="Send me an invoice",
        retry_limit=6,
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Ask which one where there are several."""
        rows = invoices.newest_first(seen)
        if not rows:
            return Diagnosis("fine", "I looked at your billing, and there is no invoice yet.")
        row = invoices.chosen(rows, seen)
        if row is None:
            ask = invoices.question(rows, "Which invoice shall I send you?", seen["billing.currency"])
            return Diagnosis("asks", "", ask=ask)
        called = invoices.described(row, seen["billing.currency"])
        return Diagnosis(
            "applies",
            f"I can mail {called} to {_address(seen)}.",
            question="Shall I send it?",
            yes="Yes, send it",
        )

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        """One invoice, by its number."""
        row = _meant(seen)
        return (Step("resend_invoice", {"number": row["number"] if row is not None else ""}),)

    def read_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Take a number, a month, an amount, or "my last one"."""
        return invoices.named(invoices.newest_first(seen), question, text, answer=True)

    def find_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """ "Send me last month's invoice" may name it already."""
        return invoices.named(invoices.newest_first(seen), question, text, answer=False)

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the application has noted that this invoice was sent anew."""
        row = _meant(before)
        number = str(row["number"]) if row is not None else ""
        earlier = before.mapping("billing.invoice_sent").get(number)
        sent = after.mapping("billing.invoice_sent").get(number)
        ok = bool(sent) and sent != earlier
        fact = Fact("Invoice e-mail", moment(earlier) or "not sent", moment(sent) or "not sent")
        return Verification(
            ok,
            (fact,),
            f"The invoice is on its way to {_address(after)}."
            if ok
            else "The application doesn't show that the invoice was sent.",
        )


def _meant(seen: Seen) -> dict[str, Any] | None:
    return invoices.chosen(invoices.newest_first(seen), seen)


def _address(seen: Seen) -> str:
    return own_address(seen["account.email"], "the e-mail address on your account")
