"""The audit chain: entries verified a second beside a plain read of them, and what one costs a write.

    .venv/bin/python tests/benchmarks/audit.py [--sizes 10000,100000,1000000] [--rounds 5]

Starts a PostgreSQL of its own. Prints a table and a JSON line. Three entries are about one attempt (recorded,
noted, finished), as in use. `verify` is the check behind `firstline audit verify` (hashes, order, head, and
every row of `attempts`); `plain` fetches the same entries, latest entries and rows, and checks nothing. Both
are run in turns and the median is shown. Writing: three changes of one attempt, with and without the chain.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import sqlalchemy as sa

from actions.attempts import storage as attempt_storage
from actions.attempts.log import AttemptLog, AttemptRows, attempt_content
from actions.attempts.model import Attempt, Ending, NewAttempt
from app.ops.children.postgres import embedded_postgres
from app.schema.tables import metadata
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.ids import AttemptId
from security.audit import storage as audit_storage
from security.audit.chain import ROOT, Change, follow, signed
from security.audit.check import check_chain
from security.audit.keys import AuditKeys
from security.audit.log import AuditLog
from security.privacy.masking import mask_json

READ = {"account.locked": True, "account.lock_reason": "too_many_attempts", "account.failed_sign_ins": 6}
DONE = {"operation": "unlock_account", "status": "done", "after": {"account.locked": False}}
CHUNK = 1000


def made(number: int) -> Attempt:
    """An attempt as they are in use."""
    at = datetime(2026, 1, 1, 12, 0, 0, number % 1_000_000, tzinfo=UTC)
    return Attempt(
        id=AttemptId(f"att_{number:026d}"),
        conversation_id=f"cnv_{number // 3:026d}", turn_id=f"trn_{number:026d}",
        step="1", user_ref=f"usr_{number % 1000}", host="kettle", kind="workflow", name="unlock_account",
        intent="account_locked", confidence=0.93, read=READ, done=DONE, outcome="verified", duration_ms=41,
        model_version="c79a98d5", article_id=None, article_version=None, error=None, created_at=at,
        finished_at=at, closed_in=f"trn_{number:026d}",
    )  # fmt: skip


async def grow(database: Database, keys: AuditKeys, size: int) -> None:
    """Add attempts, three entries each, until there are `size` entries."""
    async with database.begin() as tx:
        head, _ = await audit_storage.lock_head(tx)
        number, previous = head.number, head.hash or ROOT
        while number < size:
            entries, rows = [], []
            for _ in range(min(CHUNK, -(-(size - number) // 3))):
                attempt = made(number // 3)
                public, private = attempt_content(attempt)
                rows.append({**public, **private})
                for kind in ("recorded", "noted", "finished"):
                    number += 1
                    change = Change(kind, attempt.id, public, private)
                    entries.append(follow(number, previous, attempt.created_at, change))
                    previous = entries[-1].hash
            await tx.execute(sa.insert(attempt_storage.attempts), rows)
            await audit_storage.add(tx, entries, signed(number, previous, datetime.now(UTC), *keys.signing()))
    async with database.connect() as connection:
        await connection.execute(sa.text("vacuum analyze audit_entries"))
        await connection.execute(sa.text("vacuum analyze attempts"))


async def plain_read(database: Database) -> int:
    """Fetch what a check fetches."""
    count = 0
    async with database.begin() as connection:
        await audit_storage.see_one_moment(connection)
        async for batch in audit_storage.in_order(connection):
            count += len(batch)
        async for _ in audit_storage.latest_of_each(connection):
            pass
        async for _ in AttemptRows().rows(connection):
            pass
    return count


async def seconds(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Time one run."""
    started = time.perf_counter()
    result = await work()
    return time.perf_counter() - started, result


async def verifying(database: Database, keys: AuditKeys, size: int, rounds: int) -> dict[str, Any]:
    """Check and plainly read, in turns."""
    await grow(database, keys, size)
    checks, reads, count = [], [], 0
    for _ in range(rounds):
        took, findings = await seconds(lambda: check_chain(database, keys, [], AttemptRows()))
        assert findings.sound, findings.flaws[:3]
        checks.append(took)
        took, count = await seconds(lambda: plain_read(database))
        reads.append(took)
    check, read = statistics.median(checks), statistics.median(reads)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"entries": count, "verify_s": round(check, 2), "rows_per_s": round(count / check),
            "plain_s": round(read, 2), "ratio": round(check / read, 2), "peak_mib": peak}  # fmt: skip


async def one_attempt(log: AttemptLog, name: str) -> None:
    """Record, note and finish."""
    new = NewAttempt("cnv_bench", name, "usr_1", "kettle", "workflow", "bench", read=READ)
    attempt = await log.record(new)
    await log.note(attempt.id, name, done=DONE)
    await log.finish(attempt.id, Ending(name, "verified", duration_ms=41))


async def writing(database: Database, keys: AuditKeys, rounds: int) -> dict[str, Any]:
    """Milliseconds for the three changes of an attempt, with and without the chain, in turns."""
    clock = SystemClock()
    bare = AttemptLog(database, clock, mask_json)
    chained = AttemptLog(database, clock, mask_json, AuditLog(keys, clock))
    times: dict[str, list[float]] = {"without": [], "with": []}
    for number in range(rounds * 100):
        for name, log in (("without", bare), ("with", chained)):
            started = time.perf_counter()
            await one_attempt(log, f"trn_{name}_{number}")
            times[name].append((time.perf_counter() - started) * 1000)
    without, chain = (statistics.median(times[name]) for name in ("without", "with"))
    return {"attempts": rounds * 100, "without_ms": round(without, 2), "with_ms": round(chain, 2),
            "added_ms_per_change": round((chain - without) / 3, 2),
            "ratio": round(chain / without, 2)}  # fmt: skip


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_postgres(Path(folder) / "postgres") as url:
            database, keys = Database.open(url), AuditKeys(Path(folder) / "keys")
            async with database.begin() as tx:
                await tx.run_sync(metadata.create_all)
            figures = []
            for size in sorted(int(one) for one in options.sizes.split(",")):
                figures.append(await verifying(database, keys, size, options.rounds))
                print("  ".join(f"{key} {value:>9,}" for key, value in figures[-1].items()), flush=True)
            added = await writing(database, keys, options.rounds)
            print("  ".join(f"{key} {value:,}" for key, value in added.items()))
            await database.close()
    print(json.dumps({"verify": figures, "write": added}))


if __name__ == "__main__":
    asyncio.run(main())
