"""Erases what is known of one user, in one transaction; the audit chain still verifies, and says so."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.attempts.log import attempt_content
from actions.attempts.storage import attempts, to_attempt
from actions.healing.tables import inbox, notices, runs
from actions.triggers.storage import offers
from bot.conversation.storage import contacts, conversations, events
from bot.conversation.turn_storage import turns
from escalation.storage import cases
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, NotFound
from foundation.ids import new_id
from kb_index.questions.storage import vain_questions
from security.audit import storage as audit_storage
from security.audit.chain import ERASED, Change
from security.audit.log import AuditLog

GONE = "[erased]"
USER_ERASED = "user_erased"
"""Kind of the entry that says how much was erased, and nothing of whose it was."""
_NAMELESS = "Erased user"
_WORDS_OF_EVENTS = ("comment", "note", "text", "card", "buttons", "choice")


@dataclass(frozen=True)
class Erased:
    """How much was erased. `entries_kept` are of a version that had the words inside the chain, masked."""

    conversations: int
    events: int
    turns: int
    cases: int
    attempts: int
    entries: int
    entries_kept: int
    questions: int
    offers: int
    healing: int


class Forgetting:
    """Knows all tables in which something about a user stands."""

    def __init__(self, database: Database, journal: AuditLog, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock

    async def erase(self, host: str, ref: str) -> Erased:
        """Erase the words, name, address and reference of a user of `host`.

        How many conversations and attempts there were, when, of what kind and with what outcome stays,
        under a reference that leads to nobody.

        Raises:
            NotFound: when nothing is known of such a user.
            Conflict: while a person or the assistant still works for them.
            NotEntered: when the audit log cannot be written; then nothing is erased.
        """
        now, nobody = self._clock.now(), new_id("erased").lower()
        async with self._database.begin() as tx:
            own = await self._conversations(tx, host, ref)
            await self._check_quiet(tx, own)
            of_these = _among(own)
            counts = {
                "conversations": await _count(tx, _blank_conversations(own)),
                "events": await _count(tx, _blank_events(own)),
                "turns": await _count(
                    tx, turns.update().where(of_these(turns)).values(text=GONE, choice=None)
                ),
                "cases": await _count(tx, _blank_cases(own)),
                "questions": await _count(tx, vain_questions.delete().where(of_these(vain_questions))),
                "offers": await _count(tx, offers.delete().where(_of_user(offers, host, ref))),
                "healing": await _forget_healing(tx, host, ref),
            }
            attempted = await _blank_attempts(tx, host, ref, nobody, now)
            known = await _count(tx, _blank_contact(host, ref, nobody))
            if not known and not attempted and not any(counts.values()):
                raise NotFound(
                    "Nothing is known of such a user.", hint="Check the host's and the user's name."
                )
            # First what says so: with it comes in what still waited to be entered, which is erased as well.
            await self._journal.enter(tx, attempted, required=True)
            gone, kept = await audit_storage.erase_texts(tx, [change.subject for change in attempted])
            done = Erased(**counts, attempts=len(attempted), entries=gone, entries_kept=kept)
            await self._journal.enter(tx, [Change(USER_ERASED, "", asdict(done))], required=True)
        return done

    async def _conversations(self, tx: AsyncConnection, host: str, ref: str) -> list[str]:
        query = (
            sa.select(conversations.c.id)
            .join(contacts, contacts.c.id == conversations.c.contact_id)
            .where(contacts.c.host == host, contacts.c.ref == ref)
            .order_by(conversations.c.id)
            .with_for_update(of=conversations)
        )
        return list((await tx.execute(query)).scalars())

    async def _check_quiet(self, tx: AsyncConnection, own: Sequence[str]) -> None:
        of_these = _among(own)
        waiting = sa.select(cases.c.id).where(of_these(cases), cases.c.status != "resolved").limit(1)
        working = sa.select(turns.c.id).where(of_these(turns), turns.c.status.in_(("pending", "running")))
        if (await tx.execute(waiting)).first() is not None:
            raise Conflict("A case of this user is open.", hint="Resolve it, then erase.")
        if (await tx.execute(working.limit(1))).first() is not None:
            raise Conflict("The assistant is answering this user.", hint="Try again in a moment.")


def _among(own: Sequence[str]) -> Any:
    return lambda table: table.c.conversation_id.in_(own)


def _of_user(table: sa.Table, host: str, ref: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.host == host, table.c.user_ref == ref)


async def _count(tx: AsyncConnection, statement: Any) -> int:
    return int((await tx.execute(statement)).rowcount)


def _blank_contact(host: str, ref: str, nobody: str) -> Any:
    mine = sa.and_(contacts.c.host == host, contacts.c.ref == ref)
    return contacts.update().where(mine).values(ref=nobody, name=_NAMELESS, email=None)


def _blank_conversations(own: Sequence[str]) -> Any:
    blank = {"page": {"url": "", "title": ""}, "client": {}}
    return conversations.update().where(conversations.c.id.in_(own)).values(**blank)


def _blank_events(own: Sequence[str]) -> Any:
    payload: Any = events.c.payload
    for field in _WORDS_OF_EVENTS:
        payload = payload.op("-")(sa.cast(field, sa.Text))
    empty = sa.cast({"text": GONE, "buttons": [], "card": None, "choice": None}, JSONB)
    spoken = sa.case((events.c.type.in_(("message", "notice")), payload.op("||")(empty)), else_=payload)
    name = sa.case((events.c.author_kind == "user", _NAMELESS), else_=events.c.author_name)
    blank = {"payload": spoken, "author_name": name, "client_key": None}
    return events.update().where(events.c.conversation_id.in_(own)).values(**blank)


def _blank_turns(own: sa.ColumnElement[bool]) -> Any:
    return turns.update().where(own).values(text=GONE, choice=None)


def _blank_cases(own: Sequence[str]) -> Any:
    person = sa.cast({"name": _NAMELESS, "email": None, "ref": ""}, JSONB)
    contact = cases.c.contact.op("||")(person)
    blank: Mapping[str, Any] = {
        "page": {}, "client": {}, "transcript": [], "attempts": [], "articles": [], "turns": [], "shared": [],
        "state": {"as_of": None, "parts": None, "problem": "Erased."},
        "summary": {"wants": GONE, "tried": "", "seen": "", "assistant": ""},
    }  # fmt: skip
    packet = cases.c.packet.op("||")(sa.cast(blank, JSONB)).op("||")(
        sa.func.jsonb_build_object("contact", cases.c.packet["contact"].op("||")(person))
    )
    values = {"contact": contact, "packet": packet, "summary": GONE, "note": None}
    return cases.update().where(cases.c.conversation_id.in_(own)).values(**values)


async def _forget_healing(tx: AsyncConnection, host: str, ref: str) -> int:
    tables = (inbox, notices, runs)
    return sum([await _count(tx, table.delete().where(_of_user(table, host, ref))) for table in tables])


async def _blank_attempts(
    tx: AsyncConnection, host: str, ref: str, nobody: str, now: datetime
) -> list[Change]:
    """Blank the rows; returns what is to be entered of each. What waited for the user is abandoned."""
    is_open = attempts.c.outcome.is_(None)
    statement = (
        attempts.update()
        .where(_of_user(attempts, host, ref))
        .values(
            user_ref=nobody, read={}, done={}, error=None,
            outcome=sa.func.coalesce(attempts.c.outcome, "abandoned"),
            finished_at=sa.case((is_open, now), else_=attempts.c.finished_at),
        )
        .returning(attempts)
    )  # fmt: skip
    blanked = [to_attempt(row) for row in await tx.execute(statement)]
    blanked.sort(key=lambda one: one.id)
    return [Change(ERASED, one.id, *attempt_content(one)) for one in blanked]
