"""The transcript: what was said, numbered and committed before anybody is told so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation import storage, turn_storage
from bot.conversation.domain import (
    BOT,
    SYSTEM,
    Author,
    Contact,
    Conversation,
    Event,
    NewEvent,
    Owner,
    Turn,
)
from bot.conversation.events import MessagePayload, NewOwner, OwnerChangedPayload, message
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, FirstlineError, NotFound, RateLimited
from foundation.ids import ContactId, ConversationId, TurnId, new_id
from foundation.wakeups import Wakeups

MAX_PENDING = 20
"""Messages of one conversation that may wait for the assistant; more are refused until it has caught up."""


IN_USE = timedelta(minutes=30)
"""A conversation counts as in use for this long after something happened in it."""


class _KeyUsed(Exception):
    """The client key was used before: roll back and give what is there."""


@dataclass(frozen=True)
class Posted:
    """A message of the user that is committed; `replayed` when it already was."""

    event: Event
    replayed: bool


def conversation_topic(conversation_id: str) -> str:
    """The wake-up topic of a conversation."""
    return f"conversation:{conversation_id}"


def typing_topic(conversation_id: str) -> str:
    """The topic of a conversation's typing signs."""
    return f"typing:{conversation_id}"


class Conversations:
    """Reads and appends; every append is numbered within its conversation, without gaps."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock

    async def start(
        self,
        *,
        host: str,
        ref: str,
        name: str,
        email: str | None,
        channel: str,
        page: dict[str, Any],
        client: dict[str, Any],
        open_at_once: int | None = None,
    ) -> Conversation:
        """Begin a conversation with a host application's user, owned by the bot.

        Raises:
            RateLimited: when the user has `open_at_once` in use or waiting for a person already.
        """
        now = self._clock.now()
        async with self._database.begin() as tx:
            # The contact's row is held from here on, so that two at once are counted one after the other.
            contact = await storage.upsert_contact(tx, host=host, ref=ref, name=name, email=email, at=now)
            if open_at_once is not None and (
                await storage.count_in_use(tx, contact.id, now - IN_USE, open_at_once) >= open_at_once
            ):
                raise RateLimited(
                    "You have many conversations open.", retry_after=60, hint="Go on in one of them."
                )
            conversation = Conversation(
                ConversationId(new_id("cnv")), contact.id, channel, BOT, 0, 0, page, client, now, now
            )
            await storage.insert_conversation(tx, conversation)
        return conversation

    async def get(self, conversation_id: ConversationId) -> Conversation:
        """Return a conversation.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.connect() as connection:
            found = await storage.find_conversation(connection, conversation_id)
        if found is None:
            raise NotFound("There is no such conversation.")
        return found

    async def contact(self, contact_id: ContactId) -> Contact:
        """Return a contact.

        Raises:
            NotFound: when there is none.
        """
        query = sa.select(storage.contacts).where(storage.contacts.c.id == contact_id)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound("There is no such contact.")
        return storage.to_contact(row)

    async def of_contact(self, host: str, ref: str, *, limit: int = 20) -> list[Conversation]:
        """Return a user's conversations, newest first."""
        query = (
            sa.select(storage.conversations)
            .join(storage.contacts, storage.contacts.c.id == storage.conversations.c.contact_id)
            .where(storage.contacts.c.host == host, storage.contacts.c.ref == ref)
            .order_by(storage.conversations.c.id.desc())
            .limit(limit)
        )
        async with self._database.connect() as connection:
            return [storage.to_conversation(row) for row in await connection.execute(query)]

    async def events(self, conversation_id: ConversationId, after: int = 0, limit: int = 500) -> list[Event]:
        """Return the events numbered above `after`, in order, at most `limit`."""
        async with self._database.connect() as connection:
            return await storage.read_events(connection, conversation_id, after, limit)

    async def turns(self, conversation_id: ConversationId) -> list[Turn]:
        """Return all turns of a conversation, in order."""
        query = sa.select(turn_storage.turns).where(turn_storage.turns.c.conversation_id == conversation_id)
        async with self._database.connect() as connection:
            return [
                turn_storage.to_turn(row)
                for row in await connection.execute(query.order_by(turn_storage.turns.c.seq))
            ]

    async def turn(self, turn_id: TurnId) -> Turn | None:
        """Return one turn, or None."""
        query = sa.select(turn_storage.turns).where(turn_storage.turns.c.id == turn_id)
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return turn_storage.to_turn(row) if row else None

    async def latest_turn(self, conversation_id: ConversationId) -> Turn | None:
        """Return the newest turn of a conversation, or None."""
        query = (
            sa.select(turn_storage.turns)
            .where(turn_storage.turns.c.conversation_id == conversation_id)
            .order_by(turn_storage.turns.c.seq.desc())
            .limit(1)
        )
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return turn_storage.to_turn(row) if row else None

    async def background(
        self, conversation_id: ConversationId, turn_id: TurnId | None
    ) -> tuple[Conversation, Contact, Turn | None] | None:
        """Return a conversation, its contact and a turn (the newest when `turn_id` is None), in one query."""
        turns, conversations, contacts = turn_storage.turns, storage.conversations, storage.contacts
        wanted = turns.c.conversation_id == conversation_id
        if turn_id is not None:
            wanted = sa.and_(wanted, turns.c.id == turn_id)
        newest = sa.select(turns).where(wanted).order_by(turns.c.seq.desc()).limit(1).subquery("turn")
        query = (
            sa.select(conversations, contacts, newest)
            .set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
            .join(contacts, contacts.c.id == conversations.c.contact_id)
            .outerjoin(newest, newest.c.conversation_id == conversations.c.id)
            .where(conversations.c.id == conversation_id)
        )
        async with self._database.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        parts = [storage.pick(row, name) for name in ("conversations", "contacts", "turn")]
        turn = turn_storage.to_turn(parts[2]) if parts[2].id is not None else None
        return storage.to_conversation(parts[0]), storage.to_contact(parts[1]), turn

    async def recent(
        self,
        *,
        limit: int,
        before: ConversationId | None = None,
        text: str | None = None,
        only: list[ConversationId] | None = None,
    ) -> list[Conversation]:
        """Return conversations, newest first: older than `before`, with `text` in a message, among `only`."""
        conversations, events = storage.conversations, storage.events
        query = sa.select(conversations).order_by(conversations.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(conversations.c.id < before)
        if only is not None:
            query = query.where(conversations.c.id.in_(only))
        if text:
            said = sa.select(events.c.conversation_id).where(
                events.c.type == MessagePayload.type,
                events.c.payload["text"].astext.icontains(text, autoescape=True),
            )
            query = query.where(conversations.c.id.in_(said))
        async with self._database.connect() as connection:
            return [storage.to_conversation(row) for row in await connection.execute(query)]

    async def has_key(self, conversation_id: ConversationId, key: str) -> bool:
        """Tell whether a message of the user was accepted with this key."""
        async with self._database.connect() as connection:
            return await storage.find_by_key(connection, conversation_id, "user", key) is not None

    async def post_user_message(
        self, conversation_id: ConversationId, *, author_name: str, text: str, choice: str | None, key: str
    ) -> Posted:
        """Commit a message of the user, and the turn that will answer it when the bot owns the conversation.

        Raises:
            NotFound: when there is no such conversation.
            Conflict: when `key` was used before with another text.
            RateLimited: when too many messages wait for the assistant already.
        """
        payload = message(text, choice=choice)
        try:
            async with self._database.begin() as tx:
                event = await self._append_user_message(tx, conversation_id, author_name, payload, key)
        except _KeyUsed:
            return Posted(await self._replay(conversation_id, payload, key), replayed=True)
        await self.announce(conversation_id)
        return Posted(event, replayed=False)

    async def _append_user_message(
        self,
        tx: AsyncConnection,
        conversation_id: ConversationId,
        author_name: str,
        payload: MessagePayload,
        key: str,
    ) -> Event:
        now = self._clock.now()
        conversation = await storage.take_number(tx, conversation_id, now)
        if conversation is None:
            raise NotFound("There is no such conversation.")
        turn_id = TurnId(new_id("trn")) if conversation.owner.kind == "bot" else None
        new = NewEvent(Author("user", author_name), payload, turn_id=turn_id, client_key=key)
        event = await storage.insert_event(tx, conversation_id, conversation.last_seq, new, now)
        if event is None:
            raise _KeyUsed
        if turn_id is not None:
            if await turn_storage.count_pending(tx, conversation_id) >= MAX_PENDING:
                raise RateLimited(
                    "The assistant is still busy with your earlier messages.",
                    retry_after=5,
                    hint="Wait for an answer, then send this again.",
                )
            await turn_storage.insert_turn(
                tx, turn_id, conversation, event.seq, payload.text, payload.choice, now
            )
        return event

    async def _replay(self, conversation_id: ConversationId, payload: MessagePayload, key: str) -> Event:
        async with self._database.connect() as connection:
            event = await storage.find_by_key(connection, conversation_id, "user", key)
        if event is None:
            raise FirstlineError("The message could not be stored.")
        said = event.payload
        same = isinstance(said, MessagePayload) and (said.text, said.choice) == (payload.text, payload.choice)
        if not same:
            raise Conflict(
                "This idempotency key was used for another message.", hint="Use a new key for a new message."
            )
        return event

    async def append(
        self, conversation_id: ConversationId, event: NewEvent, *, tx: AsyncConnection | None = None
    ) -> Event:
        """Append an event; with a `client_key` that was used before, return what was appended then.

        With `tx` the caller commits and then calls `announce`.

        Raises:
            NotFound: when there is no such conversation.
        """
        if tx is not None:
            return await self._append(tx, conversation_id, event)
        async with self._database.begin() as own:
            appended = await self._append(own, conversation_id, event)
        await self.announce(conversation_id)
        return appended

    async def _append(self, tx: AsyncConnection, conversation_id: ConversationId, event: NewEvent) -> Event:
        if event.client_key is not None:
            if await storage.find_conversation(tx, conversation_id, lock=True) is None:
                raise NotFound("There is no such conversation.")
            earlier = await storage.find_by_key(tx, conversation_id, event.author.kind, event.client_key)
            if earlier is not None:
                return earlier
        now = self._clock.now()
        conversation = await storage.take_number(tx, conversation_id, now)
        if conversation is None:
            raise NotFound("There is no such conversation.")
        stored = await storage.insert_event(tx, conversation_id, conversation.last_seq, event, now)
        assert stored is not None, "the row is locked and the key was free"
        return stored

    async def lock(self, conversation_id: ConversationId, tx: AsyncConnection) -> Conversation:
        """Return a conversation and hold it for the transaction.

        Raises:
            NotFound: when there is none.
        """
        found = await storage.find_conversation(tx, conversation_id, lock=True)
        if found is None:
            raise NotFound("There is no such conversation.")
        return found

    async def transfer(
        self, conversation_id: ConversationId, owner: Owner, *, reason: str, tx: AsyncConnection
    ) -> Conversation:
        """Give the conversation to `owner`: the epoch rises and an `owner_changed` event is appended."""
        before = await self.lock(conversation_id, tx)
        await storage.change_owner(tx, conversation_id, owner, self._clock.now())
        payload = OwnerChangedPayload(
            owner=NewOwner(kind=owner.kind, name=owner.name), epoch=before.epoch + 1, reason=reason
        )
        event = await self._append(tx, conversation_id, NewEvent(SYSTEM, payload))
        return replace(before, owner=owner, epoch=before.epoch + 1, last_seq=event.seq)

    async def announce(self, conversation_id: ConversationId) -> None:
        """Wake whoever follows the conversation; to be called after a commit."""
        await self._wakeups.publish(conversation_topic(conversation_id))

    async def typing(self, conversation_id: ConversationId, author: Author, active: bool) -> None:
        """Tell those who follow that somebody types, or has stopped; nothing is stored."""
        sign = {"author": {"kind": author.kind, "name": author.name}, "active": active}
        await self._wakeups.publish(typing_topic(conversation_id), sign)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for what must be committed together."""
        async with self._database.begin() as tx:
            yield tx
