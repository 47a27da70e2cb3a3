"""Figures of a ranking against what is known to be relevant."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

DEPTH = 10


def figures(rankings: Sequence[Sequence[str]], relevant: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return hit@1, hit@5, mrr@10 and ndcg@10 over questions; ids in order of rank, grades by id.

    nDCG as in Järvelin and Kekäläinen (2002), with the grade as gain and a discount of log2(rank + 1).
    """
    pairs = [(list(ids[:DEPTH]), known) for ids, known in zip(rankings, relevant, strict=True)]
    return {
        "hit@1": _round(mean(any(one in known for one in ids[:1]) for ids, known in pairs)),
        "hit@5": _round(mean(any(one in known for one in ids[:5]) for ids, known in pairs)),
        "mrr@10": _round(mean(_reciprocal(ids, known) for ids, known in pairs)),
        "ndcg@10": _round(mean(_ndcg(ids, known) for ids, known in pairs)),
    }


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the probability that a positive is above a negative one, ties counting half (Fawcett 2006)."""
    ordered = sorted([(one, 1) for one in positive] + [(one, 0) for one in negative])
    ranks, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += (at + 1 + end) / 2 * sum(kind for _, kind in ordered[at:end])
        at = end
    count = len(positive)
    return _round((ranks - count * (count + 1) / 2) / (count * len(negative)))


def reliability(
    probabilities: Sequence[float], correct: Sequence[bool], bins: int = 10
) -> list[dict[str, Any]]:
    """Return, for each tenth of the probability that occurs: its mean, the share that was right."""
    table = []
    for number in range(bins):
        own = [
            (one, right)
            for one, right in zip(probabilities, correct, strict=True)
            if min(int(one * bins), bins - 1) == number
        ]
        if own:
            table.append(
                {
                    "predicted": _round(mean(one for one, _ in own)),
                    "observed": _round(mean(right for _, right in own)),
                    "count": len(own),
                }
            )
    return table


def _reciprocal(ids: Sequence[str], known: Mapping[str, float]) -> float:
    return next((1 / rank for rank, one in enumerate(ids, start=1) if one in known), 0.0)


def _ndcg(ids: Sequence[str], known: Mapping[str, float]) -> float:
    gain = sum(known.get(one, 0.0) / math.log2(rank + 1) for rank, one in enumerate(ids, start=1))
    ideal = sorted(known.values(), reverse=True)[:DEPTH]
    return gain / sum(one / math.log2(rank + 1) for rank, one in enumerate(ideal, start=1))


def _round(value: float) -> float:
    return round(float(value), 4)
