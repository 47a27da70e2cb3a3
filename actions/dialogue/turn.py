"""One message of the user as the actions see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actions.attempts.model import Kind, NewAttempt
from actions.framework.intents import IntentReading
from actions.ports import TurnContext


@dataclass(frozen=True)
class Memory:
    """What the assistant remembers from turn to turn of one conversation."""

    pending: str | None = None
    attempt_id: str | None = None
    failures: int = 0
    offered_person: bool = False
    asking: bool = False
    """Whether the pending workflow waits for an answer rather than for a yes."""
    answers: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None
    """The value of the answer just given."""


@dataclass(frozen=True)
class ActionTurn:
    """A message and how it was understood. `key` is unique for the turn and the same when it runs again."""

    context: TurnContext
    key: str
    text: str = ""
    intent: str | None = None
    confidence: float | None = None
    ranking: tuple[IntentReading, ...] = ()
    model: str | None = None
    memory: Memory = Memory()
    also: tuple[str, ...] = ()
    """Intents of other requests in the same message."""
    digressed: bool = False
    """Whether the message before this one was about something else than what the assistant remembers."""

    lost: bool = False
    """Whether the memory had been lost, and was found again on record."""

    @property
    def conversation_id(self) -> str:
        """The conversation's id."""
        return self.context.conversation_id

    @property
    def typed(self) -> str:
        """What the user wrote; empty when a button was pressed."""
        return "" if self.text.startswith("/") else self.text

    @property
    def waits(self) -> bool:
        """Whether a workflow waits for a yes."""
        return self.memory.pending is not None and not self.memory.asking

    def attempt(self, kind: Kind, name: str, **details: object) -> NewAttempt:
        """Begin an attempt of this turn."""
        return NewAttempt(
            conversation_id=self.conversation_id,
            turn_id=self.key,
            user_ref=self.context.user_ref,
            host=self.context.host,
            kind=kind,
            name=name,
            intent=self.intent,
            confidence=self.confidence,
            model_version=self.model,
            **details,  # type: ignore[arg-type]
        )
