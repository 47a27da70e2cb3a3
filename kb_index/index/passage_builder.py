"""From an article to its passages with vectors and terms, as the indexes hold them."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kb_index.domain import Draft, Passage
from kb_index.ports import Encoded, Encoder, Kind
from kb_index.text.markdown_units import lines_to_sentences
from kb_index.text.passages import SPLITTING, split
from kb_index.text.terms import Normaliser


class PassageBuilder:
    """Cuts articles into passages and encodes them; what one maker made is comparable with nothing else."""

    def __init__(self, encoder: Encoder, normaliser: Normaliser) -> None:
        self.encoder = encoder
        self.normaliser = normaliser
        self.name = f"{encoder.fingerprint}/{SPLITTING}/{normaliser.fingerprint}"

    def make(self, draft: Draft, *, quotable: bool = True) -> list[Encoded]:
        """Return the passages of an article: title, other ways to ask, summary, and the text's.

        A text passage is encoded with title and heading woven in. Titles and the like are encoded alone once
        more, since users ask in their words. Without `quotable` the vectors of sentences are left out. It
        blocks for milliseconds a passage.
        """
        passages = split(draft.body, self.encoder.count_tokens)
        texts = [". ".join(filter(None, (draft.title, one.heading, one.text))) for one in passages]
        alone: list[tuple[Kind, str]] = [("title", draft.title)] if draft.title else []
        alone += [("phrasing", phrasing) for phrasing in draft.phrasings]
        alone += [("summary", draft.summary)] if draft.summary else []
        vectors = self.encoder.encode([*(text for _, text in alone), *texts], purpose="document")
        shown = [
            self._encoded(Passage("", text, 0, 0), kind, vector, b"", text)
            for (kind, text), vector in zip(alone, vectors[: len(alone)], strict=True)
        ]
        own = zip(passages, texts, vectors[len(alone) :], strict=True)
        return shown + [
            self._encoded(one, "text", vector, self._sentences(one) if quotable else b"", text)
            for one, text, vector in own
        ]

    def make_all(self, drafts: Iterable[Draft], *, quotable: bool = True) -> Iterator[list[Encoded]]:
        """Do it for many, in their order, on all cores."""
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="kb-make") as pool:
            yield from pool.map(lambda draft: self.make(draft, quotable=quotable), drafts)

    def _encoded(
        self, passage: Passage, kind: Kind, vector: np.ndarray, sentences: bytes, text: str
    ) -> Encoded:
        terms = " ".join(self.normaliser.terms(text))
        return Encoded(passage, kind, vector.tobytes(), sentences, terms, self.name)

    def _sentences(self, passage: Passage) -> bytes:
        return (
            self.encoder.encode(lines_to_sentences(passage.text), purpose="document")
            .astype(np.float16)
            .tobytes()
        )
