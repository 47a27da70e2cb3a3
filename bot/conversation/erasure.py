"""Erases a user from the transcript: words, page, browser, name, address and reference."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation.storage import contacts, conversations, events
from bot.conversation.turn_storage import turns
from foundation.erasure import GONE, NAMELESS, ErasedUser
from foundation.errors import Conflict

_WORDS_OF_EVENTS = ("comment", "note", "text", "card", "buttons", "choice")


class ConversationErasure:
    """The conversation room's `Erasing`."""

    async def find(self, tx: AsyncConnection, host: str, ref: str) -> list[str]:
        """Return the ids of a user's conversations, and hold them for the transaction."""
        query = (
            sa.select(conversations.c.id)
            .join(contacts, contacts.c.id == conversations.c.contact_id)
            .where(contacts.c.host == host, contacts.c.ref == ref)
            .order_by(conversations.c.id)
            .with_for_update(of=conversations)
        )
        return list((await tx.execute(query)).scalars())

    async def check(self, tx: AsyncConnection, user: ErasedUser) -> None:
        """Refuse while the assistant answers them."""
        working = sa.select(turns.c.id).where(
            turns.c.conversation_id.in_(user.conversations), turns.c.status.in_(("pending", "running"))
        )
        if (await tx.execute(working.limit(1))).first() is not None:
            raise Conflict("The assistant is answering this user.", hint="Try again in a moment.")

    async def erase(self, tx: AsyncConnection, user: ErasedUser) -> Mapping[str, int]:
        """Blank `conversations`, `events`, `turns` and the one of `contacts`; that they were stays."""
        own = user.conversations
        blank_turns = turns.update().where(turns.c.conversation_id.in_(own)).values(text=GONE, choice=None)
        statements = {
            "conversations": _blank_conversations(user),
            "events": _blank_events(user),
            "turns": blank_turns,
            "contacts": _blank_contact(user),
        }
        return {name: (await tx.execute(one)).rowcount for name, one in statements.items()}


def _blank_contact(user: ErasedUser) -> Any:
    mine = sa.and_(contacts.c.host == user.host, contacts.c.ref == user.ref)
    return contacts.update().where(mine).values(ref=user.nobody, name=NAMELESS, email=None)


def _blank_conversations(user: ErasedUser) -> Any:
    blank = {"page": {"url": "", "title": ""}, "client": {}}
    return conversations.update().where(conversations.c.id.in_(user.conversations)).values(**blank)


def _blank_events(user: ErasedUser) -> Any:
    payload: Any = events.c.payload
    for field in _WORDS_OF_EVENTS:
        payload = payload.op("-")(sa.cast(field, sa.Text))
    empty = sa.cast({"text": GONE, "buttons": [], "card": None, "choice": None}, JSONB)
    spoken = sa.case((events.c.type.in_(("message", "notice")), payload.op("||")(empty)), else_=payload)
    name = sa.case((events.c.author_kind == "user", NAMELESS), else_=events.c.author_name)
    blank = {"payload": spoken, "author_name": name, "client_key": None}
    return events.update().where(events.c.conversation_id.in_(user.conversations)).values(**blank)
