"""Tables and statements of the conversation room."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.domain import Author, Contact, Conversation, Event, NewEvent, Owner
from bot.conversation.events import read_payload
from foundation.database import UtcDateTime, metadata
from foundation.ids import ConversationId, new_id

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("host", "ref"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Text, sa.ForeignKey("contacts.id"), nullable=False, index=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("owner_kind", sa.Text, nullable=False),
    sa.Column("owner_staff_id", sa.Text),
    sa.Column("owner_name", sa.Text),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("page", JSONB, nullable=False),
    sa.Column("client", JSONB, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False, index=True),
    sa.CheckConstraint("owner_kind in ('bot', 'queue', 'agent')", name="owner_kind"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("author_name", sa.Text),
    sa.Column("author_staff_id", sa.Text),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("turn_id", sa.Text),
    sa.Column("client_key", sa.Text),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("conversation_id", "seq"),
    sa.UniqueConstraint("conversation_id", "author_kind", "client_key", name="uq_events_client_key"),
)


def to_conversation(row: Any) -> Conversation:
    """Read a row of `conversations`."""
    return Conversation(
        row.id,
        row.contact_id,
        row.channel,
        Owner(row.owner_kind, row.owner_staff_id, row.owner_name),
        row.epoch,
        row.last_seq,
        row.page,
        row.client,
        row.created_at,
        row.updated_at,
    )


def to_event(row: Any) -> Event:
    """Read a row of `events`."""
    author = Author(row.author_kind, row.author_name, row.author_staff_id)
    return Event(
        row.id,
        row.conversation_id,
        row.seq,
        author,
        read_payload(row.type, row.payload),
        row.turn_id,
        row.client_key,
        row.at,
    )


def to_contact(row: Any) -> Contact:
    """Read a row of `contacts`."""
    return Contact(row.id, row.host, row.ref, row.name, row.email)


def pick(row: Any, table: str) -> Any:
    """Take one table's columns out of a row of a join with table-prefixed labels."""
    mapping, prefix = row._mapping, f"{table}_"
    return SimpleNamespace(
        **{name.removeprefix(prefix): value for name, value in mapping.items() if name.startswith(prefix)}
    )


async def upsert_contact(
    tx: AsyncConnection, *, host: str, ref: str, name: str, email: str | None, at: datetime
) -> Contact:
    """Insert the contact, or bring name and e-mail up to date."""
    statement = insert(contacts).values(
        id=new_id("con"), host=host, ref=ref, name=name, email=email, created_at=at
    )
    statement = statement.on_conflict_do_update(
        index_elements=["host", "ref"], set_={"name": name, "email": email}
    )
    return to_contact((await tx.execute(statement.returning(contacts))).one())


async def insert_conversation(tx: AsyncConnection, conversation: Conversation) -> None:
    """Insert a new conversation."""
    await tx.execute(
        conversations.insert().values(
            id=conversation.id,
            contact_id=conversation.contact_id,
            channel=conversation.channel,
            owner_kind=conversation.owner.kind,
            epoch=conversation.epoch,
            last_seq=conversation.last_seq,
            page=conversation.page,
            client=conversation.client,
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
        )
    )


async def count_in_use(tx: AsyncConnection, contact_id: str, since: datetime, at_most: int) -> int:
    """How many of a contact's conversations changed since then or are with people, counted to `at_most`."""
    in_use = sa.or_(conversations.c.updated_at >= since, conversations.c.owner_kind != "bot")
    found = (
        sa.select(conversations.c.id)
        .where(conversations.c.contact_id == contact_id, in_use)
        .limit(at_most)
        .subquery()
    )
    return int((await tx.execute(sa.select(sa.func.count()).select_from(found))).scalar_one())


async def find_conversation(
    tx: AsyncConnection, conversation_id: ConversationId, *, lock: bool = False
) -> Conversation | None:
    """Read a conversation, holding its row for the transaction when `lock`."""
    query = sa.select(conversations).where(conversations.c.id == conversation_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return to_conversation(row) if row else None


async def take_number(
    tx: AsyncConnection, conversation_id: ConversationId, at: datetime
) -> Conversation | None:
    """Raise `last_seq` by one and hold the row, so numbers are given in commit order, without gaps."""
    statement = (
        conversations.update()
        .where(conversations.c.id == conversation_id)
        .values(last_seq=conversations.c.last_seq + 1, updated_at=at)
        .returning(conversations)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_conversation(row) if row else None


async def insert_event(
    tx: AsyncConnection, conversation_id: ConversationId, seq: int, event: NewEvent, at: datetime
) -> Event | None:
    """Insert an event; None when its `client_key` was used before by the same kind of author."""
    statement = (
        insert(events)
        .values(
            id=new_id("evt"),
            conversation_id=conversation_id,
            seq=seq,
            type=event.type,
            author_kind=event.author.kind,
            author_name=event.author.name,
            author_staff_id=event.author.staff_id,
            payload=event.payload.stored(),
            turn_id=event.turn_id,
            client_key=event.client_key,
            at=at,
        )
        .on_conflict_do_nothing(constraint="uq_events_client_key")
        .returning(events)
    )
    row = (await tx.execute(statement)).one_or_none()
    return to_event(row) if row else None


async def find_by_key(
    tx: AsyncConnection, conversation_id: ConversationId, author_kind: str, key: str
) -> Event | None:
    """Read the event that was appended with this client key."""
    query = sa.select(events).where(
        events.c.conversation_id == conversation_id,
        events.c.author_kind == author_kind,
        events.c.client_key == key,
    )
    row = (await tx.execute(query)).one_or_none()
    return to_event(row) if row else None


async def read_events(
    tx: AsyncConnection, conversation_id: ConversationId, after: int, limit: int
) -> list[Event]:
    """Read events numbered above `after`, in order."""
    query = (
        sa.select(events)
        .where(events.c.conversation_id == conversation_id, events.c.seq > after)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [to_event(row) for row in await tx.execute(query)]


async def change_owner(
    tx: AsyncConnection, conversation_id: ConversationId, owner: Owner, at: datetime
) -> None:
    """Set the owner and raise the epoch."""
    await tx.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id)
        .values(
            owner_kind=owner.kind,
            owner_staff_id=owner.staff_id,
            owner_name=owner.name,
            epoch=conversations.c.epoch + 1,
            updated_at=at,
        )
    )
