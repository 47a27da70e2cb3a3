"""How long a turn has waited, not counting the time when nobody could have answered it."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.conversation.domain import Turn
from foundation.clock import Clock
from foundation.database import is_away, is_passing

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Patience:
    """Measures waiting from when a turn was asked for or, if that is later, the database was last back.

    `seconds` is how long a turn may wait before its user is given a person.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = timedelta(seconds=seconds)
        self._back_since = clock.now()
        self._away = False

    async def tried(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do what asks the database something; None when it failed. Notices so when the database is back."""
        try:
            result = await work()
        except Exception as error:
            self.failed(error)
            level = logging.DEBUG if is_passing(error) else logging.ERROR
            log.log(level, "turn_upkeep_failed", what=work.__qualname__, reason=type(error).__name__)
            return None
        if self._away:
            self._away, self._back_since = False, self._clock.now()
            log.info("database_back")
        return result

    def failed(self, error: BaseException) -> None:
        """Note an error, which may say that the database is away."""
        self._away = self._away or is_away(error)

    def left(self, turn: Turn) -> float:
        """Seconds that a turn may still wait; 0 when it has waited too long."""
        waited = self._clock.now() - max(turn.created_at, self._counted_from())
        return max(0.0, (self._seconds - waited).total_seconds())

    def overdue_before(self) -> datetime | None:
        """The moment before which an overdue turn was asked for; None when none can be overdue yet."""
        moment = self._clock.now() - self._seconds
        return moment if moment >= self._counted_from() else None

    def _counted_from(self) -> datetime:
        return self._clock.now() if self._away else self._back_since
