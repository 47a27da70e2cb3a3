"""What becomes of a drift: applied, tried dry, taken back, refused, left alone; each ends once."""

import pytest

from actions.framework.registry import Registry
from tests.actions.healing.conftest import POLICY, Ward
from tests.actions.healing.workflows import NeverProven, Resync, Stumbles


def _sum(report: dict[str, int]) -> int:
    names = ("dry_run", "verified", "rolled_back", "failed", "refused", "skipped", "open")
    return sum(report[name] for name in names)


async def test_a_drift_is_put_right_after_a_second_look_and_the_user_is_told(ward: Ward) -> None:
    drifting = ward.crowd.add(3)
    ward.crowd.add(4, drifting=False, prefix="fine")
    ward.mailbox.with_conversation = {drifting[0]}
    new = await ward.scan()
    assert {run.user_ref for run in new} == set(drifting)
    await ward.work()
    assert ward.crowd.acts == [], "not before the second look"
    ward.pass_time(21)
    await ward.work()
    assert all(ward.crowd.healed(ref) for ref in drifting)
    assert len(ward.crowd.acts) == 3
    report = await ward.healing.overview.report()
    assert (report["found"], report["verified"]) == (3, 3)
    assert _sum(report) == 3
    [(told, payload)] = ward.mailbox.posted.values()
    assert told == drifting[0]
    assert "had not reached the roastery" in payload["text"]
    assert payload["card"]["outcome"] == "verified"
    assert {"label": "Grind", "before": "espresso", "after": "filter"} in payload["card"]["facts"]


