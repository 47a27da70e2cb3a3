"""Self-healing over a running Kettle, as a part of a test or as a process of its own that can be killed:

python -m tests.actions.healing.healer DATABASE_URL SCHEMA POLICY KETTLE_URL KEYS
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from actions.attempts.log import AttemptLog
from actions.dialogue.act import Actor
from actions.framework.executor import Procedure
from actions.framework.host_access import HostAccess
from actions.framework.registry import Registry
from actions.healing.assembly import HealingRoom, build_healing
from actions.healing.policy import HealingPolicyFile
from actions.healing.ports import Cases, Messenger
from actions.healing.service import Pace
from actions.policy import AssistantPolicy
from connectors.hosts.http import HttpHostApplication, Timeouts, open_session
from connectors.hosts.inbound_signatures import KeyRingSignatures
from foundation.clock import SystemClock
from foundation.database import Database
from security.identity.keyring import KeyRing
from security.privacy.masking import mask_json

HASTY = AssistantPolicy(state_timeout=0.6, operation_timeout=0.6, settle_pause=0.02)


class Nobody:
    """Tells nobody anything and opens no cases."""

    async def post(self, *_: object) -> None:
        return None

    async def open(self, *_: object) -> str:
        return "cas_none"


@asynccontextmanager
async def healer(
    database: Database,
    policy: Path,
    url: str,
    keys: Path,
    *,
    messenger: Messenger,
    cases: Cases,
    lease: float = 5.0,
) -> AsyncIterator[HealingRoom]:
    """Self-healing on `database` over the Kettle at `url`."""
    clock, ring, registry = SystemClock(), KeyRing.load(keys), Registry.load()
    async with open_session() as session:
        kettle = HttpHostApplication("kettle", url, ring, session, timeouts=Timeouts(1.0, 2.0))
        access = HostAccess(lambda name: kettle, HASTY)
        log = AttemptLog(database, clock, mask_json)
        yield build_healing(
            database=database,
            clock=clock,
            mask=mask_json,
            policy=HealingPolicyFile(policy, registry),
            registry=registry,
            attempts=log,
            access=access,
            actor=Actor(Procedure(access, HASTY), log, None),  # type: ignore[arg-type]
            hosts=lambda name: kettle,
            names=lambda: ("kettle",),
            messenger=messenger,
            cases=cases,
            signatures=KeyRingSignatures(lambda name: ring if name == "kettle" else None, clock),
            pace=Pace(poll=0.05, scan_poll=0.2, at_a_time=6, retry=0.05),
            lease=timedelta(seconds=lease),
            backoff=timedelta(seconds=0.05),
        )


async def main(url: str, schema: str, policy: str, kettle: str, keys: str) -> None:
    """Work until killed."""
    database = Database.open(url, schema=schema)
    nobody = Nobody()
    async with healer(
        database, Path(policy), kettle, Path(keys), messenger=nobody, cases=nobody, lease=0.5
    ) as room:
        await room.service.start()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
