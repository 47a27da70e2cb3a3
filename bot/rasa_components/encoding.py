"""The exported sentence encoder, for Rasa's Python. One copy in memory, however many models are loaded.

Reads the folder that `kb_index.encoder.export` writes; the code is separate since Rasa's process shares
none with the rest.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np

ENVIRONMENT = "FIRSTLINE_ENCODER_DIR"
BATCH = 32
REMEMBERED = 2048


class EncoderMissing(RuntimeError):
    """There is no usable encoder folder; the message says what to do."""


def encoder_folder(configured: str = "") -> Path:
    """The folder named in config.yml, or else by FIRSTLINE_ENCODER_DIR. Raises EncoderMissing."""
    name = configured or os.environ.get(ENVIRONMENT, "")
    if not name:
        raise EncoderMissing(f"{ENVIRONMENT} is not set: name the folder of the exported sentence encoder.")
    folder = Path(name)
    if not (folder / "encoder.json").is_file():
        raise EncoderMissing(
            f"There is no exported encoder in {folder}. "
            "Export it: python -m kb_index.encoder.export --out FOLDER (in the encoder environment)."
        )
    return folder


def fingerprint(folder: Path) -> str:
    """Identity of the vector space of the encoder in `folder`."""
    return str(_manifest(folder)["fingerprint"])


def _manifest(folder: Path) -> Dict[str, Any]:
    values = json.loads((folder / "encoder.json").read_text("utf-8"))
    if values.get("format") != 1:
        raise EncoderMissing(f"The encoder in {folder} has format {values.get('format')}; export it again.")
    return dict(values)


class Encoder:
    """Sentences to unit vectors; remembers the latest ones (buttons and greetings come again and again)."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.manifest = _manifest(folder)
        self.dimension = int(self.manifest["dimension"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(max_length=int(self.manifest["max_tokens"]))
        self._tokenizer.no_padding()
        self._memory: OrderedDict[str, Any] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Any:
        """Vectors `[len(texts), dimension]`, float32, length 1, in the order given."""
        new = [text for text in dict.fromkeys(texts) if text not in self._memory]
        fresh: Dict[str, Any] = {}
        prefix = str(self.manifest.get("prompts", {}).get("query", ""))
        encodings = self._tokenizer.encode_batch([prefix + text for text in new])
        order = sorted(range(len(new)), key=lambda row: len(encodings[row].ids))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            for row, vector in zip(rows, self._run([encodings[row].ids for row in rows]), strict=True):
                fresh[new[row]] = vector
        result = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            result[row] = fresh[text] if text in fresh else self._memory[text]
        self._remember(fresh)
        return result

    def _remember(self, fresh: Dict[str, Any]) -> None:
        for text, vector in fresh.items():
            if len(text) <= 200:
                self._memory[text] = vector
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)

    def _run(self, ids: List[List[int]]) -> Any:
        width = max(1, *(len(row) for row in ids))
        tokens = np.full((len(ids), width), int(self.manifest["pad_id"]), dtype=np.int64)
        mask = np.zeros((len(ids), width), dtype=np.int64)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        return self._session.run(None, {name: feed[name] for name in self.manifest["inputs"]})[0]


_loaded: Dict[str, Encoder] = {}
_loading = threading.Lock()


def shared_encoder(folder: Path) -> Encoder:
    """The encoder in `folder`, loaded once for each fingerprint in this process. Raises EncoderMissing."""
    key = f"{folder.resolve()}:{fingerprint(folder)}"
    with _loading:
        if key not in _loaded:
            _loaded.clear()
            _loaded[key] = Encoder(folder)
        return _loaded[key]
