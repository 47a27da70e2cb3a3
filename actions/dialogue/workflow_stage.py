"""Where a workflow stands in a turn, and which workflows explain a complaint."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.attempts.model import Attempt
from actions.dialogue.turn import ActionTurn
from actions.framework.executor import Look
from actions.framework.workflow import Question, Seen, Workflow

_REFERENCE = re.compile(r"\b([A-Z]{1,4}-)\d{3,9}\b", re.IGNORECASE)
_PLACE = re.compile(r"(/[^/\\\s]|https?://)\S{0,480}")


@dataclass(frozen=True)
class Stage:
    """A workflow at work in a turn: its attempt, what was seen, and since when."""

    turn: ActionTurn
    workflow: Workflow
    attempt: Attempt
    look: Look
    started: float
    intro: str = ""
    answers: Mapping[str, str] | None = None

    @property
    def seen(self) -> Seen:
        """The fields that the workflow reads, with the answers so far."""
        return Seen.of(self.look.state, self.workflow.meta.reads, self.answers)


def causes(candidates: list[Workflow], symptom: str, look: Look) -> list[Workflow]:
    """Those that explain the complaint, in the order given."""
    return [w for w in candidates if w.explains(symptom, Seen.of(look.state, w.meta.reads))]


def all_told(found: list[Workflow], look: Look) -> str:
    """Tell what was found besides the first cause, which is told by what comes next."""
    if len(found) < 2:
        return ""
    texts = [w.diagnose(Seen.of(look.state, w.meta.reads)).text for w in found]
    others = " ".join(f"{number}. {text}" for number, text in enumerate(texts[1:], 2))
    return f"I found {len(found)} things. For afterwards: {others} Let's begin with this. 1. "


def unknown_reference(text: str, asked: Question) -> str:
    """Say so where the user named a thing by a number that is none of the choices; else nothing."""
    there = [choice.value.upper() for choice in asked.choices]
    for found in _REFERENCE.finditer(text.upper()):
        if found[0] not in there and any(value.startswith(found[1]) for value in there):
            return "I can't find that number on your account. "
    return ""


def listed_place(stage: Stage) -> str | None:
    """Where the user confirms, as the list of operations says."""
    listed = stage.look.operations or {}
    names = [step.operation for step in stage.workflow.plan(stage.seen)]
    return next((one.confirm_at for name in names if (one := listed.get(name)) and one.confirm_at), None)


def place_in(refusal: Mapping[str, Any]) -> str | None:
    """Where the user confirms, as a refusal says: a path of the application or a web address."""
    where = refusal.get("confirm_at")
    return where if isinstance(where, str) and _PLACE.fullmatch(where) else None
