"""An operation is done once for each key: at the same time, after kill -9, and after a lie."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from actions.host import HostRefused, HostUnavailable, OperationResult
from connectors.hosts.http import HttpHostApplication, Timeouts
from security.identity.keyring import KeyRing
from tests.support.kettle import KettleProcess


@pytest.fixture
async def own_kettle(tmp_path: Path) -> AsyncIterator[KettleProcess]:
    process = KettleProcess(tmp_path)
    await process.start()
    yield process
    assert process.stop() == 0


async def test_forty_calls_at_once_with_one_key_act_once(host: HttpHostApplication) -> None:
    calls = (host.run("usr_dev", "retry_payment", {}, idempotency_key="one") for _ in range(40))
    results = await asyncio.gather(*calls)
    assert results[0].status == "done"
    assert all(result == results[0] for result in results)


async def test_many_keys_at_once_act_once_where_the_rules_allow_one(host: HttpHostApplication) -> None:
    calls = (host.run("usr_dev", "retry_payment", {}, idempotency_key=f"key-{n}") for n in range(40))
    results = await asyncio.gather(*calls)
    assert Counter((result.status, result.code) for result in results) == {
        ("done", None): 1,
        ("refused", "nothing_due"): 39,
    }


async def test_one_key_for_two_users_at_once_serves_one(host: HttpHostApplication) -> None:
    calls = (host.run(ref, "send_password_reset", {}, idempotency_key="k") for ref in ("usr_hana", "usr_gus"))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["HostRefused", "OperationResult"]


async def test_answers_survive_kill_9(own_kettle: KettleProcess, session: aiohttp.ClientSession) -> None:
    host = HttpHostApplication("kettle", own_kettle.url, KeyRing(own_kettle.keys), session)
    first = await host.run("usr_dev", "retry_payment", {}, idempotency_key="before")
    own_kettle.kill()
    await own_kettle.start()
    assert await host.run("usr_dev", "retry_payment", {}, idempotency_key="before") == first
    assert (await host.state("usr_dev", ["billing"])).part("billing")["status"] == "active"
    with pytest.raises(HostRefused):
        await host.run("usr_eli", "retry_payment", {}, idempotency_key="before")


async def test_kill_9_amid_calls_leaves_each_done_once_or_not_at_all(
    own_kettle: KettleProcess, session: aiohttp.ClientSession
) -> None:
    """Each key is tried until it is answered; the payments in the end are as many as keys."""
    host = HttpHostApplication(
        "kettle", own_kettle.url, KeyRing(own_kettle.keys), session, timeouts=Timeouts(0.5, 2)
    )

    async def insist(key: str) -> OperationResult:
        while True:
            try:
                return await host.run("usr_eli", "retry_payment", {}, idempotency_key=key)
            except HostUnavailable:
                await asyncio.sleep(0.05)

    calls = [asyncio.create_task(insist(f"key-{n}")) for n in range(60)]
    for _ in range(2):
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        own_kettle.kill()
        await own_kettle.start()
    results = await asyncio.gather(*calls)
    assert {result.code for result in results} == {"card_expired"}
    assert len({result.result["payment"] for result in results}) == 60


async def test_a_lie_is_told_again_for_the_same_key(host: HttpHostApplication, kettle: KettleProcess) -> None:
    kettle.post("/demo/faults", {"rates": {"*": {"lie": 1.0}}})
    assert (await host.run("usr_ada", "unlock_account", {}, idempotency_key="k")).status == "done"
    kettle.post("/demo/faults", {})
    assert (await host.run("usr_ada", "unlock_account", {}, idempotency_key="k")).status == "done"
    assert (await host.state("usr_ada")).part("account")["locked"] is True
