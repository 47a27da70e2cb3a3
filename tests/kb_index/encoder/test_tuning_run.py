"""A real training, small: the encoder's environment, two steps, export, and who may use the result."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from foundation.errors import Unavailable, Unprocessable
from kb_index.encoder.onnx_encoder import EncoderManifest, OnnxEncoder
from kb_index.encoder.training_process import exported, tune

ENCODER = Path(os.environ.get("FIRSTLINE_ENCODER_DIR") or ".firstline/encoder").resolve()
PYTHON = Path(__file__).parents[3] / ".venv-encoder" / "bin" / "python"
SLANG = {
    "bean bill": "Invoices",
    "cuppa clock": "Delivery times",
    "brew pass": "Subscriptions",
    "grindy": "Grinders",
}
pytestmark = pytest.mark.integration


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = [
        {"question": form.format(word), "passage": f"{title}. All about {title}.", "article": title}
        for word, title in SLANG.items()
        for form in ("where is my {}", "{} is wrong", "what is a {}")
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.slow
async def test_training_draws_questions_to_their_articles_and_leaves_the_rest_where_it_was(
    pairs: Path, tmp_path: Path
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in ENCODER.iterdir()}
    steps: list[tuple[str, int, int]] = []
    made = await tune(
        None,
        pairs,
        tmp_path / "tuned",
        python=PYTHON,
        epochs=2,
        batch=4,
        threads=1,
        int8=True,
        expect=EncoderManifest.read(ENCODER).fingerprint,
        progress=lambda *step: steps.append(step),
    )
    assert steps[-1][1] == steps[-1][2] == made.steps == len(steps)
    base, tuned = OnnxEncoder(ENCODER), OnnxEncoder(made.folder)
    assert made.int8 is not None
    small = OnnxEncoder(made.int8)
    assert len({base.fingerprint, tuned.fingerprint, small.fingerprint}) == 3

    asked, titles = [f"my {word}" for word in SLANG], [f"{t}. All about {t}." for t in SLANG.values()]

    def lead(encoder: OnnxEncoder) -> float:
        scores = encoder.encode(asked) @ encoder.encode(titles).T
        return float(np.mean(2 * np.diag(scores)) - np.mean(scores.sum(axis=1) / 2))

    assert lead(tuned) > lead(base)
    texts = ["Where is my parcel?", "How do I reset my password?"]
    assert np.sum(base.encode(texts) * tuned.encode(texts), axis=1).min() > 0.9
    assert np.sum(small.encode(texts) * tuned.encode(texts), axis=1).min() > 0.99
    mixed = small.encode([*texts, "It did not arrive. " * 40])
    assert np.abs(mixed[:2] - small.encode(texts)).max() < 1e-5
    assert before == {path.name: path.stat().st_mtime_ns for path in ENCODER.iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == {"pairs.jsonl", "tuned", "tuned-int8"}


@pytest.mark.slow
async def test_a_killed_training_leaves_no_encoder(pairs: Path, tmp_path: Path) -> None:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")

    def kill(what: str, done: int, of: int) -> None:
        for pid in children.read_text().split():
            if b"kb_index.encoder.training" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(int(pid), signal.SIGKILL)

    with pytest.raises(Unavailable, match="status -9"):
        await tune(None, pairs, tmp_path / "tuned", python=PYTHON, epochs=500, batch=4, progress=kill)
    assert not (tmp_path / "tuned").exists()


async def test_another_encoder_than_the_installed_one_is_not_tuned_for_it(
    pairs: Path, tmp_path: Path
) -> None:
    with pytest.raises(Unprocessable, match="not exported from this folder"):
        await tune(None, pairs, tmp_path / "tuned", python=PYTHON, expect="0123456789abcdef")


async def test_a_folder_that_is_no_encoder_is_refused_and_an_exported_one_taken_as_it_is(
    pairs: Path, tmp_path: Path
) -> None:
    assert await exported(ENCODER, tmp_path / "cache", python=tmp_path / "unneeded") == ENCODER
    with pytest.raises(Unprocessable, match="not a sentence-transformers folder"):
        await exported(pairs.parent, tmp_path / "cache", python=PYTHON)
    assert not (tmp_path / "cache").exists()
