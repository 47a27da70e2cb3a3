"""Finds out whether somebody was charged twice. Giving money back for that is a person's job."""

from collections import Counter
from typing import Any, ClassVar

from actions.framework.formatting import money, parse_moment
from actions.framework.workflow import Diagnosis, Metadata, Seen, Workflow


class DuplicateCharge(Workflow):
    """Compares payments and invoices. Two payments for one invoice go to a person with what was found."""

    meta: ClassVar[Metadata] = Metadata(
        id="duplicate_charge",
        title="Check for a double charge",
        done_title="Payments compared",
        area="billing",
        intents=("charged_twice",),
        reads=("billing.payments", "billing.invoices", "billing.currency"),
        operations=(),
        risk="none",
        help_query="I think I was charged twice",
        label="I was charged twice",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Two paid payments for one invoice, or two paid invoices of one day: a person gets it at once."""
        payments = [row for row in seen.rows("billing.payments") if isinstance(row.get("invoice"), str)]
        paid = [row for row in payments if row.get("status") == "paid"]
        double = _doubled(paid, "invoice")
        if double:
            return _found(double, seen["billing.currency"], "You paid one invoice twice")
        alike = _doubled(
            [row for row in seen.rows("billing.invoices") if row.get("status") == "paid"], "date"
        )
        if alike and len({row.get("amount_cents") for row in alike}) == 1:
            return _found(alike, seen["billing.currency"], "There are two paid invoices of the same day")
        if not paid:
            return Diagnosis("fine", "I looked at your payments, and I can't see any that was taken lately.")
        failed = {row["invoice"] for row in payments if row.get("status") == "failed"}
        tried = failed & {row["invoice"] for row in paid}
        text = f"I compared your last {_counted(len(paid))} with your invoices, and each was taken only once."
        if tried:
            text += " One try had failed before it worked; nothing was taken for that one."
        bank = " A second line at your bank is often a reservation that disappears within five working days."
        return Diagnosis("fine", f"{text}{bank}")


def _doubled(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The rows that share a value, when there are such."""
    counts = Counter(str(row[name]) for row in rows if row.get(name))
    twice = next((value for value, count in counts.items() if count > 1), None)
    return [row for row in rows if twice is not None and str(row.get(name)) == twice]


def _found(rows: list[dict[str, Any]], currency: object, what: str) -> Diagnosis:
    rows = sorted(rows, key=lambda row: str(row.get("at") or row.get("date")))
    days = [f"{at.day} {at:%B}" for row in rows[:4] if (at := parse_moment(row.get("at") or row.get("date")))]
    amount = money(rows[0].get("amount_cents"), currency)
    when = f" on {' and '.join(dict.fromkeys(days))}" if days else ""
    return Diagnosis(
        "blocked",
        f"You're right, and I'm sorry. {what}: {amount}, taken {_times(len(rows))}{when}. That is our "
        "mistake. Money for a double charge is given back by a person, who checks it with the bank, so I'm "
        "passing this on with what I found.",
        code="charged_twice",
        hand_off=True,
    )


def _counted(count: int) -> str:
    return "payment" if count == 1 else f"{count} payments"


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
