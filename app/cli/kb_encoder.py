"""`firstline kb tune` and `firstline kb encoder`: the encoder that the search uses."""

import asyncio
import dataclasses
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from app.cli.output import print_json, print_table
from app.cli.services import opened_database
from app.settings import Settings
from app.wiring.encoder import encoder_shelf, encoder_tuner, question_sources
from kb_index.articles.published import published_drafts
from kb_index.encoder.onnx_encoder import EncoderManifest
from kb_index.encoder.training_process import exported
from kb_index.encoder.tuner import TuneReport


async def encoder(folder: Path | None, *, installed: bool, as_json: bool) -> None:
    """Say which encoder the search uses, after choosing one where that is wished."""
    settings = Settings.from_env()
    shelf = encoder_shelf(settings)
    if installed:
        shelf.put_back()
    elif folder is not None:
        cache = settings.home / "encoders"
        chosen = await exported(
            folder, cache, python=settings.encoder_python, environment=settings.child_environment
        )
        await asyncio.to_thread(shelf.put_copy, chosen)
    used = await asyncio.to_thread(shelf.current)
    manifest = await asyncio.to_thread(EncoderManifest.read, used)
    report = await asyncio.to_thread(shelf.report)
    found = {
        "used": report.get("used", "installed"),
        "source": manifest.source,
        "fingerprint": manifest.fingerprint,
        "dimension": manifest.dimension,
        "folder": str(used),
    }
    if as_json:
        print_json(found)
    else:
        print_table("The search's encoder", ("", ""), [(name, str(value)) for name, value in found.items()])


async def tune(home: Path | None, most: int, *, as_json: bool) -> None:
    """Tune and choose; progress goes to standard error. A running Firstline changes over by itself."""
    settings = _settings(home)
    async with opened_database(settings) as database:
        drafts = await published_drafts(database)
        asked = [one for source in question_sources(settings, database).values() for one in await source()]
    # The stores are given back: training takes minutes, and Firstline may start meanwhile.
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done)

        report = await encoder_tuner(settings).run(drafts, asked, most=most, progress=progress)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)


def _settings(home: Path | None) -> Settings:
    settings = Settings.from_env()
    if home is None:
        return settings
    home = home.absolute()
    inside = settings.encoder_dir == settings.home / "encoder"
    encoder = home / "encoder" if inside else settings.encoder_dir
    return dataclasses.replace(settings, home=home, encoder_dir=encoder)


def _print(report: TuneReport) -> None:
    names = ("hit@1", "hit@5", "mrr@10", "ndcg@10")
    rows = [
        (name, way, *(f"{measured[way][one]:.3f}" for one in names))
        for name, measured in report.figures.items()
        for way in ("semantic", "fused")
    ]
    print_table(f"On {report.held_back} held-back questions", ("encoder", "search", *names), rows)
    print(", ".join(f"{name}: {count}" for name, count in report.learnt.items()))
    print(f"{report.reason} In use: {report.used} ({report.fingerprint}), after {report.seconds:.0f} s.")
