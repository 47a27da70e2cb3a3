"""A process that works on jobs and deliveries until it is killed:

python -m tests.foundation.outbox.worker DATABASE_URL SCHEMA DESTINATION_URL
"""

import asyncio
import sys

import aiohttp

from foundation.clock import SystemClock
from foundation.database import Database
from foundation.jobs import Job, JobRunner, Kind
from foundation.outbox import Limits, Outbox, add
from tests.support.faulty_destination import HttpDestination


async def main(url: str, schema: str, destination: str) -> None:
    """A job adds one delivery; deliveries go to the destination."""
    database, clock = Database.open(url, schema=schema, pool_size=4), SystemClock()
    async with aiohttp.ClientSession() as session:
        desk = HttpDestination(session, destination)
        limits = Limits(first_delay=0.05, longest_delay=0.5, first_pause=0.05, longest_pause=0.2, tries=100)
        outbox = Outbox(database, clock, {"desk": desk}, limits={"desk": limits}, poll=0.05)

        async def tell(job: Job) -> None:
            number = job.payload["n"]
            async with database.begin() as tx:
                await add(tx, "desk", f"c{number % 5}", {"n": number}, now=clock.now(), once=f"n{number}")

        runner = JobRunner(database, clock, [Kind("tell", tell, tries=100)], poll=0.05)
        await runner.start()
        await outbox.start()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
