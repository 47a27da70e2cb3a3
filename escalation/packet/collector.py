"""Collects the context that is handed over. What cannot be read is named, and does not hold up the case."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from bot.conversation.case_words import Priority
from bot.conversation.domain import Contact, Conversation, Event, Turn
from bot.conversation.events import FeedbackPayload, MessagePayload
from escalation.domain import (
    ArticleShown,
    AttemptSummary,
    CaseContact,
    ContextPacket,
    PreparedCase,
    StateSnapshot,
    Summary,
    TranscriptLine,
    TurnReading,
    decide_priority,
)
from escalation.packet.summary import seen, shared_with_person, tried, wants
from escalation.ports import Attempts, AttemptView, Conversations, HostStates, ModelVersion
from foundation.clock import Clock
from foundation.errors import FirstlineError
from foundation.ids import ConversationId

log = structlog.get_logger(__name__)
STATE_DEADLINE = 3.0
"""Seconds that the application has for telling the user's state."""
READ_DEADLINE = 5.0
"""Seconds for all that is read of the conversation."""
MAX_LINES = 300
MAX_PART = 64 * 1024
"""Characters of JSON that one part of the state may have; a larger one is left out and named."""
MAX_GIVEN = 2000
T = TypeVar("T")


@dataclass(frozen=True)
class _Found:
    conversation: Conversation
    contact: Contact
    events: Sequence[Event]
    turns: Sequence[Turn]
    attempts: Sequence[AttemptView]
    state: StateSnapshot
    missing: tuple[str, ...]


class ContextCollector:
    """Makes a `PreparedCase` from what the other rooms and the application know.

    `labels` gives intents names in plain words, `control` are those that tell of no matter. `mask` takes what
    must not be stored out of the summary, and `quote`, which may take milliseconds, out of what the user
    wrote, since all who see the queue read it.
    """

    def __init__(
        self,
        conversations: Conversations,
        attempts: Attempts,
        hosts: HostStates,
        model: ModelVersion,
        clock: Clock,
        mask: Callable[[str], str],
        *,
        quote: Callable[[str], str] | None = None,
        labels: Mapping[str, str] | None = None,
        control: frozenset[str] = frozenset(),
        state_deadline: float = STATE_DEADLINE,
    ) -> None:
        self._conversations = conversations
        self._attempts = attempts
        self._hosts = hosts
        self._model = model
        self._clock = clock
        self._mask = mask
        self._quote = quote or mask
        self._labels = labels or {}
        self._control = control
        self._state_deadline = state_deadline

    async def collect(
        self,
        conversation_id: ConversationId,
        *,
        reason: str,
        priority: str,
        summary: str,
        outline: bool = False,
    ) -> PreparedCase:
        """Collect everything, in a few seconds at most; with `outline` only who it is, at once.

        Raises:
            NotFound: when there is no such conversation.
        """
        conversation = await self._conversations.get(conversation_id)
        contact = await self._conversations.contact(conversation.contact_id)
        if outline:
            return self._prepared(_outline(conversation, contact), reason, priority, summary)
        missing: list[str] = []
        after = max(0, conversation.last_seq - MAX_LINES)
        state_read = asyncio.create_task(self._state(contact, missing))
        # One read after the other: a call for a person is not to take several connections at once.
        ends = asyncio.get_running_loop().time() + READ_DEADLINE
        said = self._conversations.events(conversation_id, after, MAX_LINES)
        events = await self._or_empty("transcript", said, missing, ends)
        turns = await self._or_empty("readings", self._conversations.turns(conversation_id), missing, ends)
        tried_before = self._attempts.for_conversation(conversation_id)
        attempts = await self._or_empty("attempts", tried_before, missing, ends)
        state = await state_read
        found = _Found(conversation, contact, events, turns, attempts, state, tuple(missing))
        return await asyncio.to_thread(self._prepared, found, reason, priority, summary)

    def _prepared(self, found: "_Found", reason: str, priority: str, summary: str) -> PreparedCase:
        packet = self._packet(found, reason, decide_priority(reason, priority, found.state), summary)
        return PreparedCase(
            found.conversation.id,
            reason,
            packet.priority,
            packet.contact,
            self._mask(packet.summary.text),
            packet,
        )

    def _packet(self, found: "_Found", reason: str, priority: Priority, given: str) -> ContextPacket:
        contact, page = found.contact, storable(found.conversation.page)
        lines = tuple(_line(event) for event in found.events)
        readings = tuple(_reading(turn) for turn in found.turns)
        attempts = tuple(_attempt(attempt) for attempt in found.attempts)
        articles = _articles(found.events)
        return ContextPacket(
            collected_at=self._clock.now(),
            reason=reason,
            priority=priority,
            contact=CaseContact(contact.id, contact.host, contact.ref, contact.name, contact.email),
            page=page,
            client=storable(found.conversation.client),
            channel=found.conversation.channel,
            transcript=lines,
            transcript_from=lines[0].seq if lines else 0,
            state=found.state,
            attempts=attempts,
            articles=articles,
            turns=readings,
            model_version=self._model_version(found.turns),
            summary=Summary(
                wants=wants(contact.name, reason, lines, readings, self._labels, self._control, self._quote),
                tried=tried(attempts, articles),
                seen=seen(found.state),
                assistant=self._quote(given.strip())[:MAX_GIVEN],
            ),
            shared=shared_with_person(lines, attempts, articles, found.state, page),
            missing=found.missing,
        )

    async def _or_empty(
        self, what: str, read: Awaitable[Sequence[T]], missing: list[str], ends: float
    ) -> Sequence[T]:
        try:
            async with asyncio.timeout_at(ends):
                return await read
        except Exception as error:
            # The user waits for a person: a case with a gap that is named is better than none.
            log.warning("context_incomplete", what=what, reason=type(error).__name__)
            missing.append(what)
            return ()

    async def _state(self, contact: Contact, missing: list[str]) -> StateSnapshot:
        host = self._hosts(contact.host)
        if host is None:
            missing.append("state")
            return StateSnapshot(problem=f"The state could not be read: {contact.host} is not connected.")
        try:
            async with asyncio.timeout(self._state_deadline):
                state = await host.state(contact.ref)
            parts = dict(state.parts)
        except TimeoutError:
            problem = f"{contact.host} did not answer within {self._state_deadline:g} s"
        except FirstlineError as error:
            problem = error.message.rstrip(".")
        except Exception as error:
            problem = f"{contact.host} answered nothing that could be used"
            log.warning("state_unreadable", host=contact.host, reason=type(error).__name__)
        else:
            kept = {
                name: part for name, part in parts.items() if len(json.dumps(part, default=str)) <= MAX_PART
            }
            missing += [f"state: {name} (too large)" for name in parts if name not in kept]
            return StateSnapshot(as_of=state.as_of, parts=storable(kept))
        missing.append("state")
        return StateSnapshot(problem=f"The state could not be read: {problem}.")

    def _model_version(self, turns: Sequence[Turn]) -> str | None:
        used = next((turn.model for turn in reversed(turns) if turn.model), None)
        return used or self._model()


