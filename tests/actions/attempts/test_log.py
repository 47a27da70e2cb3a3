"""The attempt log: one row an attempt, one outcome, nothing unmasked."""

from datetime import timedelta
from typing import Any

import pytest

from actions.attempts.model import Attempt, Ending, NewAttempt
from foundation.outcomes import OUTCOMES
from tests.actions.conftest import START, Bench


def new(turn: str = "trn_1", conversation: str = "cnv_1", **details: Any) -> NewAttempt:
    return NewAttempt(conversation, turn, "usr_ada", "kettle", "workflow", "unlock_account", **details)


async def test_recorded_twice_in_a_turn_it_is_one_row(bench: Bench) -> None:
    first = await bench.room.log.record(new())
    assert await bench.room.log.record(new()) == first
    assert (await bench.room.log.record(new(step="2"))).id != first.id
    assert len(await bench.room.log.for_conversation("cnv_1")) == 2


async def test_an_outcome_stands(bench: Bench) -> None:
    log = bench.room.log
    attempt = await log.record(new())
    assert await log.finish(attempt.id, Ending("trn_2", "verified", done={"a": 1}, duration_ms=12))
    assert await log.finish(attempt.id, Ending("trn_3", "failed")) is None
    assert await log.note(attempt.id, "trn_3", done={}) is None
    stored = await log.get(attempt.id)
    assert stored is not None
    assert (stored.outcome, stored.duration_ms, stored.done) == ("verified", 12, {"a": 1})
    assert stored.finished_at == START


async def test_the_same_turn_run_again_may_say_it_anew(bench: Bench) -> None:
    log = bench.room.log
    attempt = await log.record(new())
    await log.finish(attempt.id, Ending("trn_2", "failed", error="host_unavailable"))
    again = await log.finish(attempt.id, Ending("trn_2", "verified"))
    assert again is not None
    assert (again.outcome, again.error) == ("verified", None)


async def test_everything_written_is_masked(bench: Bench) -> None:
    log = bench.room.log
    read = {"account.email": "ada@kettle.example", "question": "card 4111 1111 1111 1111"}
    attempt = await log.record(new(read=read))
    ending = Ending(
        "trn_1", "failed", done={"message": "mail to ada@kettle.example"}, error="ada@kettle.example"
    )
    await log.finish(attempt.id, ending)
    stored = await log.get(attempt.id)
    assert "ada@" not in repr(stored)
    assert "4111" not in repr(stored)


async def test_what_users_type_is_masked_in_rows_and_hand_off(bench: Bench) -> None:
    await bench.chat.ask("how_to", "mail me at ada@kettle.example about bicycles")
    handoff = (await bench.chat.yes()).card("handoff")
    assert "bicycles" in handoff["summary"]
    assert "ada@" not in handoff["summary"]
    assert "ada@" not in repr(await bench.attempts())


async def test_cold_attempts_are_abandoned_and_fresh_ones_kept(bench: Bench) -> None:
    log = bench.room.log
    cold = await log.record(new("trn_1"))
    bench.clock.advance(3600)
    fresh = await log.record(new("trn_2"))
    assert await log.abandon_cold(timedelta(minutes=30)) == 1
    outcomes = {attempt.id: attempt.outcome for attempt in await log.list()}
    assert outcomes == {cold.id: "abandoned", fresh.id: None}


@pytest.mark.parametrize("swept", [True, False])
async def test_the_turn_that_acts_has_the_last_word(bench: Bench, swept: bool) -> None:
    log = bench.room.log
    attempt = await log.record(new("trn_1"))
    await log.note(attempt.id, "trn_2", done={"confirmed_in": "trn_2"})
    bench.clock.advance(3600)
    await (log.abandon_cold() if swept else log.close_open("cnv_1", "escalated"))
    assert await log.finish(attempt.id, Ending("trn_3", "failed")) is None
    finished = await log.finish(attempt.id, Ending("trn_2", "verified"))
    assert finished is not None
    assert finished.outcome == "verified"


async def test_a_hand_off_made_elsewhere_closes_what_waits(bench: Bench) -> None:
    log = bench.room.log
    await log.record(new("trn_1"))
    await log.record(new("trn_2", conversation="cnv_2"))
    assert await log.close_open("cnv_1", "escalated") == 1
    assert await log.count() == {"escalated": 1, None: 1}


async def fill(bench: Bench) -> list[Attempt]:
    rows = []
    for number, outcome in enumerate(OUTCOMES):
        attempt = await bench.room.log.record(new(f"trn_{number}"))
        finished = await bench.room.log.finish(attempt.id, Ending(f"trn_{number}", outcome))
        assert finished
        rows.append(finished)
        bench.clock.advance(60)
    rows.append(await bench.room.log.record(new("trn_open")))
    return rows


async def get(bench: Bench, query: str, role: str = "trainer") -> tuple[int, Any]:
    async with bench.client.get(f"/api/v1/attempts{query}", headers={"X-Role": role}) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("outcome", [*OUTCOMES, "open"])
async def test_listed_by_outcome_over_http(bench: Bench, outcome: str) -> None:
    await fill(bench)
    status, body = await get(bench, f"?outcome={outcome}")
    assert status == 200
    assert [row["outcome"] for row in body["attempts"]] == [None if outcome == "open" else outcome]
    assert body["counts"] == dict.fromkeys([*OUTCOMES, "open"], 1)


async def test_listed_by_time_newest_first(bench: Bench) -> None:
    rows = await fill(bench)
    since = (START + timedelta(seconds=60)).isoformat().replace("+", "%2B")
    until = (START + timedelta(seconds=180)).isoformat().replace("+", "%2B")
    _, body = await get(bench, f"?since={since}&until={until}")
    assert [row["id"] for row in body["attempts"]] == [rows[2].id, rows[1].id]
    _, body = await get(bench, "?limit=1")
    assert [row["id"] for row in body["attempts"]] == [rows[-1].id]


@pytest.mark.parametrize("query", ["?outcome=nice", "?limit=0", "?limit=9999", "?since=yesterday", "?x=1"])
async def test_wrong_filters_are_explained(bench: Bench, query: str) -> None:
    status, body = await get(bench, query)
    assert (status, body["code"]) == (400, "invalid_input")
    assert body["errors"]


async def test_only_trainers_and_admins_may_list(bench: Bench) -> None:
    assert (await get(bench, "", role="agent"))[0] == 403
    assert (await get(bench, "", role="admin"))[0] == 200
    async with bench.client.get("/api/v1/attempts") as response:
        assert response.status == 401
