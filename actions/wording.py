"""How money, dates and the application's own words are put to the user."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_INTERNAL = re.compile(
    r"traceback|exception|\w*error\b|stack|://|\bnull\b|(?-i:\bNone\b)|[{}<>\\]|\b[a-z]+_[a-z0-9_]+\b|0x[0-9a-f]+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{12,}\b|/(?:[\w.-]+/)+"
    r"|\b\w+\.(?:py|js|internal|local|svc)\b|\bline \d+",
    re.IGNORECASE,
)
_REASONS = {
    "needs_review": "That needs a look by a person first.",
    "not_permitted": "That isn't allowed for your account.",
    "rate_limited": "That was done only a moment ago. Please wait a minute.",
    "step_up_required": "You would have to confirm it with your second factor in the application first.",
    "nothing_due": "Nothing is due at the moment.",
    "not_locked": "Your account isn't locked.",
    "already_verified": "Your e-mail address is confirmed already.",
    "already_in_sync": "Your preferences are in use already.",
    "no_stuck_export": "None of your exports is stuck.",
}
"""What reasons are in words, for applications that give only a code."""
LONGEST = 200
"""Characters of a sentence from the application that are passed on."""


def money(cents: object, currency: object) -> str:
    """Write an amount, such as `€18.90`; "the amount due" when it is not one."""
    if isinstance(cents, bool) or not isinstance(cents, int):
        return "the amount due"
    sign = _SYMBOLS.get(str(currency))
    amount = f"{cents // 100}.{cents % 100:02d}"
    return f"{sign}{amount}" if sign else f"{amount} {currency}"


def parse_moment(value: object) -> datetime | None:
    """Read an ISO 8601 date or moment; None when it is not one. Dates are taken as midnight UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def day(value: object) -> str | None:
    """Write a day, such as `Tuesday 25 November`; None when it is not one."""
    moment = parse_moment(value)
    return None if moment is None else _day(moment.date())


def moment(value: object) -> str | None:
    """Write a moment, such as `25 November, 10:32 UTC`; None when it is not one."""
    parsed = parse_moment(value)
    return None if parsed is None else f"{parsed.day} {parsed:%B}, {parsed:%H:%M} UTC"


def _day(value: date) -> str:
    return f"{value:%A} {value.day} {value:%B}"


def humanise(name: str) -> str:
    """Turn a field's name or a code into words: `delivery_day` gives `delivery day`."""
    return re.sub(r"[_\-\s]+", " ", name).strip()


def value_text(value: object) -> str:
    """Write a setting's value in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "not set"
    if isinstance(value, str):
        return humanise(value)[:80]
    return str(value) if isinstance(value, int | float) else "set"


def listed(items: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def passed_on(message: object) -> str | None:
    """Return the application's sentence when it is fit for a user (short, free of internals), else None."""
    if not isinstance(message, str):
        return None
    text = " ".join(message.split())
    if not 3 <= len(text) <= LONGEST or " " not in text or _INTERNAL.search(text):
        return None
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else f"{text}."


def reason_text(code: object, message: object) -> str | None:
    """Put a refusal into words: ours when the code is known, else the application's when they are fit."""
    return _REASONS.get(str(code)) or passed_on(message)
