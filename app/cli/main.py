"""firstline: run it, train it, talk to it, look at what it did, and mend it."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli import audit, healing, jobs, kb, privacy, triggers, workflows
from app.cli.output import print_error
from foundation.errors import FirstlineError, InvalidInput, Unavailable
from foundation.outcomes import ConversationOutcome
from foundation.traces import trace_of

app = typer.Typer(
    name="firstline",
    help="A self-hosted support assistant. All data is in $FIRSTLINE_HOME (.firstline).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(help="Keys that host applications sign with.", no_args_is_help=True)
staff = typer.Typer(help="Accounts of agents, editors, trainers and admins.", no_args_is_help=True)
scenarios = typer.Typer(help="Conversations written as YAML, checked and played.", no_args_is_help=True)
app.add_typer(kb.app, name="kb")
app.add_typer(keys, name="keys")
app.add_typer(staff, name="staff")
app.add_typer(audit.app, name="audit")
app.add_typer(privacy.app, name="privacy")
app.add_typer(healing.app, name="healing")
app.add_typer(jobs.app, name="jobs")
app.add_typer(triggers.app, name="triggers")
app.add_typer(workflows.app, name="workflows")
app.add_typer(scenarios, name="scenarios")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CaseStatus = Literal["open", "queued", "assigned", "resolved"]


class Role(StrEnum):
    """What a staff account may do."""

    AGENT = "agent"
    EDITOR = "editor"
    TRAINER = "trainer"
    ADMIN = "admin"


@app.command()
def serve(json: Json = False) -> None:
    """Start everything and run until Ctrl-C. `make run` installs and trains first."""
    from app.cli.services import run
    from app.serve import serve as work
    from app.settings import Settings

    raise typer.Exit(run(work(Settings.from_env(), as_json=json)))


@app.command()
def train(
    force: Annotated[bool, typer.Option(help="Train even when nothing has changed.")] = False,
    json: Json = False,
) -> None:
    """Train the assistant when its files have changed; a running Rasa takes the new model at once."""
    from app.cli import training
    from app.cli.services import run

    raise typer.Exit(run(training.train(force=force, as_json=json)))


@app.command()
def chat(
    user: Annotated[str, typer.Option(help="E-mail of a user of the host application.")],
    once: Annotated[str | None, typer.Option(help="Send this, print the answer, and end.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Go on in this conversation.")] = None,
    host: Annotated[str | None, typer.Option(help="The host application (the only one).")] = None,
    json: Json = False,
) -> None:
    """Talk to the running assistant as a user, through the public API."""
    from app.cli import chat
    from app.cli.services import run

    if json and once is None:
        raise InvalidInput("--json needs --once.", hint="Example: --once 'where is my order?' --json")
    raise typer.Exit(run(chat.chat(user, once, conversation, host, as_json=json)))


@app.command()
def attempts(
    outcome: Annotated[
        ConversationOutcome | None, typer.Option(help="Only this outcome; open: none yet.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="2026-03-31, 2026-03-31T08:00Z, 24h or 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="As --since; not included.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    json: Json = False,
) -> None:
    """List what the assistant tried and what came of it, newest first."""
    from app.cli import reports
    from app.cli.services import run

    raise typer.Exit(run(reports.attempts(outcome, since, until, limit, as_json=json)))


@app.command()
def outcomes(
    since: Annotated[str | None, typer.Option(help="2026-03-31, 2026-03-31T08:00Z, 24h or 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="As --since; not included.")] = None,
    json: Json = False,
) -> None:
    """Count conversations by what became of them; they add up to all."""
    from app.cli import reports
    from app.cli.services import run

    raise typer.Exit(run(reports.outcomes(since, until, as_json=json)))


@app.command()
def cases(
    status: Annotated[CaseStatus, typer.Option(help="open: queued or assigned.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    json: Json = False,
) -> None:
    """List the cases that wait for a person, or have had one."""
    from app.cli import reports
    from app.cli.services import run

    raise typer.Exit(run(reports.cases(status, limit, as_json=json)))


@app.command()
def doctor(json: Json = False) -> None:
    """Check everything and say how to mend what is broken; exit code 1 when something is."""
    from app.cli import doctor as work
    from app.cli.services import run

    raise typer.Exit(run(work.doctor(as_json=json)))


@keys.command("rotate")
def keys_rotate(
    host: str,
    grace_hours: Annotated[float, typer.Option(min=0, help="How long the old key still verifies.")] = 24.0,
    json: Json = False,
) -> None:
    """Give a host application a new signing key; the old one still verifies for a while."""
    from app.cli import accounts

    accounts.rotate(host, grace_hours, as_json=json)


@staff.command("add")
def staff_add(
    email: str,
    name: Annotated[str, typer.Option(help="As users see it.")],
    role: Annotated[list[Role], typer.Option(help="May be given several times.")],
    json: Json = False,
) -> None:
    """Create an account with a one-time password."""
    from app.cli import accounts
    from app.cli.services import run

    raise typer.Exit(run(accounts.add(email, name, [str(one) for one in role], as_json=json)))


@staff.command("reset-password")
def staff_reset_password(email: str, json: Json = False) -> None:
    """Give an account a new one-time password and end its sessions."""
    from app.cli import accounts
    from app.cli.services import run

    raise typer.Exit(run(accounts.reset_password(email, as_json=json)))


@staff.command("list")
def staff_list(json: Json = False) -> None:
    """List the accounts."""
    from app.cli import accounts
    from app.cli.services import run

    raise typer.Exit(run(accounts.list_staff(as_json=json)))


@scenarios.command("check")
def scenarios_check(
    place: Annotated[Path, typer.Argument(help="A .yml file, or a folder with such files.")],
    json: Json = False,
) -> None:
    """List everything that is wrong with scenario files, with its line; exit code 2 when something is."""
    from app.cli import scenarios as work
    from app.cli.services import run

    raise typer.Exit(run(work.check(place, as_json=json)))


@scenarios.command("reference")
def scenarios_reference() -> None:
    """Print all keys, sample users, operations and fields of the state, as docs/scenarios.md has them."""
    from app.cli import scenarios as work
    from app.cli.services import run

    raise typer.Exit(run(work.show_reference()))


@scenarios.command("run")
def scenarios_run(
    place: Annotated[Path, typer.Argument(help="A .yml file, or a folder with such files.")],
    repeat: Annotated[int, typer.Option(min=1, max=1000, help="How often each is played.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Of the order; printed when it is chosen.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many are played at once.")] = 4,
    only: Annotated[list[str] | None, typer.Option(help="Only those with this in the name.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only those with this tag.")] = None,
    json: Json = False,
) -> None:
    """Play scenarios; exit code 1 when one failed, 2 when a file is invalid, and then none is played."""
    from app.cli import scenarios as work
    from app.cli.services import run

    chosen = {"only": only or [], "tags": tag or []}
    raise typer.Exit(run(work.run(place, repeat=repeat, seed=seed, jobs=jobs, as_json=json, **chosen)))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; expected errors become one sentence, and the exit code is 1, or 2 for misuse."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=given)
    except FirstlineError as error:
        return print_error(error, as_json="--json" in given)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return print_error(_unexpected(error), as_json="--json" in given)
    return 0


def _unexpected(error: Exception) -> FirstlineError:
    """A fault of ours: the whole story goes to a file, a sentence to the screen. Where none can be written,
    that was the fault."""
    from app.settings import Settings

    settings = Settings.from_env()
    log = settings.logs / "crash.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with log.open("a", encoding="utf-8") as file:
            log.chmod(0o600)
            file.write(f"--- {datetime.now(UTC).isoformat()}\n{trace_of(error)}\n")
    except OSError as unwritable:
        return Unavailable(
            f"{settings.home} cannot be written: {unwritable.strerror}.",
            hint="Set FIRSTLINE_HOME to a folder that this account may write, on a disk with room.",
        )
    return FirstlineError(
        f"Something went wrong that should not ({type(error).__name__}).",
        hint=f"The whole story is in {log}.",
    )
