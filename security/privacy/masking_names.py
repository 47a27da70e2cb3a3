"""Lists of given and family names, and of the usual words that are none.

`names/given.txt` and `names/family.txt` hold one name a line in small letters; a star marks one that is also
a usual word, a place or a brand ("mark", "london"), which needs more than itself to be a name. Where they
come from and under which licence: `names/README.md`.
"""

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "names"


class Names:
    """What is known of a word as a name. All words are compared in small letters without accents."""

    def __init__(self, given: str, family: str) -> None:
        self._given, self._starred_given = _split(given)
        self._family, self._starred_family = _split(family)

    def is_given(self, word: str) -> bool:
        """Tell whether it is a given name and hardly anything else."""
        return word.lower() in self._given

    def may_be_given(self, word: str) -> bool:
        """Tell whether it is a given name, perhaps among other things."""
        return word.lower() in self._given or word.lower() in self._starred_given

    def is_family(self, word: str) -> bool:
        """Tell whether it is a family name and no usual word."""
        return word.lower() in self._family

    def may_be_family(self, word: str) -> bool:
        """Tell whether it is a family name, perhaps among other things."""
        return word.lower() in self._family or word.lower() in self._starred_family

    def is_name(self, word: str) -> bool:
        """Tell whether it is a name of either kind and hardly anything else."""
        return self.is_given(word) or self.is_family(word)


def _split(lines: str) -> tuple[frozenset[str], frozenset[str]]:
    words = lines.split()
    starred = frozenset(word[:-1] for word in words if word.endswith("*"))
    return frozenset(word for word in words if not word.endswith("*")), starred


@lru_cache(maxsize=1)
def names() -> Names:
    """Read the lists once (a few milliseconds, 5 MB)."""
    return Names(*((_FOLDER / f"{kind}.txt").read_text(encoding="ascii") for kind in ("given", "family")))
