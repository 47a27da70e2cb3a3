"""The first draft of a workflow and its test: both run as they are and are meant to be changed."""

_WORKFLOW = '''"""{title}: say in one line what trouble this mends."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow

_FIELD = "{area}.status"


class {name}(Workflow):
    """Say what it has the application do."""

    meta: ClassVar[Metadata] = Metadata(
        id="{id}",
        title="{title}",
        done_title="{title}: done",
        area="{area}",
        intents=("{intent}",),
        # Training examples, used when data/training has none for the intent: twenty, terse, angry, misspelt.
        examples=(
            "{words}",
            "please {words}",
            "can you {words} for me",
        ),
        # The fields it is given, and the only ones that are logged.
        reads=(_FIELD,),
        # All operations that plan() and undo() may use; the application decides who may.
        operations=("{id}",),
        risk="low",
        help_query="{words}",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Anything but `ok` is wrong."""
        if seen[_FIELD] == "ok":
            return Diagnosis("fine", "I looked, and everything is as it should be.")
        return Diagnosis("applies", "I see what is wrong.", question="Shall I put it right?")

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the second look shows `ok`."""
        ok = after[_FIELD] == "ok"
        text = "It is right again." if ok else "It is still wrong."
        return Verification(ok, (Fact("State", "wrong", "right" if ok else "wrong"),), text)
'''
_TEST = '''"""{title}, against the states it can meet."""

import pytest

from actions.framework.registry import Registry
from actions.framework.workflow import Seen
from actions.workflows.{id} import {name}

WORKFLOW = {name}()
FIELD = WORKFLOW.meta.reads[0]


@pytest.mark.parametrize(("value", "verdict"), [("ok", "fine"), ("broken", "applies"), (None, "applies")])
def test_what_it_makes_of_a_state(value: str | None, verdict: str) -> None:
    assert WORKFLOW.diagnose(Seen({{FIELD: value}})).verdict == verdict


def test_resolved_is_what_the_second_look_shows() -> None:
    broken, right = Seen({{FIELD: "broken"}}), Seen({{FIELD: "ok"}})
    assert WORKFLOW.verify(broken, right).ok
    assert not WORKFLOW.verify(broken, broken).ok


def test_it_is_found_without_being_listed_anywhere() -> None:
    assert isinstance(Registry.load().get("{id}"), {name})
'''


def scaffold(id: str, area: str, intent: str) -> dict[str, str]:
    """Return the two files of a new workflow by path: the workflow, and its test."""
    words = id.replace("_", " ")
    values = {
        "id": id,
        "area": area,
        "intent": intent,
        "words": words,
        "title": words.capitalize(),
        "name": "".join(word.capitalize() for word in id.split("_")),
    }
    return {
        f"actions/workflows/{id}.py": _WORKFLOW.format(**values),
        f"tests/actions/workflows/test_{id}.py": _TEST.format(**values),
    }
