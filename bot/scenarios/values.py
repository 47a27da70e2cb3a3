"""What is filled in when a scenario runs: `${path}` from the starting state, and moments (`@today-3d`)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.scenarios import paths

_FILL = re.compile(r"\$\{([^{}]{1,200})\}")
_MOMENT = re.compile(r"@(today|now|month)(?:([+-])(\d{1,4})([smhdwM]?))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class CannotFill(ValueError):
    """A placeholder leads nowhere."""


def placeholders(value: Any) -> list[str]:
    """Return the paths of all placeholders in a value."""
    if isinstance(value, str):
        return _FILL.findall(value)
    if isinstance(value, Mapping):
        return [path for pair in value.items() for item in pair for path in placeholders(item)]
    return [path for item in value for path in placeholders(item)] if isinstance(value, list) else []


def wrong_moment(text: str) -> str | None:
    """Tell what is wrong with a text that begins like a moment; None when nothing is."""
    if not re.match(r"@(today|now|month)\b", text):
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        return f'"{text}" is no moment; write @today-3d, @now+2h (s, m, h, d, w) or @month+1'
    word, unit = match[1], match[4] or ""
    if match[2] and ((word == "month" and unit not in ("", "M")) or (word != "month" and unit not in _UNITS)):
        return f'"{text}" has no unit that fits; write @today-3d, @now+2h (s, m, h, d, w) or @month+1'
    return None


def fill(value: Any, state: Mapping[str, Any], now: datetime) -> Any:
    """Return `value` with placeholders and moments filled in, in keys too.

    A text that is one placeholder and nothing else becomes the value itself, a number for example.

    Raises:
        CannotFill: when a placeholder leads nowhere.
    """
    if isinstance(value, str):
        return _text(value, state, now)
    if isinstance(value, Mapping):
        return {str(fill(key, state, now)): fill(item, state, now) for key, item in value.items()}
    return [fill(item, state, now) for item in value] if isinstance(value, list) else value


def _text(text: str, state: Mapping[str, Any], now: datetime) -> Any:
    moment = _MOMENT.fullmatch(text)
    if moment is not None and wrong_moment(text) is None:
        return _moment(moment, now)
    whole = _FILL.fullmatch(text)
    if whole is not None:
        return _found(whole[1], state)
    return _FILL.sub(lambda match: paths.plain(_found(match[1], state)), text)


def _found(path: str, state: Mapping[str, Any]) -> Any:
    value = paths.look_up(state, paths.parse(path))
    if value is paths.MISSING:
        raise CannotFill(f"${{{path}}} leads nowhere in the state at the start")
    return value


def _moment(match: re.Match[str], now: datetime) -> str:
    word, sign, number, unit = match.groups()
    count = int(number or 0) * (-1 if sign == "-" else 1)
    if word == "month":
        months = now.year * 12 + now.month - 1 + count
        return f"{months // 12:04d}-{months % 12 + 1:02d}"
    at = now.astimezone(UTC) + (timedelta(**{_UNITS[unit]: count}) if unit else timedelta())
    return at.date().isoformat() if word == "today" else at.isoformat(timespec="seconds")


def without_placeholders(text: str) -> str:
    """Return a text with a word in place of each placeholder, to check the rest of it."""
    return _FILL.sub("x", text)
