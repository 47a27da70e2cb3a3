"""Table and statements for cases."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.case_words import PRIORITIES
from escalation.domain import (
    BY_ASSISTANT,
    UNASKED_WAIT,
    Assignee,
    Case,
    CaseContact,
    ContextPacket,
    JoinedConversation,
    PreparedCase,
    rank,
)
from foundation.database import UtcDateTime, metadata
from foundation.ids import CaseId, ConversationId, new_id

_OPEN = sa.text("status <> 'resolved'")
_QUEUED = sa.text("status = 'queued'")
_PACKET = TypeAdapter(ContextPacket)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("contact_id", sa.Text, sa.ForeignKey("contacts.id"), nullable=False),
    sa.Column("contact", JSONB, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False, comment="0 urgent, 1 high, 2 normal, 3 low"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("assignee_id", sa.Text),
    sa.Column("assignee_name", sa.Text),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("packet", JSONB, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("last_activity_at", UtcDateTime),
    sa.Column("resolved_at", UtcDateTime),
    sa.Column("outcome", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("by_assistant", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("status in ('queued', 'assigned', 'resolved')", name="status"),
    sa.CheckConstraint("status <> 'assigned' or assignee_id is not null", name="assigned_to_somebody"),
    sa.CheckConstraint("status <> 'queued' or assignee_id is null", name="queued_to_nobody"),
    sa.CheckConstraint("(status = 'resolved') = (resolved_at is not null)", name="resolved_at"),
    sa.Index("uq_cases_open_conversation", "conversation_id", unique=True, postgresql_where=_OPEN),
    sa.Index(
        "uq_cases_open_by_assistant",
        "contact_id",
        unique=True,
        postgresql_where=sa.text("by_assistant and status <> 'resolved'"),
    ),
    sa.Index("ix_cases_queue", "priority", "queued_at", "id", postgresql_where=_QUEUED),
    sa.Index("ix_cases_open_contact", "contact_id", postgresql_where=_OPEN),
    sa.Index("ix_cases_conversation", "conversation_id"),
    sa.Index("ix_cases_assignee", "assignee_id", "status"),
)

joined_conversations = sa.Table(
    "case_conversations",
    metadata,
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("joined_at", UtcDateTime, nullable=False),
    sa.Index("ix_case_conversations_conversation", "conversation_id"),
)

_contacts = sa.table("contacts", sa.column("id"), sa.column("host"), sa.column("ref"))
_conversations = sa.table("conversations", sa.column("id"), sa.column("contact_id"))
_JOINED = (
    sa.select(sa.func.count())
    .select_from(joined_conversations)
    .where(joined_conversations.c.case_id == cases.c.id)
    .correlate(cases)
    .scalar_subquery()
    .label("joined")
)
_LISTED = [*(column for column in cases.c if column.name != "packet"), _JOINED]


def to_case(row: Any) -> Case:
    """Read a row of `cases`; the packet only when it was selected."""
    raw = row._mapping.get("packet")
    assignee = Assignee(row.assignee_id, row.assignee_name or "") if row.assignee_id else None
    return Case(
        id=row.id,
        conversation_id=row.conversation_id,
        contact=CaseContact(**row.contact),
        reason=row.reason,
        priority=PRIORITIES[row.priority],
        status=row.status,
        assignee=assignee,
        summary=row.summary,
        packet=_PACKET.validate_python(raw) if raw is not None else None,
        opened_at=row.opened_at,
        claimed_at=row.claimed_at,
        last_activity_at=row.last_activity_at,
        resolved_at=row.resolved_at,
        outcome=row.outcome,
        note=row.note,
        by_assistant=row.by_assistant,
        joined=row._mapping.get("joined", 0),
    )


async def insert_case(tx: AsyncConnection, prepared: PreparedCase, at: datetime) -> Case | None:
    """Insert a queued case; None when the conversation has an open one.

    One that nobody asked for stands in the queue as if it had been opened later.
    """
    contact, by_assistant = prepared.contact, prepared.reason in BY_ASSISTANT
    statement = (
        insert(cases)
        .values(
            id=CaseId(new_id("cas")),
            conversation_id=prepared.conversation_id,
            contact_id=contact.id,
            contact={
                "id": contact.id,
                "host": contact.host,
                "ref": contact.ref,
                "name": contact.name,
                "email": contact.email,
            },
            reason=prepared.reason,
            priority=rank(prepared.priority),
            status="queued",
            summary=prepared.summary,
            packet=_PACKET.dump_python(prepared.packet, mode="json"),
            opened_at=at,
            by_assistant=by_assistant,
            queued_at=at + UNASKED_WAIT if by_assistant else at,
        )
        .on_conflict_do_nothing(index_elements=["conversation_id"], index_where=_OPEN)
        .returning(cases)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_case(row) if row else None


async def find_case(
    tx: AsyncConnection, case_id: CaseId, *, lock: bool = False, packet: bool = False
) -> Case | None:
    """Read a case; its packet only when asked for."""
    columns = [*_LISTED, cases.c.packet] if packet else _LISTED
    query = sa.select(*columns).where(cases.c.id == case_id)
    row = (await tx.execute(query.with_for_update(of=cases) if lock else query)).one_or_none()
    return to_case(row) if row else None


async def find_open(
    tx: AsyncConnection, conversation_id: ConversationId, *, lock: bool = False
) -> Case | None:
    """Read the conversation's case that is not resolved."""
    query = sa.select(*_LISTED).where(cases.c.conversation_id == conversation_id, _OPEN)
    row = (await tx.execute(query.with_for_update(of=cases) if lock else query)).one_or_none()
    return to_case(row) if row else None


