"""Commands over the knowledge base: export, the gate, and what was asked in vain."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from app.bootstrap import Firstline
from app.cli.output import print_json, print_table
from app.cli.services import opened
from app.settings import Settings
from foundation.errors import InvalidInput
from insights.question_log import LoggedQuestions
from kb_index.questions.publish_gate import KnownQuestion
from kb_index.questions.unanswered import LOOKED_AT, Unanswered


async def export(folder: Path, *, as_json: bool) -> int:
    """Write every article as a file of Markdown; other files in the folder stay.

    Raises:
        InvalidInput: when the folder cannot be written.
    """
    async with opened(Settings.from_env()) as firstline:
        files = await firstline.articles.files(archived=True)

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)

    try:
        await asyncio.to_thread(write)
    except OSError as error:
        raise InvalidInput(f"The folder cannot be written: {error.strerror}.") from None
    if as_json:
        print_json({"folder": str(folder), "files": sorted(files)})
    else:
        print(f"{len(files)} articles in {folder}")
    return 0


async def gate(article: str | None, *, grow: bool, to: Path | None, as_json: bool) -> int:
    """Ask the known questions; with an article, also as if its newest text were published. Exit code 1 when
    that makes a question worse. With `grow`, questions whose answer helped join first; `to` writes all.

    Raises:
        InvalidInput: when the file cannot be written.
    """
    async with opened(Settings.from_env()) as firstline:
        if grow:
            await _grow(firstline)
        if to is not None:
            await _write(await firstline.gate.all(), to)
        if article is None:
            known = await firstline.gate.all()
            standing = await firstline.gate.now()
            result = {"questions": len(known), **asdict(standing)}
            worse = 0
        else:
            report = await firstline.gate.compare(article)
            result, worse = asdict(report), len(report.worse)
    if as_json:
        print_json(result)
    elif article is None:
        print_table("Gate", ("figure", "value"), [(name, str(value)) for name, value in result.items()])
    else:
        rows = [(n, str(result["before"][n]), str(result["after"][n])) for n in ("hit1", "ndcg10", "n")]
        print_table("Gate", ("", "now", "when published"), rows)
        moved = [*report.worse, *report.better]
        cells = [(one.question, one.article, _rank(one.rank_before), _rank(one.rank_after)) for one in moved]
        print_table("Moved", ("question", "article", "now", "then"), cells)
    return 1 if worse else 0


async def _grow(firstline: Firstline) -> None:
    since = firstline.clock.now() - LOOKED_AT
    helped = await LoggedQuestions(firstline.database).helped(since)
    await firstline.gate.take_in(helped, source="log", by="log")


async def _write(known: Sequence[KnownQuestion], to: Path) -> None:
    rows = [{"question": one.question, "article": one.article_id} for one in reversed(known)]
    text = yaml.safe_dump({"questions": rows}, allow_unicode=True, sort_keys=False, width=1000)
    try:
        await asyncio.to_thread(to.write_text, text, "utf-8")
    except OSError as error:
        raise InvalidInput(f"The file cannot be written: {error.strerror}.") from None


async def questions(*, as_json: bool) -> None:
    """What was asked in vain, the costliest first."""
    async with opened(Settings.from_env()) as firstline:
        log = LoggedQuestions(firstline.database)
        rooms = (firstline.database, firstline.articles, firstline.search)
        found = await Unanswered(*rooms, log, firstline.clock).clusters()
    if as_json:
        print_json({"clusters": [asdict(one) for one in found]})
        return
    print_table(
        "Asked in vain",
        ("about", "asked", "to a person", "minutes", "article"),
        [
            (one.label, str(one.count), str(one.handoffs), f"{one.cost_minutes:g}", one.article_id or "")
            for one in found
        ],
    )


def _rank(rank: int | None) -> str:
    return "not found" if rank is None else str(rank)
