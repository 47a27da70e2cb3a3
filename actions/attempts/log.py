"""The log of attempts. What goes in is masked first; every change is entered in the audit chain."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.attempts import storage
from actions.attempts.model import Attempt, Ending, NewAttempt
from actions.ports import Journal
from foundation.clock import Clock
from foundation.database import Database
from foundation.ids import AttemptId, new_id
from foundation.outcomes import Outcome
from security.audit.chain import Change

COLD_AFTER = timedelta(minutes=30)
"""An attempt that waits this long for the user is abandoned; a yes after that is asked for again."""
REOPENS_WITHIN = timedelta(hours=72)
"""Who comes back with it within this time was not helped, whatever was assumed."""
MAX_ERROR = 200
PRIVATE = ("user_ref", "read", "done", "error")
_BY_USERS = frozenset({"workflow", "answer", "fallback", "handoff"})


class AttemptLog:
    """Records attempts and how they end. `mask` takes what must not be stored out of a JSON value."""

    def __init__(
        self, database: Database, clock: Clock, mask: Callable[[Any], Any], journal: Journal | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._mask = mask
        self._journal = journal

    async def record(self, new: NewAttempt) -> Attempt:
        """Begin an attempt; recorded twice in the same turn it is the same attempt."""
        attempt = Attempt(
            id=AttemptId(new_id("att")),
            conversation_id=new.conversation_id,
            turn_id=new.turn_id,
            step=new.step,
            user_ref=new.user_ref,
            host=new.host,
            kind=new.kind,
            name=new.name,
            intent=new.intent,
            confidence=new.confidence,
            read=self._masked(new.read),
            done={},
            outcome=None,
            duration_ms=0,
            model_version=new.model_version,
            article_id=None,
            article_version=None,
            error=None,
            created_at=self._clock.now(),
            finished_at=None,
        )
        now = self._clock.now()
        async with self._database.begin() as tx:
            stored, is_new = await storage.insert_once(tx, attempt)
            if not is_new:
                return stored
            back: list[Attempt] = []
            if new.conversation_id and new.user_ref and new.kind in _BY_USERS:
                cold, since = now - COLD_AFTER, now - REOPENS_WITHIN
                back = await storage.reopen(tx, stored, since=since, cold_before=cold)
            await self._enter(tx, "reopened", back)
            await self._enter(tx, "recorded", [stored])
        return stored

    async def note(
        self,
        attempt_id: str,
        turn_id: str,
        *,
        done: Mapping[str, Any],
        read: Mapping[str, Any] | None = None,
        duration_ms: int | None = None,
        evidence: bool = False,
    ) -> Attempt | None:
        """Add to an open attempt, before acting on it; None when it is closed.

        Raises:
            NotEntered: when it is `evidence` for an act that follows, and the audit log cannot be written.
        """
        values: dict[str, Any] = {"outcome": None, "finished_at": None, "closed_in": None}
        if read is not None:
            values["read"] = self._masked(read)
        if duration_ms is not None:
            values["duration_ms"] = duration_ms
        async with self._database.begin() as tx:
            changed = await storage.update_open(tx, attempt_id, turn_id, values, self._masked(done))
            await self._enter(tx, "noted", [changed] if changed else [], required=evidence)
        return changed

    async def finish(self, attempt_id: str, ending: Ending) -> Attempt | None:
        """Set the outcome, once; only the turn that acted or set it may set it again. None when it stands."""
        values = {
            "outcome": ending.outcome,
            "finished_at": self._clock.now(),
            "closed_in": ending.turn_id,
            "duration_ms": ending.duration_ms,
            "error": None if ending.error is None else str(self._mask(ending.error))[:MAX_ERROR],
            "article_id": ending.article_id,
            "article_version": ending.article_version,
        }
        async with self._database.begin() as tx:
            done = self._masked(ending.done)
            changed = await storage.update_open(tx, attempt_id, ending.turn_id, values, done)
            await self._enter(tx, "finished", [changed] if changed else [])
        return changed

    async def feedback(self, attempt_id: str, *, helped: bool) -> Attempt | None:
        """Note whether an answer helped; one that did not has failed. None when it was no answer given."""
        outcome: Outcome = "assumed" if helped else "failed"
        async with self._database.begin() as tx:
            changed = await storage.revise(
                tx, attempt_id, ("assumed", "failed"), {"outcome": outcome}, {"helped": helped}
            )
            await self._enter(tx, "revised", [changed] if changed else [])
        return changed

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return an attempt, or None."""
        async with self._database.connect() as connection:
            return await storage.find(connection, attempt_id)

    async def for_conversation(self, conversation_id: str) -> list[Attempt]:
        """Return all attempts of a conversation, in order."""
        async with self._database.connect() as connection:
            return await storage.of_conversation(connection, conversation_id)

    async def recent(self, conversation_id: str, limit: int) -> "list[Attempt]":
        """Return the latest attempts of a conversation, newest first."""
        async with self._database.connect() as connection:
            return await storage.latest_of(connection, conversation_id, limit)

    async def outcomes(self, conversation_ids: Sequence[str]) -> dict[str, "list[str]"]:
        """Return the outcomes of each conversation's attempts, oldest first; an open one is `open`."""
        async with self._database.connect() as connection:
            rows = await storage.outcomes_of(connection, conversation_ids)
        found: dict[str, list[str]] = {}
        for conversation_id, outcome in rows:
            found.setdefault(conversation_id, []).append(outcome or "open")
        return found

    async def list(
        self,
        *,
        outcome: Outcome | None = None,
        is_open: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> "list[Attempt]":
        """Return attempts begun from `since` on and before `until`, newest first."""
        async with self._database.connect() as connection:
            return await storage.select_page(
                connection, outcome=outcome, is_open=is_open, since=since, until=until, limit=limit
            )

    async def count(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str | None, int]:
        """Count attempts by outcome; open ones under None."""
        async with self._database.connect() as connection:
            return await storage.count_outcomes(connection, since, until)

    async def close_open(
        self, conversation_id: str, outcome: Outcome, *, turn_id: str | None = None, keep: str | None = None
    ) -> int:
        """Close what waits in a conversation: `abandoned` when the user goes on to something else,
        `escalated` when a person takes over (also when that was not asked of the assistant)."""
        async with self._database.begin() as tx:
            closed = await storage.close_open(
                tx,
                outcome=outcome,
                at=self._clock.now(),
                turn_id=turn_id,
                conversation_id=conversation_id,
                keep=keep,
            )
            await self._enter(tx, "closed", closed)
        return len(closed)

    async def abandon_cold(self, older_than: timedelta = COLD_AFTER) -> int:
        """Close as `abandoned` whatever has waited for longer; to be called from time to time."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            closed = await storage.close_open(tx, outcome="abandoned", at=now, before=now - older_than)
            await self._enter(tx, "closed", closed)
        return len(closed)

    async def _enter(
        self, tx: AsyncConnection, kind: str, changed: Sequence[Attempt], *, required: bool = False
    ) -> None:
        """Last in the transaction: the chain's head is held from here to its end."""
        if self._journal is not None and changed:
            entries = [Change(kind, one.id, *attempt_content(one)) for one in changed]
            await self._journal.enter(tx, entries, required=required)

    def _masked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        masked: dict[str, Any] = self._mask(dict(value))
        return masked


def attempt_content(attempt: Attempt) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an entry of the audit chain says of an attempt, and what stands beside it and can be erased: whose
    it was, what was read and done, and what went wrong."""
    public = asdict(attempt)
    return public, {name: public.pop(name) for name in PRIVATE}


class AttemptRows:
    """The rows of `attempts` beside which the audit chain is checked."""

    async def rows(
        self, connection: AsyncConnection
    ) -> AsyncIterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Give every row's id, content and private part, by id."""
        async for attempt in storage.every_row(connection):
            yield attempt.id, *attempt_content(attempt)
