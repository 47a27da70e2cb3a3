"""How well messages are understood: our own unseen paraphrases, and public sets with the same component.

    .venv/bin/python tests/benchmarks/nlu.py --encoder DIR [--public FOLDER]

Needs scikit-learn and the exported encoder. Fits `IntentModel` on data/training exactly as Rasa's component
does, reads tests/bot/rasa_components/held_out.yml, and, where FOLDER holds them, CLINC150 (10 examples an
intent, validation part) and HINT3. Prints a table and one line of JSON.

The held-out messages were written by those who wrote the training examples, so they flatter; the public sets
have other authors.
"""

import argparse
import csv
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait by spinning

import numpy as np
import yaml
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot.rasa_components.intent_model import IntentModel  # noqa: E402
from kb_index.encoder.onnx_encoder import OnnxEncoder  # noqa: E402
from tests.benchmarks.installation import default_encoder, encoder_folder  # noqa: E402

OUT = "out_of_scope"
Rows = list[tuple[str, str]]
ANNOTATION = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def training_rows() -> Rows:
    """The examples of data/training as (text, intent)."""
    rows: Rows = []
    for path in sorted((ROOT / "data" / "training").glob("nlu*.yml")):
        for item in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            for line in item["examples"].splitlines():
                rows.append((ANNOTATION.sub(r"\1", line.removeprefix("- ").strip()), item["intent"]))
    return rows


def held_out_rows() -> Rows:
    """Our own unseen messages as (text, intent)."""
    values = yaml.safe_load((ROOT / "tests" / "bot" / "rasa_components" / "held_out.yml").read_text("utf-8"))
    inside = [(text, intent) for intent, texts in values["in_scope"].items() for text in texts]
    return inside + [(text, OUT) for text in values[OUT]]


def csv_rows(path: Path, outside: str) -> Rows:
    """A public set's file as (text, intent)."""
    with path.open(encoding="utf-8") as file:
        return [(r["text"], OUT if r["label"] == outside else r["label"]) for r in csv.DictReader(file)]


def settings() -> dict[str, Any]:
    """The classifier's settings in config.yml."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))["pipeline"]
    return next(dict(step) for step in pipeline if step["name"].endswith("RejectingIntentClassifier"))


def measure(encode: Callable[[list[str]], Any], train: Rows, test: Rows) -> dict[str, Any]:
    """Fit on `train`, read `test`."""
    chosen = settings()
    started = time.perf_counter()
    known = [row for row in train if row[1] != OUT]
    strange = [text for text, intent in train if intent == OUT]
    model = IntentModel.fit(
        encode([text for text, _ in known]),
        [intent for _, intent in known],
        outside=encode(strange) if strange else None,
        c=chosen["c"],
        false_rejections=chosen["false_rejections"],
    )
    fitted = time.perf_counter() - started
    readings = model.read(encode([text for text, _ in test]))
    right = np.array([r.intents[0] == intent for r, (_, intent) in zip(readings, test, strict=True)])
    inside = np.array([intent != OUT for _, intent in test])
    sure = np.array([r.probabilities[0] for r in readings])
    taken = np.array([model.accepts(r) for r in readings]) & (sure >= chosen["least_confidence"])
    rejected = ~taken
    figures = {
        "in_scope": int(inside.sum()),
        "out_of_scope": int((~inside).sum()),
        "top1": right[inside].mean(),
        "right_and_acted_on": (right & taken)[inside].mean(),
        "wrong_and_acted_on": (~right & taken)[inside].mean(),
        "rejection_recall": rejected[~inside].mean(),
        "rejection_precision": rejected[~inside].sum() / max(1, rejected.sum()),
        "rejection_auroc": roc_auc_score(inside, [r.in_scope for r in readings]),
        "calibration_gap": _gap(sure[inside], right[inside]),
        "fit_seconds": fitted,
    }
    return {name: round(float(value), 3) for name, value in figures.items()}


def _gap(sure: Any, right: Any, bins: int = 10) -> float:
    """Expected calibration error over in-scope messages, ten equally wide bins."""
    places = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(sure[places == b].mean() - right[places == b].mean()) * (places == b).mean()
            for b in range(bins)
            if (places == b).any()
        )
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=encoder_folder, default=default_encoder())
    parser.add_argument("--public", type=Path, help="folder with clinc150/ and hint3/")
    options = parser.parse_args()
    encoder = OnnxEncoder(options.encoder, threads=2)
    results = {"held out": measure(encoder.encode, training_rows(), held_out_rows())}
    if options.public:
        clinc, hint = options.public / "clinc150", options.public / "hint3" / "v1"
        test = csv_rows(clinc / "full_val.csv", "oos") + csv_rows(clinc / "full_oos_val.csv", "oos")
        results["CLINC150 10-shot"] = measure(
            encoder.encode, csv_rows(clinc / "train_10shot.csv", "oos"), test
        )
        for train in sorted(hint.glob("*_train.csv")):
            rows = csv_rows(Path(str(train).replace("_train", "_test")), "NO_NODES_DETECTED")
            name = f"HINT3 {train.name.removesuffix('_train.csv')}"
            results[name] = measure(encoder.encode, csv_rows(train, "NO_NODES_DETECTED"), rows)
    width = max(len(name) for name in next(iter(results.values())))
    print(" " * width, *(f"{name:>18}" for name in results))
    for figure in next(iter(results.values())):
        print(f"{figure:<{width}}", *(f"{result[figure]:>18}" for result in results.values()))
    print(json.dumps({"benchmark": "nlu", "encoder": encoder.manifest.source, "results": results}))


if __name__ == "__main__":
    main()
