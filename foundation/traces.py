"""Where something went wrong, without what was being worked on: an exception's message may quote anybody."""

import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

from foundation.errors import FirstlineError

_MOST_CAUSES = 5


def trace_of(error: BaseException) -> str:
    """Return an exception with its causes: files, lines and types; the message of our own errors alone.

    Messages of others hold values: a key that was missing, a row that a constraint refused, a line that could
    not be parsed.
    """
    parts = []
    for one in _chain(error):
        frames = "".join(traceback.format_tb(one.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{_named(one)}")
    return "\n\nThe above was the cause of this:\n\n".join(parts)


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and what caused it, the first cause first."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found and len(found) < _MOST_CAUSES:
        found.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return found[::-1]


def _named(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, FirstlineError):
        return f"{kind}: {error.message}"
    state = next((code for code in map(_sqlstate, _origins(error)) if code), None)
    return f"{kind} (SQLSTATE {state})" if state else kind


def _origins(error: BaseException) -> Iterator[Any]:
    yield error
    yield getattr(error, "orig", None)


def _sqlstate(error: Any) -> str | None:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) and state.isalnum() else None


def format_trace(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that turns `exc_info` into such a trace."""
    given = entry.pop("exc_info", None)
    if given is True:
        import sys

        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["exception"] = trace_of(error)
    return entry