async def hold_contact(tx: AsyncConnection, contact_id: str) -> None:
    """Hold the contact's row, so that a user's cases are opened one after the other."""
    await tx.execute(
        sa.select(_contacts.c.id).where(_contacts.c.id == contact_id).with_for_update(key_share=True)
    )


async def open_of_contact(tx: AsyncConnection, contact_id: str) -> list[Case]:
    """Read a contact's open cases, newest first, and keep them from being closed while `tx` runs."""
    query = (
        sa.select(*_LISTED)
        .where(cases.c.contact_id == contact_id, _OPEN)
        .order_by(cases.c.id.desc())
        .with_for_update(read=True, of=cases)
    )
    return [to_case(row) for row in await tx.execute(query)]


async def has_open_case(tx: AsyncConnection, host: str, ref: str) -> bool:
    """Tell whether a user has an open case."""
    query = (
        sa.select(cases.c.id)
        .join(_contacts, _contacts.c.id == cases.c.contact_id)
        .where(_contacts.c.host == host, _contacts.c.ref == ref, _OPEN)
        .limit(1)
    )
    return (await tx.execute(query)).one_or_none() is not None


async def has_case_to_join(tx: AsyncConnection, conversation_id: ConversationId) -> bool:
    """Tell whether the conversation's user has an open case of the assistant's making in another one."""
    query = (
        sa.select(cases.c.id)
        .join(_conversations, _conversations.c.contact_id == cases.c.contact_id)
        .where(
            _conversations.c.id == conversation_id,
            cases.c.conversation_id != conversation_id,
            cases.c.by_assistant,
            _OPEN,
        )
        .limit(1)
    )
    return (await tx.execute(query)).one_or_none() is not None


async def join(
    tx: AsyncConnection, case_id: CaseId, conversation_id: ConversationId, reason: str, at: datetime
) -> bool:
    """Note that a conversation joins a case; False when it has before."""
    statement = (
        insert(joined_conversations)
        .values(case_id=case_id, conversation_id=conversation_id, reason=reason, joined_at=at)
        .on_conflict_do_nothing()
    )
    return (await tx.execute(statement)).rowcount == 1


async def joined_to(tx: AsyncConnection, case_id: CaseId, limit: int) -> list[JoinedConversation]:
    """Read the conversations that joined a case, latest first."""
    j = joined_conversations.c
    query = sa.select(joined_conversations).where(j.case_id == case_id).order_by(j.joined_at.desc())
    rows = await tx.execute(query.limit(limit))
    return [JoinedConversation(row.conversation_id, row.reason, row.joined_at) for row in rows]


async def had_case(tx: AsyncConnection, conversation_id: ConversationId) -> bool:
    """Tell whether the conversation ever had a case, or joined one."""
    own = sa.exists().where(cases.c.conversation_id == conversation_id)
    joined = sa.exists().where(joined_conversations.c.conversation_id == conversation_id)
    return bool((await tx.execute(sa.select(sa.or_(own, joined)))).scalar_one())


async def update_case(tx: AsyncConnection, case_id: CaseId, **values: Any) -> Case:
    """Change columns of a case that the transaction holds."""
    statement = cases.update().where(cases.c.id == case_id).values(**values).returning(*_LISTED)
    return to_case((await tx.execute(statement)).one())


async def list_cases(
    tx: AsyncConnection, statuses: tuple[str, ...], *, assignee_id: str | None, limit: int
) -> list[Case]:
    """Read cases: open ones in the order of the queue, resolved ones latest first."""
    query = sa.select(*_LISTED).where(cases.c.status.in_(statuses))
    if assignee_id is not None:
        query = query.where(cases.c.assignee_id == assignee_id)
    if statuses == ("resolved",):
        query = query.order_by(cases.c.resolved_at.desc(), cases.c.id.desc())
    else:
        query = query.order_by(cases.c.priority, cases.c.queued_at, cases.c.id)
    return [to_case(row) for row in await tx.execute(query.limit(limit))]


async def counts(tx: AsyncConnection) -> dict[str, int]:
    """How many cases there are queued and assigned."""
    query = sa.select(cases.c.status, sa.func.count().label("number")).where(_OPEN).group_by(cases.c.status)
    found = {row.status: row.number for row in await tx.execute(query)}
    return {"queued": found.get("queued", 0), "assigned": found.get("assigned", 0)}


async def position(tx: AsyncConnection, conversation_id: ConversationId) -> tuple[int, int] | None:
    """Place in the queue from 1, and how many wait; None when the conversation does not wait."""
    mine = (
        sa.select(cases.c.priority, cases.c.queued_at, cases.c.id)
        .where(cases.c.conversation_id == conversation_id, cases.c.status == "queued")
        .subquery()
    )
    queue = cases.alias("queue")
    before = sa.tuple_(queue.c.priority, queue.c.queued_at, queue.c.id) <= sa.tuple_(
        mine.c.priority, mine.c.queued_at, mine.c.id
    )
    query = (
        sa.select(sa.func.count().filter(before).label("place"), sa.func.count().label("waiting"))
        .select_from(queue.join(mine, sa.true()))
        .where(queue.c.status == "queued")
    )
    row = (await tx.execute(query)).one()
    return (row.place, row.waiting) if row.place else None
