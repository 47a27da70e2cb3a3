"""firstline workflows: what the assistant can do by itself, and the first draft of a new one."""

import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from actions.framework.registry import Registry

app = typer.Typer(help="Workflows: list them, begin a new one.", invoke_without_command=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@app.callback()
def default(context: typer.Context, json: Json = False) -> None:
    """List all workflows."""
    if context.invoked_subcommand is None:
        _list(as_json=json)


@app.command("list")
def listed(json: Json = False) -> None:
    """List all workflows."""
    _list(as_json=json)


@app.command()
def docs() -> None:
    """Print the table of workflows that docs/workflows.md holds."""
    from actions.framework.docs import table

    print(table(_registry()), end="")


@app.command()
def new(
    id: Annotated[str, typer.Argument(help="Its id and file name, such as extend_trial.")],
    area: Annotated[str, typer.Option(help="Product area: account, billing, orders, ...")] = "account",
    intent: Annotated[str | None, typer.Option(help="The intent that starts it (its id).")] = None,
    json: Json = False,
) -> None:
    """Make the file of a workflow and its test; both run as they are, for you to change."""
    from actions.framework.scaffold import scaffold
    from app.cli.output import print_json
    from app.settings import Settings
    from foundation.errors import Conflict, InvalidInput

    if not _ID.fullmatch(id) or len(id) > 60 or keyword.iskeyword(id):
        raise InvalidInput("That is no id.", hint="Lower-case words with underscores, such as extend_trial.")
    if not re.fullmatch(r"[a-z][a-z_]{1,30}", area):
        raise InvalidInput("That is no product area.", hint="One lower-case word, such as billing.")
    if intent is not None and not _ID.fullmatch(intent):
        raise InvalidInput("That is no intent.", hint="Lower-case words with underscores.")
    root = Settings.from_env().root
    files: dict[Path, str] = {root / name: text for name, text in scaffold(id, area, intent or id).items()}
    there = [path for path in files if path.exists()]
    if there:
        raise Conflict(f"{there[0].relative_to(root)} is there already.", hint="Choose another id.")
    registry = _registry()
    if registry.get(id) is not None:
        raise Conflict(f"A workflow {id} is there already.", hint="Choose another id.")
    claimed = registry.for_intent(intent or id)
    if claimed is not None:
        hint = f"{intent or id} starts {claimed.meta.id}; an intent starts one workflow."
        raise Conflict("That intent is taken.", hint=hint)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    names = [str(path.relative_to(root)) for path in files]
    if json:
        print_json({"files": names})
        return
    print("\n".join(f"made {name}" for name in names))
    print(f"Now: .venv/bin/python -m pytest {names[1]}, then docs/workflows.md.")


def _registry() -> "Registry":
    from actions.framework.registry import Registry
    from foundation.errors import InvalidInput

    try:
        return Registry.load()
    except ValueError as error:
        raise InvalidInput(f"A workflow can't be used: {error}.", hint="See actions/workflows.") from error


def _list(*, as_json: bool) -> None:
    from actions.dialogue.error_catalogue import ErrorCatalogue
    from actions.framework.docs import described
    from app.cli.output import print_json, print_table
    from app.settings import Settings

    errors = ErrorCatalogue.load(Settings.from_env().root / "data" / "policies" / "errors.yml")
    rows = [described(workflow, errors.codes_for(workflow.meta.id)) for workflow in _registry()]
    if as_json:
        print_json({"workflows": rows})
        return
    columns = ("id", "title", "area", "risk", "consent", "reversible", "reached by")
    print_table(f"{len(rows)} workflows", columns, [_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    reached = ", ".join([*row["intents"], *row["error_codes"], *row["triggers"]])
    flags = ("yes" if row[name] else "no" for name in ("needs_consent", "reversible"))
    return (row["id"], row["title"], row["area"], row["risk"], *flags, reached)
