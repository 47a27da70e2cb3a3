"""Attempts for trainers: masked once more, users under names that tell nothing, outcomes beside them."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from actions.attempts import storage
from actions.attempts.model import ASKED_IN, QUESTION, Attempt
from foundation.database import Database


class AttemptExport:
    """Gives attempts one by one. A user has the same name in every export made with the same secret."""

    def __init__(
        self,
        database: Database,
        mask: Callable[[Any], Any],
        outcomes_of: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]],
        secret: bytes,
        words_of: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]],
    ) -> None:
        """Take `words_of`, which gives the messages of turns by the turn's id; they are masked here."""
        self._words_of = words_of
        self._database = database
        self._mask = mask
        self._outcomes_of = outcomes_of
        self._secret = secret

    async def lines(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Give one object an attempt, by conversation and in order."""
        async with self._database.connect() as connection:
            async for batch in storage.by_conversation(connection, since, until):
                # Of the whole conversation, also of what is not between `since` and `until`.
                outcomes = await self._outcomes_of(sorted({one.conversation_id for one in batch}))
                asked = [str(one.read[ASKED_IN]) for one in batch if ASKED_IN in one.read]
                words = await self._words_of(asked) if asked else {}
                for line in await asyncio.to_thread(self._lines, batch, outcomes, words):
                    yield line

    def _lines(
        self, batch: Sequence[Attempt], outcomes: Mapping[str, str], words: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        return [self._line(one, outcomes.get(one.conversation_id), words) for one in batch]

    def _line(self, attempt: Attempt, outcome: str | None, words: Mapping[str, str]) -> dict[str, Any]:
        moments = {
            "created_at": attempt.created_at.isoformat(),
            "finished_at": attempt.finished_at.isoformat() if attempt.finished_at else None,
        }
        asked = words.get(str(attempt.read.get(ASKED_IN))) or attempt.read.get(QUESTION)
        free = {"read": attempt.read, "done": attempt.done, "error": attempt.error, "question": asked}
        masked: dict[str, Any] = self._mask(free)
        return {
            "attempt": attempt.id, "conversation": attempt.conversation_id, "turn": attempt.turn_id,
            "user": self._name(attempt.host, attempt.user_ref), "host": attempt.host,
            "kind": attempt.kind, "name": attempt.name, "step": attempt.step, "intent": attempt.intent,
            "confidence": attempt.confidence, "outcome": attempt.outcome or "open",
            "conversation_outcome": outcome,
            "duration_ms": attempt.duration_ms, "model": attempt.model_version,
            "article": attempt.article_id, "article_version": attempt.article_version,
            **masked, **moments,
        }  # fmt: skip

    def _name(self, host: str, ref: str) -> str:
        return "user_" + hmac.new(self._secret, f"{host}\n{ref}".encode(), hashlib.sha256).hexdigest()[:16]
