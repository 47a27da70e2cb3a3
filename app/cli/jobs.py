"""firstline jobs: work in the background and deliveries to others that wait or have failed."""

from typing import Annotated

import typer

app = typer.Typer(help="Background work and deliveries: what waits, what failed.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[str, typer.Argument(help="The id that `firstline jobs list` shows: job_... or dlv_...")]


@app.command("list")
def list_(
    dead: Annotated[bool, typer.Option("--dead", help="Only what is not tried any more.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of each, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """List jobs and deliveries that are not finished; exit code 1 when one is dead."""
    from app.cli.services import run

    raise typer.Exit(run(_list(dead, limit, as_json=json)))


@app.command()
def retry(id: Id, json: Json = False) -> None:
    """Begin a dead job or delivery anew, or one that waits at once."""
    from app.cli.services import run

    raise typer.Exit(run(_change(id, discard=False, as_json=json)))


@app.command()
def discard(id: Id, json: Json = False) -> None:
    """Give up a job, or a delivery that is dead."""
    from app.cli.services import run

    raise typer.Exit(run(_change(id, discard=True, as_json=json)))


async def _list(dead: bool, limit: int, *, as_json: bool) -> int:
    from app.cli.output import print_json, print_table
    from app.cli.services import opened_database
    from app.settings import Settings
    from foundation.jobs import storage
    from foundation.outbox import dead_letters

    status = "dead" if dead else None
    async with opened_database(Settings.from_env()) as database, database.connect() as connection:
        jobs = await storage.listed(connection, status, limit)
        deliveries = await dead_letters.listed(connection, status, limit)
    found = [
        *((one.id, one.kind, one.key or "", one.status, one.tries, one.due_at, one.problem) for one in jobs),
        *(
            (one.id, one.destination, one.key, one.status, one.attempts, one.due_at, one.problem)
            for one in deliveries
        ),
    ]
    columns = ("id", "name", "key", "status", "tries", "due_at", "problem")
    if as_json:
        rows = [dict(zip(columns, row, strict=True)) | {"due_at": row[5].isoformat()} for row in found]
        print_json({"jobs": rows})
    else:
        lines = [[*row[:5], f"{row[5]:%F %T}", row[6] or ""] for row in found]
        print_table("Jobs and deliveries", columns, lines)
    return int(any(row[3] == "dead" for row in found))


async def _change(id_: str, *, discard: bool, as_json: bool) -> None:
    from app.cli.output import print_json
    from app.cli.services import opened_database
    from app.settings import Settings
    from foundation.clock import SystemClock
    from foundation.errors import NotFound
    from foundation.jobs import storage
    from foundation.outbox import dead_letters

    now = SystemClock().now()
    async with opened_database(Settings.from_env()) as database, database.begin() as tx:
        if id_.startswith("dlv_"):
            changed = await (dead_letters.discard(tx, id_) if discard else dead_letters.resend(tx, id_, now))
        else:
            changed = await (storage.cancel(tx, id_) if discard else storage.revive(tx, id_, now))
    if not changed:
        raise NotFound(
            "No job or delivery of this id can be changed.",
            hint="`firstline jobs list` shows the ids; what is being worked on has to end first.",
        )
    if as_json:
        print_json({"id": id_, "done": "discarded" if discard else "begun_anew"})
    else:
        print("Discarded." if discard else "It is begun anew within a second of `firstline serve`.")
