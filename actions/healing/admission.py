"""Decides whether a run may act now: kill switch, policy, limits, breaker; one decision at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from actions.framework.workflow import Seen, Workflow
from actions.healing import run_storage, storage
from actions.healing.domain import Breaker, Closing, Deferral, Run
from actions.healing.policy import HealingPolicy
from foundation.clock import Clock
from foundation.database import Database

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
WAIT_FOR_ROOM = timedelta(minutes=1)
"""How long a run waits before it asks again whether there is room under a limit."""
TURN, TURN_FOR_EACH, TURN_AT_MOST = timedelta(seconds=0.2), timedelta(seconds=0.02), timedelta(seconds=30)
"""How long a run waits until others have ended: the more wait, the longer, so that they do not queue up."""
WAIT_WHILE_STOPPED = timedelta(seconds=5)


@dataclass(frozen=True)
class Admitted:
    """The run may act: it is stored as `applying`, with what was seen before the act."""

    run: Run


class Admission:
    """Lets runs act, and notes for the breaker how it went."""

    def __init__(self, database: Database, clock: Clock, lease: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease

    async def admit(
        self, run: Run, owner: str, workflow: Workflow, seen: Seen, digest: str, policy: HealingPolicy
    ) -> Admitted | Deferral | Closing | None:
        """Let the run act, or say why not; None when `owner` holds it no more."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            await run_storage.lock_acts(tx)
            breaker = await storage.read_breaker(tx, run.host, run.workflow, lock=True)
            admitted = await self._hindrance(tx, run, workflow, policy, breaker, now)
            if not isinstance(admitted, Breaker):
                return admitted
            values: dict[str, Any] = {"status": "applying", "applied_at": now, "digest": digest}
            values |= {"before": dict(seen.values), "before_at": seen.as_of, "lease_until": now + self._lease}
            values |= {"reason": None, "tries": 0}
            changed = await run_storage.change(tx, run.id, owner, values)
            if changed is None:
                return None
            if admitted != breaker:
                await storage.write_breaker(tx, admitted)
        return Admitted(changed)

    async def foresee(self, run: Run, workflow: Workflow, policy: HealingPolicy) -> Deferral | Closing | None:
        """Say why a run could not act now, without asking the application anything; None when it may."""
        async with self._database.connect() as connection:
            breaker = await storage.read_breaker(connection, run.host, run.workflow)
            now = self._clock.now()
            found = await self._hindrance(connection, run, workflow, policy, breaker, now)
        return None if isinstance(found, Breaker) else found

    async def _hindrance(
        self,
        tx: AsyncConnection,
        run: Run,
        workflow: Workflow,
        policy: HealingPolicy,
        breaker: Breaker,
        now: datetime,
    ) -> Breaker | Deferral | Closing:
        if (await storage.read_switch(tx)).stopped or not policy.enabled:
            return Deferral(now + WAIT_WHILE_STOPPED, "stopped")
        day = now - DAY
        user = (run.host, run.user_ref)
        done = await run_storage.applied_since(tx, day, workflow=run.workflow, user=user)
        if done >= workflow.meta.retry_limit:
            return Closing("skipped", "retry_limit", rest=DAY)
        rules, limits, hour = policy.rules(run.workflow), policy.limits, now - HOUR
        for limit, count in (
            (limits.per_hour, await run_storage.applied_since(tx, hour)),
            (rules.per_hour, await run_storage.applied_since(tx, hour, workflow=run.workflow)),
            (limits.per_user_per_hour, await run_storage.applied_since(tx, hour, user=user)),
        ):
            if limit is not None and count >= limit:
                return Deferral(now + WAIT_FOR_ROOM, "hour_limit")
        return await self._place(tx, run, policy, breaker, now)

    async def _place(
        self, tx: AsyncConnection, run: Run, policy: HealingPolicy, breaker: Breaker, now: datetime
    ) -> Breaker | Deferral:
        """A fix that turns out to be broken must have touched no more users than the breaker's threshold."""
        acting, waiting = await run_storage.under_way(tx, run.host, run.workflow, run.id)
        if breaker.state == "closed" and acting >= breaker.places(policy.breaker(run.workflow)):
            return Deferral(now + min(TURN_AT_MOST, TURN + TURN_FOR_EACH * waiting), "no_place")
        return breaker.admit(run.id, now, self._lease)

    async def may_go_on(self, run: Run) -> bool:
        """Tell whether a run that had begun to act may act again: not once somebody has stopped it all."""
        async with self._database.connect() as connection:
            return not (await storage.read_switch(connection)).stopped

    async def note(
        self, tx: AsyncConnection, run: Run, closing: Closing, policy: HealingPolicy, now: datetime
    ) -> Breaker | None:
        """Tell the breaker how a run ended; returns the breaker when it has opened by that."""
        if run.status != "applying":
            return None
        before = await storage.read_breaker(tx, run.host, run.workflow, lock=True)
        rules = policy.breaker(run.workflow)
        after = before
        if closing.status == "verified":
            after = before.succeeded(rules)
        elif closing.status in ("failed", "rolled_back"):
            reason = closing.reason or closing.status
            after = before.failed(now, rules, reason, at_once=closing.reason == "undo_failed")
        else:
            after = before.released(run.id)
        if after != before:
            await storage.write_breaker(tx, after)
        return after if after.state == "open" and before.state != "open" else None
