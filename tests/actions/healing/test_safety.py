"""What keeps self-healing from doing harm: kill switch, limits, breaker, crashes, many processes."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.healing import run_storage
from security.audit.chain import Change, NotEntered
from tests.actions.healing.conftest import POLICY, Ward


async def test_the_kill_switch_holds_in_every_process_and_what_waits_goes_on_after(ward: Ward) -> None:
    ward.crowd.add(3)
    other = ward.another().service
    await ward.scan()
    ward.pass_time(21)
    await other.overview.set_switch(stopped=True, by="Ada", reason="release under way")
    await ward.work()
    assert ward.crowd.calls == []
    status = await ward.healing.overview.status()
    assert (status.active, status.switch.by, status.counts["open"]) == (False, "Ada", 3)
    await ward.healing.overview.set_switch(stopped=False, by="Ada")
    ward.pass_time(6)
    await ward.work(other)
    assert (await ward.healing.overview.report())["verified"] == 3


class BrokenJournal:
    """Refuses what is required, as the audit log does while it cannot be written."""

    async def enter(self, tx: AsyncConnection, changes: Sequence[Change], *, required: bool = False) -> None:
        if required:
            raise NotEntered("The audit log cannot be written.")


async def test_nothing_is_healed_while_the_audit_log_cannot_be_written(ward: Ward) -> None:
    ward.crowd.add(1)
    ward.log._journal = BrokenJournal()
    await ward.heal()
    assert ward.crowd.calls == []
    ward.log._journal = None
    ward.pass_time(600)
    await ward.work()
    assert (await ward.healing.overview.report())["verified"] == 1, "it goes on by itself afterwards"


async def test_the_switch_also_stops_a_run_that_waits_for_another_try(ward: Ward) -> None:
    ward.crowd.add(1)
    ward.crowd.fault = lambda kind, ref: "down" if kind == "resync_preferences" else None
    await ward.heal()
    tried = len(ward.crowd.calls)
    assert tried == 1
    await ward.healing.overview.set_switch(stopped=True, by="Ada")
    ward.pass_time(600)
    await ward.work()
    assert len(ward.crowd.calls) == tried


async def test_the_switch_of_the_file_stops_everything_too(ward: Ward) -> None:
    ward.crowd.add(2)
    await ward.scan()
    ward.write(POLICY.replace("enabled: true", "enabled: false"))
    ward.pass_time(21)
    await ward.work()
    assert ward.crowd.calls == []
    ward.write("enabled: [")
    ward.pass_time(21)
    await ward.work()
    assert ward.crowd.calls == []
    assert "self_healing.yml:1" in ((await ward.healing.overview.status()).problem or "")


@pytest.mark.parametrize(
    ("limit", "acts"),
    [("limits: {per_hour: 3}", 3), ("limits: {per_hour: 0}", 0), ("    per_hour: 4", 4)],
)
async def test_the_limits_of_an_hour_hold_for_all_processes_together(
    ward: Ward, limit: str, acts: int
) -> None:
    kept = POLICY if limit.startswith(" ") else POLICY.replace("limits: {per_hour: 1000", "was: {per_hour: 1")
    lines = [line for line in kept.splitlines() if not line.startswith("was:")]
    ward.write("\n".join([limit, *lines] if not limit.startswith(" ") else [*lines, limit]))
    ward.crowd.add(8)
    others = [ward.another().service for _ in range(3)]
    await ward.scan()
    ward.pass_time(21)
    await asyncio.gather(*(ward.work(each) for each in others))
    assert len(ward.crowd.acts) == acts
    report = await ward.healing.overview.report()
    assert (report["found"], report["verified"], report["open"]) == (8, acts, 8 - acts)
    ward.pass_time(3601)
    await asyncio.gather(*(ward.work(each) for each in others))
    assert len(ward.crowd.acts) == 2 * acts


async def test_one_user_is_not_worked_on_too_often(ward: Ward) -> None:
    ward.write(POLICY.replace("per_user_per_hour: 10", "per_user_per_hour: 0"))
    ward.crowd.add(2)
    report = await ward.heal()
    assert (report["open"], ward.crowd.calls) == (2, [])
    ward.pass_time(90_000)
    await ward.work()
    assert (await ward.healing.overview.report())["reasons"] == {"skipped: waited_too_long": 2}


async def test_a_broken_fix_stops_itself_and_opens_one_case(ward: Ward) -> None:
    ward.crowd.add(60)
    ward.crowd.fault = lambda kind, ref: "fail" if kind == "resync_preferences" else None
    processes = [ward.another().service for _ in range(4)]
    await ward.scan()
    ward.pass_time(21)
    await asyncio.gather(*(ward.work(each) for each in processes))
    report = await ward.healing.overview.report()
    [breaker] = report["breakers"]
    assert (breaker["state"], breaker["opened"], breaker["case"]) == ("open", 1, "cas_1")
    assert len(ward.desk.opened) == 1, "one case, however many processes failed at once"
    assert report["failed"] == 3, "no more users than it takes to open it"
    assert report["failed"] + report["open"] == report["found"] == 60
    failed = report["failed"]

    ward.pass_time(601)
    await asyncio.gather(*(ward.work(each) for each in processes))
    report = await ward.healing.overview.report()
    assert report["failed"] == failed + 1, "one probe"
    assert (len(ward.desk.opened), report["breakers"][0]["opened"]) == (1, 1)

    ward.crowd.fault = lambda kind, ref: None
    for _ in range(4):
        ward.pass_time(601)
        await asyncio.gather(*(ward.work(each) for each in processes))
    report = await ward.healing.overview.report()
    assert report["breakers"][0]["state"] == "closed"
    assert (report["verified"], report["open"]) == (60 - failed - 1, 0)


async def test_a_case_that_could_not_be_opened_is_opened_later(ward: Ward) -> None:
    ward.crowd.add(3)
    ward.crowd.fault = lambda kind, ref: "fail" if kind == "resync_preferences" else None
    working = ward.desk.open

    async def broken(*_: object) -> str:
        raise OSError

    ward.desk.open = broken  # type: ignore[method-assign, assignment]
    await ward.scan()
    ward.pass_time(21)
    await ward.work()
    assert (await ward.healing.overview.report())["failed"] == 3
    ward.desk.open = working  # type: ignore[method-assign]
    await ward.work()
    processes = [ward.another().service for _ in range(3)]
    await asyncio.gather(*(each.tidy() for each in processes))
    assert len(ward.desk.opened) == 1


async def test_many_processes_find_and_heal_each_drift_once(ward: Ward) -> None:
    ward.crowd.add(40)
    processes = [ward.another().service for _ in range(4)]
    await asyncio.gather(*(each.scan(dry_run=False) for each in processes))
    ward.pass_time(21)
    await asyncio.gather(*(ward.work(each) for each in processes))
    report = await ward.healing.overview.report()
    assert (report["found"], report["verified"]) == (40, 40)
    assert len(ward.crowd.acts) == len(set(ward.crowd.acts)) == 40
    counted = await ward.log.count()
    assert counted == {"verified": 40}


async def test_a_process_that_dies_while_it_acts_loses_the_run_to_another(ward: Ward) -> None:
    """The process is one that stops in the middle of the act and never comes back."""
    [ref] = ward.crowd.add(1)
    await ward.scan()
    ward.pass_time(21)
    reached = asyncio.Event()
    state = ward.crowd.state

    async def stuck(ref: str, parts: object = None) -> object:
        if ward.crowd.acts:
            reached.set()
            await asyncio.sleep(3600)
        return await state(ref, parts)  # type: ignore[arg-type]

    ward.crowd.state = stuck  # type: ignore[method-assign, assignment]
    dying = asyncio.create_task(ward.healing.work_on_runs())
    async with asyncio.timeout(5):
        await reached.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    ward.crowd.state = state  # type: ignore[method-assign]
    other = ward.another().service
    await ward.work(other)
    assert (await other.overview.report())["open"] == 1, "its lease still holds"
    ward.pass_time(31)
    await ward.work(other)
    report = await other.overview.report()
    assert (report["verified"], report["open"]) == (1, 0)
    assert ward.crowd.acts == [("resync_preferences", ref)]
    assert len({key for _, _, key in ward.crowd.calls}) == 1, "the same key both times"
    [attempt] = await ward.log.list()
    assert attempt.outcome == "verified"


async def test_what_a_dead_process_left_untold_is_told(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    ward.mailbox.with_conversation = {ref}
    await ward.scan()
    ward.pass_time(21)
    [run] = await ward.healing._worker.take(1)
    await ward.healing._worker.work(run)
    assert ward.mailbox.posted == {}, "it died before it told anybody"
    ward.pass_time(11)
    await ward.healing.tidy()
    await ward.healing.tidy()
    assert len(ward.mailbox.posted) == 1
    [attempt] = await ward.log.list()
    assert attempt.outcome == "verified"


async def test_who_lost_the_lease_cannot_close_the_run(ward: Ward) -> None:
    ward.crowd.add(1)
    await ward.scan()
    ward.pass_time(21)
    slow, quick = ward.healing._worker, ward.another().service
    [run] = await slow.take(1)
    ward.pass_time(31)
    await ward.work(quick)
    assert await slow.work(run) is None
    assert (await ward.healing.overview.report())["verified"] == 1


async def test_what_was_seen_is_masked_once_the_run_is_closed(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    preferences = ward.crowd.users_by_ref[ref]["preferences"]
    preferences["saved"]["deliver_to"] = "ada.lovelace@example.com"
    await ward.heal()
    async with ward.database.connect() as connection:
        [run] = await run_storage.latest(connection, 1)
    assert run.status == "verified"
    assert "ada.lovelace" not in json.dumps([run.before, run.result])
    [attempt] = await ward.log.list()
    assert "ada.lovelace" not in json.dumps([attempt.read, attempt.done])
