"""Paths into a state: `account.locked`, `orders[0].number`, `billing.invoices[status=open].amount_cents`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class BadPath(ValueError):
    """The text is no path; the message says why."""


class Missing:
    """What stands where a path leads nowhere."""

    def __repr__(self) -> str:
        return "nothing there"


MISSING = Missing()
_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[(?:(-?\d{1,4})|([A-Za-z_][A-Za-z0-9_]*)=([^\]]{1,200}))\]")
_SCALARS = {True: "true", False: "false", None: "null"}


@dataclass(frozen=True)
class Name:
    """A field of an object, or `count` of a list."""

    name: str


@dataclass(frozen=True)
class Index:
    """A place in a list; -1 is the last."""

    at: int


@dataclass(frozen=True)
class Where:
    """The first object of a list whose field has this value, as text."""

    name: str
    value: str


Path = tuple[Name | Index | Where, ...]


def parse(text: str) -> Path:
    """Read a path.

    Raises:
        BadPath: when it is none.
    """
    found: list[Name | Index | Where] = []
    at = 0
    while at < len(text):
        if text[at] == "." and found and at + 1 < len(text) and text[at + 1] not in ".[":
            at += 1
        elif found and text[at] != "[":
            raise BadPath(f'"{text}" is no path: "." or "[" is missing before "{text[at : at + 20]}"')
        match = _STEP.match(text, at)
        if match is None or (not found and match[1] is None):
            raise BadPath(
                f'"{text}" is no path; write names joined by dots, [0] or [-1] for a place in a list, and '
                "[field=value] for the first entry with that value"
            )
        found.append(_step(match))
        at = match.end()
    if not found:
        raise BadPath("the path is empty")
    return tuple(found)


def _step(match: re.Match[str]) -> Name | Index | Where:
    if match[1] is not None:
        return Name(match[1])
    return Index(int(match[2])) if match[2] is not None else Where(match[3], match[4].strip("\"'"))


def look_up(state: Any, path: Path) -> Any:
    """Return what is at `path`, or `MISSING`."""
    value = state
    for step in path:
        value = _enter(value, step)
        if value is MISSING:
            return MISSING
    return value


def _enter(value: Any, step: Name | Index | Where) -> Any:
    if isinstance(step, Name):
        if isinstance(value, Mapping):
            return value.get(step.name, MISSING)
        return len(value) if step.name == "count" and isinstance(value, list) else MISSING
    if not isinstance(value, list):
        return MISSING
    if isinstance(step, Index):
        return value[step.at] if -len(value) <= step.at < len(value) else MISSING
    found = (row for row in value if isinstance(row, Mapping) and plain(row.get(step.name)) == step.value)
    return next(found, MISSING)


def plain(value: Any) -> str:
    """Return a scalar as YAML would write it."""
    if isinstance(value, bool) or value is None:
        return _SCALARS[value]
    return str(value)
