"""The JSON forms of cases."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.conversation.case_words import CaseOutcome, Priority
from bot.conversation.domain import MAX_TEXT, Conversation
from bot.conversation.schemas import EventOut
from escalation.domain import Case, CaseStatus, ContextPacket


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CasesQuery(_Strict):
    """`open` is queued and assigned; `mine=1` gives only the caller's."""

    status: Literal["queued", "assigned", "resolved", "open"] = "open"
    mine: bool = False
    limit: int = Field(default=200, ge=1, le=500)


class ClaimIn(_Strict):
    """Whether to take the case from whoever has it (admins)."""

    take_over: bool = False


class AgentMessageIn(_Strict):
    """What the agent says."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)


class AgentTypingIn(_Strict):
    """Whether the agent types."""

    active: bool


class ResolveIn(_Strict):
    """How the case ended; the user sees `note` only with `tell_user`."""

    outcome: CaseOutcome
    note: str = Field(default="", max_length=2000)
    tell_user: bool = False


class CaseContactOut(BaseModel):
    """The user whom the case is about."""

    id: str
    host: str
    ref: str
    name: str
    email: str | None


class AssigneeOut(BaseModel):
    """The agent who has the case."""

    id: str
    name: str


class CaseView(BaseModel):
    """A case without its packet."""

    id: str
    conversation_id: str
    contact: CaseContactOut
    reason: str
    priority: Priority
    status: CaseStatus
    assignee: AssigneeOut | None
    summary: str
    opened_at: datetime
    claimed_at: datetime | None
    last_activity_at: datetime | None
    resolved_at: datetime | None
    outcome: CaseOutcome | None
    note: str | None
    waited_seconds: int
    asked: bool
    joined: int


class CaseListView(BaseModel):
    """Cases in the order of the queue, and how many are open in all."""

    cases: list[CaseView]
    queued: int
    assigned: int


class CaseOwner(BaseModel):
    """Who speaks in the conversation."""

    kind: Literal["bot", "queue", "agent"]
    name: str | None


class CaseConversation(BaseModel):
    """The conversation of the case as it stands now."""

    id: str
    owner: CaseOwner
    epoch: int
    last_seq: int
    created_at: datetime


class JoinedView(BaseModel):
    """A further conversation of the user that joined the case; `said` is what they wrote there last.

    It stays with the assistant; the agent answers in the case's own.
    """

    conversation_id: str
    reason: str
    joined_at: datetime
    said: list[str]


class CaseDetail(BaseModel):
    """A case with the context that was handed over, and the conversation as it stands now.

    `joined` holds the latest of the conversations that joined it.
    """

    case: CaseView
    packet: ContextPacket | None
    conversation: CaseConversation
    events: list[EventOut]
    joined: list[JoinedView]


def case_view(case: Case, now: datetime) -> CaseView:
    """Show a case."""
    assignee = case.assignee
    return CaseView(
        id=case.id,
        conversation_id=case.conversation_id,
        contact=CaseContactOut(
            id=case.contact.id,
            host=case.contact.host,
            ref=case.contact.ref,
            name=case.contact.name,
            email=case.contact.email,
        ),
        reason=case.reason,
        priority=case.priority,
        status=case.status,
        assignee=AssigneeOut(id=assignee.staff_id, name=assignee.name) if assignee else None,
        summary=case.summary,
        opened_at=case.opened_at,
        claimed_at=case.claimed_at,
        last_activity_at=case.last_activity_at,
        resolved_at=case.resolved_at,
        outcome=case.outcome,
        note=case.note,
        waited_seconds=case.waited_seconds(now),
        asked=case.asked,
        joined=case.joined,
    )


def conversation_view(conversation: Conversation) -> CaseConversation:
    """Show the conversation."""
    return CaseConversation(
        id=conversation.id,
        owner=CaseOwner(kind=conversation.owner.kind, name=conversation.owner.name),
        epoch=conversation.epoch,
        last_seq=conversation.last_seq,
        created_at=conversation.created_at,
    )