async def test_every_run_is_an_attempt(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    [run] = await ward.scan()
    ward.pass_time(21)
    await ward.work()
    [attempt] = await ward.log.list()
    assert (attempt.kind, attempt.conversation_id, attempt.turn_id) == ("healing", "", run.id)
    assert (attempt.user_ref, attempt.name, attempt.outcome) == (ref, "resync_preferences", "verified")
    assert attempt.done["status"] == "verified"
    assert attempt.done["answer"]["status"] == "done"


async def test_a_save_that_is_under_way_is_not_healed(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    await ward.scan()
    preferences = ward.crowd.users_by_ref[ref]["preferences"]
    preferences["saved"] = {**preferences["saved"], "grind": "whole bean"}
    ward.pass_time(21)
    await ward.work()
    assert ward.crowd.acts == [], "what is seen has changed: the user is at it"
    preferences.update(applied=dict(preferences["saved"]), sync={"state": "in_sync", "error": None})
    ward.pass_time(21)
    await ward.work()
    report = await ward.healing.overview.report()
    assert report["skipped"] == 1
    assert report["reasons"] == {"skipped: gone": 1}
    assert ward.crowd.acts == []


async def test_a_drift_is_one_run_however_often_it_is_found(ward: Ward) -> None:
    ward.crowd.add(2)
    await ward.scan()
    assert await ward.scan() == ()
    runs = await ward.healing.overview.runs(10)
    assert [run.sightings for run in runs] == [2, 2]


async def test_after_an_act_the_user_is_left_alone_for_a_while(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    await ward.heal()
    ward.crowd.add(1)
    assert await ward.scan() == (), "the cool-down holds"
    ward.pass_time(3601)
    assert len(await ward.scan()) == 1
    ward.pass_time(21)
    await ward.work()
    assert ward.crowd.acts == [("resync_preferences", ref)] * 2


async def test_no_more_acts_than_the_retry_limit_in_a_day(ward: Ward) -> None:
    ward.crowd.add(1)
    for _ in range(5):
        ward.crowd.add(1)
        await ward.heal()
        ward.pass_time(3601)
    assert len(ward.crowd.acts) == 3
    assert (await ward.healing.overview.report())["reasons"] == {"skipped: retry_limit": 1}


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(ward: Ward) -> None:
    ward.write(POLICY.replace("mode: apply", "mode: dry_run"))
    ward.crowd.add(2)
    report = await ward.heal()
    assert (report["found"], report["dry_run"], ward.crowd.acts) == (2, 2, [])
    runs = await ward.healing.overview.runs(10)
    assert runs[0].result == {"would_run": ["resync_preferences"]}
    assert await ward.scan() == (), "nothing new to say about them for now"
    ward.write(POLICY)
    report = await ward.heal()
    assert (report["dry_run"], report["verified"]) == (2, 2), "a change of policy is acted on at once"


async def test_a_dry_run_by_command_does_not_hold_up_the_real_one(ward: Ward) -> None:
    ward.crowd.add(1)
    [run] = await ward.scan(dry_run=True)
    assert run.mode == "dry_run"
    ward.pass_time(21)
    await ward.work()
    assert ward.crowd.acts == []
    assert (await ward.heal())["verified"] == 1


async def test_who_is_not_meant_is_skipped_and_counted(ward: Ward) -> None:
    refs = ward.crowd.add(6)
    ward.write(POLICY + f"    for: {{plans: [Espresso], except_refs: [{refs[1]}]}}\n")
    report = await ward.heal()
    assert (report["found"], report["verified"], report["skipped"]) == (6, 2, 4)
    assert report["reasons"] == {"skipped: not_this_plan": 3, "skipped: not_this_user": 1}
    assert {ref for _, ref in ward.crowd.acts} == {refs[3], refs[5]}


async def test_what_the_application_would_not_allow_is_refused_beforehand(ward: Ward) -> None:
    ward.crowd.add(1)
    ward.crowd.forbidden = {"resync_preferences"}
    report = await ward.heal()
    assert (report["refused"], report["reasons"], ward.crowd.calls) == (1, {"refused: on_hold": 1}, [])


async def test_without_its_list_of_operations_nothing_is_done(ward: Ward) -> None:
    ward.crowd.add(1)
    ward.crowd.fault = lambda kind, ref: "down" if kind == "operations" else None
    await ward.heal()
    for _ in range(6):
        ward.pass_time(60)
        await ward.work()
    report = await ward.healing.overview.report()
    assert (report["skipped"], report["reasons"]) == (1, {"skipped: operations_unknown": 1})
    assert ward.crowd.calls == []


async def test_an_answer_that_is_lost_is_tried_again_with_the_same_key_and_done_once(ward: Ward) -> None:
    ward.crowd.add(1)
    lost = iter(["hang_after", "down"])
    ward.crowd.fault = lambda kind, ref: next(lost, None) if kind == "resync_preferences" else None
    report = await ward.heal()
    assert (report["verified"], len(ward.crowd.acts)) == (1, 1), "the state says that it was done"

    ward.crowd.add(1, prefix="other")
    lost = iter(["down", "down"])
    await ward.scan()
    for _ in range(4):
        ward.pass_time(40)
        await ward.work()
    keys = {key for _, ref, key in ward.crowd.calls if ref.startswith("other")}
    assert len(keys) == 1
    assert (await ward.healing.overview.report())["verified"] == 2


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("lie", "failed", "state_disagrees"),
        ("fail", "failed", "no_such_luck"),
        ("refuse", "refused", "no_such_luck"),
        ("down", "failed", "host_unavailable"),
    ],
)
async def test_what_does_not_help_is_never_called_verified(
    ward: Ward, fault: str, status: str, reason: str
) -> None:
    [ref] = ward.crowd.add(1)
    before = str(ward.crowd.users_by_ref[ref])
    ward.crowd.fault = lambda kind, ref: fault if kind == "resync_preferences" else None
    await ward.heal()
    for _ in range(6):
        ward.pass_time(120)
        await ward.work()
    report = await ward.healing.overview.report()
    assert (report["found"], report[status], report["reasons"]) == (1, 1, {f"{status}: {reason}": 1})
    assert str(ward.crowd.users_by_ref[ref]) == before
    assert ward.mailbox.posted == {}


async def test_what_cannot_be_verified_is_taken_back(ward: Ward) -> None:
    ward.write(POLICY.replace("resync_preferences", "never_proven"))
    ward.room = ward.another(Registry([NeverProven()]))
    [ref] = ward.crowd.add(1)
    before = str(ward.crowd.users_by_ref[ref])
    report = await ward.heal()
    assert (report["found"], report["rolled_back"]) == (1, 1)
    assert [operation for operation, _ in ward.crowd.acts] == ["resync_preferences", "unsync_preferences"]
    assert str(ward.crowd.users_by_ref[ref]) == before
    [attempt] = await ward.log.list()
    assert (attempt.outcome, attempt.done["status"]) == ("failed", "rolled_back")


async def test_taking_back_is_tried_again_and_when_it_fails_the_fix_stops_at_once(ward: Ward) -> None:
    ward.write(POLICY.replace("resync_preferences", "never_proven"))
    ward.room = ward.another(Registry([NeverProven()]))
    [ref] = ward.crowd.add(1)
    before = str(ward.crowd.users_by_ref[ref])
    lost = iter(["down"])
    ward.crowd.fault = lambda kind, ref: next(lost, None) if kind == "unsync_preferences" else None
    await ward.heal()
    ward.pass_time(60)
    await ward.work()
    assert (await ward.healing.overview.report())["rolled_back"] == 1
    assert str(ward.crowd.users_by_ref[ref]) == before

    ward.crowd.add(1, prefix="stuck")
    ward.crowd.fault = lambda kind, ref: "down" if kind == "unsync_preferences" else None
    await ward.scan()
    for _ in range(6):
        ward.pass_time(120)
        await ward.work()
    report = await ward.healing.overview.report()
    assert report["reasons"]["failed: undo_failed"] == 1
    assert [one["state"] for one in report["breakers"]] == ["open"]
    assert len(ward.desk.opened) == 1


async def test_a_workflow_that_stumbles_hides_no_other(ward: Ward) -> None:
    ward.room = ward.another(Registry([Stumbles(), Resync()]))
    ward.crowd.add(2)
    assert (await ward.heal())["verified"] == 2


async def test_a_user_who_is_gone_is_skipped(ward: Ward) -> None:
    [ref] = ward.crowd.add(1)
    await ward.scan()
    del ward.crowd.users_by_ref[ref]
    ward.pass_time(21)
    await ward.work()
    assert (await ward.healing.overview.report())["reasons"] == {"skipped: unknown_user": 1}


async def test_the_report_counts_only_the_span_it_is_asked_for(ward: Ward) -> None:
    ward.crowd.add(2)
    await ward.heal()
    middle = ward.clock.now()
    ward.pass_time(10)
    ward.crowd.add(1, prefix="later")
    await ward.scan()
    assert (await ward.healing.overview.report(until=middle))["verified"] == 2
    later = await ward.healing.overview.report(since=middle)
    assert (later["found"], later["open"], later["verified"]) == (1, 1, 0)
