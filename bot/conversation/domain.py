"""What a conversation is: its contact, its owner, its numbered events and the assistant's turns."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.conversation.events import KnownPayload, OwnerKind, UnknownPayload
from foundation.ids import ContactId, ConversationId, EventId, StaffId, TurnId

AuthorKind = Literal["user", "bot", "agent", "system"]
TurnStatus = Literal["pending", "running", "done", "failed", "dropped"]
MAX_TEXT = 4000
"""Characters a message may have."""


@dataclass(frozen=True)
class Contact:
    """A user of a host application, as that application names them."""

    id: ContactId
    host: str
    ref: str
    name: str
    email: str | None


@dataclass(frozen=True)
class Owner:
    """Who may speak for the support side: the bot, nobody yet (queue), or one agent."""

    kind: OwnerKind
    staff_id: StaffId | None = None
    name: str | None = None


BOT = Owner("bot")
QUEUE = Owner("queue")


@dataclass(frozen=True)
class Conversation:
    """A conversation; `epoch` rises with every change of owner, `last_seq` with every event."""

    id: ConversationId
    contact_id: ContactId
    channel: str
    owner: Owner
    epoch: int
    last_seq: int
    page: dict[str, Any]
    client: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Author:
    """Who wrote an event."""

    kind: AuthorKind
    name: str | None = None
    staff_id: StaffId | None = None


ASSISTANT = Author("bot", "Assistant")
SYSTEM = Author("system")


@dataclass(frozen=True)
class NewEvent:
    """An event that has no number yet. `client_key` makes a second append of the same a no-op."""

    author: Author
    payload: KnownPayload
    turn_id: TurnId | None = None
    client_key: str | None = None

    @property
    def type(self) -> str:
        """The event's type, such as `message`."""
        return self.payload.type


@dataclass(frozen=True)
class Event:
    """A numbered, stored, never changed entry of a conversation."""

    id: EventId
    conversation_id: ConversationId
    seq: int
    author: Author
    payload: KnownPayload | UnknownPayload
    turn_id: TurnId | None
    client_key: str | None
    at: datetime

    @property
    def type(self) -> str:
        """The event's type, such as `message`; also of what this version cannot read."""
        return self.payload.of if isinstance(self.payload, UnknownPayload) else self.payload.type

    @property
    def text(self) -> str:
        """The text that people read; empty for events that are no message."""
        return self.payload.words

    @property
    def data(self) -> dict[str, Any]:
        """The payload as JSON, exactly as it is stored and sent."""
        return self.payload.stored()


@dataclass(frozen=True)
class Turn:
    """The assistant's work on one message of the user; `epoch` is the owner's epoch it was asked in."""

    id: TurnId
    conversation_id: ConversationId
    seq: int
    epoch: int
    status: TurnStatus
    text: str
    choice: str | None
    intent: str | None
    confidence: float | None
    ranking: list[dict[str, Any]]
    model: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    claims: int = 0
    """How many times a runner took it up."""


@dataclass(frozen=True)
class Reading:
    """What the language understanding made of a message."""

    intent: str | None = None
    confidence: float | None = None
    ranking: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the brain wants to say and do: messages and effects in order, as the channel gave them."""

    messages: list[dict[str, Any]]
    reading: Reading


@dataclass(frozen=True)
class HandoffRequest:
    """The wish that a person takes over."""

    reason: str
    priority: str = "normal"
    summary: str = ""
