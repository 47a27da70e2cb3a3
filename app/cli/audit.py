"""firstline audit: is the log of attempts as it was written, and a copy of it for trainers."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The log of attempts as evidence.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="A copy of the checkpoints that is kept elsewhere.")
    ] = None,
    json: Json = False,
) -> None:
    """Check every entry, the signatures and the rows; exit code 1 when something was changed."""
    from app.cli.services import run

    raise typer.Exit(run(_verify(checkpoints, as_json=json)))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write; one JSON object a line.")],
    since: Annotated[str | None, typer.Option(help="2026-03-31, 2026-03-31T08:00Z, 24h or 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="As --since; not included.")] = None,
    json: Json = False,
) -> None:
    """Write attempts for trainers, masked, with users under other names."""
    from app.cli.services import run
    from foundation.errors import InvalidInput

    if file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise InvalidInput(f"{file} cannot be written.", hint="Name a file in a folder that is there.")
    raise typer.Exit(run(_export(file, since, until, as_json=json)))


@app.command("rotate-key")
def rotate_key(json: Json = False) -> None:
    """Sign with another key from the next start on; what the old one signed stays good."""
    from app.cli.output import print_json
    from app.settings import Settings
    from app.wiring.single_services import audit_keys

    kid = audit_keys(Settings.from_env()).rotate()
    if json:
        print_json({"kid": kid})
    else:
        print(f"The audit log is signed with {kid} from the next start on.")


async def _verify(checkpoints: Path | None, *, as_json: bool) -> int:
    from actions.attempts.log import AttemptRows
    from app.cli.output import print_json, print_table
    from app.cli.services import opened_database
    from app.settings import Settings
    from app.wiring.single_services import audit_keys, checkpoint_file
    from foundation.errors import NotFound
    from security.audit.check import check_chain
    from security.audit.log import read_checkpoints

    settings = Settings.from_env()
    keys, known = audit_keys(settings), read_checkpoints(checkpoints or checkpoint_file(settings))
    if checkpoints is not None and not known:
        raise NotFound("There are no checkpoints in that file.", hint="Name a checkpoints.jsonl.")
    async with opened_database(settings) as database:
        begun = read_checkpoints(keys.begun)
        findings = await check_chain(database, keys, [*begun, *known], AttemptRows())
    if as_json:
        print_json(
            {
                "sound": findings.sound, "entries": findings.entries, "attempts": findings.subjects,
                "erased": findings.erased,
                "checkpoints": findings.checkpoints, "flaws": [asdict(flaw) for flaw in findings.flaws],
                "more_flaws": findings.more, "notes": [asdict(note) for note in findings.notes],
            }
        )  # fmt: skip
    elif findings.sound:
        erased = f"; what {findings.erased} entries said of a user was erased" if findings.erased else ""
        print(
            f"Sound: {findings.entries} entries about {findings.subjects} attempts, "
            f"{findings.checkpoints} checkpoints{erased}."
        )
    else:
        rows = [(f.number or "", f.subject or "", f.problem, f.text) for f in findings.flaws]
        print_table("Not as it was written", ("entry", "attempt", "problem", "what is wrong"), rows)
        if findings.more:
            print(f"and {findings.more} more")
    if not as_json:
        for note in findings.notes:
            print(f"Note: {note.text}")
    return 0 if findings.sound else 1


async def _export(file: Path, since: str | None, until: str | None, *, as_json: bool) -> None:
    from app.cli.output import print_json
    from app.cli.reports import moment
    from app.cli.services import opened_database
    from app.settings import Settings
    from app.wiring.single_services import attempt_export

    begin, end = moment(since, "since"), moment(until, "until")
    settings = Settings.from_env()
    count = 0
    aside = file.with_name(f".{file.name}.part")
    async with opened_database(settings) as database:
        try:
            with aside.open("w", encoding="utf-8") as output:
                async for line in attempt_export(database, settings).lines(begin, end):
                    output.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
                    count += 1
            aside.replace(file)
        finally:
            aside.unlink(missing_ok=True)
    if as_json:
        print_json({"attempts": count, "file": str(file)})
    else:
        print(f"{count} attempts in {file}")
