"""firstline privacy: what is kept of people's words, and how one user is forgotten."""

from dataclasses import asdict
from typing import Annotated

import typer

app = typer.Typer(help="What is kept of people, and how it is erased.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def kept(json: Json = False) -> None:
    """List where people's own words are kept, and what for."""
    from app.cli.output import print_json, print_table
    from security.privacy.kept_words import KEPT

    if json:
        print_json({"kept": [asdict(one) for one in KEPT]})
    else:
        print_table("Kept on purpose", ("where", "what", "why"), [(k.place, k.what, k.why) for k in KEPT])


@app.command()
def erase(
    host: Annotated[str, typer.Argument(help="The application, as in hosts.yml.")],
    ref: Annotated[str, typer.Argument(help="The user, as that application names them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; it cannot be taken back.")] = False,
    json: Json = False,
) -> None:
    """Erase what one user wrote and who they are; counts and outcomes stay, and the audit log verifies."""
    from app.cli.services import run
    from foundation.errors import InvalidInput

    if not yes and not typer.confirm("This cannot be taken back. Erase?", err=True):
        raise InvalidInput("Nothing was erased.", hint="Say yes, or use --yes.")
    raise typer.Exit(run(_erase(host, ref, as_json=json)))


async def _erase(host: str, ref: str, *, as_json: bool) -> None:
    from app.cli.output import print_json
    from app.cli.services import opened_database
    from app.settings import Settings
    from app.wiring.single_services import forgetting

    settings = Settings.from_env()
    async with opened_database(settings) as database:
        done = await forgetting(database, settings).erase(host, ref)
    if as_json:
        print_json(asdict(done))
        return
    counts = ", ".join(
        f"{number} {name.replace('_', ' ')}" for name, number in asdict(done).items() if number
    )
    print(f"Erased: {counts or 'a name without conversations'}.")
    print("`firstline audit verify` shows that the log holds, and how much of it was erased.")
    if done.entries_kept:
        print(
            f"{done.entries_kept} entries of the audit log are of an earlier version and hold in themselves "
            "what they say, masked: they cannot be erased one by one."
        )
