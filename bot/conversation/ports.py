"""What the conversation room needs from others."""

from collections.abc import Mapping
from typing import Any, Protocol

from bot.conversation.domain import Answer, Conversation, Event, Turn
from foundation.database import Transaction
from foundation.http import Caller
from foundation.ids import CaseId, ConversationId


class Brain(Protocol):
    """The assistant that answers a turn."""

    async def answer(self, turn: Turn) -> Answer:
        """Answer; asked twice for the same turn it answers as if asked once.

        Raises:
            BrainUnavailable: when there is no usable answer.
        """
        ...

    async def ready(self) -> bool:
        """Tell whether it would answer now."""
        ...


class LiveBrain(Brain, Protocol):
    """A brain that says which model it answers with."""

    @property
    def model(self) -> str | None:
        """The model that is live, as far as it is known."""
        ...


class CaseView(Protocol):
    """What a conversation tells of its open case."""

    @property
    def id(self) -> CaseId: ...

    @property
    def status(self) -> str: ...

    @property
    def conversation_id(self) -> ConversationId: ...

    @property
    def asked(self) -> bool:
        """Whether the user asked for it, rather than the assistant."""
        ...


class Handoffs(Protocol):
    """Opens cases for people; `escalation.desk.CaseDesk` is one."""

    async def prepare(
        self, conversation_id: ConversationId, *, reason: str, priority: str, summary: str
    ) -> Any:
        """Collect the context, outside any transaction."""
        ...

    async def open(self, prepared: Any, tx: Transaction) -> CaseView:
        """Open the case and move the conversation to the queue, within `tx`.

        A user's further case may join one that is open already: that is returned (its conversation is another
        one), this conversation's owner stays, and the user is told.
        """
        ...

    async def after_open(self, case: Any) -> None:
        """Wake whoever waits for cases, after the commit."""
        ...

    async def withdraw(self, conversation_id: ConversationId) -> bool:
        """Take the conversation's case out of the queue, if it has one; return whether it had.

        Raises:
            Conflict: when an agent has the case.
        """
        ...

    async def position(self, conversation_id: ConversationId) -> tuple[int, int] | None:
        """Return (place in the queue from 1, how many wait), or None when not queued."""
        ...

    async def queue(self) -> Mapping[ConversationId, int]:
        """Return the place in the queue, from 1, of every conversation that waits."""
        ...

    async def open_case(self, conversation_id: ConversationId) -> CaseView | None:
        """Return the conversation's open case, if any."""
        ...

    async def has_open_case(self, host: str, ref: str) -> bool:
        """Tell whether this user has an open case in any conversation."""
        ...


class TurnObserver(Protocol):
    """Is told of every finished turn, for metrics."""

    def turn_finished(self, status: str, intent: str | None, seconds: float) -> None:
        """Count a turn that ended with `status` after `seconds`."""
        ...


class StaffLine(Protocol):
    """What staff may do in a conversation over the live socket."""

    async def follow(self, caller: Caller, conversation_id: str) -> Conversation:
        """Return a conversation that this member of staff may read, or raise `NotFound` or `Forbidden`."""
        ...

    async def post(self, caller: Caller, conversation_id: ConversationId, text: str, key: str) -> Event:
        """Append an agent's message; only the conversation's owner may."""
        ...

    async def typing(self, caller: Caller, conversation_id: ConversationId, active: bool) -> None:
        """Show the user that the agent types."""
        ...


class OfferedElsewhere(Protocol):
    """Knows what a user was offered outside their conversations, such as by predictive help."""

    async def __call__(self, host: str, user_ref: str, choice: str) -> bool:
        """Return whether this choice was offered to the user, and taken."""
        ...
