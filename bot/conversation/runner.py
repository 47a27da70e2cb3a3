"""Runs turns: one at a time in a conversation, each to an answer or to a person.

A turn is leased from PostgreSQL, so a runner that dies loses it and another takes it up. What the brain wants
to say is checked against owner and epoch in the transaction that appends it, together with closing the turn:
the bot never talks over a person, and a turn that runs twice speaks once.
"""

import asyncio
import contextlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation import turn_storage
from bot.conversation.domain import (
    ASSISTANT,
    SYSTEM,
    Answer,
    Conversation,
    HandoffRequest,
    NewEvent,
    Reading,
    Turn,
    message,
)
from bot.conversation.errors import BrainUnavailable
from bot.conversation.ports import Brain, Handoffs, TurnObserver
from bot.conversation.service import Conversations
from bot.foundation.clock import Clock
from bot.foundation.database import Database
from bot.foundation.errors import InvalidInput
from bot.foundation.ids import ConversationId
from bot.foundation.strict_json import check_text

log = structlog.get_logger(__name__)

TURN_DEADLINE = 15.0
"""Seconds the brain has for a turn; then the user gets a person."""
APOLOGY = (
    "I'm having trouble answering right now, so I'm passing you to a person. "
    "They will see everything you wrote."
)
_LEASE = timedelta(seconds=6)
_HEARTBEAT = 2.0


@dataclass(frozen=True)
class Outcome:
    """What a turn comes to: the messages to append and the hand-off to open, if any."""

    status: str
    reading: Reading
    messages: list[dict[str, Any]] = field(default_factory=list)
    handoff: HandoffRequest | None = None
    error: str | None = None


class TurnRunner:
    """Works off the pending turns of all conversations, in this process."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        brain: Brain,
        handoffs: Handoffs,
        clock: Clock,
        *,
        observer: TurnObserver | None = None,
        deadline: float = TURN_DEADLINE,
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._brain = brain
        self._handoffs = handoffs
        self._clock = clock
        self._observer = observer
        self._deadline = deadline
        self._runner = f"run_{secrets.token_hex(8)}"
        self._active: dict[ConversationId, asyncio.Task[None]] = {}
        self._again: set[ConversationId] = set()
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to keep leases and to take up what dead runners left."""
        self._background = [
            asyncio.create_task(self._keep_leases()),
            asyncio.create_task(self._take_up_left()),
        ]

    async def stop(self) -> None:
        """Stop; turns under way are left to the next runner."""
        for task in [*self._background, *self._active.values()]:
            task.cancel()
        await asyncio.gather(*self._background, *self._active.values(), return_exceptions=True)

    def schedule(self, conversation_id: ConversationId) -> None:
        """See to it that the pending turns of a conversation are run."""
        if conversation_id in self._active:
            self._again.add(conversation_id)
            return
        task = asyncio.create_task(self._work_off(conversation_id))
        self._active[conversation_id] = task

    async def _work_off(self, conversation_id: ConversationId) -> None:
        try:
            while True:
                self._again.discard(conversation_id)
                while (turn := await self._claim(conversation_id)) is not None:
                    await self._run(turn)
                if conversation_id not in self._again:
                    return
        except Exception as error:
            # The database is away or worse; the turn stays leased and is taken up again when the lease ends.
            log.warning("turn_interrupted", conversation=conversation_id, reason=type(error).__name__)
        finally:
            self._active.pop(conversation_id, None)

    async def _claim(self, conversation_id: ConversationId) -> Turn | None:
        now = self._clock.now()
        async with self._database.begin() as tx:
            return await turn_storage.claim_turn(tx, conversation_id, self._runner, now, now + _LEASE)

    async def _run(self, turn: Turn) -> None:
        conversation = await self._conversations.get(turn.conversation_id)
        if not _may_speak(turn, conversation):
            # Asking the brain would act: what waited when a person took over is theirs to answer.
            await self._conclude(turn, Outcome("dropped", Reading()))
            return
        await self._conversations.typing(turn.conversation_id, ASSISTANT, True)
        try:
            outcome = await self._ask(turn)
            await self._conclude(turn, outcome)
        finally:
            await self._conversations.typing(turn.conversation_id, ASSISTANT, False)

    async def _ask(self, turn: Turn) -> Outcome:
        try:
            async with asyncio.timeout(self._deadline):
                return _storable(interpret(await self._brain.answer(turn)))
        except TimeoutError:
            reason = "too_slow"
        except BrainUnavailable as error:
            reason = error.reason
        except Exception:
            log.exception("brain_crashed", turn=turn.id)
            reason = "crashed"
        log.warning("brain_unavailable", turn=turn.id, reason=reason)
        summary = "The assistant could not answer; nothing was tried for the last message."
        return Outcome(
            "failed",
            Reading(),
            [message(APOLOGY)],
            HandoffRequest("assistant_unavailable", "high", summary),
            error=reason,
        )

    async def _conclude(self, turn: Turn, outcome: Outcome) -> None:
        prepared = None
        if outcome.handoff is not None:
            # The context packet tells how this very message was read, so that must be stored first.
            async with self._database.begin() as tx:
                await turn_storage.note_reading(tx, turn, outcome.reading)
            prepared = await self._handoffs.prepare(
                turn.conversation_id,
                reason=outcome.handoff.reason,
                priority=outcome.handoff.priority,
                summary=outcome.handoff.summary,
            )
        async with self._database.begin() as tx:
            status, case = await self._commit(tx, turn, outcome, prepared)
        await self._conversations.announce(turn.conversation_id)
        if case is not None:
            await self._handoffs.after_open(case)
        if self._observer is not None and status is not None:
            seconds = (self._clock.now() - (turn.started_at or turn.created_at)).total_seconds()
            self._observer.turn_finished(status, outcome.reading.intent, seconds)

    async def _commit(
        self, tx: AsyncConnection, turn: Turn, outcome: Outcome, prepared: Any
    ) -> tuple[str | None, Any]:
        conversation = await self._conversations.lock(turn.conversation_id, tx)
        ours = _may_speak(turn, conversation)
        status = outcome.status if ours else "dropped"
        held = await turn_storage.finish_turn(
            tx,
            turn,
            self._runner,
            status=status,
            reading=outcome.reading,
            error=outcome.error,
            now=self._clock.now(),
        )
        if not held:
            return None, None
        if not ours:
            return status, None
        for payload in outcome.messages:
            author = SYSTEM if outcome.status == "failed" else ASSISTANT
            await self._conversations.append(
                turn.conversation_id, NewEvent("message", author, payload, turn_id=turn.id), tx=tx
            )
        case = await self._handoffs.open(prepared, tx) if prepared is not None else None
        return status, case

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            if not self._active:
                continue
            with contextlib.suppress(Exception):
                async with self._database.begin() as tx:
                    await turn_storage.extend_leases(tx, self._runner, self._clock.now() + _LEASE)

    async def _take_up_left(self) -> None:
        await self._wait_for_brain()
        while True:
            try:
                async with self._database.connect() as connection:
                    left = await turn_storage.unfinished_conversations(connection, self._clock.now(), 100)
                for conversation_id in left:
                    self.schedule(conversation_id)
            except Exception as error:
                log.debug("unfinished_turns_unknown", reason=type(error).__name__)
            await asyncio.sleep(_HEARTBEAT)

    async def _wait_for_brain(self) -> None:
        # After a restart the brain may still be loading; turns left behind deserve its answer, not a person.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                while not await self._brain.ready():  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.5)


