"""How often anything may be done: for a user, by a workflow, and by one workflow for one user.

Counted from the attempt rows themselves, so that a restart or a second process forgets nothing.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from actions.attempts.storage import attempts
from actions.framework.workflow import Metadata
from actions.policy import AssistantPolicy
from foundation.clock import Clock
from foundation.database import Database

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


class ActLimits:
    """Says whether a workflow may act for a user now."""

    def __init__(self, database: Database, clock: Clock, policy: AssistantPolicy) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy

    async def refusal(self, host: str, user_ref: str, workflow: Metadata) -> str | None:
        """Return why not, in words for the user, or None. Attempts that never acted do not count."""
        now = self._clock.now()
        acted = attempts.c.done["confirmed_in"].astext.is_not(None)
        own = sa.and_(attempts.c.host == host, attempts.c.user_ref == user_ref)
        same = attempts.c.name == workflow.id
        rested = sa.and_(attempts.c.outcome == "verified", attempts.c.finished_at > now - _span(workflow))
        counts = sa.select(
            _count(own, attempts.c.created_at > now - HOUR),
            _count(own, same),
            _count(own, same, rested),
        ).where(acted, own, attempts.c.created_at > now - DAY)
        busy = sa.select(sa.func.count()).where(acted, same, attempts.c.created_at > now - HOUR)
        async with self._database.connect() as connection:
            user_hour, user_day, recent = (await connection.execute(counts)).one()
            overall = (await connection.execute(busy)).scalar_one()
        if recent:
            return "I did that for you only a short while ago, so please give it a little time."
        if user_day >= workflow.retry_limit:
            return f"I have tried that {_times(user_day)} today, so trying again won't help."
        if user_hour >= self._policy.acts_per_user_hour or overall >= self._policy.acts_per_workflow_hour:
            return "I have changed as much as I may for the moment."
        return None


def _count(*conditions: Any) -> Any:
    return sa.func.count().filter(sa.and_(*conditions))


def _span(workflow: Metadata) -> timedelta:
    return timedelta(seconds=workflow.cool_down)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
