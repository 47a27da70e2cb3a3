"""HTML that cannot be forgotten to be escaped: `fill` escapes every value that is not already `Html`."""

import html
from collections.abc import Iterable
from datetime import date
from string import Formatter
from typing import Any

from connectors.hosts.demo.store import moment, now


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


class _Filler(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return str(value) if isinstance(value, Html) else html.escape(format(value, format_spec))


_filler = _Filler()
NONE = Html("")


def fill(template: str, **values: Any) -> Html:
    """Put values into a template with `{name}` fields."""
    return Html(_filler.vformat(template, (), values))


def join(pieces: Iterable[Html]) -> Html:
    """Put pieces one after another."""
    return Html("".join(pieces))


def money(cents: int) -> str:
    """Return an amount of euros."""
    return f"€{cents / 100:,.2f}"


def day(text: str) -> str:
    """Return "12 March" (with the year when it is not this one) for an ISO date or moment."""
    at = date.fromisoformat(text[:10])
    return f"{at.day} {at:%B}" + ("" if at.year == now().year else f" {at.year}")


def ago(text: str) -> str:
    """Return how long ago a moment was, in words."""
    seconds = (now() - moment(text)).total_seconds()
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now"


def words(name: str) -> str:
    """Return a machine's name for something as words: "whole_bean" -> "Whole bean"."""
    return name.replace("_", " ").capitalize()
