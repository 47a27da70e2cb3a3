"""Reading conversations turn by turn: what was said, what was understood, what was done."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.conversation.domain import Conversation, Event, Turn
from bot.conversation.events import MessagePayload
from bot.conversation.schemas import ConversationOut, EventOut, conversation_out, event_out
from bot.conversation.service import Conversations
from bot.training.permissions import ReviewAction
from bot.training.ports import AttemptReader, OutcomeReader
from foundation.errors import NotFound
from foundation.http import Call, Endpoint
from foundation.http.fields import id_field
from foundation.ids import ConversationId, is_id
from foundation.outcomes import CONVERSATION_OUTCOMES, Outcome

_WITH_OUTCOME = 1000


class ReviewQuery(BaseModel):
    """Filters of the list; `before` is the id of the last conversation on the page before."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=50, ge=1, le=200)
    before: str | None = Field(default=None, max_length=64)
    outcome: str | None = Field(default=None, pattern=f"^({'|'.join(CONVERSATION_OUTCOMES)})?$")
    q: str | None = Field(default=None, max_length=200)


class ReviewRow(BaseModel):
    """A conversation in the list."""

    id: str
    contact_name: str
    started_at: datetime
    last_at: datetime
    turns: int
    owner: str
    outcome: str
    outcomes: list[str]
    last_text: str


class ReviewList(BaseModel):
    """A page of conversations, newest first."""

    conversations: list[ReviewRow]


class TurnOut(BaseModel):
    """One turn as the assistant understood it."""

    id: str
    seq: int
    text: str
    choice: str | None
    intent: str | None
    confidence: float | None
    ranking: list[dict[str, Any]]
    model: str | None
    status: str
    error: str | None
    duration_ms: int | None


class AttemptOut(BaseModel):
    """One automated attempt of the conversation."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    turn_id: str
    kind: str
    name: str
    intent: str | None
    confidence: float | None
    read: dict[str, Any]
    done: dict[str, Any]
    outcome: Outcome | None
    duration_ms: int
    model_version: str | None
    article_id: str | None
    article_version: int | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class ReviewOut(BaseModel):
    """A conversation with all that is known of its turns."""

    conversation: ConversationOut
    contact_name: str
    events: list[EventOut]
    turns: list[TurnOut]
    attempts: list[AttemptOut]


class ReviewApi:
    """Endpoints for trainers."""

    def __init__(
        self,
        conversations: Conversations,
        attempts: AttemptReader,
        ending: OutcomeReader,
        mask: Callable[[Any, Sequence[str]], Any],
    ) -> None:
        """Take `mask`, which takes personal data out of a JSON value: trainers do not handle the case."""
        self._mask = mask
        self._conversations = conversations
        self._ending = ending
        self._attempts = attempts

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        base = "/api/v1/review/conversations"
        return [
            Endpoint(
                "GET",
                base,
                self.index,
                ReviewAction.LIST,
                "List conversations to review",
                query=ReviewQuery,
                response=ReviewList,
                tags=("review",),
            ),
            Endpoint(
                "GET",
                base + "/{id}",
                self.read,
                ReviewAction.READ,
                "Read a conversation turn by turn",
                response=ReviewOut,
                tags=("review",),
                path_fields={"id": id_field("cnv", "the conversation")},
            ),
        ]

    async def index(self, call: Call) -> ReviewList:
        """List conversations."""
        query: ReviewQuery = call.query
        only = None
        if query.outcome:
            having = await self._ending.conversations_with(
                query.outcome, before=query.before, limit=_WITH_OUTCOME
            )
            only = [ConversationId(one) for one in having]
        before = ConversationId(query.before) if query.before else None
        found = await self._conversations.recent(limit=query.limit, before=before, text=query.q, only=only)
        ids = [item.id for item in found]
        tried, endings = await self._attempts.outcomes(ids), await self._ending.of(ids)
        rows = [await self._row(item, endings.get(item.id, "open"), tried.get(item.id, [])) for item in found]
        return ReviewList(conversations=rows)

    async def _row(self, conversation: Conversation, outcome: str, outcomes: Sequence[str]) -> ReviewRow:
        contact = await self._conversations.contact(conversation.contact_id)
        events = await self._conversations.events(conversation.id)
        texts = [event.text for event in events if isinstance(event.payload, MessagePayload)]
        return ReviewRow(
            id=conversation.id,
            contact_name=contact.name,
            started_at=conversation.created_at,
            last_at=conversation.updated_at,
            owner=conversation.owner.kind,
            outcome=outcome,
            outcomes=[*outcomes],
            turns=sum(event.author.kind == "user" and event.turn_id is not None for event in events),
            last_text=(await self._masked(texts[-1], contact.name))[:140] if texts else "",
        )

    async def read(self, call: Call) -> ReviewOut:
        """Read one conversation."""
        if not is_id(call.path["id"], "cnv"):
            raise NotFound("There is no such conversation.")
        conversation = await self._conversations.get(ConversationId(call.path["id"]))
        contact = await self._conversations.contact(conversation.contact_id)
        events: Sequence[Event] = await self._conversations.events(conversation.id, limit=2000)
        attempts = await self._attempts.for_conversation(conversation.id)
        turns = [_turn(turn) for turn in await self._conversations.turns(conversation.id)]
        said = await self._masked(
            {"events": [event.data for event in events], "turns": [turn.text for turn in turns]},
            contact.name,
        )
        shown = zip(events, said["events"], strict=True)
        return ReviewOut(
            conversation=conversation_out(conversation),
            contact_name=contact.name,
            events=[event_out(event).model_copy(update={"data": data}) for event, data in shown],
            turns=[
                turn.model_copy(update={"text": text})
                for turn, text in zip(turns, said["turns"], strict=True)
            ],
            attempts=[AttemptOut.model_validate(attempt) for attempt in attempts],
        )

    async def _masked(self, value: Any, name: str) -> Any:
        return await asyncio.to_thread(self._mask, value, [name])


def _turn(turn: Turn) -> TurnOut:
    return TurnOut(
        id=turn.id,
        seq=turn.seq,
        text=turn.text,
        choice=turn.choice,
        intent=turn.intent,
        confidence=turn.confidence,
        ranking=turn.ranking,
        model=turn.model,
        status=turn.status,
        error=turn.error,
        duration_ms=turn.duration_ms,
    )
