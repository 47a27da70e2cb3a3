"""How many deliveries a second the outbox moves to a fast destination, and what an outage costs.

    .venv/bin/python -m tests.benchmarks.outbox [--deliveries 3000] [--keys 300] [--backlog 20000]

Its own PostgreSQL, flushed to the disk as in production; the destination is a real HTTP server on loopback
in a process of its own.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import sqlalchemy as sa

from app.ops.children.postgres import embedded_postgres
from app.schema.migrate import upgrade
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.outbox import Limits, Outbox, add
from foundation.outbox.storage import deliveries
from tests.support.faulty_destination import FaultyDestination, HttpDestination


async def _serve() -> None:
    async with FaultyDestination().served() as url:
        print(url, flush=True)
        await asyncio.Event().wait()


async def _fill(database: Database, destination: str, count: int, keys: int) -> None:
    for first in range(0, count, 500):
        async with database.begin() as tx:
            for number in range(first, min(first + 500, count)):
                payload = {"n": number, "text": "x" * 400}
                await add(tx, destination, f"c{number % keys}", payload, now=SystemClock().now())


async def _left(database: Database, destination: str) -> int:
    query = sa.select(sa.func.count()).where(
        deliveries.c.status != "delivered", deliveries.c.destination == destination
    )
    async with database.connect() as connection:
        return int((await connection.execute(query)).scalar_one())


async def _measure(url: str, count: int, keys: int, backlog: int) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstline-outbox-")))
        postgres = await stack.enter_async_context(embedded_postgres(folder))
        database = Database.open(postgres)
        stack.push_async_callback(database.close)
        await upgrade(database)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        fast = HttpDestination(session, url)
        down = HttpDestination(session, "http://127.0.0.1:9")
        limits = {"fast": Limits(at_once=32), "down": Limits()}
        for when, behind in (("alone", 0), (f"beside {backlog} for a destination that is down", backlog)):
            await _fill(database, "down", behind, keys)
            await _fill(database, "fast", count, keys)
            outbox = Outbox(database, SystemClock(), {"fast": fast, "down": down}, limits=limits)
            before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            await outbox.start()
            while await _left(database, "fast"):
                await asyncio.sleep(0.1)
            took = time.perf_counter() - begun
            await outbox.stop()
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{when}: {count / took:.0f} deliveries/s ({count} in {took:.1f} s,"
                f" {cpu / took:.0%} of a core, peak memory {after.ru_maxrss / 1024:.0f} MiB)"
            )
        assert await _left(database, "down") == backlog, "an outage drops nothing"


async def _main(count: int, keys: int, backlog: int) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.outbox", "--serve", stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        url = (await server.stdout.readline()).decode().strip()
        await _measure(url, count, keys, backlog)
    finally:
        server.kill()
        await server.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=3000)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--backlog", type=int, default=20_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    asyncio.run(_serve() if given.serve else _main(given.deliveries, given.keys, given.backlog))
