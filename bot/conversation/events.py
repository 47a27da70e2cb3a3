"""What an event of the transcript says: a closed set of frozen payloads, one class a type.

Stored is what `stored()` gives, in `events.payload`, with the type in `events.type`. `version` is stored from
2 on, so a row without one is version 1. A new optional field keeps the version; what an older reader would
get wrong raises it. Reading never fails: fields that are not known are kept as they are, and a payload of an
unknown type, of a newer version or out of shape is an `UnknownPayload`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.conversation.case_words import CaseOutcome, Priority

OwnerKind = Literal["bot", "queue", "agent"]
_VERSION = "version"


class _Part(BaseModel):
    """Base: never changed, nothing converted, and more fields than are known do no harm."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class Payload(_Part):
    """Base of the payloads. `type` is the event's type and `version` the one that is written."""

    type: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def words(self) -> str:
        """The text that people read; empty for events that are no message."""
        return ""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Read what was stored.

        Raises:
            ValidationError: when it is not of this form.
        """
        return cls.model_validate(raw, strict=False)

    def stored(self) -> dict[str, Any]:
        """Return the JSON object that is stored and sent: what was read or set, and no defaults beside it."""
        fields = self.model_dump(mode="json", exclude_unset=True)
        return fields if self.version == 1 else {**fields, _VERSION: self.version}


class OfferedChoice(_Part):
    """A button under a message: `title` is what the user reads, `payload` what is sent, such as `/affirm`."""

    title: str
    payload: str


class MessagePayload(Payload):
    """Something said. `choice` is the payload of the button that the user pressed; `card` is an object with a
    `type`, such as `article`, `resolution` or `step_up`, and workflows may have others."""

    type: ClassVar[str] = "message"
    text: str
    buttons: tuple[OfferedChoice, ...]
    card: dict[str, Any] | None
    choice: str | None

    @property
    def words(self) -> str:
        """The text."""
        return self.text


class NoticePayload(Payload):
    """Something that was put right for the user unasked; `card` is the proof."""

    type: ClassVar[str] = "notice"
    notice: str
    text: str
    card: dict[str, Any] | None

    @property
    def words(self) -> str:
        """The text."""
        return self.text


class NewOwner(_Part):
    """Who may speak for the support side from here on; `name` is an agent's."""

    kind: OwnerKind
    name: str | None


class OwnerChangedPayload(Payload):
    """The conversation was given to somebody else; `epoch` counts how often that happened."""

    type: ClassVar[str] = "owner_changed"
    owner: NewOwner
    epoch: int
    reason: str


class HandoffPayload(Payload):
    """A case was opened; `shared` are sentences for the user about what the person will see."""

    type: ClassVar[str] = "handoff"
    case: str
    reason: str
    priority: Priority
    shared: tuple[str, ...]


class CaseResolvedPayload(Payload):
    """The case was closed; there is a `note` only when the user is to read it."""

    type: ClassVar[str] = "case_resolved"
    case: str
    outcome: CaseOutcome
    note: str = ""


class FeedbackPayload(Payload):
    """The user said whether the message numbered `about_seq` helped."""

    type: ClassVar[str] = "feedback"
    about_seq: int
    helpful: bool
    comment: str | None = None


class UnknownPayload(Payload):
    """What this version cannot read, kept as it is; `of` is the event's type. It is read, never written."""

    type: ClassVar[str] = ""
    of: str
    raw: dict[str, Any]

    def stored(self) -> dict[str, Any]:
        """Return what was stored."""
        return dict(self.raw)


KnownPayload = (
    MessagePayload
    | NoticePayload
    | OwnerChangedPayload
    | HandoffPayload
    | CaseResolvedPayload
    | FeedbackPayload
)
PAYLOADS: tuple[type[KnownPayload], ...] = (
    MessagePayload,
    NoticePayload,
    OwnerChangedPayload,
    HandoffPayload,
    CaseResolvedPayload,
    FeedbackPayload,
)
"""All that is written; `KnownPayload` is the same set for the type checker."""
_BY_TYPE: Mapping[str, type[KnownPayload]] = {payload.type: payload for payload in PAYLOADS}


def read_payload(type_: str, raw: Mapping[str, Any]) -> KnownPayload | UnknownPayload:
    """Read a stored payload; what cannot be read is an `UnknownPayload`."""
    known = _BY_TYPE.get(type_)
    if known is not None and raw.get(_VERSION, 1) == known.version:
        try:
            return known.read(raw)
        except ValidationError:
            pass
    return UnknownPayload(of=type_, raw=dict(raw))


def message(
    text: str,
    *,
    buttons: tuple[OfferedChoice, ...] = (),
    card: Mapping[str, Any] | None = None,
    choice: str | None = None,
) -> MessagePayload:
    """Make the payload of a message."""
    return MessagePayload(
        text=text, buttons=buttons, card=None if card is None else dict(card), choice=choice
    )
