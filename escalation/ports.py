"""What the escalation room needs from others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from bot.conversation.domain import Author, Contact, Conversation, Event, NewEvent, Owner, Turn
from foundation.database import Transaction
from foundation.ids import ContactId, ConversationId
from foundation.outcomes import Outcome

ModelVersion = Callable[[], str | None]
"""Gives the name of the assistant model that is live, or None when it is not known."""


class Conversations(Protocol):
    """The conversation room; `bot.conversation.service.Conversations` is one."""

    async def get(self, conversation_id: ConversationId) -> Conversation:
        """Return a conversation or raise `NotFound`."""
        ...

    async def contact(self, contact_id: ContactId) -> Contact:
        """Return a contact or raise `NotFound`."""
        ...

    async def events(self, conversation_id: ConversationId, after: int = 0, limit: int = 500) -> list[Event]:
        """Return the events numbered above `after`, in order."""
        ...

    async def turns(self, conversation_id: ConversationId) -> list[Turn]:
        """Return all turns, in order."""
        ...

    async def append(
        self, conversation_id: ConversationId, event: NewEvent, *, tx: Transaction | None = None
    ) -> Event:
        """Append an event; with a known `client_key` return the earlier one."""
        ...

    async def lock(self, conversation_id: ConversationId, tx: Transaction) -> Conversation:
        """Return a conversation and hold it for the transaction."""
        ...

    async def transfer(
        self, conversation_id: ConversationId, owner: Owner, *, reason: str, tx: Transaction
    ) -> Conversation:
        """Change the owner; the epoch rises."""
        ...

    async def announce(self, conversation_id: ConversationId) -> None:
        """Wake whoever follows the conversation; after a commit."""
        ...

    async def typing(self, conversation_id: ConversationId, author: Author, active: bool) -> None:
        """Show that somebody types."""
        ...


class AttemptView(Protocol):
    """What is read of an attempt; `actions.attempts.model.Attempt` is such."""

    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def turn_id(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def outcome(self) -> Outcome | None: ...
    @property
    def read(self) -> Mapping[str, Any]: ...
    @property
    def done(self) -> Mapping[str, Any]: ...
    @property
    def error(self) -> str | None: ...
    @property
    def duration_ms(self) -> int | None: ...


class Attempts(Protocol):
    """The log of automated attempts; `actions.attempts.log.AttemptLog` is one."""

    async def for_conversation(self, conversation_id: str) -> Sequence[AttemptView]:
        """Return the attempts of a conversation, oldest first."""
        ...


class StateView(Protocol):
    """What is read of a user's state; `actions.host.UserState` is such."""

    @property
    def as_of(self) -> datetime: ...
    @property
    def parts(self) -> Mapping[str, Any]: ...


class HostState(Protocol):
    """An application that can be asked about its user; `actions.ports.HostApplication` is one."""

    async def state(self, ref: str, parts: Sequence[str] | None = None) -> StateView:
        """Read what the application holds about the user, or raise."""
        ...


HostStates = Callable[[str], HostState | None]
"""Gives the application of a name, or None when it is not connected."""
