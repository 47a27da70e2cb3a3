"""firstline healing: what self-healing found and did, and the switch that stops it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from actions.healing.control import HealingControl, HealingStatus
    from actions.healing.domain import Run
    from actions.healing.scanner import Scanned

app = typer.Typer(help="Self-healing: what it found and did, and its switch.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FIGURES = ("found", "dry_run", "verified", "rolled_back", "failed", "refused", "skipped", "open")


@app.command()
def status(json: Json = False) -> None:
    """Tell whether it is active, what the policy allows, and how breakers and scans stand."""
    from app.cli.services import run

    raise typer.Exit(run(_status(as_json=json)))


@app.command()
def report(
    since: Annotated[str | None, typer.Option(help="2026-03-31, 2026-03-31T08:00Z, 24h or 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="As --since; not included.")] = None,
    json: Json = False,
) -> None:
    """Account for every drift found: `found` is the sum of all other figures."""
    from app.cli.services import run

    raise typer.Exit(run(_report(since, until, as_json=json)))


@app.command()
def scan(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    host: Annotated[str | None, typer.Option(help="Only this application.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what is found to end.")] = 120.0,
    json: Json = False,
) -> None:
    """Look at all users now, put right what the policy allows, and print what became of it.

    Exit code 1 when an application could not be scanned to the end.
    """
    from app.cli.services import run

    raise typer.Exit(run(_scan(dry_run, host, wait, as_json=json)))


@app.command()
def stop(
    reason: Annotated[str | None, typer.Option(help="Why; staff see it.")] = None, json: Json = False
) -> None:
    """Stop everything at once, in every process: nothing is applied until `firstline healing start`."""
    from app.cli.services import run

    raise typer.Exit(run(_switch(True, reason, as_json=json)))


@app.command()
def start(json: Json = False) -> None:
    """Take the stop back; what waits goes on."""
    from app.cli.services import run

    raise typer.Exit(run(_switch(False, None, as_json=json)))


@asynccontextmanager
async def _overview() -> "AsyncIterator[HealingControl]":
    from app.cli.services import opened_database
    from app.settings import Settings
    from app.wiring.single_services import healing_overview

    settings = Settings.from_env()
    async with opened_database(settings) as database:
        yield healing_overview(settings, database)


async def _status(*, as_json: bool) -> int:
    from app.cli.output import print_json

    async with _overview() as overview:
        found = await overview.status()
    if as_json:
        print_json({"active": found.active, **asdict(found)})
    else:
        _show_status(found)
    return 0 if found.problem is None else 1


def _show_status(found: "HealingStatus") -> None:
    from app.cli.output import print_table, when

    why = f"stopped by {found.switch.by}" if found.switch.stopped else "the policy says enabled: false"
    print("active" if found.active else f"not active: {found.problem or why}")
    print_table("Policy", ("workflow", "mode"), sorted(found.workflows.items()))
    print_table("Drifts", FIGURES, [[found.counts[name] for name in FIGURES]])
    print_table(
        "Breakers",
        ("application", "workflow", "state", "opened", "tried again", "case"),
        [(one.host, one.workflow, one.state, one.opened, when(one.retry_at), one.case_id)
         for one in found.breakers],
    )  # fmt: skip
    print_table(
        "Scans",
        ("application", "began", "ended", "users", "unreadable", "drifts", "problem"),
        [(one["host"], when(one["started_at"]), when(one["finished_at"]), one["users"], one["unreadable"],
          one["drifts"], one["problem"]) for one in found.scans],
    )  # fmt: skip


async def _report(since: str | None, until: str | None, *, as_json: bool) -> None:
    from app.cli.output import print_json, print_table
    from app.cli.reports import moment

    begin, end = moment(since, "since"), moment(until, "until")
    async with _overview() as overview:
        figures = await overview.report(begin, end)
    if as_json:
        print_json(figures)
        return
    rows = [[name, *(counts[figure] for figure in FIGURES)] for name, counts in figures["workflows"].items()]
    rows.append(["all", *(figures[figure] for figure in FIGURES)])
    print_table("Drifts", ("workflow", *FIGURES), rows)
    print_table("Why", ("what: why", "runs"), sorted(figures["reasons"].items()))
    print_table(
        "Events",
        ("type", "what became of them", "events"),
        [(kind, note, number) for kind, notes in figures["events"].items() for note, number in notes.items()],
    )


async def _scan(dry_run: bool, host: str | None, wait: float, *, as_json: bool) -> int:
    from app.cli.output import print_json, print_table
    from app.cli.services import opened
    from app.settings import Settings

    async with opened(Settings.from_env()) as firstline:
        if host is not None:
            firstline.hosts.get(host)
        hosts = None if host is None else [host]
        healing = firstline.healing.service
        scanned = await healing.scan(dry_run=dry_run, hosts=hosts)
        new = [run for one in scanned for run in one.new]
        known = [run for one in scanned for run in one.known]
        # A dry run is told at once; what was found before goes its own way meanwhile.
        runs = await healing.finish(new if dry_run else [*new, *known], wait)
        runs += known if dry_run else []
    incomplete = not scanned or any(not one.complete for one in scanned)
    if as_json:
        print_json({"scans": [_scan_row(one) for one in scanned], "drifts": [_run_row(run) for run in runs]})
        return int(incomplete)
    columns = ("host", "users", "unreadable", "drifts", "new", "complete", "problem")
    print_table("Scans", columns, [list(_scan_row(one).values()) for one in scanned])
    rows = [(run.user_ref, run.workflow, run.status, run.reason) for run in runs]
    print_table("Drifts", ("user", "workflow", "status", "why"), rows)
    return int(incomplete)


def _scan_row(one: "Scanned") -> dict[str, Any]:
    return {
        "host": one.host, "users": one.users, "unreadable": one.unreadable, "drifts": one.drifts,
        "new": len(one.new), "complete": one.complete, "problem": one.problem,
    }  # fmt: skip


def _run_row(run: "Run") -> dict[str, Any]:
    return {
        "run": run.id, "host": run.host, "user": run.user_ref, "workflow": run.workflow, "mode": run.mode,
        "status": run.status, "reason": run.reason, "sightings": run.sightings,
        "would_run": run.result.get("would_run"),
    }  # fmt: skip


async def _switch(stopped: bool, reason: str | None, *, as_json: bool) -> None:
    from app.cli.output import print_json

    async with _overview() as overview:
        value = await overview.set_switch(stopped=stopped, by="the command line", reason=reason)
    if as_json:
        print_json(asdict(value))
    else:
        print("Self-healing is stopped." if stopped else "Self-healing may run again.")
