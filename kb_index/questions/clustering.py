"""Gathers questions that ask for the same, and says in a few words what."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kb_index.text.terms import Normaliser

ALIKE = 0.55
"""Cosine of two questions, on average over a cluster, from which they ask for the same (MiniLM)."""
LARGEST_BATCH = 2000
"""Questions that are clustered at once; the time grows with the square."""
Floats = npt.NDArray[np.float32]


def group(vectors: Floats, alike: float = ALIKE) -> list[list[int]]:
    """Part questions by average linkage; rows of `vectors` are unit vectors. Blocks for seconds at most."""
    if len(vectors) < 2:
        return [[at] for at in range(len(vectors))]
    from sklearn.cluster import AgglomerativeClustering  # type: ignore[import-untyped]

    model = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - alike
    )
    parts: dict[int, list[int]] = {}
    for at, label in enumerate(model.fit_predict(vectors)):
        parts.setdefault(int(label), []).append(at)
    return list(parts.values())


def nearest(centres: Floats, vector: Floats, alike: float = ALIKE) -> int | None:
    """Return the row of the centre that a question belongs to, or None."""
    if not len(centres):
        return None
    cosines = centres @ vector
    best = int(np.argmax(cosines))
    return best if cosines[best] >= alike else None


def centre_of(vectors: Floats) -> Floats:
    """Return the mean direction."""
    mean = vectors.mean(axis=0)
    found: Floats = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return found


def most_central(vectors: Floats, count: int) -> list[int]:
    """Return the rows nearest to the mean direction, nearest first."""
    return [int(at) for at in np.argsort(-(vectors @ centre_of(vectors)), kind="stable")[:count]]


def counted(texts: Sequence[str], normaliser: Normaliser) -> Counter[str]:
    """Return in how many of these texts each term is."""
    return Counter(term for text in texts for term in set(normaliser.terms(text)))


def label(own: Counter[str], own_count: int, everywhere: Counter[str], total: int, central: str) -> str:
    """Say what questions are about: the words that tell them from others, and the most central question.

    `own` and `everywhere` come from `counted`. A word counts by how many of its own questions have it, times
    how rarely all of them do (tf-idf by cluster).
    """
    weights = {
        term: number * math.log(1 + total / everywhere[term])
        for term, number in own.items()
        if number > 1 or own_count == 1
    }
    telling = sorted(weights, key=lambda term: (-weights[term], term))[:3]
    words = ", ".join(term.replace("_", " ") for term in telling)
    shown = central if len(central) <= 80 else central[:79].rsplit(" ", 1)[0] + "…"
    return f"{shown} ({words})" if words and own_count > 1 else shown