def _outline(conversation: Conversation, contact: Contact) -> _Found:
    state = StateSnapshot(problem="The state was not read.")
    missing = ("transcript", "readings", "attempts", "state")
    return _Found(conversation, contact, (), (), (), state, missing)


def storable(value: Any) -> Any:
    """Return a JSON value without what PostgreSQL's JSON cannot hold: U+0000 and halves of surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return storable(str(value))


def _line(event: Event) -> TranscriptLine:
    return TranscriptLine(
        event.seq,
        event.at,
        event.author.kind,
        event.author.name,
        event.type,
        event.text,
    )


def _reading(turn: Turn) -> TurnReading:
    return TurnReading(
        turn_id=turn.id,
        seq=turn.seq,
        text=turn.text,
        intent=turn.intent,
        confidence=turn.confidence,
        ranking=tuple(turn.ranking[:5]),
        model=turn.model,
        status=turn.status,
        error=turn.error,
    )


def _attempt(attempt: AttemptView) -> AttemptSummary:
    return AttemptSummary(
        id=attempt.id,
        at=attempt.created_at,
        turn_id=attempt.turn_id,
        kind=attempt.kind,
        name=attempt.name,
        outcome=attempt.outcome,
        read=storable(attempt.read),
        done=storable(attempt.done),
        error=attempt.error,
        duration_ms=attempt.duration_ms,
    )


def _articles(events: Sequence[Event]) -> tuple[ArticleShown, ...]:
    helped = {
        event.payload.about_seq: event.payload.helpful
        for event in events
        if isinstance(event.payload, FeedbackPayload)
    }
    found = []
    for event in events:
        card = event.payload.card if isinstance(event.payload, MessagePayload) else None
        if card is not None and card.get("type") == "article" and card.get("article_id"):
            version = card.get("version")
            found.append(
                ArticleShown(
                    article_id=str(card["article_id"]),
                    version=version if isinstance(version, int) else None,
                    title=str(card.get("title") or card["article_id"]),
                    url=str(card.get("url") or f"/help/{card['article_id']}"),
                    seq=event.seq,
                    helpful=helped.get(event.seq),
                )
            )
    return tuple(found)