def _may_speak(turn: Turn, conversation: Conversation) -> bool:
    return conversation.owner.kind == "bot" and conversation.epoch == turn.epoch


def _storable(outcome: Outcome) -> Outcome:
    """Return an outcome that PostgreSQL can hold; one that it cannot would be tried again for ever.

    Raises:
        BrainUnavailable: for U+0000, halves of surrogate pairs, and numbers that are not finite.
    """
    try:
        values = asdict(outcome)
        check_text(values)
        json.dumps(values, allow_nan=False)
    except (InvalidInput, ValueError, TypeError):
        raise BrainUnavailable("unusable") from None
    return outcome


def interpret(answer: Answer) -> Outcome:
    """Read the brain's messages: text and cards are to be said, a `handoff` is to be done.

    Raises:
        BrainUnavailable: when there is nothing to say and nothing to do.
    """
    messages: list[dict[str, Any]] = []
    handoff: HandoffRequest | None = None
    for item in answer.messages:
        custom = item.get("custom")
        if isinstance(custom, dict) and custom.get("type") == "handoff":
            handoff = HandoffRequest(
                str(custom.get("reason") or "user_asked"),
                str(custom.get("priority") or "normal"),
                str(custom.get("summary") or ""),
            )
        elif isinstance(custom, dict):
            card = {key: value for key, value in custom.items() if key not in ("text", "buttons")}
            buttons = custom.get("buttons") or item.get("buttons")
            messages.append(message(str(custom.get("text") or ""), buttons=buttons, card=card))
        elif item.get("text"):
            messages.append(message(str(item["text"]), buttons=item.get("buttons")))
    if not messages and handoff is None:
        raise BrainUnavailable("empty")
    return Outcome("done", answer.reading, messages, handoff)
