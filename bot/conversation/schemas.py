"""The JSON forms of conversations and events, the same over HTTP, SSE and WebSocket."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    create_model,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bot.conversation.domain import MAX_TEXT, Conversation, Event
from bot.conversation.events import PAYLOADS, KnownPayload
from foundation.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*")


class OwnerOut(BaseModel):
    """Who speaks for the support side."""

    kind: Literal["bot", "queue", "agent"]
    name: str | None


class CaseOut(BaseModel):
    """The open case; `position` counts from 1 and is null once an agent has it."""

    id: str
    status: str
    position: int | None = None
    waiting: int | None = None


class ConversationOut(BaseModel):
    """A conversation as its user sees it."""

    id: str
    owner: OwnerOut
    epoch: int
    last_seq: int
    created_at: datetime
    case: CaseOut | None = None


class AuthorOut(BaseModel):
    """Who wrote an event."""

    kind: Literal["user", "bot", "agent", "system"]
    name: str | None


class EventOut(BaseModel):
    """A numbered event; `data` depends on `type`.

    It is described as the union of all types (`bot/conversation/events.py`). What is sent is what is stored,
    with fields and types that a later version wrote as well: clients pass over those that they do not know.
    """

    id: str
    seq: int
    type: str
    at: datetime
    author: AuthorOut
    turn: str | None
    client_key: str | None
    data: dict[str, Any]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the event as one of its types, told apart by `type`."""
        return handler(_EVENT_FORMS.core_schema)


class _EventForm(BaseModel):
    id: str
    seq: int
    at: datetime
    author: AuthorOut
    turn: str | None
    client_key: str | None


def _form_of(payload: type[KnownPayload]) -> type[BaseModel]:
    """The form of an event with this payload."""
    return create_model(
        f"{payload.__name__.removesuffix('Payload')}Event",
        __base__=_EventForm,
        __doc__=payload.__doc__,
        type=(Literal[payload.type], ...),
        data=(payload, ...),
    )


_EVENT_FORMS: TypeAdapter[Any] = TypeAdapter(
    Annotated[Union[tuple(_form_of(payload) for payload in PAYLOADS)], Field(discriminator="type")]  # noqa: UP007
)


class EventsOut(BaseModel):
    """Events after a cursor; go on from the last one's `seq`."""

    events: list[EventOut]
    last_seq: int


class ConversationsOut(BaseModel):
    """A user's conversations, newest first."""

    conversations: list[ConversationOut]


class HandoffOut(BaseModel):
    """The case that has the request, and its place in the queue.

    `joined`: it was open already in another `conversation`, where the person answers.
    """

    case: str
    position: int | None
    conversation: str
    joined: bool = False


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PageIn(_Strict):
    """The page the user is on."""

    url: str = Field(default="", max_length=2000)
    title: str = Field(default="", max_length=300)


class StartIn(_Strict):
    """What is known at the start of a conversation; all of it optional."""

    page: PageIn = Field(default_factory=PageIn)
    client: dict[str, str | int | float | bool | None] = Field(default_factory=dict, max_length=20)

    @field_validator("client")
    @classmethod
    def _short(cls, value: dict[str, Any]) -> dict[str, Any]:
        if any(len(key) > 64 or len(str(item)) > 500 for key, item in value.items()):
            raise ValueError("keys have at most 64 and values at most 500 characters")
        if not all(_NAME.fullmatch(key) for key in value):
            # What is no name may be anything, and masking knows a secret by the words around it.
            raise ValueError("keys are names: letters, and between them _ or -")
        return value


class MessageIn(_Strict):
    """A message: `text` as the user wrote it, or a `choice` (a button's payload) with the button's title."""

    text: str = Field(default="", max_length=MAX_TEXT)
    choice: str | None = Field(default=None, max_length=300)


class TypingIn(_Strict):
    """Whether the caller types."""

    active: bool


class FeedbackIn(_Strict):
    """Whether the message numbered `about_seq` helped."""

    about_seq: int = Field(ge=1, le=2_147_483_647)
    helpful: bool
    comment: str | None = Field(default=None, max_length=1000)


class HandoffIn(_Strict):
    """What the user says to the person, if anything."""

    text: str | None = Field(default=None, max_length=MAX_TEXT)


class EventsQuery(_Strict):
    """`after`: the last number the client has; `wait`: seconds to wait for something newer."""

    after: int = Field(default=0, ge=0, le=2_147_483_647)
    limit: int = Field(default=200, ge=1, le=500)
    wait: float = Field(default=0, ge=0, le=30)


def conversation_out(conversation: Conversation, case: CaseOut | None = None) -> ConversationOut:
    """Show a conversation."""
    owner = OwnerOut(kind=conversation.owner.kind, name=conversation.owner.name)
    return ConversationOut(
        id=conversation.id,
        owner=owner,
        epoch=conversation.epoch,
        last_seq=conversation.last_seq,
        created_at=conversation.created_at,
        case=case,
    )


def event_out(event: Event) -> EventOut:
    """Show an event."""
    return EventOut(
        id=event.id,
        seq=event.seq,
        type=event.type,
        at=event.at,
        author=AuthorOut(kind=event.author.kind, name=event.author.name),
        turn=event.turn_id,
        client_key=event.client_key,
        data=event.data,
    )


def clean_text(text: str, choice: str | None) -> str:
    """Return the text to store.

    Raises:
        InvalidInput: when there is nothing to say.
    """
    text = text.strip()
    if not text:
        if choice is not None:
            raise InvalidInput(
                "A choice comes with its title as `text`.", hint="Send the button's title too."
            )
        raise InvalidInput("The message is empty.", hint="Write something and send it again.")
    return text
