"""Typed, time-ordered identifiers such as `cnv_01KB3T...`.

The layout follows ULID (https://github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, in
Crockford base32, so ids sort by creation time and can be read aloud. As the specification's monotonic form
has it, an id of this process is greater than all it made before, also within a millisecond and when the
clock is set back. Between processes the order is that of their clocks.
"""

import secrets
import threading
import time
from typing import NewType

ConversationId = NewType("ConversationId", str)
EventId = NewType("EventId", str)
TurnId = NewType("TurnId", str)
ContactId = NewType("ContactId", str)
CaseId = NewType("CaseId", str)
AttemptId = NewType("AttemptId", str)
ArticleId = NewType("ArticleId", str)
StaffId = NewType("StaffId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class _Monotonic:
    """Values of 128 bits, each greater than the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        """Take the present millisecond and random bits; count up from the last where that is not greater."""
        with self._lock:
            fresh = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
            # A random step keeps the next id from being guessed.
            self._last = fresh if fresh > self._last else self._last + 1 + secrets.randbits(40)
            return self._last


_values = _Monotonic()


def new_id(prefix: str) -> str:
    """Make an id of `prefix`, an underscore and 26 base32 characters, greater than those made before."""
    value = _values.next()
    return f"{prefix}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def is_id(value: str, prefix: str) -> bool:
    """Tell whether `value` has the form that `new_id(prefix)` gives."""
    head, separator, tail = value.partition("_")
    return head == prefix and bool(separator) and len(tail) == 26 and all(c in _ALPHABET for c in tail)
