"""Commands that look at attempts, cases and articles."""

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.cli.output import print_json, print_table, when
from app.cli.services import opened, opened_database
from app.settings import Settings
from foundation.errors import InvalidInput
from kb_index.evaluation import known_questions

_SPAN = re.compile(r"^(\d{1,6})([mhdw])$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | None, name: str, now: datetime | None = None) -> datetime | None:
    """Read a date, a moment or a span back from now; a date is its beginning in local time.

    Raises:
        InvalidInput: when it is none of these.
    """
    if text is None:
        return None
    try:
        if span := _SPAN.match(text.strip()):
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.astimezone()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"--{name} is no date.", hint="Give 2026-03-31, 2026-03-31T08:00:00Z, or 30m, 24h, 7d, 2w."
        ) from None


async def attempts(
    outcome: str | None, since: str | None, until: str | None, limit: int, *, as_json: bool
) -> None:
    """List attempts."""
    begin, end = moment(since, "since"), moment(until, "until")
    from app.wiring.single_services import attempt_log

    async with opened_database(Settings.from_env()) as database:
        log = attempt_log(database)
        found = await log.list(outcome=outcome, since=begin, until=end, limit=limit)  # type: ignore[arg-type]
        counts = await log.count(since=begin, until=end)
    if as_json:
        print_json(
            {
                "attempts": [asdict(one) for one in found],
                "counts": {key or "open": value for key, value in counts.items()},
            }
        )
        return
    rows = [
        (when(one.created_at), one.kind, one.name, one.intent, one.outcome or "open", one.user_ref,
         f"{one.duration_ms} ms", one.conversation_id)
        for one in found
    ]  # fmt: skip
    print_table(
        "Attempts", ("when", "kind", "name", "intent", "outcome", "user", "took", "conversation"), rows
    )
    print(", ".join(f"{key or 'open'}: {value}" for key, value in counts.items()) or "none")


async def outcomes(since: str | None, until: str | None, *, as_json: bool) -> None:
    """Count conversations by what became of them."""
    begin, end = moment(since, "since"), moment(until, "until")
    from foundation.clock import SystemClock
    from insights.outcomes import Outcomes

    async with opened_database(Settings.from_env()) as database:
        counted = await Outcomes(database, SystemClock()).count(begin, end)
    if as_json:
        print_json(asdict(counted))
        return
    rows = [*counted.outcomes.items(), ("all", counted.conversations)]
    print_table("Conversations", ("outcome", "how many"), rows)


async def cases(status: str, limit: int, *, as_json: bool) -> None:
    """List cases."""
    from app.wiring.single_services import case_reader

    async with opened_database(Settings.from_env()) as database:
        found = await case_reader(database).list(status, limit=limit)
    now = datetime.now(UTC)
    if as_json:
        rows = [
            {key: value for key, value in asdict(one).items() if key != "packet"}
            | {"waited_seconds": one.waited_seconds(now)}
            for one in found
        ]
        print_json({"cases": rows})
        return
    print_table(
        "Cases",
        ("id", "status", "priority", "reason", "user", "agent", "waited", "opened", "summary"),
        [
            (one.id, one.status, one.priority, one.reason, one.contact.name,
             one.assignee.name if one.assignee else "", f"{one.waited_seconds(now)} s", when(one.opened_at),
             one.summary)
            for one in found
        ],
    )  # fmt: skip


async def import_articles(folder: Path, force: bool, *, as_json: bool) -> int:
    """Import a folder; exit code 1 when a file could not be taken."""
    from kb_index.articles.importing import import_folder

    async with opened(Settings.from_env()) as firstline:
        report = await import_folder(firstline.articles, folder, force=force)
    if as_json:
        print_json(asdict(report))
    else:
        for name in ("created", "updated", "unchanged", "kept"):
            print(f"{name}: {len(getattr(report, name))}")
        for file, problem in report.failed.items():
            print(f"failed: {file}: {problem}")
    return 1 if report.failed else 0


async def evaluate(questions: Path, *, as_json: bool) -> None:
    """Measure the search on questions whose article is known."""
    async with opened(Settings.from_env()) as firstline:
        figures = await known_questions.evaluate(firstline.search, questions)
    if as_json:
        print_json(figures)
        return
    flat = {**figures, **{f"no_answer.{key}": value for key, value in figures.pop("no_answer", {}).items()}}
    rows = [(name, str(value)) for name, value in flat.items() if name != "no_answer"]
    print_table("Search", ("figure", "value"), rows)


async def search(question: str, limit: int, *, as_json: bool) -> None:
    """Search the published articles."""
    async with opened(Settings.from_env()) as firstline:
        hits = await firstline.search.search(question, limit=limit)
    if as_json:
        print_json({"hits": [asdict(hit) for hit in hits]})
        return
    print_table(
        "Articles",
        ("score", "article", "area", "quote"),
        [(f"{hit.score:.3f}", f"{hit.title}\n{hit.url}", hit.area, hit.quote) for hit in hits],
    )
