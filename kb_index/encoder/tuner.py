"""Tunes the encoder on an installation's own questions, and uses the result only where it measures better."""

import asyncio
import random
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from foundation.errors import Unprocessable
from kb_index.domain import Draft
from kb_index.encoder import training_pairs as making
from kb_index.encoder.offline_index import Measured, OfflineIndex, Progress
from kb_index.encoder.onnx_encoder import EncoderManifest, OnnxEncoder
from kb_index.encoder.store import EncoderStore
from kb_index.encoder.training_pairs import AnsweredQuestion, Pair, Split
from kb_index.encoder.training_process import TunedEncoder
from kb_index.index.passage_builder import PassageBuilder
from kb_index.search.ranking import Weights
from kb_index.text.terms import Normaliser

MOST_PAIRS = 2000
MIN_LEARN, MIN_HELD = 20, 10
"""Questions below which there is nothing to learn, or no telling which encoder is better."""
GAIN = 0.001
"""By how much nDCG@10 of the whole search must rise; hit@1 must not fall."""
INT8_TOLERANCE = 0.005
"""What int8 may cost in nDCG@10 and hit@1, measured on `MIN_INT8` questions at least."""
MIN_INT8 = 100


class QuestionSource(Protocol):
    """Gives questions whose article is known, masked; the logs are one, the gate is another."""

    async def __call__(self) -> Sequence[AnsweredQuestion]:
        """Return them, in an order that is the same each time."""
        ...


class Train(Protocol):
    """`kb_index.encoder.training_process.tune` with the installation's settings filled in."""

    def __call__(
        self, pairs: Path, out: Path, *, int8: bool, expect: str, progress: Progress
    ) -> Awaitable[TunedEncoder]:
        """Tune the installed encoder."""
        ...


