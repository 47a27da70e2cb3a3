"""firstline triggers: check the policy of predictive help, and try it on recorded behaviour."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from actions.triggers.domain import Policy

app = typer.Typer(
    help="Predictive help: check its policy, try it on recorded behaviour.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", help="Another file than data/policies/triggers.yml.")
]


@app.command()
def check(policy: PolicyOption = None, json: Json = False) -> None:
    """Check the policy; exit code 2 when it cannot be used, with every problem named."""
    from app.cli.output import print_json, print_table

    found = _policy(policy, checked=True)
    rows = [(t.id, t.offer.kind, t.count, f"{t.within:g} s", f"{t.cool_down:g} s") for t in found.triggers]
    if json:
        print_json(
            {"enabled": found.enabled, "fingerprint": found.fingerprint, "triggers": [r[0] for r in rows]}
        )
    else:
        print_table("Triggers", ("id", "offers", "count", "within", "rests"), rows)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Recorded events, one JSON object a line.")],
    policy: PolicyOption = None,
    horizon: Annotated[float, typer.Option(min=1, help="Seconds in which a wish for help counts.")] = 900.0,
    json: Json = False,
) -> None:
    """Show what the policy would have offered, how much of it was wanted, and how much annoyed."""
    from actions.triggers.replay import Replay, read_events
    from app.cli.output import print_json, print_table
    from foundation.errors import NotFound

    run = Replay(_policy(policy), horizon=horizon)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for event in read_events(lines):
                run.feed(event)
    except OSError:
        raise NotFound("There is no such file of events.", hint="Name a .jsonl file.") from None
    figures = run.report.figures()
    if json:
        print_json(figures)
        return
    rows = [
        (name, one["offers"], one["wanted"], one["precision"]) for name, one in figures["triggers"].items()
    ]
    print_table("Offers", ("trigger", "offers", "wanted", "precision"), rows)
    for name in ("events", "users", "active_user_hours", "offers", "precision", "annoyance_rate"):
        print(f"{name.replace('_', ' ')}: {figures[name]}")


def _policy(path: Path | None, *, checked: bool = False) -> "Policy":
    from actions.framework.intents import IntentCatalogue
    from actions.framework.registry import Registry
    from actions.triggers.policy import parse_policy
    from app.settings import Settings
    from foundation.errors import NotFound

    policies = Settings.from_env().root / "data" / "policies"
    known = IntentCatalogue.load(policies / "intents.yml").including(Registry.load().labels())
    chosen = path or policies / "triggers.yml"
    try:
        return parse_policy(chosen.read_bytes(), frozenset(one.name for one in known) if checked else None)
    except OSError:
        raise NotFound("There is no such policy file.", hint="Name a triggers.yml.") from None
