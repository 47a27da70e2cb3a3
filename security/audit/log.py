"""Adds to the audit chain, and writes signed checkpoints where the database does not reach."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from foundation import files
from foundation.clock import Clock, SystemClock
from foundation.database import Database
from foundation.errors import FirstlineError
from security.audit import gaps, storage
from security.audit.chain import (
    BEGUN,
    EMPTIED,
    FOREIGN,
    NEW_KEY,
    UNTRUSTED,
    Change,
    Head,
    NotEntered,
    follow,
    is_genuine,
    moment,
    signed,
)
from security.audit.keys import AuditKeys

log = structlog.get_logger(__name__)


class AuditLog:
    """The chain, as those see it who have something to enter."""

    def __init__(self, keys: AuditKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def enter(self, tx: AsyncConnection, changes: Sequence[Change], *, required: bool = False) -> None:
        """Enter what has changed, in the transaction that changes it; the head is held until that ends.

        When the chain cannot be written the changes are put where they wait for it (`audit_gaps`): whom they
        are about is helped all the same. What is `required` is not done without.

        Raises:
            NotEntered: when the chain cannot be written and the changes are `required`.
        """
        if not changes:
            return
        try:
            await self._enter(tx, changes)
        except Exception as error:
            reason = error.code if isinstance(error, FirstlineError) else type(error).__name__
            log.error("audit_not_entered", reason=reason, required=required)
            if required:
                raise NotEntered(
                    "The audit log cannot be written.", hint="See `firstline doctor`."
                ) from error
            await gaps.add(tx, changes, moment(self._clock.now()), reason)

    async def catch_up(self, database: Database) -> bool:
        """Enter what waits; returns whether nothing does any more. To be called from time to time."""
        async with database.connect() as connection:
            behind = await gaps.read(connection) is not None
        if behind:
            async with database.begin() as tx:
                await self._enter(tx, [])
            async with database.connect() as connection:
                return await gaps.read(connection) is None
        return True

    async def _enter(self, tx: AsyncConnection, changes: Sequence[Change]) -> None:
        try:
            async with tx.begin_nested():
                await self._append(tx, changes)
        except IntegrityError:
            # There are entries behind the signed head: somebody put them there, or put an older head back.
            async with tx.begin_nested():
                await self._append(tx, changes, past_others=True)

    async def _append(
        self, tx: AsyncConnection, changes: Sequence[Change], *, past_others: bool = False
    ) -> None:
        head, behind = await storage.lock_head(tx)
        kid, key = self._keys.signing()
        late = await gaps.take(tx) if behind else []
        if len(late) > gaps.AT_ONCE and changes:
            # More may wait, and order matters: the latest entry of a subject says how it is now.
            await gaps.add(tx, changes, moment(self._clock.now()), "behind_others")
            changes = []
        told = [*self._remarks(head, kid, past_others=past_others), *late, *changes]
        last, previous = head.number, head.hash
        if past_others:
            while found := await storage.in_the_way(tx, last, len(told) + 1):
                last, previous = found
            told = [Change(FOREIGN, "", {"first": head.number + 1, "last": last}), *told]
        now, new = self._clock.now(), []
        for number, change in enumerate(told, last + 1):
            entry = follow(number, previous, now, change)
            new.append(entry)
            previous = entry.hash
        if new:
            await storage.add(tx, new, signed(new[-1].number, previous, now, kid, key))

    def _remarks(self, head: Head, kid: str, *, past_others: bool) -> list[Change]:
        """What is to be known for ever of the head that is gone on from.

        Signing on as if nothing were wrong would make a forgery genuine; stopping would help nobody.
        """
        if head.number == 0:
            return [Change(EMPTIED, "", {})] if self._keys.has_begun and not past_others else []
        if not is_genuine(head, self._keys):
            return [Change(UNTRUSTED, "", asdict(head))]
        return [] if head.kid == kid else [Change(NEW_KEY, "", {"from": head.kid, "to": kid})]


class AuditProbe:
    """Tells whether the log can be written and its end is as it was written."""

    def __init__(self, database: Database, keys: AuditKeys) -> None:
        self._database = database
        self._keys = keys

    async def __call__(self) -> bool:
        """Look at the key's file, the head and the last entry, and whether anything waits to be entered."""
        await asyncio.to_thread(self._keys.check)
        async with self._database.begin() as tx:
            await storage.see_one_moment(tx)
            head = await storage.read_head(tx)
            if head is None:
                return not self._keys.has_begun
            last = await storage.entry_at(tx, head.number)
            behind = await gaps.read(tx) is not None
        return last == (head.hash, False) and not behind and is_genuine(head, self._keys)


class Checkpoints:
    """A file of signed heads, one JSON object a line. Kept elsewhere, it shows a tail that was cut off."""

    def __init__(self, path: Path, database: Database, keys: AuditKeys) -> None:
        self.path = path
        self._database = database
        self._keys = keys
        self._last = -1

    async def begin(self) -> None:
        """Make the key on the very first start, sign what a migration has taken over, and begin a new log.

        From then on, which is noted beside the key, a log without entries is one that was emptied.

        Raises:
            AuditKeyError: when the key cannot be used.
        """
        is_first = self._keys.is_empty
        kid, key = self._keys.signing()
        if self._keys.has_begun:
            return
        async with self._database.begin() as tx:
            head, _ = await storage.lock_head(tx)
            if head.number == 0 and await storage.in_the_way(tx, 0, 1) is None:
                entry = follow(1, head.hash, datetime.now(UTC), Change(BEGUN, "", {"kid": kid}))
                await storage.add(tx, [entry], signed(1, entry.hash, datetime.now(UTC), kid, key))
            elif head.number and head.kid is None and is_first:
                await storage.move_head(tx, signed(head.number, head.hash, datetime.now(UTC), kid, key))
        async with self._database.connect() as connection:
            begun = await storage.read_head(connection)
        if begun is not None and is_genuine(begun, self._keys):
            await asyncio.to_thread(_append_line, self._keys.begun, begun)

    async def catch_up(self) -> None:
        """Enter what had to wait; to be called from time to time."""
        try:
            chain = AuditLog(self._keys, SystemClock())
            while not await chain.catch_up(self._database):  # noqa: ASYNC110 - it works, it does not wait
                await asyncio.sleep(0)
        except Exception as error:
            log.warning("audit_not_caught_up", reason=type(error).__name__)

    async def note(self) -> Head | None:
        """Append the present head when it is a new one and genuine; returns it."""
        async with self._database.connect() as connection:
            head = await storage.read_head(connection)
        if head is None or head.number == self._last or not is_genuine(head, self._keys):
            return None
        await asyncio.to_thread(_append_line, self.path, head)
        self._last = head.number
        return head


def _append_line(path: Path, head: Head) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.append_line(path, json.dumps(asdict(head), sort_keys=True))


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
