"""Which intent a sentence vector means, how sure that is, and whether it is any of them. Pure numpy to serve.

Three parts, all fitted on the training examples alone:

* a multinomial logistic regression on the unit vectors;
* one temperature that makes its probabilities honest (Guo et al. 2017), fitted on out-of-fold predictions;
* a rejection rule. Three signs that a sentence is in scope (nearest example, nearest intent centroid, log
  confidence) are weighed by a logistic regression. What it must tell apart comes from cross-validation: a
  fifth of the intents is left out whole, the rest is trained without a fifth of its examples; the left-out
  intents then play what is out of scope. Real out-of-scope examples join them.

The model is kept as one `.npz` of arrays without pickled objects.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

Array = Any  # numpy's typing differs between the two environments that check this file

SIGNS = ("nearest", "centroid", "log_confidence")
FOLDS = 5
MIN_EXAMPLES = 2


class Reading(NamedTuple):
    """What the model makes of one sentence: intents best first with calibrated probabilities, and the
    probability that the sentence is in scope at all."""

    intents: List[str]
    probabilities: List[float]
    in_scope: float


@dataclass
class IntentModel:
    """A fitted model; arrays are float32, `n` intents, `m` examples, `d` dimensions.

    `weights [n,d]`, `bias [n]`; `examples [m,d]` are the training vectors (for the distance to the nearest);
    `centroids [n,d]`; `sign_weights [3]` and `sign_bias` give the log odds of being in scope; `threshold` is
    the least probability of being in scope that is accepted.
    """

    intents: List[str]
    weights: Array
    bias: Array
    temperature: float
    examples: Array
    centroids: Array
    sign_weights: Array
    sign_bias: float
    threshold: float

    def read(self, vectors: Array) -> List[Reading]:
        """Readings of `vectors [k,d]` (unit length)."""
        logits = vectors @ self.weights.T + self.bias
        probabilities = _softmax(logits / self.temperature)
        odds = (
            _signs(vectors, probabilities, self.examples, self.centroids) @ self.sign_weights + self.sign_bias
        )
        in_scope = 1.0 / (1.0 + np.exp(-odds))
        readings = []
        for row in range(len(vectors)):
            order = np.argsort(-probabilities[row], kind="stable")
            readings.append(
                Reading(
                    [self.intents[i] for i in order],
                    [float(probabilities[row, i]) for i in order],
                    float(in_scope[row]),
                )
            )
        return readings

    def accepts(self, reading: Reading) -> bool:
        """Whether a reading is near enough to the training examples to be acted on."""
        return reading.in_scope >= self.threshold

    def save(self, path: Path) -> None:
        """Write the model as a `.npz` without pickled objects."""
        values: Dict[str, Any] = {item.name: np.asarray(getattr(self, item.name)) for item in fields(self)}
        with Path(path).open("wb") as file:
            np.savez_compressed(file, **values)

    @classmethod
    def load(cls, path: Path) -> IntentModel:
        """Read what `save` wrote. Raises ValueError on anything else, pickles included."""
        with np.load(str(path), allow_pickle=False) as values:
            missing = {item.name for item in fields(cls)} - set(values.files)
            if missing:
                raise ValueError(f"not an intent model: {', '.join(sorted(missing))} missing")
            loaded = {item.name: values[item.name] for item in fields(cls)}
        for name in ("temperature", "sign_bias", "threshold"):
            loaded[name] = float(loaded[name])
        loaded["intents"] = [str(name) for name in loaded["intents"]]
        return cls(**loaded)

    @classmethod
    def fit(
        cls,
        vectors: Array,
        labels: Sequence[str],
        *,
        outside: Array = None,
        c: float = 32.0,
        false_rejections: float = 0.06,
        seed: int = 7,
    ) -> IntentModel:
        """Fit on `vectors [m,d]` with one intent label each, and `outside [k,d]`: real out-of-scope examples.

        `c` is the inverse regularisation for unit vectors; `false_rejections` the share of in-scope messages
        that may be rejected (it sets the threshold). Raises ValueError with fewer than two intents or with an
        intent of a single example.
        """
        names = np.asarray(labels)
        intents, counts = np.unique(names, return_counts=True)
        if len(intents) < 2:
            raise ValueError("at least two intents with examples are needed")
        if counts.min() < MIN_EXAMPLES:
            few = ", ".join(intents[counts < MIN_EXAMPLES])
            raise ValueError(f"each intent needs at least {MIN_EXAMPLES} examples; too few for: {few}")
        vectors = np.asarray(vectors, dtype=np.float32)
        outside = np.zeros((0, vectors.shape[1]), np.float32) if outside is None else np.asarray(outside)
        weights, bias = _regress(vectors, names, intents, c)
        temperature = _temperature(vectors, names, intents, c, seed)
        signs, inside = _rehearse(vectors, names, intents, outside, c, temperature, seed)
        sign_weights, sign_bias, threshold = _rejection(signs, inside, false_rejections)
        return cls(
            intents=[str(name) for name in intents],
            weights=weights,
            bias=bias,
            temperature=temperature,
            examples=vectors,
            centroids=_centroids(vectors, names, intents),
            sign_weights=sign_weights,
            sign_bias=sign_bias,
            threshold=threshold,
        )


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _regress(vectors: Array, names: Array, intents: Array, c: float) -> Tuple[Array, Array]:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    model = LogisticRegression(C=c, max_iter=500).fit(vectors, names)
    weights, bias = model.coef_, model.intercept_
    if len(intents) == 2:  # scikit-learn keeps one row for two classes
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return weights.astype(np.float32), bias.astype(np.float32)


def _centroids(vectors: Array, names: Array, intents: Array) -> Array:
    means = np.stack([vectors[names == intent].mean(axis=0) for intent in intents])
    return (means / np.linalg.norm(means, axis=1, keepdims=True).clip(1e-9)).astype(np.float32)


def _signs(vectors: Array, probabilities: Array, examples: Array, centroids: Array) -> Array:
    """The three signs `[k,3]`, in the order of SIGNS."""
    return np.stack(
        [
            (vectors @ examples.T).max(axis=1),
            (vectors @ centroids.T).max(axis=1),
            np.log(probabilities.max(axis=1).clip(1e-6)),
        ],
        axis=1,
    )


def _stratified(names: Array, seed: int) -> Array:
    """A fold number for each example; every intent is spread over the folds as evenly as it can be."""
    random = np.random.RandomState(seed)
    folds = np.zeros(len(names), dtype=int)
    start = 0
    for intent in np.unique(names):
        rows = random.permutation(np.flatnonzero(names == intent))
        folds[rows] = (np.arange(len(rows)) + start) % FOLDS
        start += len(rows)
    return folds


def _temperature(vectors: Array, names: Array, intents: Array, c: float, seed: int) -> float:
    """The temperature with the least log loss on out-of-fold logits, from a grid of 0.2 to 3."""
    folds = _stratified(names, seed)
    logits = np.zeros((len(names), len(intents)), dtype=np.float32)
    usable = np.zeros(len(names), dtype=bool)
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        if not test.any() or len(np.unique(names[train])) < len(intents):
            continue
        weights, bias = _regress(vectors[train], names[train], intents, c)
        logits[test] = vectors[test] @ weights.T + bias
        usable |= test
    if not usable.any():
        return 1.0
    rows: Array = np.flatnonzero(usable)
    target: Array = np.searchsorted(intents, names)

    def loss(temperature: float) -> float:
        chosen = _softmax(logits[rows] / temperature)[np.arange(len(rows)), target[rows]]
        return float(-np.log(chosen.clip(1e-9)).mean())

    return min((float(t) for t in np.geomspace(0.2, 3.0, 60)), key=loss)


def _rehearse(
    vectors: Array, names: Array, intents: Array, outside: Array, c: float, temperature: float, seed: int
) -> Tuple[Array, Array]:
    """Signs of examples the model has not seen, and which of them were in scope when they were read."""
    random = np.random.RandomState(seed)
    groups = np.array_split(random.permutation(intents), min(FOLDS, max(1, len(intents) // 2)))
    folds = _stratified(names, seed + 1)
    signs: List[Array] = []
    inside: List[Array] = []
    for number, left_out in enumerate(groups):
        strange = np.isin(names, left_out)
        unseen = folds == number % FOLDS
        train = ~strange & ~unseen
        known = np.unique(names[train])
        if len(known) < 2:
            continue
        weights, bias = _regress(vectors[train], names[train], known, c)
        centroids = _centroids(vectors[train], names[train], known)
        ours = np.isin(names, known) & unseen & ~strange
        for rows, is_inside in ((vectors[ours], True), (vectors[strange], False), (outside, False)):
            if len(rows):
                probabilities = _softmax((rows @ weights.T + bias) / temperature)
                signs.append(_signs(rows, probabilities, vectors[train], centroids))
                inside.append(np.full(len(rows), is_inside))
    if not signs:
        return np.zeros((0, len(SIGNS))), np.zeros(0, dtype=bool)
    return np.concatenate(signs), np.concatenate(inside)


def _rejection(signs: Array, inside: Array, false_rejections: float) -> Tuple[Array, float, float]:
    """Weights and bias over the signs; the threshold rejects `false_rejections` of what is inside."""
    if not inside.any() or inside.all():
        return np.array([8.0, 0.0, 0.0], np.float32), -3.2, 0.5
    from sklearn.linear_model import LogisticRegression

    scale = signs.std(axis=0).clip(1e-6)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500).fit(signs / scale, inside)
    weights = (model.coef_[0] / scale).astype(np.float32)
    bias = float(model.intercept_[0])
    accepted = 1.0 / (1.0 + np.exp(-(signs[inside] @ weights + bias)))
    return weights, bias, float(np.quantile(accepted, false_rejections))


def summary(model: IntentModel) -> Dict[str, Any]:
    """Figures worth a log line after training."""
    return {
        "intents": len(model.intents),
        "examples": len(model.examples),
        "temperature": round(model.temperature, 3),
        "threshold": round(model.threshold, 3),
        "signs": {name: round(float(w), 2) for name, w in zip(SIGNS, model.sign_weights, strict=True)},
    }
