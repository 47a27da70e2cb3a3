"""Tells where an order is. Reads only."""

import re
from typing import Any, ClassVar

from actions.framework.formatting import day, humanise, listed, named, reference, word
from actions.framework.workflow import Choice, Diagnosis, Metadata, Question, Seen, Workflow

UNDERWAY = ("lost", "delayed", "in_transit", "shipped", "processing")
"""Statuses of orders that are still to come, those in most need of a word first."""
QUESTION = "order"
_SHOWN = 5
_MOST_WORDS = 5
"""Longer messages tell of something; they do not name an order."""
_STATUS = re.compile(r"[a-z]{2,12}(?:_[a-z]{2,12})?")
_NUMBER = re.compile(r"(?:[A-Za-z]{1,4}[-\s]?)?(\d{3,})")


class OrderStatus(Workflow):
    """Looks up one order; `report` words it. It has no operations, so nothing is ever changed."""

    meta: ClassVar[Metadata] = Metadata(
        id="order_status",
        title="Order status",
        done_title="Order status",
        area="orders",
        intents=("order_status",),
        reads=("orders",),
        operations=(),
        risk="none",
        symptoms=("delivery",),
        help_query="my delivery is late",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Tell about the order that is meant; ask which one where there are several."""
        orders = in_order(seen.rows("orders"))
        if not orders:
            return Diagnosis(
                "applies",
                "I looked, and there are no orders on your account yet. Perhaps you ordered with another "
                "e-mail address.",
            )
        wanted = seen.answers.get(QUESTION)
        chosen = match(orders, wanted) if wanted else (orders[0] if len(orders) == 1 else None)
        if chosen is None:
            return Diagnosis("asks", "", ask=_which(orders))
        return report(chosen)

    def read_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Take a number, or words such as "the late one" or "the oolong"."""
        order = match(seen.rows("orders"), text) if len(text.split()) <= _MOST_WORDS else None
        number = None if order is None else order.get("number")
        return str(number) if number is not None else super().read_answer(question, text, seen)


def _which(orders: list[dict[str, Any]]) -> Question:
    shown = orders[:_SHOWN]
    choices = tuple(Choice(str(order.get("number")), title(order)) for order in shown)
    card = {"type": "orders", "orders": [card_row(order) for order in shown]}
    return Question(QUESTION, "Which order do you mean?", choices, card)


def report(order: dict[str, Any]) -> Diagnosis:
    """Word what is known of one order; a late one is a person's job."""
    card = {"type": "orders", "orders": [card_row(order)]}
    number, status = called(order), str(order.get("status"))
    expected = day(order.get("expected_at"))
    carrier = named(order.get("carrier"), "")
    by = f" with {carrier}" if carrier else ""
    if status == "delayed":
        was = f" It was due on {expected}." if expected else ""
        return Diagnosis(
            "blocked",
            f"Order {number} is delayed.{was} It is{by or ' on its way'} and I can't speed it up from here, "
            "but a person can chase it or send a replacement.",
            code="delayed",
            card=card,
        )
    if status == "lost":
        return Diagnosis("applies", _lost(order), card=card)
    arrives = f" It should arrive on {expected}." if expected else ""
    texts = {
        "processing": f"Order {number} is being packed.{arrives}",
        "shipped": f"Order {number} has been sent{by}.{arrives}",
        "in_transit": f"Order {number} is on its way{by}.{arrives}",
        "delivered": f"Order {number} was delivered{f'; it was due on {expected}' if expected else ''}.",
    }
    text = texts.get(status, f"Order {number}: {_status(status)}.{arrives}")
    return Diagnosis("applies", text, card=card)


def _lost(order: dict[str, Any]) -> str:
    if order.get("replaced_by"):
        new = reference(str(order["replaced_by"]), "a new order")
        return f"Order {called(order)} was lost by the carrier and is being sent again, as {new}."
    return (
        f"Order {called(order)} was lost by the carrier. I'm sorry! "
        'Say "my parcel is lost", and I\'ll have it sent again.'
    )


def called(order: dict[str, Any]) -> str:
    """Return an order's number when it can be read out."""
    return reference(str(order.get("number")), "without number")


def numbered(order: dict[str, Any]) -> bool:
    """Whether an order has a number that can be read out."""
    return called(order) == str(order.get("number"))


def _status(status: str) -> str:
    return word(status, "no news")


def card_row(order: dict[str, Any]) -> dict[str, Any]:
    """Return what the orders card shows of one order."""
    items = order.get("items")
    status, expected = str(order.get("status")), order.get("expected_at")
    return {
        "number": called(order),
        "status": status if _STATUS.fullmatch(status) else "unknown",
        "expected": expected if day(expected) else None,
        "items": [named(item, "an item") for item in items] if isinstance(items, list) else [],
    }


def in_order(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put orders that need a word first, delivered ones last."""
    rank = {status: place for place, status in enumerate(UNDERWAY)}
    return sorted(orders, key=lambda order: rank.get(str(order.get("status")), len(rank)))


def title(order: dict[str, Any]) -> str:
    """Return a button's text for an order."""
    return f"{called(order)} ({_status(str(order.get('status')))})"


def match(orders: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    """Find the one order that the user means by number, status or item; None when none or several fit."""
    text = wanted.strip().casefold()
    digits = _NUMBER.search(text)
    if digits:
        found = [o for o in orders if re.sub(r"\D", "", str(o.get("number"))) == digits[1]]
        return found[0] if len(found) == 1 else None
    words = _words(text) | {"delayed" if "late" in text.split() else ""}
    found = [o for o in orders if words & _described(o)]
    return found[0] if len(found) == 1 else None


def _described(order: dict[str, Any]) -> set[str]:
    items = card_row(order)["items"]
    text = f"{humanise(str(order.get('status')))} {listed(items) if items else ''}".casefold()
    return _words(text)


def _words(text: str) -> set[str]:
    """Words of four letters or more, without a plural's s."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]{4,}", text)}
