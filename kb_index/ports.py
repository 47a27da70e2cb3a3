"""What the knowledge base needs from others."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into unit vectors; `kb_index.encoding.encoder.OnnxEncoder` is one."""

    @property
    def fingerprint(self) -> str:
        """Identifies weights and tokenizer; vectors of different fingerprints are not comparable."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array [len(texts), dimension] of float32 unit vectors; blocks for milliseconds a text."""
        ...
