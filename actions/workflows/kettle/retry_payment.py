"""Tries a failed payment again."""

from typing import ClassVar

from actions.framework.formatting import money, passed_on
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow
from actions.host import OperationResult

_CAUSES = {
    "card_expired": "the card on your account has expired",
    "insufficient_funds": "the bank said there wasn't enough money in the account",
    "card_declined": "the bank declined the card",
    "issuer_timeout": "your bank didn't answer in time",
    "authentication_required": "your bank wanted you to approve it yourself",
}
_REMEDIES = {
    "card_expired": "Please add a card that is still valid under Billing; the payment is then taken from it.",
    "insufficient_funds": (
        "Please top up the account or add another card under Billing, then ask me to try again."
    ),
    "card_declined": "Please ask your bank why, or add another card under Billing.",
    "authentication_required": (
        "Please pay the invoice under Billing, where your bank can ask you to approve it."
    ),
}
_DEFAULT_REMEDY = "Please check the card under Billing, or use another one."


class RetryPayment(Workflow):
    """Has the application charge the card on file once more, for the amount that is due."""

    meta: ClassVar[Metadata] = Metadata(
        id="retry_payment",
        title="Retry the payment",
        done_title="Payment went through",
        area="billing",
        intents=("payment_failed",),
        reads=(
            "billing.status",
            "billing.currency",
            "billing.amount_due_cents",
            "billing.last_payment.status",
            "billing.last_payment.failure_code",
            "billing.payment_method.kind",
            "billing.payment_method.last4",
        ),
        operations=("retry_payment",),
        risk="medium",
        symptoms=("payment",),
        help_query="update the card my payment method has expired",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Something is due and the last payment failed: applies."""
        if not seen["billing.amount_due_cents"] and seen["billing.status"] != "past_due":
            return Diagnosis(
                "fine", "I looked at your billing: nothing is due, and your last payment went through."
            )
        due = _due(seen)
        cause = _CAUSES.get(str(seen["billing.last_payment.failure_code"]))
        because = f" because {cause}" if cause else ""
        return Diagnosis(
            "applies",
            f"Your last payment of {due} didn't go through{because}.",
            question=f"Shall I try it again now with {_card(seen)}? That charges {due}.",
            yes=f"Yes, pay {due}",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when nothing is due any more and the last payment is a paid one."""
        ok = (
            after["billing.amount_due_cents"] == 0
            and after["billing.status"] == "active"
            and after["billing.last_payment.status"] == "paid"
        )
        facts = (
            Fact("Payment", "failed", "paid" if after["billing.last_payment.status"] == "paid" else "failed"),
            Fact("Amount due", _due(before), _due(after)),
        )
        text = (
            "The payment went through and nothing is due any more." if ok else f"{_due(after)} is still due."
        )
        return Verification(ok, facts, text)

    def explain_failure(self, after: Seen, result: OperationResult) -> str:
        """Name the cause and what the user must do; the card is theirs to change."""
        code = result.code or str(after["billing.last_payment.failure_code"])
        cause = _CAUSES.get(code)
        if cause is None:
            known = passed_on(result.message)
            return f"I tried, and the payment failed again. {known or _DEFAULT_REMEDY}"
        return f"I tried, and the payment failed again: {cause}. {_REMEDIES.get(code, _DEFAULT_REMEDY)}"


def _due(seen: Seen) -> str:
    return money(seen["billing.amount_due_cents"], seen["billing.currency"])


def _card(seen: Seen) -> str:
    last4 = seen["billing.payment_method.last4"]
    if not isinstance(last4, str) or not last4.isdigit():
        return "the card on your account"
    kind = seen["billing.payment_method.kind"]
    name = kind if isinstance(kind, str) and kind.isalpha() and kind.lower() != "card" else "card"
    return f"your {name} ending in {last4[-4:]}"
