"""The audit chain with several processes that write, and with one that is killed while it does."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
import sqlalchemy as sa

from actions.attempts.log import AttemptRows
from app.schema.tables import metadata
from foundation.database import Database
from security.audit.check import ChainFindings, check_chain
from security.audit.keys import AuditKeys
from tests.security.audit import audit_writer

ROOT = Path(__file__).parents[3]


class Writers:
    """Processes that write attempts until they are done or killed; each says so after every attempt."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url, self.keys = url, keys

    async def start(self, name: str, count: int) -> asyncio.subprocess.Process:
        arguments = ["-m", audit_writer.__name__, self.url, str(self.keys), name, str(count)]
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=PIPE)


@pytest.fixture
async def writers(fresh_database_url: str, tmp_path: Path) -> Writers:
    database = Database.open(fresh_database_url)
    async with database.begin() as tx:
        await tx.run_sync(metadata.create_all)
    await database.close()
    AuditKeys(tmp_path / "keys").signing()
    return Writers(fresh_database_url, tmp_path / "keys")


async def check(writers: Writers) -> tuple[ChainFindings, int]:
    database = Database.open(writers.url)
    findings = await check_chain(database, AuditKeys(writers.keys), [], AttemptRows())
    async with database.connect() as connection:
        rows = (await connection.execute(sa.text("select count(*) from attempts"))).scalar_one()
    await database.close()
    return findings, int(rows)


@pytest.mark.slow
async def test_sixteen_writers_in_four_processes_make_one_chain(writers: Writers) -> None:
    async with asyncio.timeout(120):
        running = [await writers.start(f"p{number}", 10) for number in range(4)]
        assert [await process.wait() for process in running] == [0] * 4
    findings, rows = await check(writers)
    assert (findings.flaws, rows) == ([], 4 * audit_writer.TASKS * 10)
    assert findings.entries == rows * 3


@pytest.mark.slow
async def test_killed_in_the_middle_the_chain_is_whole(writers: Writers) -> None:
    said = 0
    async with asyncio.timeout(120):
        for number in range(4):
            process = await writers.start(f"k{number}", 100_000)
            assert process.stdout is not None
            for _ in range(5 + 7 * number):
                assert await process.stdout.readline()
                said += 1
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
            findings, rows = await check(writers)
            assert findings.flaws == []
            assert findings.subjects == rows >= said, "what was said to be written is there"


async def test_the_next_process_goes_on_where_the_killed_one_was(writers: Writers) -> None:
    async with asyncio.timeout(120):
        killed = await writers.start("a", 100_000)
        assert killed.stdout is not None
        await killed.stdout.readline()
        killed.kill()
        await killed.wait()
        assert await (await writers.start("b", 3)).wait() == 0
    assert (await check(writers))[0].flaws == []
