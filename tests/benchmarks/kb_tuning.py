"""What tuning the encoder gains on questions about articles that it was not tuned on.

    .venv/bin/python tests/benchmarks/kb_tuning.py FOLDER [--folds 5] [--pairs 2000] [--epochs N]

The folder holds `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`. Its articles are parted; for each part the
encoder is tuned on the questions about all other articles, as `firstline kb tune` does, and asked those about
the part. All articles are searched each time, with the product's own weights. Differences in hit@1 come with
a 95 % interval from resampling articles 2,000 times, since questions about one article are much alike.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from kb_index.domain import Draft
from kb_index.encoder import training_pairs as making
from kb_index.encoder.offline_index import Answered, OfflineIndex, summed
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.encoder.training_pairs import AnsweredQuestion
from kb_index.encoder.training_process import tune
from kb_index.encoder.tuner import MOST_PAIRS, chosen_pairs
from kb_index.evaluation.dataset import read_test_set
from kb_index.index.passage_builder import PassageBuilder
from kb_index.search.ranking import Weights
from kb_index.text.terms import Normaliser, read_vocabulary
from tests.benchmarks.installation import default_encoder, encoder_folder

ROOT = Path(__file__).parents[2]
KINDS = ("current", "tuned", "tuned-int8")


def say(what: str, done: int, of: int) -> None:
    """Progress on standard error."""
    if done == of or done % 25 == 0:
        print(f"  {what} {done}/{of}", file=sys.stderr, flush=True)


def sandbox(folder: Path, drafts: dict[str, Draft]) -> OfflineIndex:
    """The articles under an encoder."""
    normaliser = Normaliser(read_vocabulary(ROOT / "data" / "policies" / "vocabulary.yml"))
    return OfflineIndex(PassageBuilder(OnnxEncoder(folder, threads=2), normaliser), drafts, say, folder.name)


def gain(before: list[Answered], after: list[Answered], way: str) -> dict[str, float]:
    """Difference in hit@1 and its interval, articles resampled."""
    by_article: dict[str, list[float]] = {}
    for old, new in zip(before, after, strict=True):
        hits = [float(getattr(one, way)[0] in one.relevant) for one in (old, new)]
        by_article.setdefault(min(old.relevant), []).append(hits[1] - hits[0])
    sums = np.array([[sum(own), len(own)] for own in by_article.values()])
    drawn = np.random.default_rng(7).integers(0, len(sums), (2000, len(sums)))
    totals = sums[drawn].sum(axis=1)
    low, high = np.percentile(totals[:, 0] / totals[:, 1], [2.5, 97.5])
    return {"gain": round(float(sums[:, 0].sum() / sums[:, 1].sum()), 4),
            "low": round(float(low), 4), "high": round(float(high), 4)}  # fmt: skip


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Tune and ask, part by part."""
    files = [options.folder / name for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv")]
    test_set = read_test_set(*files)
    drafts = {one.id: Draft(one.title, "any", "en", one.text) for one in test_set.documents}
    asked = [
        AnsweredQuestion(one.text, key, "gate") for one in test_set.queries for key in sorted(one.relevant)
    ]
    asked = making.usable(asked, drafts)
    keys = sorted({one.article_id for one in asked}, key=lambda key: making.order(key))
    parts = [set(keys[start :: options.folds]) for start in range(options.folds)]
    now = sandbox(options.encoder, drafts)
    found: dict[str, list[Answered]] = {name: [] for name in KINDS}
    spent: list[float] = []
    for number, part in enumerate(parts, start=1):
        held = [one for one in asked if one.article_id in part]
        words = {making.normal(one.question) for one in held}
        learn = [
            one for one in asked if one.article_id not in part and making.normal(one.question) not in words
        ]
        others = {key: draft for key, draft in drafts.items() if key not in part}
        found["current"] += now.ask(held, Weights())
        with tempfile.TemporaryDirectory() as folder:
            pairs, out = Path(folder) / "pairs.jsonl", Path(folder) / "tuned"
            count = making.write(
                chosen_pairs(now.pairs(learn), making.headings(others, now.count_tokens), options.pairs),
                pairs,
            )
            started = time.monotonic()
            made = await tune(
                None,
                pairs,
                out,
                python=ROOT / ".venv-encoder" / "bin" / "python",
                epochs=options.epochs,
                int8=True,
                progress=say,
            )
            spent.append(time.monotonic() - started)
            found["tuned"] += sandbox(made.folder, drafts).ask(held, Weights())
            if made.int8 is not None:
                found["tuned-int8"] += sandbox(made.int8, drafts).ask(held, Weights())
        for name in KINDS:
            print(f"part {number}", count, "pairs", name, summed(found[name]), file=sys.stderr, flush=True)
    return report(found, spent)


def report(found: dict[str, list[Answered]], spent: list[float]) -> dict[str, Any]:
    """The figures of each encoder, what it gains, and what a training took."""
    figures: dict[str, Any] = {}
    for name, answered in found.items():
        own = summed(answered)
        figures[name] = {"semantic": own.semantic, "fused": own.fused, "questions": own.questions}
        if name != "current":
            figures[name]["hit@1 against current"] = {
                way: gain(found["current"], answered, way) for way in ("semantic", "fused")
            }
    return {"figures": figures, "seconds of a training with export": round(float(np.median(spent)), 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=MOST_PAIRS)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--encoder", type=encoder_folder, default=default_encoder())
    print(json.dumps(asyncio.run(measure(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
