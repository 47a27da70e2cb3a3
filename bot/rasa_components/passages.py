"""Messages that tell of more than one thing, or tell it at length: what each part of them means."""

from __future__ import annotations

import re
from typing import Any, Awaitable, Callable, Dict, List, Pattern, Tuple

FALLBACK = "nlu_fallback"
Parsed = Dict[str, Any]
ADDED = re.compile(r"(?<=[.!?;:])\s+|\n+|\s+[-\u2013]\s+|,?\s+(?:and|plus|also)\s+", re.IGNORECASE)
"""Where something else may begin."""
ANY = re.compile(ADDED.pattern + r"|,?\s+(?:but|because|however)\s+|,\s+", re.IGNORECASE)
"""Where a part of the same story may begin, too."""
FEWEST_WORDS = 3
MOST = 8
IN_SCOPE = 0.45
SURE = 0.8
"""A part is believed where it is well inside and clear: alone it says less than a whole message."""
CHAT = frozenset(
    ("greet", "goodbye", "thank", "affirm", "deny", "cancel", "helped", "not_helped", "bot_challenge",
     "ask_capabilities", "complain", "undo_last", "inform", FALLBACK, "out_of_scope")
)  # fmt: skip
"""What is said beside a request, and is none."""


def passages(text: str, breaks: Pattern[str] = ADDED) -> List[str]:
    """The parts of a message that may stand for themselves; none when it is in one piece."""
    parts = [part.strip(" ,") for part in breaks.split(text)]
    parts = [part for part in parts if len(part.split()) >= FEWEST_WORDS]
    return parts[:MOST] if parts and parts != [text.strip()] else []


async def read_passages(
    parse: Callable[[str], Awaitable[Parsed]], text: str, whole: Parsed
) -> Tuple[Parsed, List[str]]:
    """How the message is read, and the intents that it holds besides, in their order.

    The whole decides where it is understood; else the clearest of its parts does, if one is clear.
    """
    first = whole
    if _name(whole) == FALLBACK:
        told = [read for part in passages(text, ANY) if _is_clear(read := await parse(part))]
        if told:
            best: Parsed = max(told, key=_scope)
            first = {**best, "entities": whole.get("entities") or []}
    if _name(first) in CHAT:
        return first, []
    names = [_name(read) for part in passages(text) if _is_clear(read := await parse(part))]
    return first, [name for name in dict.fromkeys(names) if name != _name(first)]


def _name(read: Parsed) -> str:
    return str((read.get("intent") or {}).get("name"))


def _scope(read: Parsed) -> float:
    return float((read.get("intent") or {}).get("in_scope") or 0.0)


def _is_clear(read: Parsed) -> bool:
    sure = float((read.get("intent") or {}).get("confidence") or 0.0) >= SURE
    return sure and _scope(read) >= IN_SCOPE and _name(read) not in CHAT
