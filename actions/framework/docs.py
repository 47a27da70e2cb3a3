"""What is said of workflows in lists, in the console and in `docs/workflows.md`: taken from their classes."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from actions.framework.workflow import Workflow

HEAD = "| workflow | area | reads | may run | risk | asks first | can be taken back | self-heals |"
RULE = "|---|---|---|---|---|---|---|---|"


def described(workflow: Workflow, error_codes: Sequence[str]) -> dict[str, Any]:
    """Return all that is known of a workflow without running it; `error_codes` are those that lead to it."""
    meta = workflow.meta
    return {
        "id": meta.id,
        "title": meta.title,
        "what": (inspect.getdoc(type(workflow)) or "").split("\n")[0],
        "area": meta.area,
        "intents": list(meta.intents),
        "error_codes": list(error_codes),
        "triggers": list(meta.triggers),
        "symptoms": list(meta.symptoms),
        "reads": list(meta.reads),
        "operations": list(meta.operations),
        "risk": meta.risk,
        "needs_consent": meta.needs_consent,
        "reversible": meta.reversible,
        "retry_limit": meta.retry_limit,
        "cool_down_seconds": meta.cool_down,
    }


def table(workflows: Iterable[Workflow]) -> str:
    """Return the table of `docs/workflows.md`, by area and id."""
    rows = sorted(workflows, key=lambda workflow: (workflow.meta.area, workflow.meta.id))
    return "\n".join([HEAD, RULE, *(_row(workflow) for workflow in rows)]) + "\n"


def _row(workflow: Workflow) -> str:
    meta = workflow.meta
    operations = ", ".join(f"`{name}`" for name in meta.operations) or "nothing"
    cells = (
        f"`{meta.id}`",
        meta.area,
        ", ".join(meta.parts),
        operations,
        meta.risk,
        _yes(meta.needs_consent),
        _yes(meta.reversible),
        _yes("drift" in meta.triggers),
    )
    return f"| {' | '.join(cells)} |"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
