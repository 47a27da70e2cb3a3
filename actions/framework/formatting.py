"""How money, dates and the application's own words are put to the user."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_INTERNAL = re.compile(
    r"traceback|exception|\w*error\b|stack|://|\bnull\b|(?-i:\bNone\b)|[{}<>\\]|\b[a-z]+_[a-z0-9_]+\b|0x[0-9a-f]+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{12,}\b|/(?:[\w.-]+/)+|(?:^|\s)/\w+|\bline \d+"
    # Names of machines and modules, ports, other people's addresses, numbers that may be somebody else's.
    r"|\b[a-z][\w-]*\.[a-z][\w-]+|\blocalhost\b|\b\w+:\d{3,5}\b|@|\d{5,}|\b[a-z]{1,5}-\d{2,}\b"
    r"|\b(?:select|insert|update|delete|drop|alter)\b.*\b(?:from|into|set|table|where|values)\b",
    re.IGNORECASE,
)
"""What no sentence for a user may hold. It rather drops a harmless one."""
_NAME = re.compile(r"[\w .,:'’&()+-]{1,60}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+){0,4}")
_ID = re.compile(
    r"(?:usr|user|cnv|trn|att|pay|exp|ses|ord|inv|msg|evt|cus|acc|id|tok|key|job)_|\w*error\b|null$|none$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_REFERENCE = re.compile(r"[A-Za-z]{0,6}[-\s]?\d{1,12}")
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
    if sign:
        return f"{sign}{amount}"
    return f"{amount} {currency}" if re.fullmatch(r"[A-Z]{3}", str(currency)) else amount


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


def named(value: object, otherwise: str) -> str:
    """Return a name that the application gave (a plan, a carrier, a device) when it can be read out."""
    if not isinstance(value, str):
        return otherwise
    text = " ".join(value.split())
    fit = _NAME.fullmatch(text) and any(char.isalpha() for char in text) and not _INTERNAL.search(text)
    return text if fit else otherwise


def word(value: object, otherwise: str) -> str:
    """Return the application's word for a thing (`gift_boxes`, `in_transit`) in plain words, if it is one."""
    if not isinstance(value, str) or not _WORD.fullmatch(value) or _ID.match(value):
        return named(value, otherwise)
    return humanise(value)


def reference(value: object, otherwise: str) -> str:
    """Return the number of an order or invoice of the user's, such as `INV-3002`, when it looks like one."""
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else otherwise


def own_address(value: object, otherwise: str) -> str:
    """Return the user's own e-mail address when it looks like one."""
    return value if isinstance(value, str) and _ADDRESS.fullmatch(value) else otherwise


def value_text(value: object) -> str:
    """Write a setting's value in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "not set"
    if isinstance(value, str):
        return word(value, "set")
    return str(value) if isinstance(value, int | float) and abs(value) < 10_000 else "set"


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
