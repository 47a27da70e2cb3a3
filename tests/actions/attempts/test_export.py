"""What trainers get: every attempt once, masked, users under other names, with what became of it all."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from actions.attempts.export import AttemptExport
from actions.attempts.log import AttemptLog
from actions.attempts.model import Ending, NewAttempt
from foundation.clock import FixedClock
from foundation.database import Database
from security.privacy.confidences import mask_confidences
from security.privacy.masking import mask_json

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def outcomes_of(ids: Sequence[str]) -> Mapping[str, str]:
    return {name: "escalated" for name in ids if name}


async def words_of(turn_ids: Sequence[str]) -> Mapping[str, str]:
    return {one: f"Ottoline Vandersteen in {one}: my card 4111 1111 1111 1111?" for one in turn_ids}


async def exported(database: Database, secret: bytes = b"s" * 32, **between: Any) -> list[dict[str, Any]]:
    lines = AttemptExport(database, mask_confidences, outcomes_of, secret, words_of).lines(**between)
    return [json.loads(json.dumps(line)) async for line in lines]


async def filled(database: Database, count: int = 30) -> FixedClock:
    clock = FixedClock(START)
    log = AttemptLog(database, clock, lambda value: value)
    for number in range(count):
        conversation = f"cnv_{number // 5 * 4 + number % 5:04d}" if number % 10 else ""
        new = NewAttempt(conversation, f"trn_{number}", f"usr_{number % 7}", "kettle", "workflow", "unlock",
                         read={"account.email": "hana@example.com"})  # fmt: skip
        attempt = await log.record(new)
        await log.finish(attempt.id, Ending(f"trn_{number}", "verified", error="sent to hana@example.com"))
        clock.advance(60)
    return clock


async def test_every_attempt_is_there_once_masked_and_under_another_name(database: Database) -> None:
    await filled(database, 650)
    lines = await exported(database)
    assert len({line["conversation"] for line in lines}) > 500, "more than are read at a time"
    assert len(lines) == len({line["attempt"] for line in lines}) == 650
    text = json.dumps(lines)
    assert "hana@example.com" not in text, "what was stored unmasked is masked now"
    assert '"usr_' not in text
    assert len({line["user"] for line in lines}) == 7
    assert {line["conversation_outcome"] for line in lines if line["conversation"]} == {"escalated"}
    assert {line["conversation_outcome"] for line in lines if not line["conversation"]} == {None}


async def test_a_question_is_taken_from_the_transcript_and_masked(database: Database) -> None:
    log = AttemptLog(database, FixedClock(START), mask_json)
    for turn, read in (("trn_1", {"asked_in": "trn_1"}), ("trn_2", {"question": "refunds?"}), ("trn_3", {})):
        await log.record(NewAttempt("cnv_1", turn, "usr_1", "kettle", "answer", "question", read=read))
    first, second, third = await exported(database)
    assert "in trn_1: my card" in first["question"]
    assert "4111" not in first["question"]
    assert "Vandersteen" not in first["question"]
    assert (second["question"], third["question"]) == ("refunds?", None)


async def test_names_depend_on_the_secret_alone(database: Database) -> None:
    await filled(database)
    first, again = await exported(database), await exported(database)
    assert first == again
    assert not {line["user"] for line in first} & {
        line["user"] for line in await exported(database, b"other")
    }


async def test_only_the_time_that_was_asked_for(database: Database) -> None:
    clock = await filled(database)
    since = clock.now()
    log = AttemptLog(database, clock, mask_json)
    await log.record(NewAttempt("cnv_0001", "trn_x", "usr_1", "kettle", "workflow", "late"))
    [line] = await exported(database, since=since)
    assert (line["name"], line["outcome"]) == ("late", "open")
    assert len(await exported(database, until=since)) == 30
