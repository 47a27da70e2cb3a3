"""`firstline kb evaluate` on a set in files; needs the encoder, and nothing that runs."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from app.cli.output import print_json, print_table
from app.settings import Settings
from app.wiring.encoder import encoder_for_parts, encoder_shelf
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.encoder.training_process import exported
from kb_index.evaluation import cross_validation
from kb_index.evaluation.dataset import read_test_set
from kb_index.index.passage_builder import PassageBuilder
from kb_index.search.ranking import Ranking
from kb_index.text.terms import Normaliser, read_vocabulary


@dataclass(frozen=True)
class SetFiles:
    """The files of a set."""

    corpus: Path
    queries: Path
    qrels: Path
    unanswerable: Path | None


async def _encoder(settings: Settings, named: Path | None) -> Path:
    """The exported encoder to measure with; one that is not exported yet is, once."""
    if named is None:
        return await asyncio.to_thread(encoder_shelf(settings).current)
    cache = settings.home / "encoders"
    return await exported(
        named, cache, python=settings.encoder_python, environment=settings.child_environment
    )


async def evaluate_set(files: SetFiles, tune: str, encoder: Path | None, *, as_json: bool) -> int:
    """Measure, and print one JSON object or a table; what is done is told on standard error."""
    settings = Settings.from_env()
    test_set = await asyncio.to_thread(
        read_test_set, files.corpus, files.queries, files.qrels, files.unanswerable
    )
    vocabulary = read_vocabulary(settings.root / "data" / "policies" / "vocabulary.yml")
    folder, normaliser = await _encoder(settings, encoder), Normaliser(vocabulary)
    maker = PassageBuilder(OnnxEncoder(folder), normaliser)
    ranking = Ranking.read(settings.home / "index" / "ranking.json")
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done)

        result = await asyncio.to_thread(
            cross_validation.run,
            maker,
            test_set,
            ranking,
            fit_weights=tune != "off",
            progress=progress,
            tuned=encoder_for_parts(settings, maker, test_set, progress) if tune == "encoder" else None,
        )
    result["tune"] = tune
    if as_json:
        print_json(result)
        return 0
    names = ("lexical", "semantic", "fused")
    columns = tuple(result["fused"])
    print_table(
        "Search", ("", *columns), [(name, *(str(result[name][c]) for c in columns)) for name in names]
    )
    rest = [("documents", result["documents"]), ("questions", result["questions"])]
    rest += [(f"latency, {key} (ms)", value) for key, value in result["latency_ms"].items()]
    if "no_answer" in result:
        rest.append(("no answer, AUROC", result["no_answer"]["auroc"]))
    print_table("Besides", ("", "figure"), [(name, str(value)) for name, value in rest])
    return 0
