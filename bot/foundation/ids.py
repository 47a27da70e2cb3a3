"""Typed, time-ordered identifiers such as `cnv_01KB3T...`.

The layout follows ULID (https://github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, in
Crockford base32, so ids sort by creation time and can be read aloud.
"""

import secrets
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


def new_id(prefix: str) -> str:
    """Make an id of `prefix`, an underscore and 26 base32 characters."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def is_id(value: str, prefix: str) -> bool:
    """Tell whether `value` has the form that `new_id(prefix)` gives."""
    head, separator, tail = value.partition("_")
    return head == prefix and bool(separator) and len(tail) == 26 and all(c in _ALPHABET for c in tail)
