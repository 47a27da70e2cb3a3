"""What the trainer's room needs from others."""

from collections.abc import Sequence
from typing import Any, Protocol

from bot.foundation.ids import ConversationId


class AttemptReader(Protocol):
    """Reads the attempt log; `actions.attempt_log.AttemptLog` is one."""

    async def for_conversation(self, conversation_id: str) -> Sequence[Any]:
        """Return the attempts of a conversation, oldest first."""
        ...

    async def outcomes(self, conversation_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the outcomes of each conversation's attempts, oldest first; open ones are `open`."""
        ...

    async def conversations_with(self, outcome: str, limit: int) -> list[ConversationId]:
        """Return the conversations that have an attempt with `outcome`, newest first."""
        ...
