"""What a workflow is: one tier-1 problem, how to see it, what to do about it, how to prove that it is gone.

A workflow is a class in a file of its own below `actions/workflows/`. It is pure: the engine reads the
application's state and runs operations for it, and hands it only the fields that it says it reads.

    diagnose -> plan -> act (the engine) -> verify (-> undo)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from actions.framework.choices import Choice, by_number, choose
from actions.framework.formatting import passed_on, reason_text
from actions.host import OperationResult, UserState

Verdict = Literal["applies", "fine", "blocked", "asks"]
Risk = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True)
class Metadata:
    """What is known of a workflow without running it.

    `title` names it ("Unlock account"), `done_title` heads the proof ("Account unlocked"). `reads` names
    fields as `part.field`, or a whole part. `operations` names all operations that `plan` and `undo` may use;
    none means that it only reads. `symptoms` are complaints that it may explain, such as `sign_in`;
    `likelihood` (0 to 1) orders the diagnosis among workflows that share one. `help_query` finds the article
    for a user whom it cannot help. `label` is the text of a button that starts it. `examples` train its first
    intent where `data/training` has none. `triggers` are another way to reach it: `drift` lets self-healing
    run it. A third are error codes; `data/policies/errors.yml` alone says where those lead. It acts at
    most `retry_limit` times a user in 24 hours, and not within `cool_down` seconds after an act that was
    verified.
    """

    id: str
    title: str
    done_title: str
    area: str
    intents: tuple[str, ...]
    reads: tuple[str, ...]
    operations: tuple[str, ...]
    risk: Risk
    symptoms: tuple[str, ...] = ()
    likelihood: float = 0.5
    reversible: bool = False
    help_query: str = ""
    label: str = ""
    examples: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    retry_limit: int = 3
    cool_down: float = 0.0

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the state that hold the fields."""
        return tuple(dict.fromkeys(path.partition(".")[0] for path in self.reads))

    @property
    def changes_something(self) -> bool:
        """Whether it acts at all."""
        return bool(self.operations)

    @property
    def needs_consent(self) -> bool:
        """Whether the user is asked first: before every act, since sent mail cannot be called back."""
        return self.changes_something


@dataclass(frozen=True)
class Seen:
    """The fields of the state that a workflow reads, by path; missing ones are None. `values` get logged.

    `answers` holds what the user was asked for and said, by the question's name.
    """

    values: Mapping[str, Any]
    as_of: datetime | None = None
    answers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, state: UserState, paths: tuple[str, ...], answers: Mapping[str, str] | None = None) -> "Seen":
        """Take the fields at `paths` out of a state, and nothing else."""
        values = {path: _walk(state.parts, path) for path in paths}
        return cls(values, state.as_of, dict(answers or {}))

    def __getitem__(self, path: str) -> Any:
        return self.values.get(path)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return a field that is a list of objects; an empty one when it is not."""
        value = self.values.get(path)
        return [dict(row) for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []

    def mapping(self, path: str) -> dict[str, Any]:
        """Return a field that is an object; an empty one when it is not."""
        value = self.values.get(path)
        return dict(value) if isinstance(value, Mapping) else {}


def _walk(parts: Mapping[str, Any], path: str) -> Any:
    value: Any = parts
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True)
class Fact:
    """One line of proof: what was so before and is so now, in the user's words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Question:
    """What the user has to say before the workflow can go on; `card` shows what there is to choose from."""

    name: str
    text: str
    choices: tuple[Choice, ...] = ()
    card: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What the workflow makes of what it saw.

    `applies`: its operations should mend it, and `question` asks for consent (`yes` is the button).
    `fine`: nothing is wrong as far as it can see. `blocked`: it cannot be mended automatically; `code` says
    why in one word for the log, and with `hand_off` a person gets it at once. `asks`: something is missing;
    `ask` says what, and `diagnose` is called again with the answer in `seen.answers`. `text` is what the user
    is told in each case, with `card` beside it.
    """

    verdict: Verdict
    text: str
    question: str = ""
    yes: str = "Yes, please"
    code: str | None = None
    hand_off: bool = False
    ask: Question | None = None
    card: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """One operation to run on the application."""

    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """Whether the second look shows the repair, the proof line by line, and what to tell the user."""

    ok: bool
    facts: tuple[Fact, ...]
    text: str = ""


class Workflow(ABC):
    """Base class of all workflows; see `docs/workflows.md` for how to write one."""

    meta: ClassVar[Metadata]

    @abstractmethod
    def diagnose(self, seen: Seen) -> Diagnosis:
        """Say whether this workflow applies, and tell the user what was seen."""

    def explains(self, symptom: str, seen: Seen) -> bool:
        """Tell whether what was seen explains a complaint such as `sign_in`."""
        return symptom in self.meta.symptoms and self.diagnose(seen).verdict != "fine"

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        """Return the operations to run, in order; by default the first one without parameters."""
        return tuple(Step(name) for name in self.meta.operations[:1])

    def read_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Return the value that an answer in the user's words means; None when it is no answer.

        By default one of the choices, by value, words of its title, number or place ("the second").
        """
        return choose(question.choices, text)

    def find_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Return the answer that the request itself holds already ("refund INV-3002"), or None.

        By default only a number of three digits or more that one choice has.
        """
        return by_number(question.choices, text)

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Compare the two looks. Only this says that something is resolved.

        Workflows that change something must define it.
        """
        raise NotImplementedError(f"{self.meta.id} changes something and must define verify()")

    def undo(self, before: Seen, after: Seen) -> tuple[Step, ...]:
        """Return the operations that take it back, for reversible workflows; by default none."""
        return ()

    def restored(self, before: Seen, now: Seen) -> bool:
        """Tell whether the state is as it was before the act; by default all that is read must be."""
        return dict(before.values) == dict(now.values)

    def explain_refusal(self, result: OperationResult) -> str:
        """Tell the user why the application did not do it; by default in its own words if they are fit."""
        return (
            reason_text(result.code, result.message) or "The application did not allow it for your account."
        )

    def explain_failure(self, after: Seen, result: OperationResult) -> str:
        """Tell the user that it was tried in vain, and what they can do themselves where that is known."""
        return passed_on(result.message) or "The application tried and could not do it."

    def refused_beforehand(self, reason: str | None) -> str:
        """Tell the user why the application would not do it now, going by its list of operations."""
        return reason_text(reason, reason) or "That isn't allowed for your account at the moment."


__all__ = [
    "Choice",
    "Diagnosis",
    "Fact",
    "Metadata",
    "Question",
    "Seen",
    "Step",
    "Verification",
    "Workflow",
]
