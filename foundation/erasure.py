"""Erasing a user: what each room that holds something of users offers, to be called in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from foundation.database import Transaction

GONE = "[erased]"
"""What stands where words stood."""
NAMELESS = "Erased user"
"""What stands where a name stood."""


@dataclass(frozen=True)
class ErasedUser:
    """Whom to erase: `ref` of the application `host`, with all their conversations.

    `nobody` takes the place of `ref` in what stays.
    """

    host: str
    ref: str
    nobody: str
    conversations: Sequence[str]
    at: datetime


class Erasing(Protocol):
    """A room's own part in it: the room alone knows its tables."""

    async def check(self, tx: Transaction, user: ErasedUser) -> None:
        """Raise `Conflict` while somebody or something still works for this user."""
        ...

    async def erase(self, tx: Transaction, user: ErasedUser) -> Mapping[str, int]:
        """Erase what the room knows of this user; return how many of each thing it had."""
        ...
