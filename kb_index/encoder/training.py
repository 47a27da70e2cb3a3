"""Fine-tunes a sentence-transformers folder on pairs, in the encoder environment, and exports the result.

    python -m kb_index.encoder.training --pairs PAIRS.jsonl --out DIR [--base FOLDER] [--epochs N] ...

Started by `kb_index.encoder.training_process.tune`, which also tells the libraries to stay offline; no
serving process imports it, since it imports torch. Each line it prints is one JSON object: `{"step": 3, "of":
120, "loss": 1.2}`, and at the end `{"done": "<fingerprint>"}`.

The loss is multiple negatives ranking (Henderson et al. 2017, https://arxiv.org/abs/1705.00652): the other
passages of a batch are the wrong ones, so no article is in a batch twice. The tuned weights are then mixed
with those it began with (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903), which keeps most of what
the encoder knew of other things.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.errors import FirstlineError, InvalidInput
from kb_index.encoder.export import default_model, export, fingerprint_of, source_of
from kb_index.encoder.onnx_encoder import SMALL, EncoderManifest
from kb_index.encoder.quantisation import quantise

MAX_TOKENS = 96
"""Longest text in training; most of the time goes into long ones."""
Told = Callable[[int, int, float], None]
"""Told of each step: which, of how many, and the loss."""


@dataclass(frozen=True)
class Row:
    """A question, a passage that answers it, the article that is of, and a passage that does not answer."""

    question: str
    passage: str
    article: str
    negative: str = ""


@dataclass(frozen=True)
class Recipe:
    """How to train. `rate` is the learning rate at its peak, after a tenth of the steps; it falls to 0.

    `mix` is how much of the way from the weights before to those after is gone.
    """

    epochs: int = 1
    batch: int = 32
    rate: float = 2e-5
    scale: float = 20.0
    mix: float = 0.7
    seed: int = 7
    threads: int = 2


def read_rows(path: Path) -> list[Row]:
    """Read pairs, one JSON object a line: `question`, `passage`, `article`, and maybe `negative`.

    Raises InvalidInput naming the line.
    """
    rows = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            value = json.loads(line)
            row = Row(value["question"], value["passage"], value["article"], value.get("negative") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidInput(
                f"{path.name}, line {number}: question, passage and article are needed."
            ) from None
        rows.append(row)
    if len({row.article for row in rows}) < 2:
        raise InvalidInput("Pairs of two articles at least are needed to learn anything.")
    return rows


def batches(rows: Sequence[Row], size: int, order: random.Random) -> Iterator[list[Row]]:
    """Deal the rows into batches that hold no article and no text twice; a rest of one is left out.

    Rows with a negative and rows without are not mixed: the loss wants one for each row or for none.
    """
    for own in ([row for row in rows if row.negative], [row for row in rows if not row.negative]):
        waiting = order.sample(own, len(own))
        while len(waiting) > 1:
            batch, waiting = _deal(waiting, size)
            if len(batch) > 1:
                yield batch


def _deal(waiting: Sequence[Row], size: int) -> tuple[list[Row], list[Row]]:
    """Return the next batch and the rows that are left."""
    batch: list[Row] = []
    left: list[Row] = []
    seen: set[str] = set()
    for row in waiting:
        texts = {row.article, row.passage, row.negative} - {""}
        if len(batch) == size or seen & texts:
            left.append(row)
        else:
            batch.append(row)
            seen |= texts
    return batch, left


def fine_tune(model: Any, rows: Sequence[Row], recipe: Recipe, told: Told) -> None:
    """Train `model` (a SentenceTransformer) in place and mix it with what it was."""
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    order = random.Random(recipe.seed)  # noqa: S311 (an order, not a secret)
    plan: list[list[Row]] = []
    for _ in range(recipe.epochs):
        dealt = list(batches(rows, recipe.batch, order))
        plan += order.sample(dealt, len(dealt))
    before = {name: value.detach().clone() for name, value in model.state_dict().items()}
    longest, model.max_seq_length = model.max_seq_length, min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
    loss_of = MultipleNegativesRankingLoss(model, scale=recipe.scale)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=0.01)
    warm = max(1, len(plan) // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (len(plan) - step) / max(1, len(plan) - warm))
    )
    model.train()
    for step, batch in enumerate(plan, start=1):
        loss = loss_of([model.preprocess(texts) for texts in _columns(batch)], torch.empty(0))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        told(step, len(plan), float(loss.detach()))
    model.eval()
    model.max_seq_length = longest
    mix(model, before, recipe.mix)


def mix(model: Any, before: dict[str, Any], share: float) -> None:
    """Set the model's weights to `before` plus `share` of what they have changed since."""
    after = model.state_dict()
    mixed = {
        name: before[name] + (value - before[name]) * share if value.is_floating_point() else value
        for name, value in after.items()
    }
    model.load_state_dict(mixed)


