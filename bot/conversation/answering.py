"""What becomes of one turn: the brain is asked, and what it says is appended, or a person is called.

What the brain wants to say is checked against owner and epoch in the transaction that appends it, together
with closing the turn: the bot never talks over a person, and a turn that runs twice speaks once.
"""

import asyncio
import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError
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
)
from bot.conversation.errors import BrainUnavailable
from bot.conversation.events import MessagePayload, OfferedChoice, message
from bot.conversation.ports import Brain, Handoffs, TurnObserver
from bot.conversation.service import Conversations
from foundation.clock import Clock
from foundation.database import is_passing
from foundation.errors import InvalidInput
from foundation.ids import ConversationId
from foundation.strict_json import check_text

log = structlog.get_logger(__name__)

APOLOGY = (
    "I'm having trouble answering right now, so I'm passing you to a person. "
    "They will see everything you wrote."
)
MAX_CLAIMS = 5
"""A turn that was taken up more often than this, and never brought to its end, is not tried again."""
CONCLUDE_SECONDS = 10.0
"""What storing an answer, or opening a case, may take before the turn is left to the next try."""
_LONGEST_PAUSE = 60
_SUMMARIES = {
    "overdue": "The assistant did not get round to the last message in time; nothing was tried for it.",
}
_BUTTONS: TypeAdapter[tuple[OfferedChoice, ...]] = TypeAdapter(tuple[OfferedChoice, ...])
_SUMMARY = "The assistant could not answer; nothing was tried for the last message."


@dataclass(frozen=True)
class Outcome:
    """What a turn comes to: the messages to append and the hand-off to open, if any."""

    status: str
    reading: Reading
    messages: list[MessagePayload] = field(default_factory=list)
    handoff: HandoffRequest | None = None
    error: str | None = None


@dataclass(frozen=True)
class _Done:
    """What was committed: the turn's status, None when it was no longer ours, and what followed from it."""

    status: str | None
    case: Any = None
    dropped: int = 0


class Answering:
    """Brings claimed turns of `runner` to their end."""

    def __init__(
        self,
        runner: str,
        conversations: Conversations,
        brain: Brain,
        handoffs: Handoffs,
        clock: Clock,
        observer: TurnObserver | None,
    ) -> None:
        self._runner = runner
        self._conversations = conversations
        self._brain = brain
        self._handoffs = handoffs
        self._clock = clock
        self._observer = observer

    async def run(self, turn: Turn, seconds: float) -> None:
        """Answer a turn, giving the brain up to `seconds`; raises when the turn has to be run again."""
        conversation = await self._conversations.get(turn.conversation_id)
        if not _may_speak(turn, conversation):
            # Asking the brain would act: what waited when a person took over is theirs to answer.
            await self._conclude(turn, Outcome("dropped", Reading()))
            return
        if turn.error is not None or turn.claims > MAX_CLAIMS or seconds <= 0:
            await self.give_up(turn, _why(turn))
            return
        await self._conversations.typing(turn.conversation_id, ASSISTANT, True)
        try:
            await self._answer(turn, seconds)
        finally:
            await self._conversations.typing(turn.conversation_id, ASSISTANT, False)

    async def _answer(self, turn: Turn, seconds: float) -> None:
        outcome = await self._ask(turn, seconds)
        try:
            await self._conclude(turn, outcome)
        except Exception as error:
            if is_passing(error):
                raise
            # The same answer would fail in the same way for ever.
            log.exception("turn_not_concluded", turn=turn.id)
            await self.give_up(turn, "crashed")

    async def give_up(self, turn: Turn, reason: str) -> None:
        """End a turn without the brain: the user is told and a case is opened.

        Raises when the turn has to be run again: the database is away, or no case can be opened now. In the
        second case the user is told already and the turn is left alone for a while.
        """
        log.warning("turn_given_up", turn=turn.id, reason=reason, claims=turn.claims)
        try:
            await self._conclude(turn, _failed(reason))
        except Exception as error:
            if not is_passing(error) or turn.claims > MAX_CLAIMS:
                log.exception("no_case_for_turn", turn=turn.id)
                await self._postpone(turn, reason)
            raise

    async def _postpone(self, turn: Turn, reason: str) -> None:
        pause = timedelta(seconds=min(_LONGEST_PAUSE, 2**turn.claims))
        async with self._conversations.transaction() as tx:
            conversation = await self._conversations.lock(turn.conversation_id, tx)
            until = self._clock.now() + pause
            if await turn_storage.postpone_turn(tx, turn, self._runner, reason, until) and _may_speak(
                turn, conversation
            ):
                await self._conversations.append(turn.conversation_id, _said(turn, message(APOLOGY)), tx=tx)
        await self._conversations.announce(turn.conversation_id)

    async def _ask(self, turn: Turn, seconds: float) -> Outcome:
        try:
            async with asyncio.timeout(seconds):
                return _storable(interpret(await self._brain.answer(turn)))
        except TimeoutError:
            reason = "too_slow"
        except BrainUnavailable as error:
            reason = error.reason
        except Exception:
            log.exception("brain_crashed", turn=turn.id)
            reason = "crashed"
        log.warning("brain_unavailable", turn=turn.id, reason=reason)
        return _failed(reason)

    async def _conclude(self, turn: Turn, outcome: Outcome) -> None:
        async with asyncio.timeout(CONCLUDE_SECONDS):
            prepared = None
            if outcome.handoff is not None:
                prepared = await self._prepare(turn, outcome, outcome.handoff)
            async with self._conversations.transaction() as tx:
                done = await self._commit(tx, turn, outcome, prepared)
        try:
            await self._tell(turn, outcome, done)
        except Exception:
            # It is committed: nobody may take this for a turn that has to run again.
            log.exception("turn_not_told", turn=turn.id)

    async def _tell(self, turn: Turn, outcome: Outcome, done: "_Done") -> None:
        await self._conversations.announce(turn.conversation_id)
        if done.case is not None:
            await self._handoffs.after_open(done.case)
        if self._observer is not None and done.status is not None:
            seconds = (self._clock.now() - (turn.started_at or turn.created_at)).total_seconds()
            self._observer.turn_finished(done.status, outcome.reading.intent, seconds)
            for _ in range(done.dropped):
                self._observer.turn_finished("dropped", None, 0.0)

    async def _prepare(self, turn: Turn, outcome: Outcome, handoff: HandoffRequest) -> Any:
        # The context packet tells how this very message was read, so that must be stored first.
        async with self._conversations.transaction() as tx:
            await turn_storage.note_reading(tx, turn, outcome.reading)
        return await self._handoffs.prepare(
            turn.conversation_id,
            reason=handoff.reason,
            priority=handoff.priority,
            summary=handoff.summary,
        )

    async def _commit(self, tx: AsyncConnection, turn: Turn, outcome: Outcome, prepared: Any) -> "_Done":
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
            return _Done(None)
        if not ours:
            return _Done(
                status, dropped=await self._drop_waiting(tx, conversation.id, conversation.epoch - 1)
            )
        for payload in outcome.messages:
            said = (
                _said(turn, payload)
                if outcome.status == "failed"
                else NewEvent(ASSISTANT, payload, turn_id=turn.id)
            )
            await self._conversations.append(turn.conversation_id, said, tx=tx)
        if prepared is None:
            return _Done(status)
        case = await self._handoffs.open(prepared, tx)
        return _Done(status, case, await self._drop_waiting(tx, conversation.id, turn.epoch))

    async def _drop_waiting(self, tx: AsyncConnection, conversation_id: ConversationId, epoch: int) -> int:
        return await turn_storage.drop_waiting(tx, conversation_id, epoch, self._clock.now())


