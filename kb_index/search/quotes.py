"""Quotes from a passage the one to three sentences that bear on a question; users read them in the chat."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kb_index.text.markdown_units import Locator, lines_to_sentences

LONGEST_QUOTE = 340
"""Characters."""
_SENTENCES = 3
_WORD = re.compile(r"[\w'-]+")
_STEP = re.compile(r"(?:\d{1,9}[.)]|•) ")
_LEANING = re.compile(
    r"(it|this|that|these|those|they|then|also|but|otherwise|however|so|see|afterwards)\b", re.IGNORECASE
)
_SUFFIX = re.compile(r"(?<=\w{3})(?:'s|ing|ed|es|s|e)$")
_COMMON = frozenset(
    _WORD.findall(
        "a about an and any are as at be been but by can could did do does for from get had has have how i "
        "if in is it its me my no not of on or our please so that the their them then there this to was we "
        "what when where which who why will with would you your"
    )
)


@dataclass(frozen=True)
class Quotable:
    """A passage: plain text, one block a line; its article's title; its Markdown, at `offset` in the body."""

    text: str
    title: str
    source: str
    offset: int


@dataclass(frozen=True)
class Quote:
    """Plain text, and the offsets in the Markdown body of what it quotes."""

    text: str
    start: int
    end: int


def quote(passage: Quotable, question: str, nearness: Sequence[float] = ()) -> Quote:
    """Choose whole sentences.

    What counts for a window of sentences: its nearest one (`nearness` holds a cosine for each sentence, or
    nothing) and the words it shares with the question, those of the title less, since the title is shown
    beside the quote. The earlier wins a tie: articles answer first and explain after. A window neither ends
    in a colon nor begins in the middle of a thought when there is another.
    """
    found = lines_to_sentences(passage.text)
    if not found:
        return Quote("", passage.offset, passage.offset)
    near = list(nearness) if len(nearness) == len(found) else [0.0] * len(found)
    first, last = _window(found, _weights(found, question, passage.title), near)
    locator = Locator(passage.source)
    places = [locator.find(sentence) for sentence in found[: last + 1]]
    text = _joined(found[first : last + 1])
    return Quote(text, passage.offset + places[first][0], passage.offset + places[last][1])


def _weights(found: list[str], question: str, title: str) -> list[dict[str, float]]:
    wanted, titled = _content(question), _content(title)
    shared = [wanted & _content(sentence) for sentence in found]
    counts = {word: sum(word in one for one in shared) for word in wanted}
    return [{word: (0.3 if word in titled else 1) / counts[word] ** 0.5 for word in one} for one in shared]


def _window(found: list[str], weights: list[dict[str, float]], near: list[float]) -> tuple[int, int]:
    best, best_score = (0, 0), float("-inf")
    steps = [_STEP.match(one) is not None for one in found]
    for first in range(len(found)):
        words: dict[str, float] = {}
        length = idle = 0
        for last in range(first, len(found)):
            length += len(found[last]) + 1
            plain = sum(not step for step in steps[first : last + 1])
            if last > first and (length > LONGEST_QUOTE or plain > _SENTENCES):
                break
            words |= weights[last]
            idle += last > first and not weights[last] and not steps[last]
            score = 0.5 * sum(words.values()) + 2.5 * max(near[first : last + 1])
            score += 0.1 * min(last - first, 1) - 0.15 * max(0, idle - 1) + _shape(found, steps, first, last)
            if score > best_score:
                best, best_score = (first, last), score
    return best


def _shape(found: list[str], steps: list[bool], first: int, last: int) -> float:
    """How well the window stands alone: early is good, a list with its introduction, half of it not."""
    score = -min(0.06 * first, 0.3)
    if found[last].endswith(":"):
        score -= 0.6
    if _LEANING.match(found[first]):
        score -= 0.3
    if first and steps[first] and (steps[first - 1] or found[first - 1].endswith(":")):
        score -= 0.3
    if found[first].endswith(":") or steps[first]:
        score += 0.06 * min(5, sum(steps[first + 1 : last + 1]))
    return score


def _joined(chosen: list[str]) -> str:
    parts: list[str] = []
    for number, sentence in enumerate(chosen):
        following = chosen[number + 1] if number + 1 < len(chosen) else ""
        bare = sentence.removeprefix("• ")
        ends = bare[-1:] in ".?!:;…)" or bare[-2:] in ('."', '?"', '!"', ".”", "?”", "!”")
        # List items often end without a stop; run together they would read as one broken sentence.
        parts.append(bare if ends or not following else f"{bare};")
    text = " ".join(parts)
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1].rsplit(" ", 1)[0] + "…"


def _content(text: str) -> set[str]:
    """The words that carry meaning, roughly stemmed."""
    words = (
        word
        for word in _WORD.findall(text.lower())
        if word not in _COMMON and (len(word) > 1 or word.isdigit())
    )
    return {_SUFFIX.sub("", word.strip("'-"))[:6] for word in words}
