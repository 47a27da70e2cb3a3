"""The file of triggers: what is wrong with it is named, and what ships is right."""

from pathlib import Path

import pytest
import yaml

from actions.framework.registry import Registry
from actions.triggers.policy import TriggerPolicyFile, TriggersInvalid, parse_policy

SHIPPED = Path("data/policies/triggers.yml")
GOOD = """
triggers:
  - id: fails
    when: {event: action_failed, step: save}
    count: 2
    offer: {kind: person, text: "Would you like some help?"}
"""


def test_what_ships_is_right_and_leads_somewhere() -> None:
    policy = parse_policy(SHIPPED.read_bytes())
    intents = set(yaml.safe_load(Path("data/policies/intents.yml").read_text())["intents"])
    intents |= {intent for workflow in Registry.load() for intent in workflow.meta.intents}
    for trigger in policy.triggers:
        if trigger.offer.intent:
            assert trigger.offer.intent in intents, trigger.id
        if trigger.offer.article:
            assert Path(f"data/kb/{trigger.offer.article}.md").exists(), trigger.id
    assert {trigger.offer.kind for trigger in policy.triggers} == {
        "tooltip", "article", "workflow", "tutorial", "person",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("event: action_failed", "event: exploded"), "triggers.0.when.event"),
        (("count: 2", "count: many"), "triggers.0.count"),
        (("count: 2", "count: 2\n    cuont: 3"), "triggers.0.cuont"),
        (("id: fails", "id: Fails!"), "triggers.0.id"),
        (("kind: person", "kind: workflow"), "needs `intent`"),
        (("kind: person", "kind: tutorial"), "needs `steps`"),
        (("when: {event: action_failed, step: save}", "# nothing"), "exactly one of when, sequence and loop"),
        (("step: save}", "step: save}\n    loop: [/a, /b]"), "exactly one of when, sequence and loop"),
        (("triggers:", "triggers: ["), r"triggers\.yml:3: "),
        (("triggers:", "tiggers:"), "tiggers"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[str, str], words: str) -> None:
    with pytest.raises(TriggersInvalid, match=words.replace("(", r"\(")):
        parse_policy(GOOD.replace(*change).encode())


def test_two_of_the_same_name_are_refused() -> None:
    again = GOOD + GOOD.partition("triggers:\n")[2]
    with pytest.raises(TriggersInvalid, match="Two have the id fails"):
        parse_policy(again.encode())


def test_a_change_is_taken_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "triggers.yml"
    path.write_text(GOOD)
    file = TriggerPolicyFile(path)
    assert [t.count for t in file.current().triggers] == [2]
    path.write_text(GOOD.replace("count: 2", "count: 13"))
    assert [t.count for t in file.current().triggers] == [13]
    path.write_text("nonsense")
    assert [t.count for t in file.current().triggers] == [13]
    assert file.problem


def test_without_a_file_nothing_is_offered(tmp_path: Path) -> None:
    file = TriggerPolicyFile(tmp_path / "none.yml")
    assert file.current().enabled is False
    assert file.problem
