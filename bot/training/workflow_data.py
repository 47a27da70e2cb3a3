"""What workflows add to the assistant's files: intents, rules and examples, made of their classes.

So a new workflow is one file. Rules in `data/training` win: an intent that has one there gets none here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from actions.framework.workflow import Workflow

START = "action_start_workflow"
_LEAVE: list[dict[str, Any]] = [{"action": "action_deactivate_loop"}, {"active_loop": None}]


@dataclass(frozen=True)
class Composed:
    """Two files for Rasa, as text: more domain and more training data. Empty when nothing is added."""

    domain: str
    data: str


def compose(workflows: Iterable[Workflow], domain: str, data: Sequence[str]) -> Composed:
    """Make what `workflows` lack beside the texts of domain.yml and of the files of `data/training`.

    Raises:
        yaml.YAMLError: when one of them is no YAML.
    """
    written = [yaml.safe_load(text) for text in data]
    among = sorted(workflows, key=lambda workflow: workflow.meta.id)
    known = set(_list(yaml.safe_load(domain), "intents"))
    ruled = {intent for content in written for intent in _first_intents(content)}
    trained = {str(row.get("intent")) for content in written for row in _list(content, "nlu")}
    intents = list(dict.fromkeys(intent for w in among for intent in w.meta.intents))
    starting = [intent for intent in intents if intent not in ruled]
    missing = [intent for intent in intents if intent not in known]
    nlu = [
        {"intent": w.meta.intents[0], "examples": "".join(f"- {line}\n" for line in w.meta.examples)}
        for w in among
        if w.meta.examples and w.meta.intents and w.meta.intents[0] not in trained
    ]
    more: dict[str, Any] = {"version": "3.1"}
    if starting:
        either = {"or": [{"intent": intent} for intent in starting]}
        first = either if len(starting) > 1 else {"intent": starting[0]}
        more["rules"] = [
            {"rule": "start a workflow", "steps": [first, {"action": START}]},
            {
                "rule": "another workflow inside the form",
                "condition": [{"active_loop": "workflow_form"}],
                "steps": [first, *_LEAVE, {"action": START}],
            },
        ]
    if nlu:
        more["nlu"] = nlu
    return Composed(
        _text({"version": "3.1", "intents": missing}) if missing else "",
        _text(more) if len(more) > 1 else "",
    )


def _first_intents(content: Any) -> Iterable[str]:
    """The intents that a rule begins with, in whatever state."""
    for rule in _list(content, "rules"):
        steps = rule.get("steps") or [{}]
        first = steps[0]
        for step in first.get("or", [first]):
            if "intent" in step:
                yield str(step["intent"])


def _list(content: Any, name: str) -> list[Any]:
    found = content.get(name) if isinstance(content, dict) else None
    return found if isinstance(found, list) else []


def _text(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
