"""What a policy would have done on recorded events, and how well."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.triggers.policy import parse_policy
from actions.triggers.replay import Replay, read_events
from foundation.errors import InvalidInput

POLICY = b"""
limits: {per_hour: 5, ignored_after: 5}
triggers:
  - id: saves_fail
    when: {event: action_failed, step: save}
    count: 2
    within: 300
    cool_down: 60
    offer: {kind: person, text: "Would you like some help?"}
"""


def figures(*rows: dict, horizon: float = 900.0) -> dict:
    run = Replay(parse_policy(POLICY), horizon=horizon)
    for event in read_events(json.dumps(row) for row in rows):
        run.feed(event)
    return run.report.figures()


def fail(at: float, user: str = "u") -> dict:
    return {"user": user, "type": "action_failed", "at": at, "step": "save"}


def test_an_offer_before_a_call_for_help_was_wanted() -> None:
    found = figures(fail(0), fail(10), {"user": "u", "type": "asked_for_help", "at": 100})
    assert (found["offers"], found["wanted"], found["precision"], found["annoyance_rate"]) == (1, 1, 1.0, 0.0)


def test_an_offer_to_somebody_who_got_on_by_themselves_was_not() -> None:
    found = figures(fail(0), fail(10), {"user": "u", "type": "solved", "at": 20}, fail(30))
    assert (found["offers"], found["wanted"], found["precision"]) == (1, 0, 0.0)
    assert found["annoyance_rate"] == 1.0


def test_help_asked_for_much_later_is_another_story() -> None:
    found = figures(fail(0), fail(10), {"user": "u", "type": "asked_for_help", "at": 2000}, horizon=600)
    assert found["precision"] == 0.0
    assert found["active_user_hours"] == 1


@pytest.mark.parametrize(("label", "wanted"), [("helped", 1), ("asked_for_help", 1), ("dismissed", 0)])
def test_what_the_recording_says_decides(label: str, wanted: int) -> None:
    found = figures(fail(0), fail(10), {"user": "u", "type": label, "at": 15}, fail(30))
    assert (found["offers"], found["wanted"]) == (1, wanted)


def test_the_failure_told_twice_is_no_evidence() -> None:
    twice = {**fail(10), "id": "evt_1"}
    assert figures(fail(0), twice, twice)["wanted"] == 0
    assert figures(fail(0), twice, twice, fail(11))["wanted"] == 1


def test_who_waves_offers_away_gets_fewer() -> None:
    rows = [row for n in range(6) for row in (fail(n * 100), fail(n * 100 + 1))]
    waved = [
        row for n in range(6)
        for row in (fail(n * 100), fail(n * 100 + 1), {"user": "u", "type": "dismissed", "at": n * 100 + 5})
    ]  # fmt: skip
    assert figures(*rows)["offers"] > figures(*waved)["offers"] == 2


def test_without_offers_there_is_no_precision() -> None:
    found = figures(fail(0), fail(5000))
    assert (found["offers"], found["precision"], found["annoyance_rate"]) == (0, None, 0.0)
    assert found["active_user_hours"] == 2


def _random_events(count: int) -> Iterator[str]:
    chance = random.Random(5)
    for number in range(count):
        kind = chance.choice(["action_failed", "page_view", "asked_for_help", "solved"])
        yield json.dumps(
            {"user": f"u{chance.randrange(20)}", "type": kind, "at": number * 3.0, "step": "save"}
        )


def test_the_parts_add_up_and_a_second_run_says_the_same() -> None:
    results = []
    for _ in range(2):
        run = Replay(parse_policy(POLICY))
        for event in read_events(_random_events(3000)):
            run.feed(event)
        results.append(run.report.figures())
    assert results[0] == results[1]
    assert results[0]["offers"] == sum(one["offers"] for one in results[0]["triggers"].values()) > 0
    assert 0 < results[0]["precision"] <= 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "Line 1 is no JSON object"),
        ("[]", "Line 1 is no JSON object"),
        ('{"type": "page_view", "at": 1}', "needs a `user`"),
        ('{"user": "u", "type": "exploded", "at": 1}', "`type` must be one of"),
        ('{"user": "u", "type": "page_view", "at": "yesterday"}', "`at` must be"),
        ('{"user": "u", "type": "page_view", "at": true}', "`at` must be"),
        ('{"user": "u", "type": "page_view", "at": 1, "step": 7}', "are texts"),
    ],
)
def test_a_bad_line_is_named(line: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        list(read_events([line]))


def test_the_command_prints_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.cli.main import main

    events, policy = tmp_path / "events.jsonl", tmp_path / "triggers.yml"
    events.write_text("".join(json.dumps(row) + "\n" for row in (fail(0), fail(10))))
    policy.write_bytes(POLICY)
    assert main(["triggers", "replay", str(events), "--policy", str(policy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["offers"] == 1
    assert main(["triggers", "check", "--policy", str(policy), "--json"]) == 0
    policy.write_text("triggers: 7")
    assert main(["triggers", "check", "--policy", str(policy), "--json"]) == 2
    assert main(["triggers", "replay", str(tmp_path / "none"), "--json"]) == 1
