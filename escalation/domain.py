"""What a case is: why a person is wanted, how urgently, and the context that is handed over with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.conversation.case_words import PRIORITIES, CaseOutcome, Priority, Reason
from foundation.ids import CaseId, ContactId, ConversationId, StaffId
from foundation.outcomes import Outcome

CaseStatus = Literal["queued", "assigned", "resolved"]
AT_LEAST: Mapping[str, Priority] = {"workflow_failed": "high", "policy": "high"}
"""Reasons for a person that are never less urgent than this."""
ASKED: Reason = "user_asked"
UNANSWERED: Reason = "assistant_unavailable"
"""The assistant gave no answer. It says nothing of how urgent the user's matter is."""
BY_ASSISTANT: frozenset[Reason] = frozenset(
    {UNANSWERED, "repeated_failure", "workflow_failed", "no_answer", "policy"}
)
"""Reasons that the assistant gives. Of these a user has one open case; further conversations join it."""
UNASKED_WAIT = timedelta(minutes=15)
"""Who asked for a person comes before a case of the assistant's making that is not this much older."""


@dataclass(frozen=True)
class CaseContact:
    """The user whom the case is about, as their application names them."""

    id: ContactId
    host: str
    ref: str
    name: str
    email: str | None


@dataclass(frozen=True)
class Assignee:
    """The agent who has the case."""

    staff_id: StaffId
    name: str


@dataclass(frozen=True)
class TranscriptLine:
    """One event of the conversation as it stood when the case was opened."""

    seq: int
    at: datetime
    author: str
    name: str | None
    type: str
    text: str


@dataclass(frozen=True)
class StateSnapshot:
    """What the application said about the user. `problem` says why `parts` is None."""

    as_of: datetime | None = None
    parts: dict[str, Any] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class AttemptSummary:
    """One automated attempt and what came of it; `read` and `done` are masked."""

    id: str
    at: datetime
    turn_id: str | None
    kind: str
    name: str
    outcome: Outcome | None
    read: dict[str, Any] = field(default_factory=dict)
    done: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True)
class ArticleShown:
    """A help article that the user was shown; `helpful` is what they said about it."""

    article_id: str
    version: int | None
    title: str
    url: str
    seq: int
    helpful: bool | None = None


@dataclass(frozen=True)
class TurnReading:
    """What the assistant understood of one message."""

    turn_id: str
    seq: int
    text: str
    intent: str | None
    confidence: float | None
    ranking: tuple[dict[str, Any], ...]
    model: str | None
    status: str
    error: str | None = None


@dataclass(frozen=True)
class Summary:
    """Plain sentences: what the user wants and why a person, what was tried, what was seen.

    `assistant` is what the assistant itself noted, in several lines perhaps.
    """

    wants: str
    tried: str
    seen: str
    assistant: str = ""

    @property
    def text(self) -> str:
        """The summary as one paragraph."""
        return " ".join(part for part in (self.wants, self.tried, self.seen) if part)


@dataclass(frozen=True)
class ContextPacket:
    """Everything that is handed over. What could not be collected is named in `missing`."""

    collected_at: datetime
    reason: str
    priority: Priority
    contact: CaseContact
    page: dict[str, Any]
    client: dict[str, Any]
    channel: str
    transcript: tuple[TranscriptLine, ...]
    transcript_from: int
    state: StateSnapshot
    attempts: tuple[AttemptSummary, ...]
    articles: tuple[ArticleShown, ...]
    turns: tuple[TurnReading, ...]
    model_version: str | None
    summary: Summary
    shared: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedCase:
    """A case that is ready to be opened; nothing is stored yet."""

    conversation_id: ConversationId
    reason: str
    priority: Priority
    contact: CaseContact
    summary: str
    packet: ContextPacket


@dataclass(frozen=True)
class JoinedConversation:
    """A further conversation of a case's user. It stays with the bot; the person answers in the case's."""

    conversation_id: ConversationId
    reason: str
    joined_at: datetime


@dataclass(frozen=True)
class Case:
    """A request for a person. `last_activity_at` is when its agent last did something.

    `packet` is None where many cases are listed. `joined` is how many further conversations of the user
    joined it; `joins` is the conversation that has joined it just now.
    """

    id: CaseId
    conversation_id: ConversationId
    contact: CaseContact
    reason: str
    priority: Priority
    status: CaseStatus
    assignee: Assignee | None
    summary: str
    packet: ContextPacket | None
    opened_at: datetime
    claimed_at: datetime | None
    last_activity_at: datetime | None
    resolved_at: datetime | None
    outcome: CaseOutcome | None
    note: str | None
    by_assistant: bool = False
    joined: int = 0
    joins: ConversationId | None = None

    @property
    def asked(self) -> bool:
        """Whether somebody asked for it, rather than the assistant."""
        return not self.by_assistant

    def waited_seconds(self, now: datetime) -> int:
        """Whole seconds from the opening until an agent had it, or until `now`."""
        return max(0, int(((self.claimed_at or self.resolved_at or now) - self.opened_at).total_seconds()))

    def is_assigned_to(self, staff_id: str) -> bool:
        """Tell whether this person has the case now."""
        return self.status == "assigned" and self.assignee is not None and self.assignee.staff_id == staff_id


def rank(priority: Priority) -> int:
    """Place of a priority in the queue: 0 is the most urgent."""
    return PRIORITIES.index(priority)


def decide_priority(reason: str, asked: str, state: StateSnapshot) -> Priority:
    """The most urgent of what was asked for (else normal), what the reason demands, and locked out (high).

    That the assistant did not answer is always normal: nobody has said what it is about.
    """
    if reason == UNANSWERED:
        return "normal"
    candidates: list[Priority] = [known for known in PRIORITIES if known == asked] or ["normal"]
    if reason in AT_LEAST:
        candidates.append(AT_LEAST[reason])
    account = (state.parts or {}).get("account")
    if isinstance(account, Mapping) and (account.get("locked") or account.get("password_expired")):
        candidates.append("high")
    return min(candidates, key=rank)
