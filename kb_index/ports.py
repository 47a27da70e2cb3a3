"""What the knowledge base needs from others, and what its parts hand to one another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from kb_index.domain import Draft, Passage

Vectors = npt.NDArray[np.float32]


Purpose = Literal["query", "document"]
"""What a text is: some encoders put another prompt before each."""


class Encoder(Protocol):
    """Turns texts into unit vectors; `kb_index.encoder.onnx_encoder.OnnxEncoder` is one."""

    @property
    def fingerprint(self) -> str:
        """Identifies weights and tokenizer; vectors of different fingerprints are not comparable."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    def encode(self, texts: Sequence[str], *, purpose: Purpose | None = None) -> Vectors:
        """Return an array [len(texts), dimension] of float32 unit vectors; blocks for milliseconds a text.

        It is called from several threads at once.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the encoder would read."""
        ...


Kind = Literal["title", "phrasing", "summary", "text"]
"""What a passage is of: one that is not `text` is found, but not quoted."""


@dataclass(frozen=True)
class Encoded:
    """A passage with its vector's float32 bytes, those of its sentences as float16, and its terms.

    `terms` are separated by spaces; those of the title are in every passage's. `made_by` names encoder,
    splitting and normaliser: vectors are comparable only with those of the same.
    """

    passage: Passage
    kind: Kind
    vector: bytes
    sentences: bytes
    terms: str
    made_by: str


@dataclass(frozen=True)
class StoredPassage:
    """A passage as an index needs it. `batch` is new each time an article's passages are made.

    Empty `plans` and `product_versions` mean all.
    """

    number: int
    article_id: str
    batch: str
    language: str
    area: str
    kind: Kind
    vector: bytes
    terms: str = ""
    audience: str = "everyone"
    plans: tuple[str, ...] = ()
    product_versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filter:
    """Which articles may be found; None leaves all. `language` `en` takes `en-GB` too.

    `plan` and `product_version` take articles that name it or none.
    """

    language: str | None = None
    area: str | None = None
    audiences: frozenset[str] | None = None
    plan: str | None = None
    product_version: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether nothing is left out."""
        return self == Filter()


@dataclass(frozen=True)
class Near:
    """An article as vectors see it.

    `title` is the cosine with the nearest of its title, phrasings and summary, `text` that with its nearest
    passage; `number` is the passage to quote.
    """

    article_id: str
    title: float
    text: float
    number: int


class VectorIndex(Protocol):
    """Vectors of passages, and the articles nearest to one. Every method blocks; call them from threads.

    `kb_index.index.faiss_index.FaissIndex` is in this process, `kb_index.index.pgvector_index.PgvectorIndex`
    in PostgreSQL; tests/contracts/test_vector_index.py says what all of them do.
    """

    dimension: int
    made_by: str
    revision: int

    def __len__(self) -> int:
        """Return how many passages are in; this one does not block."""
        ...

    def batches(self) -> dict[str, str]:
        """Return the batch of each article that is in."""
        ...

    def contents(self) -> dict[str, list[tuple[int, bytes]]]:
        """Return each article's passages as (number, vector bytes), to compare one index with another."""
        ...

    def replace(self, article_ids: Iterable[str], rows: Sequence[StoredPassage], revision: int) -> None:
        """Drop all passages of `article_ids`, add `rows`, and note that changes up to `revision` are in."""
        ...

    def nearest(self, vector: Vectors, limit: int, where: Filter) -> list[Near]:
        """Return the `limit` articles whose nearest vector is nearest, best first; equal ones by id."""
        ...

    def compare(self, vector: Vectors, article_ids: Iterable[str], where: Filter) -> list[Near]:
        """Return how near just these articles are; those left out by `where` or unknown are missing."""
        ...

    def keep(self) -> None:
        """Do what makes the next start or search quick, if it is worth it now; it may take minutes."""
        ...


class PassageIndexes(Protocol):
    """The indexes that follow the articles; `kb_index.index.synchroniser.SynchronisedIndexes` is one."""

    async def make(self, draft: Draft) -> list[Encoded]:
        """Cut and encode an article."""
        ...

    async def announce(self) -> None:
        """Take in a change that was committed, and wake other processes; never raises."""
        ...


class VectorIndexes(Protocol):
    """Where the index of a maker is kept."""

    def open(self, dimension: int, made_by: str) -> VectorIndex:
        """Return this maker's index as it was kept, or an empty one."""
        ...

    def forget_others(self, made_by: str) -> None:
        """Give up what other makers' indexes take."""
        ...
