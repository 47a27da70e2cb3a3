"""Product terms and synonyms: what different words of users and articles mean the same."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Synonyms:
    """Phrases of normalised words, by the term that stands for each.

    `phrases` maps a run of one to four words, as a tuple of lemmas, to one term.
    """

    phrases: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Changes with the content."""
        content = json.dumps(sorted((list(words), term) for words, term in self.phrases.items()))
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def canonical(self, words: Sequence[str]) -> Iterator[str]:
        """Yield `words` with every phrase, the longest first, replaced by its term."""
        longest = max((len(phrase) for phrase in self.phrases), default=0)
        at = 0
        while at < len(words):
            for length in range(min(longest, len(words) - at), 0, -1):
                term = self.phrases.get(tuple(words[at : at + length]))
                if term is not None:
                    yield term
                    at += length
                    break
            else:
                yield words[at]
                at += 1
