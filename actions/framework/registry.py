"""All workflows: every file below `actions/workflows/` that defines one is found; no list is to be kept."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator

from actions.framework.intents import IntentLabel
from actions.framework.workflow import Workflow


class Registry:
    """Workflows by id and by intent."""

    def __init__(self, workflows: Iterable[Workflow]) -> None:
        self._by_id: dict[str, Workflow] = {}
        self._by_intent: dict[str, Workflow] = {}
        for workflow in workflows:
            self._add(workflow)

    @classmethod
    def load(cls) -> "Registry":
        """Import every module below `actions.workflows` and take the workflow classes that it defines."""
        package = importlib.import_module("actions.workflows")
        found: list[Workflow] = []
        for info in sorted(
            pkgutil.walk_packages(package.__path__, f"{package.__name__}."), key=lambda item: item.name
        ):
            module = importlib.import_module(info.name)
            for _, item in inspect.getmembers(module, inspect.isclass):
                own = item.__module__ == module.__name__
                if own and issubclass(item, Workflow) and not inspect.isabstract(item):
                    found.append(item())
        return cls(found)

    def _add(self, workflow: Workflow) -> None:
        meta = workflow.meta
        if meta.id in self._by_id:
            raise ValueError(f"two workflows have the id {meta.id}")
        if meta.changes_something and type(workflow).verify is Workflow.verify:
            raise ValueError(f"{meta.id} changes something and cannot prove it: define verify()")
        if meta.reversible and type(workflow).undo is Workflow.undo:
            raise ValueError(f"{meta.id} says that it can be taken back: define undo()")
        self._by_id[meta.id] = workflow
        for intent in meta.intents:
            if intent in self._by_intent:
                raise ValueError(f"two workflows claim the intent {intent}")
            self._by_intent[intent] = workflow

    def __iter__(self) -> Iterator[Workflow]:
        return iter(self._by_id.values())

    def get(self, workflow_id: str | None) -> Workflow | None:
        """Return a workflow by id, or None."""
        return self._by_id.get(workflow_id or "")

    def for_intent(self, intent: str | None) -> Workflow | None:
        """Return the workflow that an intent reaches, or None."""
        return self._by_intent.get(intent or "")

    def labels(self) -> list[IntentLabel]:
        """Return what the workflows' intents are called where `data/policies/intents.yml` has no word."""
        return [
            IntentLabel(intent, (w.meta.label or w.meta.title)[:40], "workflow", w.meta.help_query)
            for w in self
            for intent in w.meta.intents
        ]

    def for_symptom(self, symptom: str) -> list[Workflow]:
        """Return the workflows that may explain a complaint, likeliest first."""
        may = [workflow for workflow in self if symptom in workflow.meta.symptoms]
        return sorted(may, key=lambda workflow: -workflow.meta.likelihood)
