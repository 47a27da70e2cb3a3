"""Sentence vectors from an exported encoder folder, with onnxruntime and tokenizers alone (no torch).

The folder is written by `kb_index.encoder.export`: `model.onnx` (ids in, unit vectors out: pooling and
normalisation are part of the graph), `tokenizer.json`, and `encoder.json`, which says what it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from foundation.errors import Unavailable
from kb_index.ports import Purpose

MODEL, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "encoder.json"
SMALL = "-int8"
"""What the folder and the fingerprint of an encoder end in whose weights are in 8 bits (`quantising`)."""
FORMAT = 1

Vectors = npt.NDArray[np.float32]
BATCH_TOKENS = 512
"""Tokens that are encoded at once: what a core computes with then stays in its cache. Batches of 32 passages
took twice as long a passage, single ones a third longer (docs/kb-index.md)."""


@dataclass(frozen=True)
class EncoderManifest:
    """What `encoder.json` says of an encoder folder.

    `fingerprint` identifies weights, tokenizer and export format together: vectors made under different
    fingerprints must never be compared. `prompts` holds the prefixes that some models want before a
    query or a document (empty for MiniLM).
    """

    dimension: int
    max_tokens: int
    source: str
    fingerprint: str
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")
    pad_id: int = 0
    pad_token: str = "[PAD]"  # noqa: S105 (a padding token, not a password)
    prompts: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def read(cls, folder: Path) -> EncoderManifest:
        """Read `encoder.json`. Raises Unavailable when the folder is not a complete encoder of our format."""
        missing = [name for name in (MODEL, TOKENIZER, MANIFEST) if not (folder / name).is_file()]
        if missing:
            raise Unavailable(
                f"The sentence encoder in {folder} is incomplete: {', '.join(missing)} missing.",
                hint="Export it in the encoder environment: python -m kb_index.encoder.export --out FOLDER",
            )
        try:
            values = json.loads((folder / MANIFEST).read_text("utf-8"))
            values["inputs"] = tuple(values["inputs"])
            manifest = cls(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise Unavailable(
                f"{folder / MANIFEST} cannot be read: {error}", hint="Export the encoder again."
            ) from error
        if manifest.format != FORMAT:
            raise Unavailable(
                f"The encoder in {folder} has format {manifest.format}; this version reads format {FORMAT}.",
                hint="Export the encoder again.",
            )
        return manifest


class OnnxEncoder:
    """Turns sentences into unit vectors. Safe to call from several threads at once.

    Calls are pure CPU work: from async code use `asyncio.to_thread(encoder.encode, texts)`.
    """

    def __init__(self, folder: Path | str, *, threads: int = 1, batch_tokens: int = BATCH_TOKENS) -> None:
        """Load the encoder in `folder`; `threads` is the number of onnxruntime's intra-op threads.

        Raises Unavailable when the folder is missing, incomplete or not loadable.
        """
        self.folder = Path(folder)
        self.manifest = EncoderManifest.read(self.folder)
        self._batch_tokens = batch_tokens
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena keeps the largest batch ever seen allocated; plain malloc costs under 2 % here.
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(self.folder / MODEL), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        except Exception as error:  # onnxruntime and tokenizers raise bare Exceptions of their own
            raise Unavailable(
                f"The encoder in {self.folder} cannot be loaded: {error}", hint="Export the encoder again."
            ) from error
        self._tokenizer.enable_truncation(max_length=self.manifest.max_tokens)
        self._tokenizer.no_padding()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.manifest.dimension

    @property
    def fingerprint(self) -> str:
        """Identity of the vector space; store it beside every index of vectors."""
        return self.manifest.fingerprint

    def encode(self, texts: Sequence[str], *, purpose: Purpose | None = None) -> Vectors:
        """Vectors of `texts`, float32 `[len(texts), dimension]`, each of length 1, in the order given.

        `purpose` puts the model's own query or document prompt in front, where it has one. Texts longer
        than `max_tokens` are cut. A vector does not depend on the texts it was batched with.
        """
        result = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not len(texts):
            return result
        prefix = self.manifest.prompts.get(purpose, "") if purpose else ""
        encodings = self._tokenizer.encode_batch([prefix + text for text in texts])
        ids = [encoding.ids for encoding in encodings]
        by_length = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for rows in self._batches(by_length, ids):
            result[rows] = self._run([ids[row] for row in rows])
        return result

    def _batches(self, by_length: list[int], ids: list[list[int]]) -> Iterator[list[int]]:
        """Part rows, shortest first, so that a batch with its padding stays within the tokens it may have."""
        rows: list[int] = []
        for row in by_length:
            if rows and (len(rows) + 1) * len(ids[row]) > self._batch_tokens:
                yield rows
                rows = []
            rows.append(row)
        if rows:
            yield rows

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` takes, special tokens included (at most `max_tokens`: the rest is cut)."""
        return len(self._tokenizer.encode(text).ids)

    def _run(self, ids: list[list[int]]) -> Vectors:
        width = max(1, *(len(row) for row in ids))
        tokens = np.full((len(ids), width), self.manifest.pad_id, dtype=np.int64)
        mask = np.zeros((len(ids), width), dtype=np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        output = self._session.run(None, {name: feed[name] for name in self.manifest.inputs})[0]
        vectors: Vectors = np.asarray(output, dtype=np.float32)
        return vectors
