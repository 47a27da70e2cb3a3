"""The search's weights and calibration: fitted on several sets, measured on a set that was left out.

    .venv/bin/python tests/benchmarks/kb_ranking.py FOLDER [FOLDER ...] [--encoder FOLDER] [--most 400]

Each folder holds `corpus.jsonl`, `queries.jsonl`, `qrels.tsv` and, if there are any, `unanswerable.jsonl`
(see docs/kb-search.md). For each set, weights and calibration are fitted on all others (folders whose names
begin alike, up to `_`, count as one) and measured on it, beside both searches alone. The last line is JSON:
the figures and what is fitted on all sets, which is what `kb_index/search/ranking.py` has as defaults.
`--most` questions of each set are used for fitting.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.evaluation.cross_validation import Trial, TrialQuestion
from kb_index.evaluation.dataset import TestSet, read_test_set
from kb_index.evaluation.fitting import FittingQuestion, fit
from kb_index.evaluation.metrics import auroc, figures
from kb_index.index.passage_builder import PassageBuilder
from kb_index.search.ranking import Ranking
from kb_index.text.terms import Normaliser, read_vocabulary
from tests.benchmarks.installation import default_encoder, encoder_folder

ROOT = Path(__file__).parents[2]


def read(folder: Path) -> TestSet:
    """Read one set."""
    beyond = folder / "unanswerable.jsonl"
    has = beyond.is_file() and beyond.stat().st_size > 0
    return read_test_set(
        folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels.tsv", beyond if has else None
    )


def ask(maker: PassageBuilder, folder: Path) -> tuple[list[TrialQuestion], list[TrialQuestion]]:
    """Search for all questions of a set."""
    test_set = read(folder)
    trial = Trial(maker, test_set.documents, lambda *_: None)
    print(f"  {folder.name}: {len(test_set.documents)} documents", file=sys.stderr, flush=True)
    return [trial.ask(one) for one in test_set.queries], [trial.ask(one) for one in test_set.unanswerable]


def measure(known: list[TrialQuestion], none: list[TrialQuestion], ranking: Ranking) -> dict[str, Any]:
    """Figures of one set under a ranking."""
    relevant = [one.query.relevant for one in known]
    fused = [[each.id for each in ranking.weights.fuse(one.found.evidence)] for one in known]
    names = {"lexical": [one.lexical() for one in known], "semantic": [one.semantic() for one in known]}
    row: dict[str, Any] = {name: figures(ids, relevant)["hit@1"] for name, ids in names.items()}
    row["fused"] = figures(fused, relevant)["hit@1"]
    if none:

        def chance(one: TrialQuestion) -> float:
            return ranking.calibration.probability(ranking.weights.fuse(one.found.evidence))

        row["auroc"] = auroc([chance(one) for one in known], [chance(one) for one in none])
        nearest = [[max((e.semantic for e in one.found.evidence), default=0.0) for one in many]
                   for many in (known, none)]  # fmt: skip
        row["auroc by cosine"] = auroc(*nearest)
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--encoder", type=encoder_folder, default=default_encoder())
    parser.add_argument("--most", type=int, default=400)
    args = parser.parse_args()
    vocabulary = read_vocabulary(ROOT / "data" / "policies" / "vocabulary.yml")
    maker = PassageBuilder(OnnxEncoder(args.encoder), Normaliser(vocabulary))
    asked = {folder.name: ask(maker, folder) for folder in args.folders}

    def seen(name: str) -> list[FittingQuestion]:
        known, none = asked[name]
        some = known[:: max(1, len(known) // args.most)]
        return [one.seen for one in (*some, *none[: args.most])]

    def family(name: str) -> str:
        return name.split("_")[0]

    rows = {}
    for name, (known, none) in asked.items():
        others = [seen(other) for other in asked if family(other) != family(name)]
        rows[name] = measure(known, none, fit(others, "others") if others else Ranking())
        print(f"{name:20s}", *(f"{key} {value:.3f}" for key, value in rows[name].items()), sep="  ")
    final = fit([seen(name) for name in asked], ", ".join(asked))
    print(json.dumps({"left_out": rows, "fitted": asdict(final)}))


if __name__ == "__main__":
    main()
