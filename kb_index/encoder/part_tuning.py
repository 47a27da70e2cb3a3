"""Tunes the encoder for each part of a set in turn, so that an evaluation never asks what it learnt from."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from kb_index.domain import Draft
from kb_index.encoder import training_pairs as making
from kb_index.encoder.offline_index import OfflineIndex, Progress
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.encoder.training_pairs import AnsweredQuestion
from kb_index.encoder.training_process import TunedEncoder
from kb_index.encoder.tuner import chosen_pairs
from kb_index.evaluation.dataset import Query, TestSet
from kb_index.index.passage_builder import PassageBuilder

Training = Callable[..., Coroutine[Any, Any, TunedEncoder]]
"""`kb_index.encoder.training_process.tune` with the installation's settings filled in."""
EVALUATED_PAIRS = 1000
"""Pairs of one tuning in an evaluation, which tunes several times."""


def encoder_for_parts(
    train: Training, base: PassageBuilder, test_set: TestSet, progress: Progress
) -> Callable[[Sequence[Query], set[str]], PassageBuilder]:
    """Return what tunes the installed encoder for a part of a set, and waits for it: call it in a thread.

    A part's documents give no pairs at all, and nor does a question that is asked of them.
    """
    loop, numbers = asyncio.get_running_loop(), count(1)
    drafts = {one.id: Draft(one.title, "any", "en", one.text) for one in test_set.documents}

    def tuned(learn: Sequence[Query], held: set[str]) -> PassageBuilder:
        rest = {key: draft for key, draft in drafts.items() if key not in held}
        if len(rest) < 2:
            return base
        part = f"part {next(numbers)}"
        box = OfflineIndex(base, rest, progress, f"passages, {part}")
        pairs = box.pairs(making.usable(_questions(test_set, learn, held), rest))
        chosen = chosen_pairs(pairs, making.headings(rest, box.count_tokens), EVALUATED_PAIRS)
        with tempfile.TemporaryDirectory(prefix="firstline-tune-") as folder:
            file = Path(folder) / "pairs.jsonl"
            making.write(chosen, file)
            training = train(
                file,
                Path(folder) / "tuned",
                progress=lambda what, done, of: progress(f"{what}, {part}", done, of),
            )
            made = asyncio.run_coroutine_threadsafe(training, loop).result()
            return PassageBuilder(OnnxEncoder(made.folder), base.normaliser)

    return tuned


def _questions(test_set: TestSet, learn: Sequence[Query], held: set[str]) -> list[AnsweredQuestion]:
    """What may be learnt: no question that is asked of the part held back, in whatever spelling."""
    words = {making.normal(one.text) for one in test_set.queries if not held.isdisjoint(one.relevant)}
    return [
        AnsweredQuestion(one.text, key, "gate")
        for one in learn
        for key in sorted(one.relevant.keys() - held)
        if making.normal(one.text) not in words
    ]
