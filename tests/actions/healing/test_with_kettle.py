"""Self-healing over a real Kettle that fails, hangs and lies, and in processes that are killed."""

import asyncio
import json
import random
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestServer

from actions.framework.registry import Registry
from actions.framework.workflow import Seen
from actions.healing.control import HealingControl
from actions.healing.domain import Run
from actions.healing.policy import HealingPolicyFile
from app.permissions import house_rules
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.http.server import build_http
from tests.actions.healing.conftest import Desk, Mailbox
from tests.actions.healing.healer import healer
from tests.actions.healing.test_events import Staff
from tests.support.kettle import ROOT, KettleProcess

REGISTRY = Registry.load()
TROUBLES: dict[str, dict[str, Any]] = {
    "resync_preferences": {
        "preferences": {
            "saved": {"grind": "espresso"},
            "applied": {"grind": "filter"},
            "sync": {"state": "failed"},
        }
    },
    "restart_export": {"exports": [{"id": "exp_1", "kind": "orders", "state": "stuck"}]},
    "refresh_plan": {"subscription": {"plan": "Espresso Club", "shown_plan": "Morning Coffee"}},
    "refresh_features": {"entitlements": {"brew_timer": True}, "features": {"brew_timer": False}},
}
PARTS = {
    "resync_preferences": {"preferences"},
    "restart_export": {"exports"},
    "refresh_plan": {"subscription"},
    "refresh_features": {"features"},
}
RULES = """
enabled: true
confirm_after_seconds: 0.1
cool_down_seconds: 3600
scan: {every_seconds: 0, page_size: 40, concurrency: 8}
limits: {per_hour: 10000, per_user_per_hour: 100}
breaker: {window: 10, failures: 6, rest_seconds: 1.5}
workflows:
"""
EVERYBODY = RULES + "".join(f"  {name}: {{mode: apply, for: {{refs: REFS}}}}\n" for name in TROUBLES)
FAULTS = {"error": 0.10, "hang": 0.025, "hang_after": 0.025, "lie": 0.05}


@pytest.fixture(scope="module")
def kettle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KettleProcess]:
    running = KettleProcess(tmp_path_factory.mktemp("kettle"))
    asyncio.run(running.start())
    yield running
    running.stop()


def _make(kettle: KettleProcess, trouble: str, number: int) -> list[str]:
    state = {"like": "hana", "state": TROUBLES[trouble]}
    return [kettle.post("/demo/users", state)["ref"] for _ in range(number)]


