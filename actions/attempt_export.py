"""Attempts for trainers: masked once more, users under names that tell nothing, outcomes beside them."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from actions import attempt_storage as storage
from actions.attempts import Attempt
from bot.foundation.database import Database


class AttemptExport:
    """Gives attempts one by one. A user has the same name in every export made with the same secret."""

    def __init__(
        self,
        database: Database,
        mask: Callable[[Any], Any],
        conversation_outcome: Callable[[Sequence[str | None]], str],
        secret: bytes,
    ) -> None:
        self._database = database
        self._mask = mask
        self._outcome = conversation_outcome
        self._secret = secret

    async def lines(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Give one object an attempt, by conversation and in order."""
        async with self._database.connect() as connection:
            async for batch in storage.by_conversation(connection, since, until):
                for _, own in groupby(batch, key=lambda one: one.conversation_id):
                    attempts = list(own)
                    outcome = self._outcome([one.outcome for one in attempts])
                    for attempt in attempts:
                        yield self._line(attempt, outcome)

    def _line(self, attempt: Attempt, outcome: str) -> dict[str, Any]:
        moments = {
            "created_at": attempt.created_at.isoformat(),
            "finished_at": attempt.finished_at.isoformat() if attempt.finished_at else None,
        }
        free = {"read": attempt.read, "done": attempt.done, "error": attempt.error}
        masked: dict[str, Any] = self._mask(free)
        return {
            "attempt": attempt.id, "conversation": attempt.conversation_id, "turn": attempt.turn_id,
            "user": self._name(attempt.host, attempt.user_ref), "host": attempt.host,
            "kind": attempt.kind, "name": attempt.name, "step": attempt.step, "intent": attempt.intent,
            "confidence": attempt.confidence, "outcome": attempt.outcome or "open",
            "conversation_outcome": outcome if attempt.conversation_id else None,
            "duration_ms": attempt.duration_ms, "model": attempt.model_version,
            "article": attempt.article_id, "article_version": attempt.article_version,
            **masked, **moments,
        }  # fmt: skip

    def _name(self, host: str, ref: str) -> str:
        return "user_" + hmac.new(self._secret, f"{host}\n{ref}".encode(), hashlib.sha256).hexdigest()[:16]
