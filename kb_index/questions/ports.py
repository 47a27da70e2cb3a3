"""What the questions' room needs of the logs of other rooms. All texts come masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class UnansweredQuestion:
    """A question without a good answer: `id` of the attempt, whether a person took over in its conversation,
    and for how many minutes."""

    id: str
    conversation_id: str
    text: str
    asked_at: datetime
    handed_off: bool
    minutes: float


@dataclass(frozen=True)
class DayOfUse:
    """How an article fared on one day."""

    day: str
    shown: int
    helped: int
    not_helped: int
    handed_off: int


class QuestionLog(Protocol):
    """Knows what users asked and what became of it."""

    async def in_vain(self, since: datetime) -> Sequence[UnansweredQuestion]:
        """Return questions since then that got no answer, or one that did not help."""
        ...

    async def answered(self, since: datetime, article_ids: Sequence[str]) -> int:
        """Return how many answers since then showed one of these articles and were not called unhelpful."""
        ...

    async def use_of(self, article_id: str) -> Sequence[DayOfUse]:
        """Return an article's use by day, oldest first."""
        ...

    async def helped(self, since: datetime) -> Sequence[tuple[str, str]]:
        """Return (question, article id) of answers since then that the user said had helped."""
        ...

    async def agents_words(self, conversation_ids: Sequence[str]) -> Sequence[str]:
        """Return what agents wrote in these conversations, in order, masked."""
        ...
