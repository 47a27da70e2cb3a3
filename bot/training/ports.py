"""What the trainer's room needs from others."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class AttemptReader(Protocol):
    """Reads the attempt log; `actions.attempts.log.AttemptLog` is one."""

    async def for_conversation(self, conversation_id: str) -> Sequence[Any]:
        """Return the attempts of a conversation, oldest first."""
        ...

    async def outcomes(self, conversation_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the outcomes of each conversation's attempts, oldest first; open ones are `open`."""
        ...


class OutcomeReader(Protocol):
    """Knows what became of conversations; `insights.outcomes.Outcomes` is one."""

    async def of(self, conversation_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the one outcome of each of these conversations."""
        ...

    async def conversations_with(self, outcome: str, *, before: str | None, limit: int) -> Sequence[str]:
        """Return the conversations of this outcome that came before another one, newest first."""
        ...