def _show(kettle: KettleProcess, ref: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{kettle.url}/demo/users/{ref}", timeout=10) as answer:
        shown: dict[str, Any] = json.loads(answer.read())
        return shown


def _fine(workflow: str, state: dict[str, Any]) -> bool:
    found = REGISTRY.get(workflow)
    assert found is not None
    from actions.host import UserState

    seen = Seen.of(UserState("usr", SystemClock().now(), state), found.meta.reads)
    return found.diagnose(seen).verdict == "fine"


def _allow(path: Path, refs: list[str]) -> None:
    path.write_text(EVERYBODY.replace("REFS", json.dumps(refs)))


async def _settled(overview: HealingControl, within: float = 90.0) -> dict[str, Any]:
    async with asyncio.timeout(within):
        while (report := await overview.report())["open"]:
            await asyncio.sleep(0.1)
    return report


def _accounted(report: dict[str, Any]) -> int:
    names = ("dry_run", "verified", "rolled_back", "failed", "refused", "skipped", "open")
    return sum(report[name] for name in names)


@pytest.mark.slow
async def test_no_user_is_worse_off_when_a_fifth_of_all_calls_goes_wrong(
    database: Database, kettle: KettleProcess, tmp_path: Path
) -> None:
    counts = {"resync_preferences": 60, "restart_export": 40, "refresh_plan": 30, "refresh_features": 20}
    users = {ref: name for name, number in counts.items() for ref in _make(kettle, name, number)}
    before = {ref: _show(kettle, ref)["state"] for ref in users}
    for ref, name in users.items():
        assert not _fine(name, before[ref]), "the drift is there"
    policy = tmp_path / "policy.yml"
    _allow(policy, list(users))
    desk, mailbox = Desk(), Mailbox(with_conversation=set(list(users)[::2]))
    kettle.post("/demo/faults", {"rates": {"*": FAULTS}, "seed": 11, "hang_seconds": 1.2})
    async with healer(database, policy, kettle.url, kettle.keys, messenger=mailbox, cases=desk) as room:
        await room.service.start()
        found: set[str] = set()
        for _ in range(4):
            for scanned in await room.service.scan(dry_run=False):
                found |= {run.user_ref for run in (*scanned.new, *scanned.known)}
        report = await _settled(room.service.overview)
        await asyncio.sleep(0.5)
        runs = [run for run in await room.service.overview.runs(1000) if run.user_ref in users]
        await room.service.stop()
    struck = kettle.struck()
    kettle.post("/demo/faults", {})
    assert min(struck.get(kind, 0) for kind in FAULTS) >= 5, f"faults did strike: {struck}"

    assert set(users) <= found, "each drift was found"
    assert report["found"] == _accounted(report), "everything is accounted for"
    assert len(runs) == len(users), "one run for each"
    by_user = {run.user_ref: run for run in runs}
    for ref, name in users.items():
        _compare(kettle, ref, name, before[ref], by_user[ref])
    assert report["verified"] >= 120, report
    assert len(desk.opened) == sum(one["opened"] for one in report["breakers"])
    told = {ref for ref, _ in mailbox.posted.values()}
    assert told == {run.user_ref for run in runs if run.status == "verified"} & mailbox.with_conversation
    await _attempts_agree(database, runs)


def _compare(kettle: KettleProcess, ref: str, name: str, before: dict[str, Any], run: Run) -> None:
    shown = _show(kettle, ref)
    after = shown["state"]
    changed = {part for part in before if before[part] != after[part]}
    assert set(after) == set(before)
    assert changed <= PARTS[name], f"{ref}: only what the fix is for may change"
    assert not changed or _fine(name, after), f"{ref}: changed, and not for the better"
    assert (run.status == "verified") <= _fine(name, after), f"{ref}: said to be verified, and is not"
    done = [one for one in shown["operations"] if one["status"] in ("done", "accepted")]
    assert len(done) <= 1, f"{ref}: acted more than once: {done}"


async def _attempts_agree(database: Database, runs: list[Run]) -> None:
    outcomes = {"verified": "verified", "skipped": "abandoned", "dry_run": "abandoned"}
    sql = sa.text("select turn_id, outcome from attempts where kind = 'healing'")
    async with database.connect() as connection:
        found = {row.turn_id: row.outcome for row in await connection.execute(sql)}
    for run in runs:
        assert found[run.id] == outcomes.get(run.status, "failed")


async def test_a_broken_fix_stops_itself_and_the_rest_goes_on_when_it_is_mended(
    database: Database, kettle: KettleProcess, tmp_path: Path
) -> None:
    users = _make(kettle, "refresh_features", 30)
    before = {ref: _show(kettle, ref)["state"] for ref in users}
    policy, desk = tmp_path / "policy.yml", Desk()
    _allow(policy, users)
    kettle.post("/demo/faults", {"rates": {"refresh_features": {"lie": 1.0}}})
    async with healer(database, policy, kettle.url, kettle.keys, messenger=Mailbox(), cases=desk) as room:
        await room.service.start()
        await room.service.scan(dry_run=False)
        async with asyncio.timeout(30):
            while not desk.opened:
                await asyncio.sleep(0.05)
        stopped = await room.service.overview.report()
        assert [one["state"] for one in stopped["breakers"] if one["opened"]] == ["open"]
        assert stopped["failed"] == 6, "no more users than it takes to open it"
        assert all(_show(kettle, ref)["state"] == before[ref] for ref in users)
        kettle.post("/demo/faults", {})
        report = await _settled(room.service.overview)
        await room.service.stop()
    assert len(desk.opened) == 1
    assert report["failed"] + report["verified"] == 30
    assert report["verified"] >= 15, report
    assert sum(_fine("refresh_features", _show(kettle, ref)["state"]) for ref in users) == report["verified"]


async def test_an_event_that_kettle_pushes_leads_to_a_repair(database: Database, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yml"
    kettle = KettleProcess(tmp_path / "kettle")
    await kettle.start()
    [ref] = _make(kettle, "resync_preferences", 1)
    kettle.stop()
    _allow(policy, [ref])
    async with healer(database, policy, kettle.url, kettle.keys, messenger=Mailbox(), cases=Desk()) as room:
        server = TestServer(
            build_http(room.endpoints(), Staff(), house_rules(), allowed_origins=lambda *_: frozenset())
        )
        await server.start_server()
        kettle.firstline_url = str(server.make_url("")).rstrip("/")
        await kettle.start()
        await room.service.start()
        request = urllib.request.Request(
            f"{kettle.url}/demo/users/{ref}",
            json.dumps({"state": {"preferences": {"saved": {"roast": "dark"}}}, "announce": True}).encode(),
            method="PATCH",
        )
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).close())
        async with asyncio.timeout(20):
            while (await room.service.overview.report())["verified"] != 1:
                await asyncio.sleep(0.05)
        await room.service.stop()
        await server.close()
    assert _fine("resync_preferences", _show(kettle, ref)["state"])
    kettle.stop()


@pytest.mark.slow
async def test_each_act_happens_once_however_often_the_healing_process_is_killed(
    database: Database, kettle: KettleProcess, tmp_path: Path
) -> None:
    users = _make(kettle, "resync_preferences", 25) + _make(kettle, "restart_export", 15)
    policy = tmp_path / "policy.yml"
    _allow(policy, users)
    async with database.connect() as connection:
        schema = str((await connection.execute(sa.text("select current_schema()"))).scalar_one())
    url = database.engine.url.render_as_string(hide_password=False)
    async with healer(database, policy, kettle.url, kettle.keys, messenger=Mailbox(), cases=Desk()) as room:
        await room.service.scan(dry_run=False)
    # Slow enough that a kill hits an act: each answers late, half of them after they have acted.
    slow = {"hang_after": 0.6}
    kettle.post(
        "/demo/faults", {"rates": {"resync_preferences": slow, "restart_export": slow}, "hang_seconds": 0.2}
    )
    overview = HealingControl(database, SystemClock(), HealingPolicyFile(policy, REGISTRY))
    command = [sys.executable, "-m", "tests.actions.healing.healer", url, schema, str(policy)]
    draw, kills = random.Random(5), 0
    while (await overview.report())["open"] and kills < 40:
        process = await asyncio.create_subprocess_exec(
            *command, kettle.url, str(kettle.keys), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(draw.uniform(0.02, 0.5) if kills < 8 else 6.0)
        process.kill()
        await process.communicate()
        kills += 1
    kettle.post("/demo/faults", {})
    report = await overview.report()
    assert kills >= 8
    assert report["verified"] == 40, report
    for ref in users:
        done = [
            one["operation"]
            for one in _show(kettle, ref)["operations"]
            if one["status"] in ("done", "accepted")
        ]
        assert len(done) == 1, f"{ref}: {done}"
