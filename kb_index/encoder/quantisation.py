"""An encoder with its weights in 8-bit integers, beside the full one, for the search (not for the assistant).

Runs in the encoder environment. Weights are rounded in blocks of 64 with a scale each, and what is multiplied
with them is rounded row by row, so that a text's vector does not depend on what it is encoded with.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from kb_index.encoder.folders import put_in_place
from kb_index.encoder.onnx_encoder import MANIFEST, MODEL, SMALL, TOKENIZER, EncoderManifest, OnnxEncoder

BLOCK = 64
"""Weights that share a scale; 128 made vectors depend on the batch again, 32 was slower."""
MIN_COSINE = 0.995
"""To the vector with full weights, for each text that is tried: 0.9991 is seen with English questions, 0.9975
with other writings. What that costs the search is in docs/kb-tuning.md."""
MIN_FASTER = 1.15
"""A processor without the instructions for it takes longer with 8 bits than without."""
_QUESTION = "where is my order and when will it be delivered, please"
_ROUNDS = 15


def quantise(folder: Path, out: Path) -> None:
    """Write the encoder in `folder` with the weights of its matrix products in 8 bits."""
    import onnx  # type: ignore[import-not-found]
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        DefaultWeightOnlyQuantConfig,
        MatMulNBitsQuantizer,
    )

    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    noisy = logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer")
    noisy.setLevel(logging.WARNING)
    try:
        # Level 4: products in 8-bit integers.
        config = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8)
        quantiser = MatMulNBitsQuantizer(onnx.load(folder / MODEL), algo_config=config)
        quantiser.process()
        onnx.save(quantiser.model.model, work / MODEL)
        shutil.copyfile(folder / TOKENIZER, work / TOKENIZER)
        manifest = asdict(EncoderManifest.read(folder))
        manifest["fingerprint"] += SMALL
        (work / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        work.chmod(0o755)
        put_in_place(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def put_beside(folder: Path, texts: Sequence[str]) -> str:
    """Put the 8-bit twin beside an exported encoder, if it is as good on `texts` and faster here; else none.

    Returns what was found, as a sentence. An encoder that cannot be quantised has no twin either.
    """
    out = folder.with_name(folder.name + SMALL)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        # Aside until it is measured: a running search takes what lies in the twin's place.
        made = Path(work) / "twin"
        found, good = _tried(folder, made, texts)
        if good:
            put_in_place(made, out)
            return found
    shutil.rmtree(out, ignore_errors=True)
    return f"{found}; the search uses full weights"


def _tried(folder: Path, made: Path, texts: Sequence[str]) -> tuple[str, bool]:
    """Make the twin and measure it; what was found, and whether it is good enough."""
    try:
        quantise(folder, made)
        full, small = OnnxEncoder(folder), OnnxEncoder(made)
        nearness = float(np.sum(full.encode(texts) * small.encode(texts), axis=1).min())
        faster = _seconds(lambda: full.encode([_QUESTION])) / _seconds(lambda: small.encode([_QUESTION]))
    except Exception as error:  # onnx and its quantiser raise what they like
        return f"8 bits cannot be made of it ({type(error).__name__})", False
    found = f"8 bits: {faster:.2f} times as fast for a question, cosine {nearness:.4f} at least"
    return found, nearness >= MIN_COSINE and faster >= MIN_FASTER


def _seconds(work: Callable[[], object]) -> float:
    """The quickest of some rounds: what else runs only ever makes one slower."""
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
