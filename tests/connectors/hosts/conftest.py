"""A real Kettle in its own process, and the provider that talks to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from connectors.hosts.http import HttpHostApplication, Timeouts, open_session
from security.identity.keyring import KeyRing
from tests.support.kettle import KettleProcess


@pytest.fixture(scope="session")
def running_kettle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KettleProcess]:
    process = KettleProcess(tmp_path_factory.mktemp("kettle"))
    asyncio.run(process.start())
    yield process
    assert process.stop() == 0


@pytest.fixture
def kettle(running_kettle: KettleProcess) -> KettleProcess:
    running_kettle.reset()
    return running_kettle


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def host(kettle: KettleProcess, session: aiohttp.ClientSession) -> HttpHostApplication:
    return HttpHostApplication("kettle", kettle.url, KeyRing(kettle.keys), session, timeouts=Timeouts(1, 4))
