"""kill -9 of the process that works on jobs and deliveries, again and again."""

import asyncio
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from foundation.clock import SystemClock
from foundation.database import Database
from foundation.jobs import add
from foundation.jobs.storage import jobs
from foundation.outbox.storage import deliveries
from tests.conftest import SharedSchema
from tests.support.faulty_destination import FaultyDestination

ROOT = Path(__file__).parents[2]
COUNT = 200
KILLS = 3


async def _start(database_url: str, schema: str, url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.foundation.outbox.worker", database_url, schema, url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def _left(database: Database) -> int:
    async with database.connect() as connection:
        waiting = (await connection.execute(sa.select(sa.func.count()).select_from(jobs))).scalar_one()
        query = sa.select(sa.func.count()).where(deliveries.c.status != "delivered")
        return int(waiting) + int((await connection.execute(query)).scalar_one())


async def test_nothing_is_lost_or_doubled(
    database: Database,
    postgres_url: str,
    schema_with_tables: SharedSchema,
    figure: Callable[..., Any],
) -> None:
    """Each kill comes while deliveries are under way; all arrives within 30 s of the last."""
    chance, faults = random.Random(5), ["drop", "busy", "broken", "truncated"]

    def fault(delivery_id: str) -> str | None:
        return chance.choice(faults) if chance.random() < 0.1 else None

    fake = FaultyDestination(fault, retry_after=0)
    async with fake.served() as url:
        async with database.begin() as tx:
            for number in range(COUNT):
                await add(tx, "tell", {"n": number}, now=SystemClock().now())
        process = await _start(postgres_url, schema_with_tables.name, url)
        for kill in range(1, KILLS + 1):
            async with asyncio.timeout(30):
                while len(fake.taken) < kill * COUNT // (KILLS + 2):
                    await asyncio.sleep(chance.random() / 100)
            process.kill()
            await process.wait()
            process = await _start(postgres_url, schema_with_tables.name, url)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(30):
                while await _left(database):
                    await asyncio.sleep(0.05)
        finally:
            process.kill()
            await process.wait()
    took = time.monotonic() - begun
    sent = [delivery_id for delivery_id, _, _ in fake.taken]
    assert len(sent) == len(set(sent)) == COUNT
    assert sorted(int(str(payload["n"])) for _, _, payload in fake.taken) == list(range(COUNT))
    figure(
        fault=f"kill -9 of the worker, {KILLS} times during {COUNT} deliveries",
        measure="lost, doubled, seconds until all have arrived",
        before="no outbox",
        after=f"0, 0, {took:.1f}",
    )
