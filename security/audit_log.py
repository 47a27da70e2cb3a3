"""Adds to the audit chain, and writes signed checkpoints where the database does not reach."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.foundation.clock import Clock
from bot.foundation.database import Database
from security import audit_storage as storage
from security.audit_chain import UNTRUSTED, Change, Head, follow, is_genuine, signed
from security.audit_keys import AuditKeys


class AuditLog:
    """The chain, as those see it who have something to enter."""

    def __init__(self, keys: AuditKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def enter(self, tx: AsyncConnection, changes: Sequence[Change]) -> None:
        """Enter what has changed, in the transaction that changes it; the head is held until that ends."""
        if not changes:
            return
        head = await storage.lock_head(tx)
        if head.number and not is_genuine(head, self._keys):
            # Signing on as if nothing were wrong would make a forgery genuine; stopping would help nobody.
            changes = [Change(UNTRUSTED, "", asdict(head)), *changes]
        now, kid_key = self._clock.now(), self._keys.signing()
        new, previous = [], head.hash
        for number, change in enumerate(changes, head.number + 1):
            entry = follow(number, previous, now, change)
            new.append(entry)
            previous = entry.hash
        await storage.add(tx, new, signed(new[-1].number, previous, now, *kid_key))


class Checkpoints:
    """A file of signed heads, one JSON object a line. Kept elsewhere, it shows a tail that was cut off."""

    def __init__(self, path: Path, database: Database, keys: AuditKeys) -> None:
        self.path = path
        self._database = database
        self._keys = keys
        self._last = -1

    async def begin(self) -> None:
        """Make the key on the very first start, and sign what a migration has taken over."""
        if not self._keys.is_empty:
            return
        kid_key = self._keys.signing()
        async with self._database.begin() as tx:
            head = await storage.lock_head(tx)
            if head.number:
                await storage.move_head(tx, signed(head.number, head.hash, datetime.now(UTC), *kid_key))

    async def note(self) -> Head | None:
        """Append the present head when it is a new one and genuine; returns it."""
        async with self._database.connect() as connection:
            head = await storage.read_head(connection)
        if head is None or head.number == self._last or not is_genuine(head, self._keys):
            return None
        await asyncio.to_thread(self._append, head)
        self._last = head.number
        return head

    def _append(self, head: Head) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(asdict(head), sort_keys=True) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def read_checkpoints(path: Path) -> list[Head | None]:
    """Read the file, oldest first; None for a line that is none, and nothing where there is no file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [_parsed(line) for line in lines if line.strip()]


def _parsed(line: str) -> Head | None:
    try:
        value = json.loads(line)
        return Head(
            int(value["number"]), str(value["hash"]), str(value["at"]), str(value["kid"]),
            str(value["signature"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None
