"""From what both searches say of an article to one order, and to the probability that the first one answers.

Lexical evidence is worth as much as the question is covered by any article at all: where the best passage has
all of its rare words, words decide; where a question is put in words of its own, meaning does.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bot.foundation.errors import InvalidInput
from kb_index.domain import Advice


@dataclass(frozen=True)
class Evidence:
    """What is known of one article for one question: cosines, and the lexical share (see `domain.Why`)."""

    article_id: str
    title: float
    text: float
    lexical: float = 0.0

    @property
    def semantic(self) -> float:
        """The nearest of title and text."""
        return max(self.title, self.text)


@dataclass(frozen=True)
class Ranked:
    """An article's evidence with its fused score, about 0 to 1."""

    evidence: Evidence
    fused: float

    @property
    def id(self) -> str:
        """The article's id."""
        return self.evidence.article_id


@dataclass(frozen=True)
class Weights:
    """What each signal counts in the fused score; they add up to 1.

    `semantic` is the nearest of title and text, `text` the nearest passage once more, `lexical` the lexical
    share times the best one of all articles. The fused score is given in the measure of a cosine: that of an
    article without a word of the question is the mean of its two cosines so weighted.
    """

    semantic: float = 0.43
    text: float = 0.48
    lexical: float = 0.09

    def fuse(self, evidence: Iterable[Evidence]) -> list[Ranked]:
        """Order articles, best first; equal ones by id."""
        known = list(evidence)
        meaning = self.semantic + self.text or 1.0
        covered = max((one.lexical for one in known), default=0.0)
        ranked = [
            Ranked(
                one,
                (self.semantic * one.semantic + self.text * one.text + self.lexical * one.lexical * covered)
                / meaning,
            )
            for one in known
        ]
        return sorted(ranked, key=lambda one: (-one.fused, one.id))


def certainty(fused: float) -> float:
    """Return the part of a fused score that says whether the article answers.

    Beyond 0.8 a score grows by the mere number of words that question and article share; it keeps the order,
    and hardly adds to the certainty.
    """
    return min(fused, 0.8) + 0.02 * max(0.0, fused - 0.8)


@dataclass(frozen=True)
class Calibration:
    """The probability that the first article answers: a logistic curve over its fused score (Platt 1999).

    The fused score holds both searches and how much of the question is covered. The lead over the second
    article, whether both searches agree on the first, and each cosine apart were tried as further features:
    on sets that were left out they made it worse (docs/kb-search.md).

    Below `none` there is no answer; from `answer` on the first article is one; from `offer` on it is worth
    offering among two.
    """

    intercept: float = -4.58
    slope: float = 7.15
    none: float = 0.2
    offer: float = 0.4
    answer: float = 0.6

    def probability(self, ranked: list[Ranked]) -> float:
        """Return the probability that the first one answers, 0 where nothing was found."""
        if not ranked:
            return 0.0
        return 1 / (1 + math.exp(-(self.intercept + self.slope * certainty(ranked[0].fused))))

    def advise(self, probability: float) -> Advice:
        """Return what to do at this probability."""
        if probability >= self.answer:
            return "answer"
        if probability >= self.offer:
            return "offer"
        return "ask" if probability >= self.none else "none"


@dataclass(frozen=True)
class Ranking:
    """Weights and calibration, as they are stored with an index; `fitted_on` says on what."""

    weights: Weights = Weights()
    calibration: Calibration = Calibration()
    fitted_on: str = "the defaults"

    def to_json(self) -> str:
        """Return it as a file's content."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> "Ranking":
        """Read a file that `to_json` wrote; the defaults when there is none.

        Raises:
            InvalidInput: when it holds something else.
        """
        try:
            values = json.loads(path.read_text("utf-8"))
            return cls(
                Weights(**_numbers(values["weights"], Weights)),
                Calibration(**_numbers(values["calibration"], Calibration)),
                str(values["fitted_on"]),
            )
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError):
            raise InvalidInput(
                f"{path.name} holds no weights of the search.", hint="Remove it, or fit them again."
            ) from None


def _numbers(values: Mapping[str, Any], of: type) -> dict[str, float]:
    found = {field.name: float(values[field.name]) for field in fields(of)}
    if not all(math.isfinite(one) for one in found.values()):
        raise ValueError("not finite")
    return found
