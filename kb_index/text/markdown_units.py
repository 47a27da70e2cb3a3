"""Markdown to plain text that knows where it came from.

An article is read as *units*: a sentence of a paragraph or list item, a table row, a piece of code. Each unit
keeps its character offsets in the Markdown, so that what is quoted can be shown in its place.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import spacy
from markdown_it.token import Token
from spacy.language import Language

from kb_index.text.markdown import markdown

LONGEST_HEADING = 400
"""Characters; a path of headings is repeated with each of its passages."""
LONGEST_UNIT = 600
"""Characters; a sentence longer than this is cut between words, and a word longer than this inside."""
_LINK_TARGET = re.compile(r"(?<=\])\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|(?<=\])\[[^\]\n]*\]")
_LONGEST_WORD = 200
_LEAP = 400
_MARKER = re.compile(r"(?:\d{1,9}[.)]|•) ")


@dataclass(frozen=True)
class Unit:
    """A stretch of plain text under `heading`; units of one paragraph or list item share `block`.

    `marker` is the list item's number or bullet, on its first unit.
    """

    heading: str
    block: int
    marker: str
    text: str
    start: int
    end: int

    @property
    def shown(self) -> str:
        """The text with its marker."""
        return self.marker + self.text


@lru_cache(maxsize=1)
def _sentencizer() -> Language:
    language = spacy.blank("en")
    language.add_pipe("sentencizer")
    return language


def sentences(text: str) -> list[str]:
    """Cut plain text into sentences with spaCy's rules; none is longer than `LONGEST_UNIT` characters."""
    # spaCy's tokenizer takes quadratic time on a long run without spaces.
    words = (piece for word in text.split() for piece in _cut(word, _LONGEST_WORD))
    found = (sentence.text.strip() for sentence in _sentencizer()(" ".join(words)).sents)
    return [piece for sentence in found for piece in _cut(sentence, LONGEST_UNIT) if piece]


def _cut(text: str, longest: int) -> Iterator[str]:
    while len(text) > longest:
        at = text.rfind(" ", 1, longest)
        at = at if at > 0 else longest
        yield text[:at].strip()
        text = text[at:].strip()
    yield text


def lines_to_sentences(text: str) -> list[str]:
    """Cut a passage's text, one block a line, into sentences; a list item's number stays with its own."""
    found: list[str] = []
    for line in text.split("\n"):
        marker = _MARKER.match(line)
        parts = sentences(line[marker.end() :] if marker else line)
        if parts and marker:
            parts[0] = marker.group() + parts[0]
        found += parts
    return found


class Locator:
    """Finds plain text again in the Markdown it was made from, going forward only."""

    def __init__(self, source: str, at: int = 0) -> None:
        self._source = _LINK_TARGET.sub(lambda found: "\0" * len(found.group()), source)
        self._at = at

    def find(self, plain: str, end: int | None = None) -> tuple[int, int]:
        """Return the offsets (start, end) of `plain`, looking no further than `end`.

        Characters that the Markdown writes otherwise (`&lt;`) are passed over.
        """
        marker = _MARKER.match(plain)
        first, at = -1, self._at
        limit = len(self._source) if end is None else end
        for character in plain[marker.end() :] if marker else plain:
            if character.isspace():
                continue
            found = self._source.find(character, at, min(limit, at + _LEAP))
            if found >= 0:
                first = found if first < 0 else first
                at = found + 1
        self._at = at
        return (at, at) if first < 0 else (first, at)


def units(body: str) -> list[Unit]:
    """Read a Markdown body as units, in order. A heading without text of its own is a unit too."""
    return list(_Reader(body).read())


class _Reader:
    def __init__(self, body: str) -> None:
        self._lines = [0]
        for line in body.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._length = len(body)
        self._locator = Locator(body)
        self._tokens = markdown().parse(body)
        self._path: list[tuple[str, str]] = []
        self._heading = ""
        self._bare: Token | None = None
        self._block = 0

    def read(self) -> Iterator[Unit]:
        marker = ""
        row: list[str] | None = None
        for index, token in enumerate(self._tokens):
            if token.type == "heading_open":
                yield from self._bare_heading()
                self._open_heading(token, self._tokens[index + 1])
            elif token.type == "list_item_open":
                marker = f"{token.info}{token.markup} " if token.info else "• "
            elif token.type == "tr_open":
                row = []
            elif token.type == "tr_close":
                yield from self._emit(" – ".join(filter(None, row or [])), token.map, "")
                row = None
            elif token.type == "inline" and self._tokens[index - 1].type != "heading_open":
                if row is not None:
                    row.append(plain(token))
                    continue
                yield from self._emit(plain(token), token.map, marker)
                marker = ""
            elif token.type in ("fence", "code_block"):
                yield from self._emit(" ".join(token.content.split()), token.map, marker)
                marker = ""
        yield from self._bare_heading()

    def _open_heading(self, token: Token, inline: Token) -> None:
        self._path = [(tag, text) for tag, text in self._path if tag < token.tag]
        self._path.append((token.tag, plain(inline)))
        path = ": ".join(text for _, text in self._path if text)
        self._heading = path if len(path) <= LONGEST_HEADING else path[: LONGEST_HEADING - 1] + "…"
        self._bare = inline

    def _bare_heading(self) -> Iterator[Unit]:
        if self._bare is not None:
            yield from self._emit(plain(self._bare), self._bare.map, "")

    def _emit(self, text: str, lines: Sequence[int] | None, marker: str) -> Iterator[Unit]:
        self._bare = None
        end = min(self._lines[lines[1]], self._length) if lines else self._length
        if lines:
            self._locator._at = max(self._locator._at, self._lines[lines[0]])
        self._block += 1
        for number, sentence in enumerate(sentences(text)):
            start, stop = self._locator.find(sentence, end)
            yield Unit(self._heading, self._block, "" if number else marker, sentence, start, stop)


def plain(token: Token) -> str:
    """Return the words of an inline token without its Markdown; an image gives its description."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
    return " ".join("".join(parts).split())
