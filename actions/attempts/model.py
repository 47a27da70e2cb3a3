"""An automated attempt to help: what was read, what was done, and what came of it. One row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from foundation.ids import AttemptId
from foundation.outcomes import Outcome

Kind = Literal["workflow", "answer", "fallback", "handoff", "trigger", "healing"]


@dataclass(frozen=True)
class Attempt:
    """One attempt. `read` holds the fields that were read, `done` what was done; both are masked.

    `turn_id`, `kind`, `name` and `step` together are unique, so a turn that runs twice is one attempt.
    """

    id: AttemptId
    conversation_id: str
    turn_id: str
    step: str
    user_ref: str
    host: str
    kind: Kind
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
    closed_in: str | None = None
    """The turn in which the outcome was set; that turn, run again, may set it again."""


@dataclass(frozen=True)
class NewAttempt:
    """An attempt that begins."""

    conversation_id: str
    turn_id: str
    user_ref: str
    host: str
    kind: Kind
    name: str
    intent: str | None = None
    confidence: float | None = None
    model_version: str | None = None
    step: str = "1"
    read: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How an attempt ends, in which turn; `done` is added to what is noted already."""

    turn_id: str
    outcome: Outcome
    done: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    duration_ms: int = 0
    article_id: str | None = None
    article_version: int | None = None


ASKED_IN = "asked_in"
"""Field of `read` with the id of the turn whose message was the question."""
QUESTION = "question"
"""Field of `read` with a question in our own words; in attempts of earlier versions the user's, masked."""