@dataclass(frozen=True)
class TuneReport:
    """What came of a tuning. `used` names what the search uses now: `tuned`, `tuned-int8` or `current`."""

    used: str
    reason: str
    fingerprint: str
    learnt: dict[str, int]
    held_back: int
    seconds: float
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it for a file or a screen."""
        return asdict(self)


def is_better(new: Measured, old: Measured) -> bool:
    """Tell whether the whole search is better with the new encoder."""
    risen = new.fused["ndcg@10"] - old.fused["ndcg@10"]
    return risen >= GAIN and new.fused["hit@1"] >= old.fused["hit@1"]


def int8_holds(small: Measured, full: Measured) -> bool:
    """Tell whether 8-bit weights cost no more than the tolerance, on enough questions to see it."""
    lost = [full.fused[name] - small.fused[name] for name in ("hit@1", "ndcg@10")]
    lost += [full.semantic[name] - small.semantic[name] for name in ("hit@1", "ndcg@10")]
    return full.questions >= MIN_INT8 and max(lost) <= INT8_TOLERANCE


def chosen_pairs(questions: Sequence[Pair], headings: Sequence[Pair], most: int, seed: int = 7) -> list[Pair]:
    """Take questions first, and fill up with headings; what is too much is left out at random."""
    order = random.Random(seed)  # noqa: S311 (an order, not a secret)
    taken = list(questions) if len(questions) <= most else order.sample(list(questions), most)
    room = most - len(taken)
    return taken + (list(headings) if len(headings) <= room else order.sample(list(headings), room))


class Tuner:
    """Pairs, training, measuring and choosing. It blocks nothing: encoding and training run elsewhere."""

    def __init__(self, shelf: EncoderStore, normaliser: Normaliser, weights: Weights, train: Train) -> None:
        self._shelf = shelf
        self._normaliser = normaliser
        self._weights = weights
        self._train = train

    async def run(
        self,
        drafts: Mapping[str, Draft],
        asked: Sequence[AnsweredQuestion],
        *,
        most: int = MOST_PAIRS,
        progress: Progress,
    ) -> TuneReport:
        """Tune on questions about the published articles, and let the search use the result if it is better.

        The encoder in use stays until the very end, whatever happens before.

        Raises:
            Unprocessable: when there are too few questions.
            Conflict: when another process tunes.
            Unavailable: when the training cannot run.
        """
        started = time.monotonic()
        parted = making.part(making.usable([*making.phrasings(drafts), *asked], drafts))
        _check(parted)
        with self._shelf.work() as folder:
            now = await asyncio.to_thread(self._sandbox, self._shelf.current(), drafts, progress, "articles")
            before = await asyncio.to_thread(now.measure, parted.held, self._weights)
            learnt, count = await asyncio.to_thread(self._pairs, now, drafts, parted, most)
            file = folder / "pairs.jsonl"
            await asyncio.to_thread(making.write, learnt, file)
            base = EncoderManifest.read(self._shelf.base).fingerprint
            tuned = await self._train(file, folder / "tuned", int8=True, expect=base, progress=progress)
            measured = {"current": before}
            for name, path in (("tuned", tuned.folder), ("tuned-int8", tuned.int8)):
                if path is not None:
                    box = await asyncio.to_thread(self._sandbox, path, drafts, progress, f"articles, {name}")
                    measured[name] = await asyncio.to_thread(box.measure, parted.held, self._weights)
            used, reason = choose(measured)
            report = TuneReport(
                used,
                reason,
                tuned.fingerprint,
                count,
                before.questions,
                round(time.monotonic() - started, 1),
                {name: asdict(one) for name, one in measured.items()},
            )
            return await asyncio.to_thread(self._settle, tuned, report)

    def _settle(self, tuned: TunedEncoder, report: TuneReport) -> TuneReport:
        """Put what was chosen in place; the report names the encoder that is in use then."""
        folders = {"tuned": tuned.folder, "tuned-int8": tuned.int8}
        made = folders.get(report.used)
        folder = self._shelf.current() if made is None else self._shelf.put(made, report.as_json())
        return TuneReport(**{**report.__dict__, "fingerprint": EncoderManifest.read(folder).fingerprint})

    def _sandbox(
        self, folder: Path, drafts: Mapping[str, Draft], progress: Progress, what: str
    ) -> OfflineIndex:
        encoder = OnnxEncoder(folder)
        return OfflineIndex(PassageBuilder(encoder, self._normaliser), drafts, progress, what)

    def _pairs(
        self, box: OfflineIndex, drafts: Mapping[str, Draft], parted: Split, most: int
    ) -> tuple[list[Pair], dict[str, int]]:
        held = {one.article_id for one in parted.held}
        rest = {key: draft for key, draft in drafts.items() if key not in held}
        headings = making.headings(rest, box.count_tokens)
        questions = box.pairs(parted.learn)
        taken = chosen_pairs(questions, headings, most)
        counted: dict[str, int] = {}
        for one in parted.learn:
            counted[one.kind] = counted.get(one.kind, 0) + 1
        counted["heading"] = len(taken) - min(len(questions), most)
        return taken, {**counted, "pairs": len(taken)}


def choose(measured: Mapping[str, Measured]) -> tuple[str, str]:
    """Return what to use, of `current`, `tuned` and `tuned-int8`, and why."""
    current, tuned = measured["current"], measured["tuned"]
    if not is_better(tuned, current):
        return "current", "The tuned encoder does not find the held-back questions' articles better."
    small = measured.get("tuned-int8")
    if small is not None and int8_holds(small, tuned) and is_better(small, current):
        return "tuned-int8", "The tuned encoder finds more, and in 8 bits as much."
    return "tuned", "The tuned encoder finds more of the held-back questions' articles."


def _check(parted: Split) -> None:
    if len(parted.learn) < MIN_LEARN or len(parted.held) < MIN_HELD:
        raise Unprocessable(
            f"There are {len(parted.learn)} questions to learn from and {len(parted.held)} to hold back; "
            f"{MIN_LEARN} and {MIN_HELD} are needed.",
            hint="Give articles other phrasings in the editor, or add questions to the gate.",
        )
