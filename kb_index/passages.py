"""Cuts Markdown into passages, and quotes from a passage what bears on a question.

A passage is a run of blocks under one heading, of about `TARGET_WORDS` words: well within the 256 word pieces
that the default encoder reads, and long enough to stand alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import spacy
from markdown_it import MarkdownIt
from markdown_it.token import Token
from spacy.language import Language

from kb_index.domain import Passage

TARGET_WORDS = 90
QUOTE_CHARACTERS = 340
_WORD = re.compile(r"[\w'-]+")
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "so",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "this",
        "to",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


@dataclass(frozen=True)
class _Block:
    heading: str
    text: str
    start: int
    end: int


@lru_cache(maxsize=1)
def _sentencizer() -> Language:
    language = spacy.blank("en")
    language.add_pipe("sentencizer")
    return language


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def sentences(text: str) -> list[str]:
    """Cut plain text into sentences with spaCy's rules."""
    return [sentence.text.strip() for sentence in _sentencizer()(text).sents if sentence.text.strip()]


def split(body: str) -> list[Passage]:
    """Cut a Markdown body into passages, in order; every word of the body is in at least one."""
    passages: list[Passage] = []
    run: list[_Block] = []
    for block in _blocks(body):
        words = sum(_words(one.text) for one in run)
        if run and (block.heading != run[0].heading or words + _words(block.text) > TARGET_WORDS * 1.5):
            passages.append(_join(run))
            run = []
        run.extend([block])
        if sum(_words(one.text) for one in run) >= TARGET_WORDS:
            passages.append(_join(run))
            run = []
    if run:
        passages.append(_join(run))
    return passages


def quote(passage_text: str, question: str) -> str:
    """Return up to `QUOTE_CHARACTERS` of whole sentences: those that share most words with the question, the
    earliest on a tie, so that a passage's opening answer is preferred."""
    found = sentences(passage_text)
    wanted = _content(question)
    best, best_score = (0, 1), -1.0
    for first in range(len(found)):
        length = 0
        for last in range(first, min(first + 3, len(found))):
            length += len(found[last]) + 1
            if length > QUOTE_CHARACTERS and last > first:
                break
            shared = len(wanted & _content(" ".join(found[first : last + 1])))
            score = shared + 0.1 * (last - first) - 0.25 * first
            if score > best_score:
                best, best_score = (first, last + 1), score
    text = " ".join(found[best[0] : best[1]])
    return text if len(text) <= QUOTE_CHARACTERS else text[: QUOTE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _content(text: str) -> set[str]:
    return {word[:6] for word in _WORD.findall(text.lower()) if word not in _COMMON}


def _join(run: list[_Block]) -> Passage:
    return Passage(run[0].heading, "\n".join(block.text for block in run), run[0].start, run[-1].end)


def _blocks(body: str) -> Iterator[_Block]:
    starts = [0]
    for line in body.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    heading = ""
    tokens = _markdown().parse(body)
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = plain(tokens[index + 1])
        elif token.type in ("inline", "fence", "code_block") and token.map is not None:
            if index and tokens[index - 1].type == "heading_open":
                continue
            start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
            yield from _pieces(_Block(heading, plain(token), start, end))


def _pieces(block: _Block) -> Iterator[_Block]:
    """A block longer than a passage is cut between sentences; its pieces keep the block's position."""
    if _words(block.text) <= TARGET_WORDS * 1.5:
        if block.text.strip():
            yield block
        return
    piece: list[str] = []
    for sentence in sentences(block.text):
        for part in _cut(sentence):
            if piece and _words(" ".join([*piece, part])) > TARGET_WORDS:
                yield _Block(block.heading, " ".join(piece), block.start, block.end)
                piece = []
            piece.append(part)
    if piece:
        yield _Block(block.heading, " ".join(piece), block.start, block.end)


def _cut(sentence: str) -> Iterator[str]:
    words = sentence.split(" ")
    for first in range(0, len(words), TARGET_WORDS):
        yield " ".join(words[first : first + TARGET_WORDS])


def plain(token: Token) -> str:
    """Return the words of an inline token without its Markdown."""
    if not token.children:
        return token.content.strip()
    parts: list[str] = []
    for child in token.children:
        if child.type in ("text", "code_inline", "html_inline"):
            parts.append("" if child.type == "html_inline" else child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(child.content)
    return "".join(parts).strip()
