"""What workflows add to the assistant's files, so that a new one is a single file."""

from typing import ClassVar

import yaml

from actions.framework.registry import Registry
from actions.framework.workflow import Diagnosis, Metadata, Seen, Workflow
from bot.training.workflow_data import compose

DOMAIN = "version: '3.1'\nintents: [greet, known]\n"
RULES = "version: '3.1'\nrules:\n- rule: a question\n  steps: [{intent: ruled}, {action: answer}]\n"
NLU = "version: '3.1'\nnlu:\n- intent: known\n  examples: |\n    - hello there\n"


def workflow(*intents: str, examples: tuple[str, ...] = ()) -> Workflow:
    class Made(Workflow):
        meta: ClassVar[Metadata] = Metadata(
            id=f"wf_{intents[0]}", title="T", done_title="D", area="a", intents=intents, reads=("account",),
            operations=(), risk="none", examples=examples,
        )  # fmt: skip

        def diagnose(self, seen: Seen) -> Diagnosis:
            return Diagnosis("fine", "Fine.")

    return Made()


def test_a_new_intent_gets_a_domain_entry_its_examples_and_rules_in_and_outside_the_form() -> None:
    added = compose(
        [workflow("brand_new", examples=("do the new thing", "new thing pls"))], DOMAIN, [RULES, NLU]
    )
    assert yaml.safe_load(added.domain)["intents"] == ["brand_new"]
    data = yaml.safe_load(added.data)
    assert data["nlu"] == [{"intent": "brand_new", "examples": "- do the new thing\n- new thing pls\n"}]
    first, inside = data["rules"]
    assert first["steps"] == [{"intent": "brand_new"}, {"action": "action_start_workflow"}]
    assert inside["condition"] == [{"active_loop": "workflow_form"}]
    assert inside["steps"][1:3] == [{"action": "action_deactivate_loop"}, {"active_loop": None}]


def test_what_the_files_say_already_is_not_said_twice() -> None:
    added = compose([workflow("ruled"), workflow("known", examples=("x", "y"))], DOMAIN, [RULES, NLU])
    assert yaml.safe_load(added.domain)["intents"] == ["ruled"]
    data = yaml.safe_load(added.data)
    assert "nlu" not in data
    assert data["rules"][0]["steps"][0] == {"intent": "known"}


def test_without_workflows_nothing_is_added() -> None:
    added = compose([], DOMAIN, [RULES, NLU])
    assert (added.domain, added.data) == ("", "")


def test_every_workflow_of_the_product_is_reached_by_a_rule_of_its_own_or_as_a_question() -> None:
    with open("domain.yml", encoding="utf-8") as file:
        domain = file.read()
    with open("data/training/rules.yml", encoding="utf-8") as file:
        rules = file.read()
    added = yaml.safe_load(compose(Registry.load(), domain, [rules]).data)
    ours = [step["intent"] for step in added["rules"][0]["steps"][0]["or"]]
    static = [
        step["intent"]
        for rule in yaml.safe_load(rules)["rules"]
        if {"action": "action_answer_question"} in rule["steps"]
        for step in rule["steps"][0].get("or", [])
    ]
    for workflow in Registry.load():
        for intent in workflow.meta.intents:
            assert intent in ours or intent in static, intent