def _may_speak(turn: Turn, conversation: Conversation) -> bool:
    return conversation.owner.kind == "bot" and conversation.epoch == turn.epoch


def _why(turn: Turn) -> str:
    if turn.error is not None:
        return turn.error
    return "interrupted" if turn.claims > MAX_CLAIMS else "overdue"


def _failed(reason: str) -> Outcome:
    # Whoever writes more than can be answered is overdue by their own doing: no reason to come before others.
    priority = "normal" if reason == "overdue" else "high"
    summary = _SUMMARIES.get(reason, _SUMMARY)
    handoff = HandoffRequest("assistant_unavailable", priority, summary)
    return Outcome("failed", Reading(), [message(APOLOGY)], handoff, error=reason)


def _said(turn: Turn, payload: MessagePayload) -> NewEvent:
    """What the system says once about a turn, however often it is tried."""
    return NewEvent(SYSTEM, payload, turn_id=turn.id, client_key=f"failed {turn.id}")


def _storable(outcome: Outcome) -> Outcome:
    """Return an outcome that PostgreSQL can hold.

    Raises:
        BrainUnavailable: for U+0000, halves of surrogate pairs, and numbers that are not finite.
    """
    try:
        values = [asdict(outcome.reading), *(said.model_dump() for said in outcome.messages)]
        values += [asdict(outcome.handoff)] if outcome.handoff else []
        text = json.dumps(values, allow_nan=False)
        check_text(json.loads(text))
    except (InvalidInput, ValueError, TypeError):
        raise BrainUnavailable("unusable") from None
    return outcome


def interpret(answer: Answer) -> Outcome:
    """Read the brain's messages: text and cards are to be said, a `handoff` is to be done.

    Raises:
        BrainUnavailable: when there is nothing to say and nothing to do, or what is said is out of shape.
    """
    try:
        return _interpreted(answer)
    except ValidationError:
        raise BrainUnavailable("unusable") from None


def _interpreted(answer: Answer) -> Outcome:
    messages: list[MessagePayload] = []
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
            buttons = _choices(custom.get("buttons") or item.get("buttons"))
            messages.append(message(str(custom.get("text") or ""), buttons=buttons, card=card))
        elif item.get("text"):
            messages.append(message(str(item["text"]), buttons=_choices(item.get("buttons"))))
    if not messages and handoff is None:
        raise BrainUnavailable("empty")
    return Outcome("done", answer.reading, messages, handoff)


def _choices(buttons: Any) -> tuple[OfferedChoice, ...]:
    return _BUTTONS.validate_python(buttons or ())