def _columns(batch: Sequence[Row]) -> list[list[str]]:
    """Questions, passages, and negatives where every row has one; without prompts, as the search encodes."""
    columns = [[row.question for row in batch], [row.passage for row in batch]]
    if all(row.negative for row in batch):
        columns.append([row.negative for row in batch])
    return columns


def train(
    base: Path | None, pairs: Path, out: Path, recipe: Recipe, told: Told, *, int8: bool, expect: str | None
) -> str:
    """Fine-tune the folder `base` (None: the packaged MiniLM), export it into `out`, return its fingerprint.

    With `int8` a quantised export is written into `out` with `-int8` after its name. `expect` is the
    fingerprint that an export of `base` must have. Raises InvalidInput and Unprocessable; `out` holds a
    complete encoder or is as it was.
    """
    rows = read_rows(pairs)
    folder = base or default_model()
    if expect is not None and fingerprint_of(folder) != expect:
        raise InvalidInput(
            "The installed encoder was not exported from this folder.",
            hint="Set FIRSTLINE_ENCODER as it was when the encoder was exported, or run `make install`.",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-tuned-", dir=out.parent))
    try:
        tuned = work / "tuned" / f"{source_of(folder)}-tuned"
        _tune_folder(folder, rows, recipe, tuned, told)
        export(tuned, out, force=True)
        if int8:
            quantise(out, out.with_name(out.name + SMALL))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return EncoderManifest.read(out).fingerprint


def _tune_folder(folder: Path, rows: Sequence[Row], recipe: Recipe, tuned: Path, told: Told) -> None:
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{folder} cannot be loaded by sentence-transformers.",
            hint="Name a folder that SentenceTransformer(...).save() wrote.",
        ) from error
    fine_tune(model, rows, recipe, told)
    tuned.parent.mkdir(parents=True)
    model.save(str(tuned))


def main(arguments: list[str] | None = None) -> int:
    """Command line; prints JSON lines and returns the exit status."""
    usual = Recipe()
    parser = argparse.ArgumentParser(prog="python -m kb_index.encoder.training")
    parser.add_argument("--pairs", type=Path, required=True, help="JSON lines: question, passage, article")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--base", type=Path, help="sentence-transformers folder (default: the packaged MiniLM)"
    )
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument("--batch", type=int, default=usual.batch)
    parser.add_argument("--rate", type=float, default=usual.rate)
    parser.add_argument("--mix", type=float, default=usual.mix)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--threads", type=int, default=usual.threads)
    parser.add_argument("--expect", help="fingerprint of the base's own export, to make sure of it")
    parser.add_argument("--int8", action="store_true", help="write a quantised export beside it")
    options = parser.parse_args(arguments)
    recipe = Recipe(
        **{name: getattr(options, name) for name in Recipe.__dataclass_fields__ if name != "scale"}
    )
    parent = os.getppid()

    def told(step: int, of: int, loss: float) -> None:
        if os.getppid() != parent:
            raise SystemExit("Whoever started the training is gone.")
        _print({"step": step, "of": of, "loss": round(loss, 4)})

    os.nice(10)
    try:
        base, out = options.base and options.base.resolve(), options.out.resolve()
        done = train(base, options.pairs, out, recipe, told, int8=options.int8, expect=options.expect)
    except FirstlineError as error:
        _print({"error": str(error), "hint": error.hint})
        return 1
    _print({"done": done})
    return 0


def _print(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    sys.exit(main())
