"""The intent model on vectors made up so that the right answer is known."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bot.rasa_components.intent_model import IntentModel

DIMENSION = 32
ROOT = Path(__file__).resolve().parents[3]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _clusters(intents: int, each: int, seed: int, spread: float = 0.35) -> tuple[np.ndarray, list[str]]:
    centres = _unit(np.random.RandomState(0).normal(size=(intents, DIMENSION)))
    noise = (
        np.random.RandomState(seed).normal(size=(intents * each, DIMENSION)) * spread / np.sqrt(DIMENSION) * 3
    )
    return _unit(np.repeat(centres, each, axis=0) + noise), [
        f"intent_{i}" for i in range(intents) for _ in range(each)
    ]


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return IntentModel.fit(*_clusters(8, 12, seed=1))


def test_unseen_messages_of_a_known_intent_are_read_and_accepted(model: IntentModel) -> None:
    vectors, labels = _clusters(8, 20, seed=2)
    readings = model.read(vectors)
    right = np.mean([r.intents[0] == label for r, label in zip(readings, labels, strict=True)])
    assert right > 0.95
    assert np.mean([model.accepts(r) for r in readings]) > 0.85


def test_messages_from_elsewhere_are_rejected(model: IntentModel) -> None:
    strange = _unit(np.random.RandomState(3).normal(size=(200, DIMENSION)))
    assert np.mean([model.accepts(r) for r in model.read(strange)]) < 0.1


def test_a_reading_ranks_all_intents_with_probabilities_that_add_up(model: IntentModel) -> None:
    (reading,) = model.read(_clusters(8, 1, seed=4)[0][:1])
    assert sorted(reading.intents) == model.intents
    assert reading.probabilities == sorted(reading.probabilities, reverse=True)
    assert sum(reading.probabilities) == pytest.approx(1, abs=1e-5)
    assert 0 <= reading.in_scope <= 1


def test_probabilities_are_honest_where_intents_overlap() -> None:
    model = IntentModel.fit(*_clusters(6, 40, seed=5, spread=1.1))
    vectors, labels = _clusters(6, 200, seed=6, spread=1.1)
    readings = model.read(vectors)
    right = np.mean([r.intents[0] == label for r, label in zip(readings, labels, strict=True)])
    sure = np.mean([r.probabilities[0] for r in readings])
    assert 0.5 < right < 0.99, "the clusters must overlap for this to say anything"
    assert abs(sure - right) < 0.06


def test_a_higher_share_of_false_rejections_rejects_more() -> None:
    vectors, labels = _clusters(8, 12, seed=1)
    few, many = (IntentModel.fit(vectors, labels, false_rejections=share) for share in (0.02, 0.3))
    assert few.threshold < many.threshold


def test_what_is_saved_reads_the_same_and_holds_no_pickle(model: IntentModel, tmp_path: Path) -> None:
    path = tmp_path / "intents.npz"
    model.save(path)
    loaded = IntentModel.load(path)
    vectors = _clusters(8, 3, seed=7)[0]
    assert loaded.read(vectors) == model.read(vectors)
    with np.load(path, allow_pickle=False) as values:
        assert all(values[name].dtype != object for name in values.files)


def test_a_pickle_in_place_of_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "intents.npz"
    np.savez(path, intents=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="not an intent model"):
        IntentModel.load(path)


def test_two_intents_suffice() -> None:
    vectors, labels = _clusters(2, 10, seed=8)
    model = IntentModel.fit(vectors, labels)
    assert [r.intents[0] for r in model.read(vectors)] == labels


def test_too_little_to_learn_from_is_said() -> None:
    vectors, labels = _clusters(3, 4, seed=9)
    with pytest.raises(ValueError, match="at least two intents"):
        IntentModel.fit(vectors[:4], labels[:4])
    with pytest.raises(ValueError, match="too few for: intent_2"):
        IntentModel.fit(vectors[:9], labels[:9])


def test_the_same_examples_give_the_same_model() -> None:
    vectors, labels = _clusters(5, 8, seed=10)
    one, other = IntentModel.fit(vectors, labels), IntentModel.fit(vectors, labels)
    assert one.threshold == other.threshold
    np.testing.assert_array_equal(one.weights, other.weights)


def test_scikit_learn_is_not_imported_to_serve(model: IntentModel, tmp_path: Path) -> None:
    path = tmp_path / "intents.npz"
    model.save(path)
    code = (
        "import sys, pathlib, numpy; from bot.rasa_components.intent_model import IntentModel;"
        "m = IntentModel.load(pathlib.Path(sys.argv[1])); m.read(numpy.ones((1, 32), 'float32'));"
        "sys.exit('sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True, timeout=60)
