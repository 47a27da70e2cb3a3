"""What workflows on invoices share: which one is meant, and how it is called in front of the user."""

import re
from typing import Any

from actions.framework.choices import choose
from actions.framework.formatting import money, parse_moment, reference
from actions.framework.workflow import Choice, Question, Seen

NUMBER = "invoice"
_SHOWN = 6
_LATEST = re.compile(
    r"\b(?:last|latest|newest|most recent|recent|current|this month(?:'?s)?)\b", re.IGNORECASE
)
_OLDEST = re.compile(r"\b(?:oldest|earliest)\b", re.IGNORECASE)
_TWICE = re.compile(r"\b(?:before last|last two|second last|next to last)\b", re.IGNORECASE)
_MOST_WORDS = 9
"""Longer answers tell of something else."""


def newest_first(seen: Seen) -> list[dict[str, Any]]:
    """Return the invoices that have a number, newest first."""
    rows = [row for row in seen.rows("billing.invoices") if isinstance(row.get("number"), str)]
    return sorted(rows, key=lambda row: str(row.get("date")), reverse=True)


def described(invoice: dict[str, Any], currency: object) -> str:
    """Call an invoice by number, date and amount: `INV-3002 of 1 November (€18.90)`."""
    date = parse_moment(invoice.get("date"))
    of = f" of {date.day} {date:%B}" if date else ""
    number = reference(invoice.get("number"), "the invoice")
    return f"{number}{of} ({money(invoice.get('amount_cents'), currency)})"


def question(invoices: list[dict[str, Any]], text: str, currency: object) -> Question:
    """Ask for one of them; the newest are on buttons."""
    choices = tuple(Choice(str(row["number"]), described(row, currency)) for row in invoices[:_SHOWN])
    return Question(NUMBER, text, choices)


def chosen(invoices: list[dict[str, Any]], seen: Seen) -> dict[str, Any] | None:
    """Return the invoice that was named, or the only one there is."""
    wanted = seen.answers.get(NUMBER)
    if wanted is not None:
        return next((row for row in invoices if row["number"] == wanted), None)
    return invoices[0] if len(invoices) == 1 else None


def named(invoices: list[dict[str, Any]], asked: Question, text: str, *, answer: bool) -> str | None:
    """Return the number of the invoice that the words mean: its number, month, amount, or "my last one".

    In a request (`answer` is False) many words are about other things, so only clear ones count.
    """
    by_digits = [row for row in invoices if _digits(row) and _digits(row) in re.findall(r"\d{3,}", text)]
    if len(by_digits) == 1:
        return str(by_digits[0]["number"])
    by_month = [
        row for row in invoices if _month(row) and re.search(rf"\b{_month(row)}\b", text, re.IGNORECASE)
    ]
    if len(by_month) == 1:
        return str(by_month[0]["number"])
    if invoices and _LATEST.search(text) and not _TWICE.search(text):
        return str(invoices[0]["number"])
    if not answer or len(text.split()) > _MOST_WORDS:
        return None
    if invoices and _OLDEST.search(text):
        return str(invoices[-1]["number"])
    return choose(asked.choices, text)


def _digits(invoice: dict[str, Any]) -> str:
    return "".join(re.findall(r"\d{3,}", str(invoice.get("number")))[:1])


def _month(invoice: dict[str, Any]) -> str:
    date = parse_moment(invoice.get("date"))
    return f"{date:%B}" if date else ""
