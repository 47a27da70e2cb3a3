"""Sends a lost order again; a late one is for a person to chase."""

from typing import Any, ClassVar

from actions.framework.formatting import day, reference
from actions.framework.workflow import (
    Choice,
    Diagnosis,
    Fact,
    Metadata,
    Question,
    Seen,
    Step,
    Verification,
    Workflow,
)
from actions.workflows.kettle import order_status as orders


class ReplaceLostOrder(Workflow):
    """Looks for a delivery that should have come. What the carrier lost is sent anew."""

    meta: ClassVar[Metadata] = Metadata(
        id="replace_lost_order",
        title="Replace a lost order",
        done_title="Order sent again",
        area="orders",
        intents=("order_missing",),
        reads=("orders",),
        operations=("replace_order",),
        risk="medium",
        help_query="my delivery is late",
        label="My delivery is late or lost",
        retry_limit=2,
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Lost: ask which where there are several, then it applies. Late: blocked. Else fine."""
        lost = _lost(seen)
        if not lost:
            return _nothing_lost(seen)
        row = _chosen(seen, lost)
        if row is None:
            choices = tuple(Choice(str(one["number"]), orders.title(one)) for one in lost)
            card = {"type": "orders", "orders": [orders.card_row(one) for one in lost]}
            asked = Question(orders.QUESTION, "Which one shall I look after first?", choices, card)
            return Diagnosis("asks", f"The carrier lost {len(lost)} of your orders. I'm sorry!", ask=asked)
        items = orders.card_row(row)["items"]
        what = f" ({', '.join(items[:3])})" if items else ""
        return Diagnosis(
            "applies",
            f"The carrier lost order {row['number']}{what}. I'm sorry!",
            question="Shall I have the same things sent again? You aren't charged for it.",
            yes="Yes, send it again",
            card={"type": "orders", "orders": [orders.card_row(row)]},
        )

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        """One order, by its number."""
        row = _chosen(seen, _lost(seen))
        return (Step("replace_order", {"number": str(row["number"]) if row is not None else ""}),)

    def read_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Take a number, or words such as "the oolong"."""
        row = orders.match(_lost(seen), text) if len(text.split()) <= 6 else None
        return str(row["number"]) if row is not None else super().read_answer(question, text, seen)

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the lost order names its replacement, and that is among the orders."""
        row = _chosen(before, _lost(before))
        number = str(row["number"]) if row is not None else None
        now = next((o for o in after.rows("orders") if str(o.get("number")) == number), {})
        new = now.get("replaced_by")
        known = {str(o.get("number")) for o in after.rows("orders")} - {
            str(o.get("number")) for o in before.rows("orders")
        }
        ok = row is not None and isinstance(new, str) and new in known
        again = reference(new, "a new order")
        fact = Fact("Lost order", "not replaced", f"sent again as {again}" if ok else "not replaced")
        return Verification(
            ok,
            (fact,),
            f"Your order is being packed again, as {again}, and you aren't charged for it."
            if ok
            else "No replacement shows on your account.",
        )


def _lost(seen: Seen) -> list[dict[str, Any]]:
    return [
        row
        for row in seen.rows("orders")
        if row.get("status") == "lost" and not row.get("replaced_by") and orders.numbered(row)
    ]


def _chosen(seen: Seen, lost: list[dict[str, Any]]) -> dict[str, Any] | None:
    wanted = seen.answers.get(orders.QUESTION)
    if wanted is not None:
        return next((row for row in lost if str(row["number"]) == wanted), None)
    return lost[0] if len(lost) == 1 else None


def _nothing_lost(seen: Seen) -> Diagnosis:
    rows = [row for row in orders.in_order(seen.rows("orders")) if orders.numbered(row)]
    late = [row for row in rows if row.get("status") == "delayed"]
    if late:
        return _late(late)
    replaced = [row for row in rows if row.get("status") == "lost" and row.get("replaced_by")]
    if replaced:
        return Diagnosis(
            "fine",
            f"Order {replaced[0]['number']} was lost, and it is being sent again already.",
            card={"type": "orders", "orders": [orders.card_row(row) for row in rows[:3]]},
        )
    coming = [row for row in rows if row.get("status") in orders.UNDERWAY]
    if coming:
        told = orders.report(coming[0])
        return Diagnosis("fine", f"No order of yours shows as late or lost. {told.text}", card=told.card)
    return Diagnosis(
        "fine",
        "No order of yours shows as late or lost. If one says delivered and isn't there, please ask your "
        "neighbours first, then a person looks into it the same day.",
    )


def _late(late: list[dict[str, Any]]) -> Diagnosis:
    due = day(late[0].get("expected_at"))
    was = f" It was due on {due}." if due else ""
    more = (
        f" {len(late) - 1} more of your orders {'is' if len(late) == 2 else 'are'} late too."
        if late[1:]
        else ""
    )
    return Diagnosis(
        "blocked",
        f"Order {late[0]['number']} is delayed, but not lost.{was}{more} I can't speed it up or send it "
        "twice from here; a person can chase it with the carrier or decide on a new box.",
        code="delayed",
        card={"type": "orders", "orders": [orders.card_row(row) for row in late]},
    )
