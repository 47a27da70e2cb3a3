"""A process that writes attempts: `python -m tests.security.audit.audit_writer URL KEYS NAME COUNT`."""

import asyncio
import sys
from pathlib import Path

from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, NewAttempt
from foundation.clock import SystemClock
from foundation.database import Database
from security.audit.keys import AuditKeys
from security.audit.log import AuditLog
from security.privacy.masking import mask_json

TASKS = 4


async def write(log: AttemptLog, name: str, count: int) -> None:
    """Record, note and finish attempts, one line of output for each."""
    for number in range(count):
        turn = f"trn_{name}_{number}"
        new = NewAttempt(f"cnv_{name}", turn, f"usr_{name}", "kettle", "workflow", "unlock")
        attempt = await log.record(new)
        await log.note(attempt.id, turn, done={"unlock_account": "sent"})
        await log.finish(attempt.id, Ending(turn, "verified"))
        print(turn, flush=True)


async def main(url: str, keys: str, name: str, count: int) -> None:
    """Write with some tasks at once."""
    database, clock = Database.open(url), SystemClock()
    log = AttemptLog(database, clock, mask_json, AuditLog(AuditKeys(Path(keys)), clock))
    await asyncio.gather(*(write(log, f"{name}_{task}", count) for task in range(TASKS)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
