"""Chooses and checks the answer thresholds of `actions/policy.py` on questions whose article is known.

    .venv/bin/python -m tests.benchmarks.answers --encoder DIR [--foreign FILE.csv]

Messages: `data/kb/questions.yml`, of which some have an article ("known") and some sound as if and have none
("near"), and messages that are none of the assistant's business ("foreign"), held out
(`tests/bot/rasa_components/held_out.yml`) and, where given, more of these (CSV, column `text`). Printed for
each threshold: how many known questions are answered, how many of these rightly, and how many near and
foreign messages get an article. Half of each, by a fixed shuffle, choose; the other half check.
"""

import argparse
import csv
import json
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import yaml

from kb_index.articles.importing import parse_article
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.evaluation.known_questions import read_questions
from kb_index.index.faiss_index import FaissIndex
from kb_index.index.lexical_index import LexicalIndex
from kb_index.index.passage_builder import PassageBuilder
from kb_index.ports import Filter, StoredPassage
from kb_index.search.candidates import gather
from kb_index.search.ranking import Ranking
from kb_index.search.service import clean_question
from kb_index.text.terms import Normaliser, read_vocabulary
from tests.benchmarks.installation import default_encoder, encoder_folder

ROOT = Path(__file__).resolve().parents[2]
THRESHOLDS = [0.08, 0.1, 0.15, 0.2, 0.27, 0.35, 0.45, 0.55, 0.65, 0.75]


class Articles:
    """The seed articles in indexes of their own, searched as the product does."""

    def __init__(self, folder: Path, encoder: OnnxEncoder) -> None:
        vocabulary = read_vocabulary(ROOT / "data" / "policies" / "vocabulary.yml")
        self._maker = PassageBuilder(encoder, Normaliser(vocabulary))
        parsed = [parse_article(path.read_bytes(), path.name) for path in sorted(folder.glob("*.md"))]
        rows: list[StoredPassage] = []
        made = self._maker.make_all([one.draft for one in parsed], quotable=False)
        for one, passages in zip(parsed, made, strict=True):
            rows += [
                StoredPassage(len(rows) + n, str(one.id), "", "en", "any", each.kind, each.vector, each.terms)
                for n, each in enumerate(passages)
            ]
        self._vectors, self._words = FaissIndex(encoder.dimension, self._maker.name), LexicalIndex()
        self._vectors.replace([], rows, 1)
        self._words.replace([], rows)

    def best(self, questions: list[str]) -> list[tuple[str, float, float]]:
        """Return for each question the best article, the probability that it answers, and its lead in score
        over the next article."""
        found, ranking = [], Ranking()
        for question in questions:
            seen = gather(self._maker, self._vectors, self._words, clean_question(question), Filter())
            ranked = ranking.weights.fuse(seen.evidence)
            first, second = ranked[:2]
            found.append((first.id, ranking.calibration.probability(ranked), first.fused - second.fused))
        return found


def table(
    known: list[tuple[str, str, float]], near: list[float], foreign: list[float]
) -> list[dict[str, Any]]:
    """Return a row for each threshold; `known` holds (right article, found article, score)."""
    rows = []
    for threshold in THRESHOLDS:
        answered = [(right, found) for right, found, score in known if score >= threshold]
        rightly = sum(right == found for right, found in answered)
        rows.append(
            {
                "threshold": threshold,
                "answered": round(len(answered) / len(known), 3),
                "right_of_answered": round(rightly / len(answered), 3) if answered else None,
                "near_answered": round(sum(s >= threshold for s in near) / max(1, len(near)), 3),
                "foreign_answered": round(sum(s >= threshold for s in foreign) / max(1, len(foreign)), 3),
            }
        )
    return rows


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=encoder_folder, default=default_encoder())
    parser.add_argument("--kb", type=Path, default=ROOT / "data" / "kb")
    parser.add_argument("--foreign", type=Path)
    args = parser.parse_args()
    articles = Articles(args.kb, OnnxEncoder(args.encoder))
    questions = read_questions(args.kb / "questions.yml")
    random.Random(7).shuffle(questions)
    held_out = yaml.safe_load((ROOT / "tests/bot/rasa_components/held_out.yml").read_text(encoding="utf-8"))
    foreign = [str(text) for text in held_out["out_of_scope"]]
    if args.foreign:
        with args.foreign.open(encoding="utf-8") as lines:
            foreign += [row["text"] for row in csv.DictReader(lines)]
    unanswerable = yaml.safe_load((args.kb / "questions.yml").read_text(encoding="utf-8"))["unanswerable"]
    random.Random(7).shuffle(unanswerable)
    strange = [score for _, score, _ in articles.best(foreign)]
    near = [score for _, score, _ in articles.best([str(text) for text in unanswerable])]
    best = articles.best([question.text for question in questions])
    known = [(q.article, found, score) for q, (found, score, _) in zip(questions, best, strict=True)]
    half = len(known) // 2
    report = {
        "known": len(known),
        "near": len(near),
        "foreign": len(foreign),
        "choose": table(known[:half], near[::2], strange[::2]),
        "check": table(known[half:], near[1::2], strange[1::2]),
        "median_lead": {
            name: _median([lead for (right, found, _), (_, _, lead) in zip(known, best, strict=True)
                           if (right == found) == (name == "right")])
            for name in ("right", "wrong")
        },
    }  # fmt: skip
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
