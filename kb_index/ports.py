"""What the knowledge base needs from others, and what its parts hand to one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kb_index.domain import Passage

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
        """Return an array [len(texts), dimension] of float32 unit vectors; blocks for milliseconds a text.

        It is called from several threads at once.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the encoder would read."""
        ...


@dataclass(frozen=True)
class Encoded:
    """A passage with its vector's float32 bytes, and those of its sentences as float16.

    `is_title`: the vector is of the article's title alone.
    """

    passage: Passage
    is_title: bool
    vector: bytes
    sentences: bytes


@dataclass(frozen=True)
class StoredPassage:
    """A passage as an index needs it. `batch` is new each time an article's passages are made."""

    number: int
    article_id: str
    batch: str
    language: str
    area: str
    is_title: bool
    vector: bytes
