"""From what both searches say of an article to one order, and to the probability that the first one answers.

Lexical evidence is worth as much as it sets an article apart from the other candidates, and as much as the
question is covered by any article at all: where one passage alone has all of the rare words, words decide;
where many have the same few of them, or a question is put in words of its own, meaning does.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from foundation.errors import InvalidInput
from kb_index.domain import Advice

_LEAST_SPREAD = 1e-3
_FOLLOWING = 9
_STANDING_OUT = 1.5
"""What standing out counts beside the score itself: best of 0 to 5 on sets that were left out."""
_UNRELATED = 0.2
"""The fused score of an article about something else, with the encoder that is installed."""


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


def signals(evidence: Sequence[Evidence]) -> list[tuple[float, float, float]]:
    """Return what `Weights` counts of each article: the nearest of title and text, the nearest passage, and
    the words.

    Words are the standard score of the lexical share among these candidates, times the best share of all; 0
    for all where none has a word of the question.
    """
    shares = [one.lexical for one in evidence]
    covered = max(shares, default=0.0)
    if covered <= 0:
        return [(one.semantic, one.text, 0.0) for one in evidence]
    mean = math.fsum(shares) / len(shares)
    spread = math.sqrt(math.fsum((share - mean) ** 2 for share in shares) / len(shares)) + _LEAST_SPREAD
    return [(one.semantic, one.text, (one.lexical - mean) / spread * covered) for one in evidence]


@dataclass(frozen=True)
class Weights:
    """What each of the `signals` counts in the fused score; they add up to 1.

    The fused score is given in the measure of a cosine: where no article has a word of the question, it is
    the mean of the two cosines so weighted.
    """

    semantic: float = 0.461
    text: float = 0.509
    lexical: float = 0.03

    def fuse(self, evidence: Iterable[Evidence]) -> list[Ranked]:
        """Order articles, best first; equal ones by id."""
        known = list(evidence)
        meaning = self.semantic + self.text or 1.0
        ranked = [
            Ranked(one, (self.semantic * near + self.text * text + self.lexical * words) / meaning)
            for one, (near, text, words) in zip(known, signals(known), strict=True)
        ]
        return sorted(ranked, key=lambda one: (-one.fused, one.id))


def certainty(ranked: Sequence[Ranked]) -> float:
    """Return what an order says of whether its first article answers: its score, and how far it stands out
    from the nine that follow.

    Beyond 0.8 a score grows by the mere number of words that question and article share, and hardly counts.
    Where fewer than nine follow, the missing ones are taken to be as far off as an article about something
    else.
    """
    first = ranked[0].fused
    following = [one.fused for one in ranked[1 : _FOLLOWING + 1]]
    following += [min(_UNRELATED, first)] * (_FOLLOWING - len(following))
    standing_out = first - math.fsum(following) / _FOLLOWING
    return min(first, 0.8) + 0.02 * max(0.0, first - 0.8) + _STANDING_OUT * standing_out


@dataclass(frozen=True)
class Calibration:
    """The probability that the first article answers: a logistic curve over `certainty` (Platt 1999).

    It holds both searches, how much of the question is covered, and how far the first article stands out. The
    lead over the second one alone, whether both searches agree on the first, and each cosine apart were tried
    as further features: on sets that were left out they made it worse (docs/kb-search.md).

    Below `none` there is no answer; from `answer` on the first article is one; from `offer` on it is worth
    offering among two.
    """

    intercept: float = -4.43
    slope: float = 4.26
    none: float = 0.2
    offer: float = 0.4
    answer: float = 0.6

    def probability(self, ranked: list[Ranked]) -> float:
        """Return the probability that the first one answers, 0 where nothing was found."""
        if not ranked:
            return 0.0
        return 1 / (1 + math.exp(-(self.intercept + self.slope * certainty(ranked))))

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
