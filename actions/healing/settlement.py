"""What comes after a run: its attempt in the log, the user's notice, and a case when a fix stopped itself.

Each of these may be done twice without harm; a run counts as settled only when all are done.
"""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, NewAttempt
from actions.healing import run_storage, storage
from actions.healing.detector import Detector
from actions.healing.domain import Breaker, Closed, Run, is_closed
from actions.healing.ports import Cases, Messenger
from foundation.clock import Clock
from foundation.database import Database
from foundation.outcomes import Outcome

log = structlog.get_logger(__name__)
_OUTCOMES: Mapping[Closed, Outcome] = {
    "verified": "verified",
    "rolled_back": "failed",
    "failed": "failed",
    "refused": "failed",
    "dry_run": "abandoned",
    "skipped": "abandoned",
}
"""How a run's end reads in the attempt log; `done` of the attempt has the run's own word."""
CASE_LOCK = 0x4341_5345


class Settlement:
    """Tells the attempt log, the users and the desk."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        attempts: AttemptLog,
        messenger: Messenger,
        cases: Cases,
        looker: Detector,
    ) -> None:
        self._database = database
        self._clock = clock
        self._attempts = attempts
        self._messenger = messenger
        self._cases = cases
        self._looker = looker

    async def begun(self, run: Run, *, evidence: bool = False) -> str:
        """Put the run into the attempt log, before it acts; returns the attempt's id.

        Raises:
            NotEntered: when it is `evidence` for an act that follows, and the audit log cannot be written.
        """
        attempt = await self._attempts.record(
            NewAttempt(
                conversation_id="",
                turn_id=run.id,
                user_ref=run.user_ref,
                host=run.host,
                kind="healing",
                name=run.workflow,
                read=run.before,
            )
        )
        if attempt.outcome is None and "confirmed_in" not in attempt.done:
            # Who acts has the last word, whatever a sweep of cold attempts makes of it meanwhile.
            done = {"confirmed_in": run.id, "source": run.source}
            await self._attempts.note(attempt.id, run.id, done=done, evidence=evidence)
        return attempt.id

    async def settle(self, run: Run) -> None:
        """Close the attempt, tell the user, and note that this is done."""
        assert is_closed(run.status), "only what is over is settled"
        attempt_id = await self.begun(run)
        took = (run.closed_at - run.applied_at) if run.closed_at and run.applied_at else timedelta(0)
        done = {"run": run.id, "status": run.status, "reason": run.reason, "mode": run.mode, **run.result}
        ending = Ending(
            run.id,
            _OUTCOMES[run.status],
            done=done,
            error=run.reason,
            duration_ms=max(0, int(took.total_seconds() * 1000)),
        )
        await self._attempts.finish(attempt_id, ending)
        await self._deliver(run)
        async with self._database.begin() as tx:
            await run_storage.settle(tx, run.id)

    async def _deliver(self, run: Run) -> None:
        async with self._database.connect() as connection:
            notice = await storage.notice_of(connection, run.id)
        if notice is None or notice.conversation_id is not None:
            return
        payload = {"notice": notice.id, **notice.payload}
        conversation = await self._messenger.post(run.host, run.user_ref, notice.id, payload)
        if conversation is not None:
            async with self._database.begin() as tx:
                await storage.delivered(tx, notice.id, conversation)

    async def leftovers(self, limit: int = 50) -> int:
        """Settle runs that were closed by a process that died before it could."""
        async with self._database.connect() as connection:
            before = self._clock.now() - timedelta(seconds=10)
            found = await run_storage.unsettled(connection, before, limit)
        for run in found:
            await self.settle(run)
        return len(found)

    async def open_cases(self) -> list[str]:
        """Open a case for each breaker that has opened and has none: one, however many processes look."""
        async with self._database.connect() as connection:
            waiting = await storage.without_case(connection)
        return [case for breaker in waiting if (case := await self._open_case(breaker)) is not None]

    async def _open_case(self, breaker: Breaker) -> str | None:
        workflow = self._looker.get(breaker.workflow)
        title = workflow.meta.title if workflow else breaker.workflow
        async with self._database.begin() as tx:
            if not await _sole(tx, breaker):
                return None
            now = await storage.read_breaker(tx, breaker.host, breaker.workflow)
            if now.state == "closed" or now.case_id is not None:
                return None
            case_id = await self._cases.open(now, title)
            await storage.set_case(tx, breaker.host, breaker.workflow, case_id)
        log.error("healing_case_opened", host=breaker.host, workflow=breaker.workflow, case=case_id)
        return case_id


async def _sole(tx: AsyncConnection, breaker: Breaker) -> bool:
    return await storage.try_lock(tx, CASE_LOCK, f"{breaker.host}\n{breaker.workflow}")
