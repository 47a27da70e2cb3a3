"""Fits the search's weights and the calibration of its probability on questions whose answer is known."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kb_index.search.ranking import Calibration, Evidence, Ranking, Weights, certainty, signals

_STEEPNESS_PENALTY = 1e-3
_TAKEN_AWAY = 1 / 3
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FittingQuestion:
    """A question's candidates, and which of them answer it; none for an unanswerable question."""

    evidence: tuple[Evidence, ...]
    relevant: frozenset[str]


def fit(sets: Sequence[Sequence[FittingQuestion]], fitted_on: str) -> Ranking:
    """Return weights and calibration that suit all `sets`, each counting the same whatever its size."""
    weights = fit_weights(sets)
    return Ranking(weights, fit_calibration(sets, weights), fitted_on)


def fit_weights(sets: Sequence[Sequence[FittingQuestion]]) -> Weights:
    """Return the weights under which the answering article is likeliest to come first.

    Maximises the log-likelihood of the right article under a softmax of the fused scores (listwise, Cao et
    al. 2007), with no weight below zero. The defaults where there is nothing to learn from.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    usable = [list(_matrices(one)) for one in sets]
    usable = [one for one in usable if one]
    if not usable:
        return Weights()

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = _STEEPNESS_PENALTY * float(weights @ weights), 2 * _STEEPNESS_PENALTY * weights
        for questions in usable:
            for matrix, right in questions:
                scores = matrix @ weights
                chances = np.exp(scores - scores.max())
                chances /= chances.sum()
                share = max(float(chances[right].sum()), 1e-12)
                total -= math.log(share) / len(questions)
                slope = slope + (chances @ matrix - (chances[right] / share) @ matrix[right]) / len(questions)
        return total, slope

    result = minimize(loss, np.full(3, 5.0), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 3)
    found = result.x / result.x.sum()
    return Weights(*(round(float(one), 4) for one in found))


def _matrices(questions: Sequence[FittingQuestion]) -> Iterator[tuple[Floats, list[int]]]:
    for one in questions:
        right = [at for at, seen in enumerate(one.evidence) if seen.article_id in one.relevant]
        if right and len(right) < len(one.evidence):
            yield np.array(signals(one.evidence)), right


def fit_calibration(sets: Sequence[Sequence[FittingQuestion]], weights: Weights) -> Calibration:
    """Return the logistic model of whether the first article answers.

    Every question is seen twice: as it is, and, counting a third as much, with the articles that answer it
    taken away, which is what an unanswerable question looks like to the search.
    """
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    scores: list[float] = []
    right: list[bool] = []
    counts: list[float] = []
    for questions in sets:
        for one in questions:
            left = tuple(seen for seen in one.evidence if seen.article_id not in one.relevant)
            cases = [(one.evidence, 1.0), (left, _TAKEN_AWAY)] if one.relevant else [(one.evidence, 1.0)]
            for evidence, counting in cases:
                if ranked := weights.fuse(evidence):
                    scores.append(certainty(ranked))
                    right.append(ranked[0].id in one.relevant)
                    counts.append(counting * 1000 / len(questions))
    if len(set(right)) < 2:
        return Calibration()
    model = LogisticRegression(C=10.0).fit(np.array(scores)[:, None], right, sample_weight=counts)
    intercept, slope = float(model.intercept_[0]), float(model.coef_[0][0])
    return replace(Calibration(), intercept=round(intercept, 4), slope=round(slope, 4))
